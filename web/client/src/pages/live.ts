// Earmark's own pages, live. The element comes with job-progress.js, which is loaded after this, so that
// nothing that it tells is missed.

import type {} from "../element.ts";
import type { Item, Snapshot } from "../events.gen.ts";
import { noticeElements } from "../notice.ts";
import { isTerminal } from "../reduce.ts";
import { showLocalTimes } from "../times.ts";
import { english, statusWords } from "../words.ts";
import { visible } from "../visible.ts";

const RETRY_MS = 2_000;
const SINCE_MS = 30_000;

noticeElements();

const part = (name: string, root: ParentNode = document): HTMLElement | null =>
  root.querySelector<HTMLElement>(`[data-part="${name}"]`);

document.addEventListener("job-change", ({ target, detail: { state } }) => {
  const place = (target as Element).closest<HTMLElement>("[data-job]");
  if (!state || !place) return;
  const status = part("status", place);
  const words = statusWords[state.status];
  if (status && status.textContent !== words) {
    status.textContent = words;
    status.className = `status ${state.status}`;
  }
  if (place.id === "job") drawJob(state);
  // What a job's page and a list say beside its progress, the server knows.
  if (place.dataset["status"] === state.status) return;
  const isOver = isTerminal(state.status);
  if (place.id === "job" || (isOver && document.getElementById("jobs"))) void refresh();
  else if (isOver) location.reload();
  place.dataset["status"] = state.status;
});

const list = document.getElementById("jobs");
if (list && "newest" in list.dataset) void customElements.whenDefined("job-progress").then(() => {
  // A job that was started in another place appears in the list.
  const asked = new Set<string>();
  document.createElement("job-progress").client.followFeed(({ state }) => {
    for (const { jobId } of state?.jobs ?? []) {
      // A job that is older than all that are shown is asked for once.
      if (asked.has(jobId) || document.getElementById(`job-${jobId}`)) continue;
      asked.add(jobId);
      void refresh();
    }
  });
});

let refreshing: Promise<void> | null = null;
let isStale = false;

/** Takes over what the server says of the page now. Another call meanwhile has it done once more. */
async function refresh(): Promise<void> {
  isStale = true;
  refreshing ??= (async () => {
    while (isStale) {
      isStale = false;
      const answer = await fetch(location.href, { cache: "no-store" }).catch(() => null);
      if (answer?.ok) takeOver(new DOMParser().parseFromString(await answer.text(), "text/html"));
      else if (answer === null || answer.status >= 500) {
        isStale = true;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
    refreshing = null;
  })();
  return refreshing;
}

function takeOver(fresh: Document): void {
  showLocalTimes(fresh);
  for (const section of document.querySelectorAll<HTMLElement>("[data-fresh]")) {
    const next = fresh.querySelector(`[data-fresh="${section.dataset["fresh"]}"]`);
    if (next && next.innerHTML !== section.innerHTML) section.replaceWith(next);
  }
  const other = fresh.getElementById("jobs");
  if (!list || !other) return;
  const [rows, next] = [list, other].map((each) => each.querySelector("ul"));
  if (rows && next) mend(rows, next);
  else list.replaceChildren(...other.childNodes);
}

/** Makes a list of rows as another one is, and leaves alone what is the same: a person may be in it. */
function mend(rows: Element, fresh: Element): void {
  const gone = new Set(rows.children);
  for (const [at, next] of [...fresh.children].entries()) {
    const old = document.getElementById(next.id);
    if (!old) rows.insertBefore(next, rows.children[at] ?? null);
    else if (old.dataset["state"] !== (next as HTMLElement).dataset["state"]) old.replaceWith(next);
    if (old) gone.delete(old);
  }
  for (const row of gone) row.remove();
}

let shown: Snapshot | undefined;

function drawJob(state: Snapshot): void {
  shown = state;
  const { status, reason = "", progress, itemsInProgress, failedItems } = state;
  // Why a job failed stands beside its bar.
  part("reason")!.textContent = isTerminal(status) ? "" : visible(reason);
  const failed = Math.max(progress?.failed ?? 0, failedItems.length);
  part("failed-count")!.textContent = `${failedItems.length} of ${failed.toLocaleString("en")}`;
  drawItems("running", itemsInProgress, (item) => [
    element("bdi", item.label ?? item.itemId), " ", element("span", english.since(item), "faint"),
  ]);
  drawItems("failed", [...failedItems].reverse(), ({ label, itemId, error }) => [
    element("strong", label ?? itemId), " ", element("span", error ?? ""),
  ]);
}

// How long something is worked on goes on while no event comes.
setInterval(() => {
  if (!shown || isTerminal(shown.status)) return;
  drawn.delete("running");
  drawJob(shown);
}, SINCE_MS);

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

function element(tag: string, text: string, name = ""): HTMLElement {
  const made = document.createElement(tag);
  made.textContent = visible(text);
  made.className = name;
  return made;
}
