// From keys to actions, and the sheet that tells of them.
import { actions } from "./actions.js";
import { changed, state } from "./state.js";

const NAMES = { " ": "Space", ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc", Delete: "Del", Backspace: "⌫" };
const byKey = new Map(actions.flatMap((action) => action.keys.map((key) => [key, action])));

export const keyName = (key) => key.split("+").map((part) => NAMES[part] ?? (part.length === 1 ? part.toUpperCase() : part)).join("+") || "+";

function find(event) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key, control = event.ctrlKey || event.metaKey ? "Ctrl+" : "";
  const exact = byKey.get(`${control}${event.shiftKey ? "Shift+" : ""}${key}`), plain = byKey.get(`${control}${key}`);
  if (exact) return exact;
  return plain && (!event.shiftKey || plain.shift || key === "Enter" || !/^[a-z]$/.test(key)) ? plain : null;
}

export function listenToKeys() {
  document.addEventListener("keydown", (event) => {
    if (!state.video || document.querySelector("dialog[open]")) return;
    const target = event.target, typing = target.tagName === "INPUT" && target.type === "text";
    if (typing || (target.type === "range" && event.key.startsWith("Arrow"))) return;
    if ((event.key === " " || event.key === "Enter") && ["BUTTON", "INPUT"].includes(target.tagName)) return;
    const action = find(event);
    if (!action || (event.repeat && action.id === "hold")) return;
    event.preventDefault();
    if (action.edits && !state.editor) return;
    if (action.enabled && !action.key && !action.enabled()) return;
    (action.key ?? action.do)(event);
  });
  document.addEventListener("keyup", (event) => { if (event.key.toLowerCase() === "h" && state.masksOff) { state.masksOff = false; changed(); } });
  window.addEventListener("blur", () => { state.masksOff = false; changed(); });
}

export function writeSheet(sheet) {
  const sections = new Map();
  for (const action of actions.filter((one) => one.section)) sections.set(action.section, [...(sections.get(action.section) ?? []), [action.keys, action.say]]);
  sections.get("Draw").push([["1", "9"], "Object 1 to 9"]);
  sections.get("Look").push([["middle drag"], "Move the picture"], [["Ctrl+wheel"], "Size of the brush"]);
  for (const [title, lines] of sections) {
    const section = document.createElement("section"), head = document.createElement("h3");
    head.textContent = title;
    section.append(head, ...lines.map(([keys, say]) => line(keys, say)));
    sheet.append(section);
  }
}

function line(keys, say) {
  const row = document.createElement("div"), text = document.createElement("span"), where = document.createElement("span");
  text.textContent = say;
  for (const key of keys) { const made = document.createElement("kbd"); made.textContent = keyName(key); where.append(made, " "); }
  row.append(text, where);
  return row;
}
