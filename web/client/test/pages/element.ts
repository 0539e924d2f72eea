// A page that follows what its tests tell it to, and keeps what it hears for them.

import { createClient, type JobsClient } from "../../src/client.ts";
import "../../src/element.ts";
import { noticeElements, type NoticeOptions } from "../../src/notice.ts";

export interface Heard {
  readonly type: string;
  readonly id: string;
}

const query = new URLSearchParams(location.search);

const page = {
  heard: [] as Heard[],
  ended: 0,
  changes: 0,
  client: createClient({
    isShared: query.get("shared") !== "no",
    scope: query.get("scope") ?? "",
    silenceMs: Number(query.get("silence") ?? 45_000),
    ...(query.has("mute") && { muteMs: Number(query.get("mute")) }),
    random: query.get("dice") === "fair" ? Math.random : () => Math.random() * 0.02,
  }) satisfies JobsClient,
  followItems(jobId: string): void {
    page.client.followJob(jobId, (view, event) => {
      if (event !== undefined) page.heard.push({ type: event?.type ?? "?", id: view.cursor });
    }, { items: true });
  },
  add(jobId: string, attributes: Record<string, string> = {}, fallback = "Loading"): void {
    const element = document.createElement("job-progress");
    element.client = page.client;
    for (const [name, value] of Object.entries({ "job-id": jobId, ...attributes })) {
      element.setAttribute(name, value);
    }
    const inside = document.createElement("span");
    inside.textContent = fallback;
    element.append(inside);
    document.body.append(element);
  },
  notice: (options: NoticeOptions) => noticeElements(options),
};

document.addEventListener("job-event", ({ detail }) => {
  page.heard.push({ type: detail.event?.type ?? "?", id: detail.id });
});
document.addEventListener("job-change", () => { page.changes += 1; });
document.addEventListener("job-end", () => { page.ended += 1; });
Object.assign(globalThis, { page });
for (const jobId of query.getAll("job")) page.add(jobId);
for (const jobId of query.getAll("items")) page.followItems(jobId);
