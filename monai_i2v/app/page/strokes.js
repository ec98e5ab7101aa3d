// Changes of the present frame's masks: shown at once, then sent; the server has the last word.
import * as api from "./api.js";
import { encode, maskOf } from "./masks.js";
import { changed, count, labelsOf, state } from "./state.js";

export const refuse = (error) => document.dispatchEvent(new CustomEvent("refusal", { detail: error.message }));
let queue = Promise.resolve(), pending = 0;

// One change after the other, in the order in which they were made.
export function send(job) {
  document.body.dataset.pending = String(++pending);
  queue = queue.then(job).catch(refuse).then(() => { document.body.dataset.pending = String(--pending); });
  return queue;
}

export const labelsHere = () => labelsOf(state.index) ?? new Int32Array(count());
export const activeMask = () => maskOf(labelsHere(), state.active);

// 1 where the active object may be drawn: not on objects that are locked.
export function allowedHere() {
  if (![...state.locked].some((label) => label !== state.active)) return null;
  return Uint8Array.from(labelsHere(), (label) => Number(!(state.locked.has(label) && label !== state.active)));
}

// Puts masks (by label) into the present frame.
export function put(masks) {
  if (!state.editor) return Promise.resolve();
  const index = state.index, old = state.frames.get(index), labels = labelsHere().slice();
  for (const [label, mask] of Object.entries(masks)) {
    const value = Number(label);
    for (let at = 0; at < mask.length; at++) {
      if (mask[at]) labels[at] = value;
      else if (labels[at] === value) labels[at] = 0;
    }
  }
  const frame = { index, labels, areas: old?.areas ?? {}, confidence: old?.confidence ?? {}, drawn: old?.drawn ?? [], review: "", pending: (old?.pending ?? 0) + 1 };
  state.frames.set(index, frame);
  changed();
  const body = Object.fromEntries(Object.entries(masks).map(([label, mask]) => [label, encode(mask)]));
  return send(async () => {
    let error = null;
    try {
      await api.draw(index, body);
      for (const label of Object.keys(body)) await introduce(Number(label));
    } catch (refused) { error = refused; }
    await settle(index);
    if (error) throw error;
  });
}

// The change has arrived: what the server says of the frame counts again.
async function settle(index) {
  const frame = state.frames.get(index);
  if (frame && --frame.pending > 0) return;
  const found = await api.labels(index);
  if (!state.frames.get(index)?.pending) state.frames.set(index, found);
  changed();
}

// An object that got its name before it was drawn.
async function introduce(label) {
  const one = state.local.find((other) => other.label === label);
  state.local = state.local.filter((other) => other !== one);
  if (one?.named) await api.describe(label, { name: one.name });
}

export function putActive(mask) {
  const allowed = allowedHere();
  if (allowed) mask = mask.map((value, at) => value & allowed[at]);
  if (state.locked.has(state.active)) {
    refuse(new Error("this object is locked; unlock it to change it."));
    return Promise.resolve();
  }
  return put({ [state.active]: mask });
}
