// All that can be done, once: buttons, tooltips, keys and the sheet of keys are made from this list.
import * as api from "./api.js";
import { fillHoles, largestPart, maskOf } from "./masks.js";
import { newObject, toggle } from "./objects.js";
import { forgetPictures } from "./pictures.js";
import { play, playing, stopPlaying } from "./player.js";
import { allObjects, changed, doubtful, isKnown, labelsOf, state } from "./state.js";
import { activeMask, labelsHere, put, putActive, refuse, send } from "./strokes.js";
import { cancelDraft, closeSpline, dropSplines, hasDraft, keyPointer, keyPress, resizeBrush, settleDraft } from "./tools.js";
import { draft, fit, load, zoomAt, canvas } from "./view.js";

export function go(index) {
  const to = Math.min(state.video.frames - 1, Math.max(0, index));
  if (to === state.index) return Promise.resolve();
  state.index = to;
  settleDraft();
  changed();
  if (!state.frames.has(to)) api.labels(to).then((frame) => { if (!state.frames.has(to)) { state.frames.set(to, frame); changed(); } }).catch(() => {});
  return load();
}

export function select(label) {
  if (!allObjects().some((one) => one.label === label)) return;
  state.active = label;
  settleDraft();
}

const pick = (tool) => () => { state.tool = tool; draft.box = null; draft.inside = []; draft.outside = []; changed(); };
const change = (edit) => () => { const { width, height } = state.video; dropSplines(state.index); putActive(edit(activeMask(), width, height)); };
const needsMask = () => labelsHere().includes(state.active);

function copyFrom(step) {
  const from = state.index + step, labels = from >= 0 && from < state.video.frames ? labelsOf(from) : null;
  const found = labels ? allObjects().filter((one) => !state.locked.has(one.label) && labels.includes(one.label)) : [];
  if (!found.length) { refuse(new Error(`there is no mask in frame ${from} to copy; draw one, or go to another frame.`)); return; }
  dropSplines(state.index);
  put(Object.fromEntries(found.map((one) => [one.label, maskOf(labels, one.label)])));
}

function nextWhere(test) {
  for (let step = 1; step <= state.video.frames; step++) {
    const index = (state.index + step) % state.video.frames;
    if (test(index)) return go(index);
  }
  return false;
}
const nextDoubtful = () => {
  if (nextWhere((index) => doubtful(index).length && !state.frames.get(index)?.review) === false) tell("No frame is doubtful that is not judged already.");
};
const suggested = () => (state.suggested === null ? refuse(new Error("nothing is suggested yet; draw an object, and let the masks run.")) : go(state.suggested));

export const tell = (sentence) => document.dispatchEvent(new CustomEvent("news", { detail: sentence }));
const run = (direction) => () => send(() => api.propagate(direction));
const judge = (mark) => () => {
  const index = state.index, same = state.frames.get(index)?.review === mark;
  send(async () => {
    await api.review(index, same ? "" : mark);
    state.frames.set(index, await api.labels(index));
    if (!same && state.index === index && index + 1 < state.video.frames) go(index + 1);
    changed();
  });
};
// Frames that have masks, are not doubtful, and were not judged.
const acceptRest = () => {
  const frames = [...state.frames.keys()].filter((index) => isKnown(index) && !state.frames.get(index).review && !doubtful(index).length);
  if (!frames.length) { tell("No frame is left that could be accepted unseen."); return; }
  send(async () => {
    await api.reviewAll(frames.sort((a, b) => a - b), "accepted");
    tell(`${frames.length} frames are accepted; doubtful and judged ones were left out. Undo takes it back.`);
  });
};
const back = (job) => () => { dropSplines(); draft.spline = null; send(job); };

const escape = () => {
  if (hasDraft()) cancelDraft();
  else if (draft.keys) { draft.keys = false; draft.cursor = null; changed(); }
  else if (state.busy) api.cancel().catch(refuse);
  else if (playing()) { stopPlaying(); changed(); }
  else { draft.spline = null; changed(); }
};
const enter = (event) => { if (!closeSpline(event?.shiftKey)) run("both")(); };
const arrow = (dx, dy, step) => (event) => {
  if (draft.keys) keyPointer(dx * (event.shiftKey ? 10 : 1), dy * (event.shiftKey ? 10 : 1));
  else if (step) go(state.index + step * (event.shiftKey ? 10 : 1));
};
const space = (event) => { if (draft.keys) keyPress(event.altKey); else play(go); changed(); };

// group: where its button stands; keys: as KeyboardEvent.key, with Ctrl+ and Shift+; edits: not for who looks on.
export const actions = [
  { id: "spline", section: "Draw", group: "tool", label: "Spline", keys: ["p"], say: "Spline: set points, close it at the first point or with Enter; drag points, Alt+click removes one", do: pick("spline"), tool: true },
  { id: "brush", section: "Draw", group: "tool", label: "Brush", keys: ["b"], say: "Brush; hold Alt to erase", do: pick("brush"), tool: true },
  { id: "eraser", section: "Draw", group: "tool", label: "Eraser", keys: ["e"], say: "Eraser; hold Alt to paint", do: pick("eraser"), tool: true },
  { id: "click", section: "Draw", group: "tool", label: "Box and clicks", keys: ["c"], say: "Box and clicks: drag a box around the object, click on what is missing, Alt+click on what is too much", do: pick("click"), tool: true },
  { id: "smaller", section: "Draw", keys: ["["], say: "Smaller brush", do: () => resizeBrush(1 / 1.2) },
  { id: "larger", section: "Draw", keys: ["]"], say: "Larger brush", do: () => resizeBrush(1.2) },
  { id: "fill", section: "Draw", group: "mask", label: "Fill holes", keys: ["g"], say: "Fill the holes of the active object", do: change(fillHoles), edits: true, enabled: needsMask },
  { id: "largest", section: "Draw", group: "mask", label: "Largest part", keys: ["l"], say: "Keep the largest part of the active object", do: change(largestPart), edits: true, enabled: needsMask },
  { id: "copy-previous", section: "Draw", group: "mask", label: "Copy previous", keys: ["v"], say: "Copy the masks of the frame before", do: () => copyFrom(-1), edits: true, enabled: () => state.index > 0 },
  { id: "copy-next", section: "Draw", keys: ["Shift+v"], say: "Copy the masks of the frame after", do: () => copyFrom(1), edits: true },
  { id: "clear", section: "Draw", group: "mask", label: "Forget frame", keys: ["Delete", "Backspace"], say: "Forget what was drawn in this frame", do: back(() => api.forget(state.index)), edits: true, enabled: () => state.drawn.has(state.index) },
  { id: "new-object", section: "Draw", keys: ["n"], say: "New object", do: newObject, edits: true },
  { id: "keys", section: "Draw", keys: ["m"], say: "Keyboard pointer: arrows move it (Shift: 10 px), Space presses, Alt+Space the opposite", do: () => { draft.keys = !draft.keys; if (draft.keys) keyPointer(0, 0); else draft.cursor = null; changed(); } },
  { id: "back", section: "Find masks", group: "find", label: "Backward", keys: ["Shift+f"], say: "Carry the masks backward in time", do: run("backward"), edits: true, enabled: () => state.drawn.size > 0 && !state.busy },
  { id: "both", section: "Find masks", group: "find", main: true, label: "Both ways", keys: ["Enter"], say: "Carry the masks both ways (Enter, when no outline is open)", do: run("both"), key: enter, edits: true, enabled: () => state.drawn.size > 0 && !state.busy },
  { id: "forward", section: "Find masks", group: "find", label: "Forward", keys: ["f"], say: "Carry the masks forward in time", do: run("forward"), edits: true, enabled: () => state.drawn.size > 0 && !state.busy },
  { id: "stop", section: "Find masks", group: "find", label: "Stop", keys: ["Escape"], say: "Stop; what was found is kept", do: () => api.cancel().catch(refuse), key: escape, enabled: () => Boolean(state.busy) },
  { id: "accept", section: "Review", group: "review", main: true, label: "Accept", keys: ["a"], say: "Accept this frame, and go to the next", do: judge("accepted"), edits: true },
  { id: "accept-rest", section: "Review", keys: ["Shift+a"], say: "Accept all frames that have masks, are not doubtful and not judged", do: acceptRest, edits: true },
  { id: "reject", section: "Review", group: "review", main: true, label: "Reject", keys: ["x"], say: "Reject this frame, and go to the next", do: judge("rejected"), edits: true },
  { id: "doubtful", section: "Review", group: "review", label: "Doubtful", keys: ["d"], say: "Next doubtful frame that is not judged", do: nextDoubtful },
  { id: "suggested", section: "Review", group: "review", label: "Suggested", keys: ["s"], say: "The frame that is most worth drawing next", do: suggested },
  { id: "undo", section: "Session", group: "history", label: "Undo", keys: ["Ctrl+z"], say: "Undo: strokes, found masks, reviews", do: back(api.undo), edits: true, enabled: () => state.undo },
  { id: "redo", section: "Session", group: "history", label: "Redo", keys: ["Ctrl+Shift+z", "Ctrl+y"], say: "Redo", do: back(api.redo), edits: true, enabled: () => state.redo },
  { id: "export", section: "Session", group: "session", main: true, label: "Export", keys: ["Ctrl+s"], say: "Export masks, report and tables", do: () => send(api.exportAll), edits: true, enabled: () => state.drawn.size > 0 && !state.busy },
  { id: "videos", section: "Session", keys: ["t"], say: "List of videos", do: () => document.dispatchEvent(new Event("list")) },
  { id: "help", section: "Session", group: "session", label: "Keys", keys: ["?"], say: "Keys", do: () => document.getElementById("help-sheet").showModal() },
  { id: "previous", section: "Look", keys: ["ArrowLeft"], say: "Frame before (Shift: 10)", do: () => go(state.index - 1), key: arrow(-1, 0, -1), shift: true },
  { id: "next", section: "Look", keys: ["ArrowRight"], say: "Frame after (Shift: 10)", do: () => go(state.index + 1), key: arrow(1, 0, 1), shift: true },
  { id: "up", keys: ["ArrowUp"], key: arrow(0, -1, 0), shift: true },
  { id: "down", keys: ["ArrowDown"], key: arrow(0, 1, 0), shift: true },
  { id: "first", section: "Look", keys: ["Home"], say: "First frame", do: () => go(0) },
  { id: "last", section: "Look", keys: ["End"], say: "Last frame", do: () => go(state.video.frames - 1) },
  { id: "play", section: "Look", keys: [" "], say: "Play, pause", do: () => { play(go); changed(); }, key: space },
  { id: "onion-skin", section: "Look", keys: ["o"], say: "Outlines of the nearest drawn frames", do: () => { state.onion = !state.onion; changed(); } },
  { id: "hold", section: "Look", keys: ["h"], say: "Masks off while held", do: () => { state.masksOff = true; changed(); } },
  { id: "zoom-in", section: "Look", keys: ["+", "="], say: "Nearer (wheel)", do: () => zoomAt(canvas.clientWidth / 2, canvas.clientHeight / 2, 1.25) },
  { id: "zoom-out", section: "Look", keys: ["-"], say: "Farther (wheel)", do: () => zoomAt(canvas.clientWidth / 2, canvas.clientHeight / 2, 0.8) },
  { id: "fit", section: "Look", keys: ["0"], say: "Whole picture", do: fit },
  { id: "window", section: "Look", keys: ["w"], say: "Window and level as in the file (right drag changes them)", do: () => { state.window = null; forgetPictures(); load(); changed(); } },
  { id: "hide-active", section: "Look", keys: ["j"], say: "Hide or show the active object", do: () => toggle(state.hidden, state.active) },
];
for (let label = 1; label <= 9; label++) actions.push({ id: `object-${label}`, keys: [String(label)], do: () => select(label) });

export const byId = new Map(actions.map((action) => [action.id, action]));
