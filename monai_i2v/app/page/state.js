// What the page knows. Whoever changes it calls changed(); whoever shows it listens.
import { decode } from "./masks.js";

export const state = {
  video: null,          // facts: frames, width, height, times, spacing, window ...
  objects: [],          // {label, name, color}, ascending
  local: [],            // objects that were named but not drawn yet
  drawn: new Set(),     // frames
  frames: new Map(),    // by index: {labels, areas, confidence, drawn, review, pending}
  index: 0,
  active: 1,            // label
  hidden: new Set(), locked: new Set(),
  tool: "spline",
  brush: 14,            // diameter, px of the video
  opacity: 0.35,
  onion: false,
  masksOff: false,      // while a key is held
  suggested: null, undo: false, redo: false,
  busy: "", progress: null,
  editor: true,
  window: null,         // [black, white] as the source stores them; null for the default
};

const listeners = new Set();
let waiting = false;
export const onChange = (listener) => listeners.add(listener);
export function changed() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; for (const listener of listeners) listener(); });
}

export const count = () => state.video.width * state.video.height;
export const allObjects = () => [...state.objects, ...state.local.filter((one) => !state.objects.some((other) => other.label === one.label))];
export const rankOf = (label) => Math.max(0, allObjects().findIndex((one) => one.label === label));
export const objectOf = (label) => allObjects().find((one) => one.label === label);
export const here = () => state.frames.get(state.index);

export function labelsOf(index) {
  const frame = state.frames.get(index);
  if (!frame) return null;
  frame.labels ??= decode(frame.runs, count());
  return frame.labels;
}

// Takes what the server says of a frame, unless something newer is on its way to the server.
export function take(frame) {
  const old = state.frames.get(frame.index);
  if (old?.pending) return;
  state.frames.set(frame.index, frame);
}

export function doubtful(index) {
  const frame = state.frames.get(index);
  if (!frame) return [];
  return Object.entries(frame.confidence).filter(([, sure]) => sure > 0 && sure < state.video.doubtful_below).map(([label]) => Number(label));
}

export const isKnown = (index) => Object.keys(state.frames.get(index)?.confidence ?? {}).length > 0;
