// Earmark's own pages, live. The element comes with job-progress.js, which is loaded after this, so that
// nothing that it tells is missed.

import type {} from "../element.ts";
import type { Item, Snapshot } from "../events.gen.ts";
import { noticeElements } from "../notice.ts";
import { isTerminal } from "../reduce.ts";
import { english } from "../words.ts";
import { visible } from "../visible.ts";

noticeElements();

const part = (name: string, root: ParentNode = document): HTMLElement | null =>
  root.querySelector<HTMLElement>(`[data-part="${name}"]`);

document.addEventListener("job-change", ({ target, detail: { state } }) => {
  const place = (target as Element).closest<HTMLElement>("[data-job]");
  if (!state || !place) return;
  place.dataset["status"] = state.status;
  const status = part("status", place);
  if (status && status.textContent !== state.status) {
    status.textContent = state.status;
    status.className = `status ${state.status}`;
  }
  if (place.id === "job") drawJob(state);
});

const wasOver = isTerminal((document.getElementById("job")?.dataset["status"] ?? "running") as Snapshot["status"]);

document.addEventListener("job-end", ({ target, detail: { state } }) => {
  // What a list shows of the job, and what a sync misses and its page asks about, the server knows.
  const isAsked = !wasOver && state?.error?.code === "source_incomplete";
  if (isAsked || !(target as Element).closest("#job")) location.reload();
});

function drawJob({ status, progress, itemsInProgress, failedItems }: Snapshot): void {
  const isOver = isTerminal(status);
  part("cancel")!.hidden = isOver;
  part("retry")!.hidden = !isOver || (status === "completed" && !progress?.failed);
  part("next")!.hidden = status !== "completed";
  const failed = Math.max(progress?.failed ?? 0, failedItems.length);
  part("failed-count")!.textContent = `${failedItems.length} of ${failed.toLocaleString("en")}`;
  drawItems("running", itemsInProgress, (item) => [
    element("bdi", item.label ?? item.itemId), " ", element("span", english.since(item)),
  ]);
  drawItems("failed", [...failedItems].reverse(), ({ label, itemId, error }) => [
    element("strong", label ?? itemId), " ", element("span", error ?? ""),
  ]);
}

const drawn = new Map<string, readonly Item[]>();

function drawItems(name: string, items: readonly Item[], content: (item: Item) => (Node | string)[]): void {
  const before = drawn.get(name);
  if (before?.length === items.length && items.every((item, at) => item === before[at])) return;
  drawn.set(name, items);
  part(`${name}-section`)!.hidden = items.length === 0;
  part(name)!.replaceChildren(...items.map((item) => {
    const line = document.createElement("li");
    line.append(...content(item));
    return line;
  }));
}

function element(tag: string, text: string): HTMLElement {
  const made = document.createElement(tag);
  made.textContent = visible(text);
  return made;
}
