// Puts the page together, and keeps it up to date.
import { actions, byId, go, select } from "./actions.js";
import * as api from "./api.js";
import { icon } from "./icons.js";
import { keyName, listenToKeys, writeSheet } from "./keys.js";
import { renderObjects } from "./objects.js";
import { forgetPictures } from "./pictures.js";
import { playing, stopPlaying } from "./player.js";
import { changed, doubtful, here, allObjects, isKnown, onChange, state, take } from "./state.js";
import { refuse } from "./strokes.js";
import { listenToTimeline, renderTimeline } from "./timeline.js";
import { dropSplines, listenToPointer, settleDraft } from "./tools.js";
import { draft, fit, load, render } from "./view.js";

const $ = (id) => document.getElementById(id);
const HINTS = {
  spline: () => (draft.spline && !draft.spline.closed ? `${draft.spline.points.length} points: close at the first one, or with Enter` : draft.spline ? "Drag points; click on the curve adds one; a click beside it begins anew" : "Click around the object: 6 to 12 points"),
  brush: () => "Paint; Alt erases; [ ] or Ctrl+wheel for the size",
  eraser: () => "Erase; Alt paints; [ ] or Ctrl+wheel for the size",
  click: () => (draft.box || draft.inside.length ? "Click on what is missing, Alt+click on what is too much" : "Drag a box around the object"),
};

function buttons() {
  for (const action of actions.filter((one) => one.group)) {
    const made = document.createElement("button"), word = document.createElement("span");
    made.type = "button"; made.id = action.id; word.className = "word"; word.textContent = action.label;
    if (action.main) made.className = "main";
    if (action.tool) made.setAttribute("role", "radio");
    made.append(icon(action.id), word);
    made.title = `${action.say} (${action.keys.map(keyName).join(" or ")})`;
    made.setAttribute("aria-label", action.label); made.setAttribute("aria-keyshortcuts", action.keys.map(keyName).join(" "));
    made.addEventListener("click", () => { action.do(); if (action.id !== "help") $("view").focus(); });
    $(`${action.group}-group`).append(made);
  }
  for (const made of document.querySelectorAll("[data-act]")) {
    const action = byId.get(made.dataset.act);
    made.title = `${action.say} (${action.keys.map(keyName).join(" or ")})`;
    made.addEventListener("click", () => { action.do(); $("view").focus(); });
  }
}

function show() {
  if (!state.video) return;
  render();
  if (draft.mask) return;  // a stroke is under way: nothing else has changed
  renderTimeline(); renderObjects(select);
  for (const action of actions.filter((one) => one.group)) {
    $(action.id).disabled = Boolean((action.edits && !state.editor) || (action.enabled && !action.enabled()));
    if (action.tool) $(action.id).setAttribute("aria-checked", String(state.tool === action.id));
  }
  for (const [id, name] of [["accept", "accepted"], ["reject", "rejected"]]) $(id).setAttribute("aria-pressed", String(here()?.review === name));
  $("brush-size").value = state.brush; $("brush-out").textContent = `${state.brush} px`;
  $("onion").checked = state.onion;
  $("hint").textContent = state.editor ? (draft.keys ? "Keyboard pointer: arrows, Space, Enter; M ends it. " : "") + HINTS[state.tool]() : "";
  const [black, white] = state.window ?? state.video.window;
  $("window-out").textContent = `Window ${Math.round(Math.abs(white - black))}, level ${Math.round((white + black) / 2)}${state.window ? "" : " (as in the file)"}`;
  $("play").replaceChildren(icon(playing() ? "pause" : "play")); $("play").setAttribute("aria-label", playing() ? "Pause" : "Play");
  showPlace(); showFacts(); showProgress();
}

function showPlace() {
  const time = state.video.times?.[state.index];
  $("place").textContent = `Frame ${state.index} of ${state.video.frames - 1}${time === undefined ? "" : ` · ${time.toFixed(3)} s`}`;
}

function area(pixels) {
  const spacing = state.video.spacing;
  return spacing ? `${(pixels * spacing[0] * spacing[1]).toFixed(1)} mm²` : `${pixels} px`;
}

function showFacts() {
  const frame = here(), rows = [];
  const doubts = doubtful(state.index), drawn = state.drawn.has(state.index);
  rows.push(["State", drawn ? "drawn" : !frame || !isKnown(state.index) ? "no masks yet" : doubts.length ? `doubtful: object ${doubts.join(", ")}` : "found", doubts.length && !drawn ? "doubt" : ""]);
  rows.push(["Review", frame?.review || "not judged", frame?.review ?? ""]);
  for (const one of allObjects()) {
    const sure = frame?.confidence[one.label];
    rows.push([one.name, sure === undefined ? "–" : `${area(frame.areas[one.label] ?? 0)}, ${Math.round(100 * sure)} % sure`, ""]);
  }
  const text = JSON.stringify(rows);
  if ($("facts").dataset.text === text) return;
  $("facts").dataset.text = text;
  $("facts").replaceChildren(...rows.flatMap(([term, what, kind]) => {
    const dt = document.createElement("dt"), dd = document.createElement("dd");
    dt.textContent = term; dd.textContent = what; dd.className = kind;
    return [dt, dd];
  }));
}

function showProgress() {
  let known = 0, accepted = 0;
  for (const [index, frame] of state.frames) { known += isKnown(index); accepted += frame.review === "accepted"; }
  const total = state.video.frames, bar = $("progress");
  bar.hidden = !state.busy;
  const { done, of } = state.busy === "exporting" && state.progress ? state.progress : { done: known, of: total };
  bar.max = of; bar.value = done;
  const what = { propagating: "Masks run through the video", exporting: "Writing the results" }[state.busy];
  $("status").textContent = what ? `${what}: ${done} of ${of} frames. Esc stops.` : `${known} of ${total} frames have masks, ${state.drawn.size} drawn, ${accepted} accepted.`;
}

function message(sentence, good = false) {
  $("sentence").textContent = sentence[0].toUpperCase() + sentence.slice(1);
  $("message").className = good ? "good" : ""; $("message").hidden = false;
}

function takeState(found) {
  Object.assign(state, { objects: found.objects, drawn: new Set(found.drawn), undo: found.undo, redo: found.redo, suggested: found.suggested });
  if (found.busy !== undefined) state.busy = found.busy;
  if (!allObjects().length) state.local.push({ label: 1, name: "object 1", color: [86, 180, 233] });
  if (!allObjects().some((one) => one.label === state.active)) state.active = allObjects()[0].label;
  changed();
}

async function openVideo() {
  $("loading").hidden = false;
  stopPlaying(); forgetPictures(true); dropSplines();
  Object.assign(state, { frames: new Map(), index: 0, window: null, local: [], objects: [], drawn: new Set(), busy: "", hidden: new Set(), locked: new Set() });
  state.video = await api.video();
  document.title = `${state.video.name} · monai_i2v`;
  $("name").textContent = state.video.name;
  fit(); settleDraft();
  load();
  takeState(await api.session());
  document.body.dataset.ready = "true";
}

async function showList() {
  const videos = await api.videos();
  $("cases").replaceChildren(...videos.map((one) => {
    const item = document.createElement("li"), pick = document.createElement("button"), how = document.createElement("span");
    const told = [one.open ? "open" : "", one.drawn ? `${one.drawn} drawn, ${one.accepted} of ${one.frames} accepted` : one.begun ? "begun" : "new", one.exported ? "exported" : ""];
    pick.type = "button"; pick.append(one.name, " ", how); how.className = "quiet"; how.textContent = told.filter(Boolean).join(" · ");
    pick.addEventListener("click", () => { $("list").close(); if (!one.open) api.open(one.number).catch(refuse); });
    item.append(pick);
    return item;
  }));
  $("list").showModal();
}

const heard = {
  hello: ({ editor }) => {
    state.editor = editor;
    document.body.classList.toggle("looking-on", !editor);
    if (!editor) message("this session is open in another tab, expected one that draws; you can look on here: close the other tab and reload this one to draw.");
    changed();
  },
  opened: ({ number }) => { if (state.video && number !== state.video.number) openVideo().catch(refuse); },
  frame: (frame) => { take(frame); changed(); },
  state: takeState,
  begun: ({ what }) => { state.busy = what; state.progress = null; changed(); },
  progress: (progress) => { state.progress = progress; changed(); },
  exported: ({ folder }) => message(`exported to ${folder}`, true),
  ended: ({ what, error }) => {
    state.busy = "";
    if (error) message(error);
    document.body.dataset.ended = what;
    changed();
  },
};

async function start() {
  buttons(); writeSheet($("sheet")); listenToPointer(); listenToKeys(); listenToTimeline(go);
  onChange(show);
  new ResizeObserver(changed).observe($("stage"));
  new ResizeObserver(changed).observe($("timeline"));
  $("opacity").addEventListener("input", () => { state.opacity = Number($("opacity").value); changed(); });
  $("brush-size").addEventListener("input", () => { state.brush = Number($("brush-size").value); changed(); });
  $("onion").addEventListener("change", () => { state.onion = $("onion").checked; changed(); });
  $("dismiss").addEventListener("click", () => { $("message").hidden = true; });
  document.addEventListener("refusal", (event) => message(event.detail));
  document.addEventListener("news", (event) => message(event.detail, true));
  document.addEventListener("list", () => showList().catch(refuse));
  const source = api.listen(heard);
  source.onerror = () => { if (source.readyState === EventSource.CLOSED) message("the program has ended; start it again: what was drawn is on the disk."); };
  await openVideo();
  $("view").focus();
}

start().catch(refuse);
