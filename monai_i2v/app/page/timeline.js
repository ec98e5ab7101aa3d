// The frames at a glance: what was drawn, judged, how sure the network is, and how large each object is.
import { allObjects, doubtful, state } from "./state.js";

const canvas = document.getElementById("timeline");
const pen = canvas.getContext("2d");
const LEFT = 98, RIGHT = 14, HEAD = 24;  // px
const DASHES = [[], [6, 3], [2, 3], [8, 3, 2, 3]];

const place = (index, wide) => LEFT + ((index + 0.5) * (wide - LEFT - RIGHT)) / state.video.frames;
export const frameAt = (x) => {
  const wide = canvas.clientWidth - LEFT - RIGHT;
  return Math.min(state.video.frames - 1, Math.max(0, Math.floor(((x - LEFT) * state.video.frames) / wide)));
};

export function renderTimeline() {
  if (!state.video) return;
  const wide = canvas.clientWidth, high = canvas.clientHeight, dpr = window.devicePixelRatio || 1;
  canvas.width = Math.round(wide * dpr); canvas.height = Math.round(high * dpr);
  pen.setTransform(dpr, 0, 0, dpr, 0, 0);
  pen.clearRect(0, 0, wide, high);
  pen.font = "11px system-ui, sans-serif";
  head(wide);
  const objects = allObjects(), lane = (high - HEAD - 4) / Math.max(1, objects.length);
  objects.forEach((one, rank) => drawLane(one, rank, HEAD + rank * lane, Math.min(lane, 56) - 4, wide));
  if (!objects.length) text("Outline an object in any frame, then press F or Enter: the masks run through the video.", LEFT, HEAD + 26, "#a9b0ba");
  playhead(wide, high);
  canvas.setAttribute("aria-valuemax", String(state.video.frames - 1));
  canvas.setAttribute("aria-valuenow", String(state.index));
  canvas.setAttribute("aria-valuetext", `frame ${state.index} of ${state.video.frames - 1}`);
}

function text(what, x, y, color) { pen.fillStyle = color; pen.textAlign = "left"; pen.textBaseline = "middle"; pen.fillText(what, x, y); }

function head(wide) {
  const step = (wide - LEFT - RIGHT) / state.video.frames, y = HEAD / 2 + 2;
  pen.fillStyle = "#20242b"; pen.fillRect(LEFT, y - 1, wide - LEFT - RIGHT, 2);
  text("drawn, judged", 8, y, "#a9b0ba");
  for (let index = 0; index < state.video.frames; index++) {
    const frame = state.frames.get(index), x = place(index, wide);
    if (frame?.review) mark(frame.review, x, y);
    if (state.drawn.has(index)) diamond(x, y, state.frames.get(index)?.review ? 4 : 5.5);
    else if (!frame?.review && doubtful(index).length) { pen.fillStyle = "#ff9d5c"; pen.fillRect(x - Math.max(1, step / 2 - 0.5), HEAD - 3, Math.max(2, step - 1), 3); }
  }
  if (state.suggested !== null) {
    const x = place(state.suggested, wide);
    pen.strokeStyle = "#ffd95c"; pen.lineWidth = 1.6;
    pen.beginPath(); pen.arc(x, y, 6.5, 0, 7); pen.stroke();
    pen.fillStyle = "#ffd95c"; pen.textAlign = "center"; pen.textBaseline = "middle"; pen.font = "bold 10px system-ui, sans-serif";
    pen.fillText("?", x, y + 0.5); pen.font = "11px system-ui, sans-serif";
  }
}

function diamond(x, y, size) {
  pen.beginPath(); pen.moveTo(x, y - size); pen.lineTo(x + size, y); pen.lineTo(x, y + size); pen.lineTo(x - size, y); pen.closePath();
  pen.fillStyle = "#fff"; pen.fill(); pen.strokeStyle = "#000"; pen.lineWidth = 1; pen.stroke();
}

function mark(review, x, y) {
  pen.lineWidth = 2; pen.strokeStyle = review === "accepted" ? "#6fd58d" : "#ff8a8a"; pen.beginPath();
  if (review === "accepted") { pen.moveTo(x - 4, y); pen.lineTo(x - 1, y + 4); pen.lineTo(x + 5, y - 5); }
  else { pen.moveTo(x - 4, y - 4); pen.lineTo(x + 4, y + 4); pen.moveTo(x + 4, y - 4); pen.lineTo(x - 4, y + 4); }
  pen.stroke();
}

// Bars: confidence; line: area, as a share of the largest.
function drawLane(one, rank, top, high, wide) {
  const step = (wide - LEFT - RIGHT) / state.video.frames, bottom = top + high;
  pen.fillStyle = "#1b1f25"; pen.fillRect(LEFT, top, wide - LEFT - RIGHT, high);
  pen.fillStyle = `rgb(${one.color})`; pen.beginPath(); pen.roundRect(8, top + high / 2 - 8, 20, 16, 3); pen.fill();
  pen.fillStyle = "#000"; pen.textAlign = "center"; pen.textBaseline = "middle"; pen.fillText(String(one.label), 18, top + high / 2 + 0.5);
  if (high > 22) { text("line: area", 33, top + high / 2 - 6, "#a9b0ba"); text("bar: sure", 33, top + high / 2 + 7, "#a9b0ba"); }
  let largest = 0;
  for (const frame of state.frames.values()) largest = Math.max(largest, frame.areas[one.label] ?? 0);
  pen.beginPath();
  let joined = false;
  for (let index = 0; index < state.video.frames; index++) {
    const frame = state.frames.get(index), sure = frame?.confidence[one.label];
    if (sure === undefined) { joined = false; continue; }
    const x = place(index, wide), isDoubtful = sure > 0 && sure < state.video.doubtful_below;
    pen.fillStyle = isDoubtful ? "#ff9d5c" : `rgba(${one.color}, 0.38)`;
    pen.fillRect(LEFT + index * step, bottom - sure * (high - 2), Math.max(1, step - (step > 4 ? 1 : 0)), sure * (high - 2));
    const y = bottom - 1 - ((frame.areas[one.label] ?? 0) / (largest || 1)) * (high - 4);
    pen[joined ? "lineTo" : "moveTo"](x, y);
    joined = true;
  }
  pen.setLineDash(DASHES[rank % DASHES.length]); pen.lineWidth = 3.4; pen.strokeStyle = "#000b"; pen.stroke();
  pen.lineWidth = 1.7; pen.strokeStyle = "#fff"; pen.stroke(); pen.setLineDash([]);
}

function playhead(wide, high) {
  const x = place(state.index, wide);
  pen.fillStyle = "#6cb8ff"; pen.fillRect(x - 0.75, 4, 1.5, high - 8);
  pen.beginPath(); pen.moveTo(x - 5, 0); pen.lineTo(x + 5, 0); pen.lineTo(x, 7); pen.closePath(); pen.fill();
}

export function listenToTimeline(go) {
  const seek = (event) => go(frameAt(event.clientX - canvas.getBoundingClientRect().left));
  canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); seek(event); });
  canvas.addEventListener("pointermove", (event) => { if (event.buttons & 1) seek(event); });
}
