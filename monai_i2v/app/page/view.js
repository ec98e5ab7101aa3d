// The picture with its masks: zoom, pan, and what is being drawn.
import { outlineOf } from "./masks.js";
import { picture, prefetch } from "./pictures.js";
import { curve } from "./spline.js";
import { allObjects, changed, labelsOf, rankOf, state } from "./state.js";

export const canvas = document.getElementById("view");
const pen = canvas.getContext("2d");
const DASHES = [[], [7, 4], [2, 3], [9, 3, 2, 3]];  // a second cue besides color, in screen px
export const draft = { spline: null, box: null, inside: [], outside: [], mask: null, cursor: null, erasing: false, keys: false };
export const zoom = { scale: 1, x: 0, y: 0, fitted: true };
export const shown = { index: -1, canvas: null };  // what is on the screen
let tint = null, tintOf = "", outlines = null, outlinesOf = null, asked = 0, last = 0;

export const toPixel = (x, y) => [(x - zoom.x) / zoom.scale, (y - zoom.y) / zoom.scale];  // of the video, edges at whole numbers
export const toScreen = (x, y) => [x * zoom.scale + zoom.x, y * zoom.scale + zoom.y];

export function fit() {
  const { width, height } = state.video, box = canvas.getBoundingClientRect();
  zoom.scale = Math.min(box.width / width, box.height / height);
  zoom.x = (box.width - width * zoom.scale) / 2;
  zoom.y = (box.height - height * zoom.scale) / 2;
  zoom.fitted = true;
  changed();
}

export function zoomAt(x, y, factor) {
  const scale = Math.min(40, Math.max(0.05, zoom.scale * factor)), change = scale / zoom.scale;
  zoom.x = x - (x - zoom.x) * change;
  zoom.y = y - (y - zoom.y) * change;
  zoom.scale = scale; zoom.fitted = false;
  changed();
}

export function pan(dx, dy) { zoom.x += dx; zoom.y += dy; zoom.fitted = false; changed(); }

// Shows the present frame as soon as it is there; what is on the screen stays until then.
export async function load() {
  const index = state.index, mine = ++asked;
  try {
    const found = await picture(index);
    if (mine !== asked) return;
    shown.canvas = found; shown.index = index;
    document.getElementById("loading").hidden = true;
    document.body.dataset.shown = String(index);
    prefetch(index, index >= last ? 1 : -1);
    last = index;
    changed();
  } catch (error) {
    if (mine === asked) { shown.index = index; document.dispatchEvent(new CustomEvent("refusal", { detail: error.message })); changed(); }
  }
}

const visible = () => (state.masksOff ? [] : allObjects().filter((one) => !state.hidden.has(one.label)));

// Colors of the masks, one pixel each; hatched from the second object on.
function paintTint(labels, box) {
  const { width, height } = state.video;
  if (!tint || tint.width !== width || tint.height !== height) {
    tint = document.createElement("canvas");
    tint.width = width; tint.height = height;
  }
  const [left, top, right, bottom] = box ?? [0, 0, width - 1, height - 1];
  if (right < left || bottom < top) return;
  const image = tint.getContext("2d").createImageData(right - left + 1, bottom - top + 1), out = image.data;
  const looks = new Map(visible().map((one) => [one.label, { color: one.color, rank: rankOf(one.label) }]));
  const period = Math.max(6, Math.round(width / 60)), alpha = 255 * state.opacity;
  for (let y = top, to = 0; y <= bottom; y++) {
    for (let x = left; x <= right; x++, to += 4) {
      const look = looks.get(labels[y * width + x]);
      if (!look) continue;
      const line = look.rank === 0 ? 1 : (look.rank % 3 === 1 ? x + y : look.rank % 3 === 2 ? x - y + height * period : y) % period;
      out[to] = look.color[0]; out[to + 1] = look.color[1]; out[to + 2] = look.color[2];
      out[to + 3] = line < period / 4 && look.rank ? Math.min(255, alpha * 1.7) : alpha;
    }
  }
  tint.getContext("2d").putImageData(image, left, top);
}

// While a stroke is drawn only its surroundings are painted.
export function repaint(labels, box) { paintTint(labels, box); changed(); }

export function render() {
  if (!state.video) return;
  const box = canvas.getBoundingClientRect(), dpr = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(box.width * dpr) || canvas.height !== Math.round(box.height * dpr)) {
    canvas.width = Math.round(box.width * dpr); canvas.height = Math.round(box.height * dpr);
    if (zoom.fitted) fit();
  }
  pen.setTransform(dpr, 0, 0, dpr, 0, 0);
  pen.fillStyle = "#000"; pen.fillRect(0, 0, box.width, box.height);
  if (!shown.canvas) return;
  pen.imageSmoothingEnabled = zoom.scale < 3;
  pen.drawImage(shown.canvas, zoom.x, zoom.y, state.video.width * zoom.scale, state.video.height * zoom.scale);
  const labels = draft.mask ? draft.labels : labelsOf(state.index);
  if (labels && shown.index === state.index) renderMasks(labels);
  if (state.onion) renderOnion();
  renderDraft();
  const chip = document.getElementById("zoom-chip");
  chip.textContent = zoom.fitted ? "" : `${Math.round(100 * zoom.scale)} %`;
}

function renderMasks(labels) {
  const name = [state.opacity, state.masksOff, ...visible().map((one) => [one.label, one.color])].join();
  if (!draft.mask && (outlinesOf !== labels || tintOf !== name)) {
    paintTint(labels);
    outlines = new Map(visible().map((one) => [one.label, outlineOf(labels, one.label, state.video.width, state.video.height)]));
    outlinesOf = labels; tintOf = name;
  }
  pen.imageSmoothingEnabled = false;
  pen.drawImage(tint, zoom.x, zoom.y, tint.width * zoom.scale, tint.height * zoom.scale);
  for (const one of visible()) {
    const line = outlines?.get(one.label);
    if (!line || (draft.mask && one.label === state.active)) continue;
    strokePath(line.path, one, one.label === state.active ? 2.2 : 1.6);
  }
  for (const one of visible()) {
    const line = outlines?.get(one.label);
    if (line && !draft.mask) tag(line, one);
  }
}

function strokePath(path, one, width, alpha = 1) {
  pen.save();
  pen.translate(zoom.x, zoom.y); pen.scale(zoom.scale, zoom.scale);
  pen.lineJoin = "round"; pen.lineCap = "butt"; pen.globalAlpha = alpha;
  pen.strokeStyle = "#000b"; pen.lineWidth = (width + 2) / zoom.scale; pen.stroke(path);
  pen.setLineDash(DASHES[rankOf(one.label) % DASHES.length].map((length) => length / zoom.scale));
  pen.strokeStyle = `rgb(${one.color})`; pen.lineWidth = width / zoom.scale; pen.stroke(path);
  pen.restore();
}

function tag(line, one) {
  const [x, y] = toScreen(line.box[0] + (line.box[2] - line.box[0]) / 2, line.box[1]), text = String(one.label);
  pen.font = "bold 12px system-ui, sans-serif";
  const wide = pen.measureText(text).width + 10, top = Math.max(2, y - 22);
  pen.fillStyle = `rgb(${one.color})`; pen.strokeStyle = "#000c"; pen.lineWidth = 1;
  pen.beginPath(); pen.roundRect(x - wide / 2, top, wide, 17, 4); pen.fill(); pen.stroke();
  pen.fillStyle = "#000"; pen.textAlign = "center"; pen.textBaseline = "middle";
  pen.fillText(text, x, top + 9);
}

function renderOnion() {
  const before = [...state.drawn].filter((frame) => frame < state.index).pop(), after = [...state.drawn].find((frame) => frame > state.index);
  for (const frame of [before, after]) {
    const labels = frame === undefined ? null : labelsOf(frame);
    if (!labels) continue;
    for (const one of visible()) {
      const line = outlineOf(labels, one.label, state.video.width, state.video.height);
      if (line) strokePath(line.path, one, 1, 0.55);
    }
  }
}

const activeColor = () => `rgb(${allObjects().find((one) => one.label === state.active)?.color ?? [255, 255, 255]})`;

function dot(x, y, color, size = 4.5) {
  pen.beginPath(); pen.arc(x, y, size, 0, 2 * Math.PI);
  pen.fillStyle = color; pen.fill(); pen.lineWidth = 1.5; pen.strokeStyle = "#000"; pen.stroke();
}

function renderDraft() {
  const color = activeColor();
  if (state.tool === "spline" && draft.spline) {
    const { points, closed } = draft.spline, line = closed ? curve(points) : points;
    pen.beginPath();
    line.forEach((point, k) => pen[k ? "lineTo" : "moveTo"](...toScreen(point[0] + 0.5, point[1] + 0.5)));
    if (closed) pen.closePath();
    else if (draft.cursor) pen.lineTo(...draft.cursor);
    pen.lineWidth = 3.5; pen.strokeStyle = "#000a"; pen.stroke();
    pen.lineWidth = 1.6; pen.strokeStyle = color; pen.stroke();
    points.forEach((point, k) => dot(...toScreen(point[0] + 0.5, point[1] + 0.5), k || closed ? color : "#fff"));
  }
  if (state.tool === "click") {
    if (draft.box) {
      const [a, b] = draft.box.map((point) => toScreen(point[0] + 0.5, point[1] + 0.5));
      pen.strokeStyle = "#fff"; pen.lineWidth = 1.5; pen.setLineDash([6, 4]);
      pen.strokeRect(a[0], a[1], b[0] - a[0], b[1] - a[1]); pen.setLineDash([]);
    }
    for (const point of draft.inside) sign(point, "+", "#7ee08f");
    for (const point of draft.outside) sign(point, "−", "#ff8a8a");
  }
  if (draft.cursor && (state.tool === "brush" || state.tool === "eraser")) {
    const radius = (state.brush / 2) * zoom.scale;
    for (const [width, ink] of [[3, "#000a"], [1.3, state.tool === "eraser" || draft.erasing ? "#fff" : color]]) {
      pen.beginPath(); pen.arc(...draft.cursor, radius, 0, 2 * Math.PI);
      pen.lineWidth = width; pen.strokeStyle = ink; pen.stroke();
    }
  }
  if (draft.keys && draft.cursor) {
    const [x, y] = draft.cursor;
    pen.strokeStyle = "#fff"; pen.lineWidth = 1.2;
    pen.beginPath(); pen.moveTo(x - 12, y); pen.lineTo(x + 12, y); pen.moveTo(x, y - 12); pen.lineTo(x, y + 12); pen.stroke();
  }
}

function sign(point, text, color) {
  const [x, y] = toScreen(point[0] + 0.5, point[1] + 0.5);
  dot(x, y, color, 8);
  pen.fillStyle = "#000"; pen.font = "bold 14px system-ui, sans-serif"; pen.textAlign = "center"; pen.textBaseline = "middle";
  pen.fillText(text, x, y + 0.5);
}
