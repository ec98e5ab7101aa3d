// Icons as SVG, 24 x 24.
const paths = {
  spline: "M4 13c1-6 5-9 9-8s7 5 6 9-5 6-9 5-6-3-6-6z M4 13h.01 M13 5h.01 M19 14h.01 M10 19h.01",
  brush: "M20 4c-5 2-9 6-11 9l2 2c3-2 7-6 9-11z M8 14c-3 0-3 3-5 5 3 1 7 0 7-3",
  eraser: "M8 19h12 M5 15l9-10 6 5-8 9H8z M9 10l6 6",
  click: "M9 9l4 11 2-5 5-2z M4 4l2 2 M10 3v2 M3 10h2",
  fill: "M12 3a9 9 0 1 0 .01 0z M12 8a4 4 0 1 0 .01 0z M12 12h.01",
  largest: "M10 4a6 6 0 1 0 .01 0z M19 16l3 3 M22 16l-3 3",
  "copy-previous": "M9 8h11v11H9z M5 15V4h11 M4 19l-2-2 2-2",
  clear: "M5 7h14 M10 7V4h4v3 M7 7l1 13h8l1-13",
  back: "M20 12H5 M11 6l-6 6 6 6",
  forward: "M4 12h15 M13 6l6 6-6 6",
  both: "M2 12h20 M7 7l-5 5 5 5 M17 7l5 5-5 5",
  stop: "M6 6h12v12H6z",
  accept: "M4 13l5 5L20 6",
  reject: "M6 6l12 12 M18 6L6 18",
  doubtful: "M9 9a3 3 0 1 1 4 3c-1 .5-1 1-1 2 M12 18h.01 M12 2a10 10 0 1 0 .01 0z",
  suggested: "M12 3a6 6 0 0 0-3 11v3h6v-3a6 6 0 0 0-3-11z M10 21h4",
  undo: "M8 5L4 9l4 4 M4 9h10a5 5 0 0 1 0 10h-4",
  redo: "M16 5l4 4-4 4 M20 9H10a5 5 0 0 0 0 10h4",
  export: "M12 3v12 M7 10l5 5 5-5 M4 20h16",
  help: "M9 9a3 3 0 1 1 4 3c-1 .5-1 1-1 2 M12 18h.01",
  eye: "M2 12c3-5 6-7 10-7s7 2 10 7c-3 5-6 7-10 7s-7-2-10-7z M12 9a3 3 0 1 0 .01 0z",
  "eye-off": "M2 12c3-5 6-7 10-7s7 2 10 7c-3 5-6 7-10 7s-7-2-10-7z M4 20L20 4",
  lock: "M6 11h12v9H6z M8 11V8a4 4 0 0 1 8 0v3",
  unlock: "M6 11h12v9H6z M8 11V8a4 4 0 0 1 7-2",
  remove: "M5 7h14 M10 7V4h4v3 M7 7l1 13h8l1-13",
  play: "M7 4l13 8-13 8z",
  pause: "M8 5v14 M16 5v14",
};

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", paths[name]);
  svg.append(path);
  return svg;
}
