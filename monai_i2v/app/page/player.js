// Plays at the recording's own times; a frame that comes late is not skipped.
import { state } from "./state.js";

const UNKNOWN = 0.1;  // s per frame, when the recording does not tell
let timer = null;

export const playing = () => timer !== null;

const seconds = (index) => {
  const times = state.video.times;
  if (!times) return UNKNOWN;
  if (index + 1 < times.length) return times[index + 1] - times[index];
  return times.length > 1 ? (times[index] - times[0]) / (times.length - 1) : UNKNOWN;
};

export function stopPlaying() { clearTimeout(timer); timer = null; }

export function play(go) {
  if (playing()) { stopPlaying(); return; }
  let due = performance.now();
  const next = async () => {
    await go((state.index + 1) % state.video.frames);
    if (!playing()) return;
    due = Math.max(due + 1000 * seconds(state.index), performance.now());
    timer = setTimeout(next, due - performance.now());
  };
  timer = setTimeout(next, 1000 * seconds(state.index));
}
