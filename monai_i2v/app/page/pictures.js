// Frames as pictures, with those around the present one at hand.
import * as api from "./api.js";
import { state } from "./state.js";

const ROOM = 256 << 20;  // bytes of decoded pictures
const raw = new Map();  // by index: a promise of intensities
const kept = new Map();  // by index and window: a promise of a canvas
const TYPES = { uint8: Uint8Array, int8: Int8Array, uint16: Uint16Array, int16: Int16Array, float32: Float32Array };

const key = (index) => `${index} ${state.window ?? ""}`;

export function picture(index) {
  const name = key(index);
  if (kept.has(name)) {
    const found = kept.get(name);
    kept.delete(name); kept.set(name, found);
    return found;
  }
  const loading = state.window ? windowed(index, state.window) : plain(index);
  kept.set(name, loading);
  loading.catch(() => kept.delete(name));
  const most = Math.max(8, Math.floor(ROOM / (4 * state.video.width * state.video.height)));
  while (kept.size > most) kept.delete(kept.keys().next().value);
  return loading;
}

export function prefetch(index, direction, far = 4) {
  for (let step = 1; step <= far; step++) {
    const next = index + direction * step;
    if (next >= 0 && next < state.video.frames) picture(next).catch(() => {});
  }
}

// Another window; or another video.
export function forgetPictures(all = false) { kept.clear(); if (all) raw.clear(); }

function blank() {
  const canvas = document.createElement("canvas");
  canvas.width = state.video.width; canvas.height = state.video.height;
  return canvas;
}

async function plain(index) {
  const bitmap = await createImageBitmap(await api.picture(index), { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  const canvas = blank();
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  bitmap.close();
  return canvas;
}

// While black and white are dragged, a frame is asked for once.
function intensities(index) {
  if (!raw.has(index)) {
    raw.set(index, api.stored(index));
    raw.get(index).catch(() => raw.delete(index));
    if (raw.size > 8) raw.delete(raw.keys().next().value);
  }
  return raw.get(index);
}

// Intensities between black and white, as the server maps them for its own window.
async function windowed(index, [black, white]) {
  const { kind, channels, content } = await intensities(index);
  const values = new TYPES[kind](content), canvas = blank(), pen = canvas.getContext("2d");
  const image = pen.createImageData(canvas.width, canvas.height), out = image.data, scale = 255 / (white - black);
  for (let at = 0, to = 0; at < values.length; at += channels, to += 4) {
    for (let c = 0; c < 3; c++) out[to + c] = Math.round((values[at + Math.min(c, channels - 1)] - black) * scale);
    out[to + 3] = 255;
  }
  pen.putImageData(image, 0, 0);
  return canvas;
}
