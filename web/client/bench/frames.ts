// A page that shows one job and measures its own frames.

import { createClient } from "../src/client.ts";
import "../src/element.ts";
import type { Item } from "../src/events.gen.ts";

const measured = { events: 0, frames: [] as number[], longTasks: 0, firstAt: 0, lastAt: 0 };
Object.assign(globalThis, { measured });

const client = createClient();
const element = document.createElement("job-progress");
element.client = client;
element.setAttribute("items", "");
element.setAttribute("job-id", "bench");
const list = document.createElement("ul");
document.body.append(element, list);

document.addEventListener("job-event", () => {
  const now = performance.now();
  measured.firstAt ||= now;
  measured.lastAt = now;
  measured.events += 1;
});

document.addEventListener("job-change", ({ detail: { state } }) => {
  const items = state ? [...state.itemsInProgress, ...state.failedItems] : [];
  list.replaceChildren(...items.map(line));
});

function line({ label, itemId, error }: Item): HTMLLIElement {
  const made = document.createElement("li");
  made.textContent = error ? `${label ?? itemId}: ${error}` : (label ?? itemId);
  return made;
}

let before = 0;
requestAnimationFrame(function frame(now) {
  if (before && measured.firstAt && !element.dataset["status"]?.startsWith("comp")) {
    measured.frames.push(now - before);
  }
  before = now;
  requestAnimationFrame(frame);
});
new PerformanceObserver((seen) => { measured.longTasks += seen.getEntries().length; })
  .observe({ type: "longtask" });
