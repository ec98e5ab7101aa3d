// What the server is asked, and what it tells.
const page = crypto.randomUUID();

export class Refusal extends Error {}  // its message is a sentence for people

async function ask(method, path, body) {
  const options = { method, headers: { "x-page": page } };
  if (body !== undefined) options.body = JSON.stringify(body);
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Refusal("the program does not answer; look into its terminal, and start it again. What was drawn is on the disk.");
  }
  if (answer.ok) return answer;
  const text = await answer.text();
  let sentence = text;
  try { sentence = JSON.parse(text).error; } catch { /* it is no JSON */ }
  throw new Refusal(sentence);
}

const json = async (path) => (await ask("GET", path)).json();

export const video = () => json("/api/video");
export const videos = () => json("/api/videos");
export const session = () => json("/api/session");
export const labels = (index) => json(`/api/frames/${index}/labels`);
export const picture = async (index) => (await ask("GET", `/api/frames/${index}`)).blob();
export async function stored(index) {
  const answer = await ask("GET", `/api/frames/${index}/stored`);
  return { kind: answer.headers.get("x-kind"), channels: Number(answer.headers.get("x-channels")), content: await answer.arrayBuffer() };
}
export const draw = (index, masks) => ask("PUT", `/api/frames/${index}/labels`, { masks });
export const forget = (index) => ask("DELETE", `/api/frames/${index}/labels`);
export const review = (index, mark) => ask("PUT", `/api/frames/${index}/review`, { mark });
export const reviewAll = (frames, mark) => ask("PUT", "/api/review", { frames, mark });
export const describe = (label, look) => ask("PUT", `/api/objects/${label}`, look);
export const remove = (label) => ask("DELETE", `/api/objects/${label}`);
export const undo = () => ask("POST", "/api/undo");
export const redo = () => ask("POST", "/api/redo");
export const propagate = (direction) => ask("POST", "/api/propagate", { direction });
export const cancel = () => ask("POST", "/api/cancel");
export const exportAll = () => ask("POST", "/api/export");
export const open = (number) => ask("POST", "/api/open", { number });
export const outline = async (prompt) => (await ask("POST", "/api/outline", prompt)).json();

// Calls handlers[kind](data) for each event, from now on.
export function listen(handlers) {
  const source = new EventSource(`/api/events?page=${page}`);
  for (const [kind, handle] of Object.entries(handlers)) {
    source.addEventListener(kind, (event) => handle(event.data === undefined ? null : JSON.parse(event.data)));
  }
  return source;
}
