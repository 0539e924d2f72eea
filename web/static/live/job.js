// One job, live: follows its stream and shows its state.

import { TERMINAL, reduce } from "./reduce.js";
import { counts, pace, phase } from "./words.js";

const root = document.getElementById("job");
const part = (name) => document.querySelector(`[data-part="${name}"]`);
let state = null;
let drawing = false;

function follow() {
  const stream = new EventSource(root.dataset.stream);
  stream.onopen = () => { part("connection").textContent = ""; };
  stream.onerror = () => {
    // 204 and refusals close the stream for good; anything else is tried again by itself.
    const over = stream.readyState === EventSource.CLOSED;
    if (!over) part("connection").textContent = "The connection was lost. Trying again…";
  };
  stream.onmessage = (message) => {
    const event = JSON.parse(message.data);
    state = reduce(state, event);
    root.dispatchEvent(new CustomEvent("job-event", { detail: { id: message.lastEventId, event } }));
    if (state && TERMINAL.has(state.status)) stream.close();
    if (!drawing) {
      drawing = true;
      requestAnimationFrame(draw);
    }
  };
}

function draw() {
  drawing = false;
  if (!state) return;
  const { progress, status } = state;
  root.dataset.status = status;
  setText(part("status"), status);
  part("status").className = `status ${status}`;
  setText(part("counts"), counts(progress));
  setText(part("pace"), TERMINAL.has(status) ? "" : pace(progress));
  setText(part("phase"), phase(progress));
  setText(part("error"), state.error?.message ?? "");
  drawBar(progress?.fraction ?? null);
  drawItems("running", state.itemsInProgress, (item) => [item.label ?? item.itemId]);
  const failed = [...state.failedItems].reverse();
  drawItems("failed", failed, (item) => [element("strong", item.label ?? item.itemId), " ", element("span", item.error ?? "")]);
  const over = TERMINAL.has(status);
  part("cancel").hidden = over;
  part("retry").hidden = !over || (status === "completed" && !progress?.failed);
  part("next").hidden = status !== "completed";
}

function drawBar(fraction) {
  const bar = part("bar");
  if (fraction === null) bar.removeAttribute("aria-valuenow");
  else bar.setAttribute("aria-valuenow", String(Math.floor(fraction * 100)));
  part("fill").setAttribute("width", String((fraction ?? 0) * 100));
}

function drawItems(name, items, content) {
  part(`${name}-section`).hidden = items.length === 0;
  part(name).replaceChildren(...items.map((item) => {
    const line = document.createElement("li");
    line.append(...content(item));
    return line;
  }));
}

function element(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

// A screen reader says a status anew whenever its text is set, even to the same.
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

if (!TERMINAL.has(root.dataset.status)) follow();
