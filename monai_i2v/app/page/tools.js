// What the pointer does to the picture, by tool; the keyboard can hold the pointer too.
import * as api from "./api.js";
import { decode, fillPolygon, maskOf, stamp } from "./masks.js";
import { forgetPictures } from "./pictures.js";
import { curve, gapNearest } from "./spline.js";
import { changed, count, state } from "./state.js";
import { activeMask, allowedHere, labelsHere, putActive, refuse, send } from "./strokes.js";
import { canvas, draft, load, pan, repaint, toPixel, toScreen, zoom, zoomAt } from "./view.js";

const NEAR = 9;  // screen px
const splines = new Map();  // closed ones by frame and label: they can be dragged on
let held = null;  // what the pointer is doing

const name = () => `${state.index} ${state.active}`;
const pixel = (x, y) => toPixel(x, y).map((value) => value - 0.5);  // centers of pixels at whole numbers
const clamp = (value, most) => Math.min(most, Math.max(0, Math.round(value)));
const whole = (x, y) => { const [a, b] = pixel(x, y); return [clamp(a, state.video.width - 1), clamp(b, state.video.height - 1)]; };
const distance = (point, x, y) => { const [a, b] = toScreen(point[0] + 0.5, point[1] + 0.5); return Math.hypot(a - x, b - y); };

// Another frame, object or tool: prompts of the former one go.
export function settleDraft() {
  Object.assign(draft, { box: null, inside: [], outside: [], mask: null });
  draft.spline = splines.get(name()) ?? null;
  changed();
}

// Masks changed otherwise: curves do not fit them any more.
export function dropSplines(index) {
  for (const key of [...splines.keys()]) if (index === undefined || key.startsWith(`${index} `)) splines.delete(key);
  if (draft.spline?.closed) draft.spline = null;
}

export const hasDraft = () => Boolean((draft.spline && !draft.spline.closed) || draft.box || draft.inside.length);

export function cancelDraft() {
  if (draft.spline && !draft.spline.closed) draft.spline = null;
  Object.assign(draft, { box: null, inside: [], outside: [] });
  changed();
}

export function closeSpline(add = false) {
  const spline = draft.spline;
  if (!spline || spline.closed || spline.points.length < 3) return false;
  spline.closed = true;
  commitSpline(spline, add);
  return true;
}

function commitSpline(spline, add = false) {
  const { width, height } = state.video, mask = fillPolygon(curve(spline.points), width, height);
  if (!mask.includes(1)) return refuse(new Error("the outline holds no pixel; draw a larger one."));
  if (add) { const old = activeMask(); for (let at = 0; at < mask.length; at++) mask[at] |= old[at]; }
  splines.set(name(), spline);
  draft.spline = spline;
  putActive(mask);
}

function pressSpline(x, y, opposite, add) {
  const spline = draft.spline, at = pixel(x, y);
  if (!spline) { draft.spline = { points: [at], closed: false }; return; }
  const near = spline.points.findIndex((point) => distance(point, x, y) < NEAR);
  if (!spline.closed) {
    if (near === 0 && spline.points.length > 2) { closeSpline(add); return; }
    if (opposite) spline.points.pop(); else if (near !== spline.points.length - 1) spline.points.push(at);
    return;
  }
  if (near >= 0 && opposite && spline.points.length > 3) { spline.points.splice(near, 1); commitSpline(spline); return; }
  if (near >= 0) { held = { move: (a, b) => { spline.points[near] = pixel(a, b); }, end: () => commitSpline(spline) }; return; }
  const { gap, distance: away } = gapNearest(spline.points, at);
  if (away * zoom.scale < NEAR) {
    spline.points.splice(gap, 0, at);
    held = { move: (a, b) => { spline.points[gap] = pixel(a, b); }, end: () => commitSpline(spline) };
    return;
  }
  draft.spline = { points: [at], closed: false };
}

function pressBrush(x, y, opposite) {
  if (!state.editor) return;
  if (state.locked.has(state.active)) { refuse(new Error("this object is locked; unlock it to change it.")); return; }
  const { width, height } = state.video, erase = (state.tool === "eraser") !== opposite, allowed = allowedHere();
  const labels = labelsHere().slice(), mask = maskOf(labels, state.active), under = labelsHere();
  draft.mask = mask; draft.labels = labels; draft.erasing = erase;
  let [px, py] = pixel(x, y);
  const dab = (a, b) => {
    const box = stamp(mask, width, height, a, b, state.brush / 2, erase ? 0 : 1, allowed);
    for (let row = box[1]; row <= box[3]; row++) {
      for (let at = row * width + box[0], end = row * width + box[2]; at <= end; at++) {
        labels[at] = mask[at] ? state.active : under[at] === state.active ? 0 : under[at];
      }
    }
    repaint(labels, box);
  };
  dab(px, py);
  held = {
    move: (a, b) => {
      const [qx, qy] = pixel(a, b), steps = Math.max(1, Math.ceil(Math.hypot(qx - px, qy - py) / Math.max(0.5, state.brush / 6)));
      for (let step = 1; step <= steps; step++) dab(px + ((qx - px) * step) / steps, py + ((qy - py) * step) / steps);
      px = qx; py = qy;
    },
    end: () => { draft.mask = null; draft.erasing = false; dropSplines(state.index); putActive(mask); },
  };
}

function pressClick(x, y, opposite) {
  const start = whole(x, y);
  held = {
    move: (a, b) => { if (Math.hypot(a - x, b - y) > 5) draft.box = [start, whole(a, b)]; },
    end: (a, b) => {
      if (Math.hypot(a - x, b - y) > 5) { draft.box = [start, whole(a, b)]; draft.inside = []; draft.outside = []; }
      else draft[opposite ? "outside" : "inside"].push(start);
      askOutline();
    },
  };
}

function askOutline() {
  if (!draft.box && !draft.inside.length) return;
  const prompt = { frame: state.index, inside: draft.inside, outside: draft.outside, ...(draft.box ? { box: draft.box } : {}) };
  const where = name();
  send(async () => {
    const { runs } = await api.outline(prompt);
    if (where !== name()) return;
    dropSplines(state.index);
    putActive(Uint8Array.from(decode(runs, count())));
  });
}

export function press(x, y, { opposite = false, add = false } = {}) {
  ({ spline: pressSpline, brush: pressBrush, eraser: pressBrush, click: pressClick })[state.tool](x, y, opposite, add);
  changed();
}
export function release(x, y) { const job = held; held = null; job?.end(x, y); changed(); }

// Black and white follow the right button, as in viewers of radiology: across is contrast, up and down is brightness.
function windowDrag(x, y) {
  const [black, white] = state.window ?? state.video.window, level = (black + white) / 2, width = white - black;
  return {
    move: (a, b) => {
      const wide = width * Math.exp((a - x) / 200), middle = level + ((b - y) / 300) * Math.abs(width);
      state.window = [middle - wide / 2, middle + wide / 2];
      forgetPictures();
      load();
    },
    end: () => {},
  };
}

const panDrag = (x, y) => ({ move: (a, b) => { pan(a - x, b - y); x = a; y = b; }, end: () => {} });
const place = (event) => { const box = canvas.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };

export function listenToPointer() {
  canvas.addEventListener("pointerdown", (event) => {
    if (!state.video) return;
    canvas.focus();
    canvas.setPointerCapture(event.pointerId);
    const [x, y] = place(event);
    draft.keys = false;
    if (event.button === 2) held = windowDrag(x, y);
    else if (event.button === 1) held = panDrag(x, y);
    else press(x, y, { opposite: event.altKey, add: event.shiftKey });
    event.preventDefault();
  });
  canvas.addEventListener("pointermove", (event) => {
    draft.cursor = place(event);
    if (held) for (const one of event.getCoalescedEvents?.().length ? event.getCoalescedEvents() : [event]) held.move(...place(one));
    changed();
  });
  canvas.addEventListener("pointerup", (event) => release(...place(event)));
  canvas.addEventListener("pointercancel", () => { held = null; draft.mask = null; changed(); });
  canvas.addEventListener("pointerleave", () => { if (!held && !draft.keys) { draft.cursor = null; changed(); } });
  canvas.addEventListener("dblclick", () => closeSpline());
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    if (event.ctrlKey) resizeBrush(event.deltaY < 0 ? 1.15 : 1 / 1.15);
    else zoomAt(...place(event), Math.exp(-event.deltaY / 400));
  }, { passive: false });
}

export function resizeBrush(factor) {
  state.brush = Math.min(120, Math.max(1, factor > 1 ? Math.ceil(state.brush * factor) : Math.floor(state.brush * factor)));
  changed();
}

// The keyboard's pointer, for whoever has no mouse: moves by pixels of the video.
export function keyPointer(dx, dy) {
  const [x, y] = draft.cursor ?? [canvas.clientWidth / 2, canvas.clientHeight / 2];
  draft.cursor = [x + dx * zoom.scale, y + dy * zoom.scale];
  draft.keys = true;
  changed();
}
export function keyPress(opposite) {
  if (!draft.cursor) keyPointer(0, 0);
  press(...draft.cursor, { opposite });
  release(...draft.cursor);
}
