// The list of objects: which one is drawn, its name, color, whether it is seen, whether it is safe from strokes.
import * as api from "./api.js";
import { icon } from "./icons.js";
import { allObjects, changed, rankOf, state } from "./state.js";
import { send } from "./strokes.js";

const list = document.getElementById("objects");
const COLORS = [[86, 180, 233], [240, 228, 66], [0, 158, 115], [230, 159, 0], [204, 121, 167], [0, 114, 178], [213, 94, 0]];
let rows = "";

export function newObject() {
  const labels = allObjects().map((one) => one.label), label = Math.max(0, ...labels) + 1;
  state.local.push({ label, name: `object ${label}`, color: COLORS[labels.length % COLORS.length] });
  state.active = label;
  changed();
}

const hex = (color) => `#${color.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
const rgb = (text) => [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));

export function toggle(set, label) { if (set.has(label)) set.delete(label); else set.add(label); rows = ""; changed(); }

export function renderObjects(select) {
  const wanted = JSON.stringify([allObjects(), state.active, [...state.hidden], [...state.locked], state.editor]);
  if (wanted === rows || list.contains(document.activeElement) && document.activeElement.type === "text") return;
  rows = wanted;
  const focus = document.activeElement?.dataset?.key;
  list.replaceChildren(...allObjects().map((one) => row(one, select)));
  if (focus) list.querySelector(`[data-key="${focus}"]`)?.focus();
}

function button(one, what, iconName, label, act, pressed) {
  const made = document.createElement("button");
  made.type = "button"; made.dataset.key = `${what} ${one.label}`; made.title = label; made.setAttribute("aria-label", label);
  if (pressed !== undefined) made.setAttribute("aria-pressed", String(pressed));
  made.append(icon(iconName)); made.addEventListener("click", act);
  return made;
}

function row(one, select) {
  const item = document.createElement("li"), pick = document.createElement("button"), name = document.createElement("input"), color = document.createElement("input");
  const hidden = state.hidden.has(one.label), locked = state.locked.has(one.label);
  item.className = one.label === state.active ? "active" : "";
  pick.type = "button"; pick.className = "pick"; pick.dataset.key = `pick ${one.label}`;
  pick.title = `Draw ${one.name} (key ${one.label})`; pick.setAttribute("aria-label", `Draw ${one.name}`); pick.setAttribute("aria-pressed", String(one.label === state.active));
  pick.append(swatch(one)); pick.addEventListener("click", () => select(one.label));
  name.type = "text"; name.value = one.name; name.maxLength = 64; name.setAttribute("aria-label", `Name of object ${one.label}`);
  name.addEventListener("change", () => describe(one, { name: name.value.trim() || one.name }));
  name.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === "Escape") { name.blur(); document.getElementById("view").focus(); } });
  color.type = "color"; color.value = hex(one.color); color.setAttribute("aria-label", `Color of ${one.name}`); color.title = `Color of ${one.name}`;
  color.addEventListener("change", () => describe(one, { color: rgb(color.value) }));
  item.append(pick, name, color,
    button(one, "eye", hidden ? "eye-off" : "eye", hidden ? `Show ${one.name}` : `Hide ${one.name}`, () => toggle(state.hidden, one.label), hidden),
    button(one, "lock", locked ? "lock" : "unlock", locked ? `Unlock ${one.name}` : `Lock ${one.name}: strokes of others spare it`, () => toggle(state.locked, one.label), locked),
    button(one, "remove", "remove", `Remove ${one.name} from all frames`, () => removeObject(one)));
  return item;
}

function swatch(one) {
  const canvas = document.createElement("canvas"), pen = canvas.getContext("2d"), rank = rankOf(one.label);
  canvas.className = "swatch"; canvas.width = 60; canvas.height = 44;
  pen.fillStyle = `rgb(${one.color})`; pen.fillRect(0, 0, 60, 44);
  pen.strokeStyle = "#0006"; pen.lineWidth = 4;
  if (rank) for (let at = -44; at < 110; at += 12) { pen.beginPath(); pen.moveTo(at, rank % 3 === 0 ? at : 0); pen.lineTo(rank % 3 === 0 ? at + 60 : rank % 3 === 1 ? at - 44 : at + 44, rank % 3 === 0 ? at : 44); pen.stroke(); }
  pen.fillStyle = "#000"; pen.font = "bold 28px system-ui, sans-serif"; pen.textAlign = "center"; pen.textBaseline = "middle";
  pen.lineWidth = 7; pen.strokeStyle = `rgb(${one.color})`; pen.strokeText(String(one.label), 30, 24); pen.fillText(String(one.label), 30, 24);
  return canvas;
}

function describe(one, look) {
  const local = state.local.find((other) => other.label === one.label);
  if (local) { Object.assign(local, look, { named: true }); changed(); return; }
  send(() => api.describe(one.label, look));
}

function removeObject(one) {
  if (state.local.some((other) => other.label === one.label)) { state.local = state.local.filter((other) => other.label !== one.label); changed(); return; }
  send(() => api.remove(one.label));
}
