// Browsers whose streams something on the way holds back.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createClient, type ClientOptions, type JobsClient, type View } from "../../src/client.ts";
import type { FeedSnapshot, JobWaiting, Snapshot, StreamEvent } from "../../src/events.gen.ts";

const AT = "2026-01-31T12:00:00.000Z";
const snapshot = (jobId: string, changes: Partial<Snapshot> = {}): Snapshot => ({
  type: "snapshot", jobId, at: AT, attempt: 1, status: "running", progress: null, itemsInProgress: [], failedItems: [], ...changes,
});
const item = (jobId: string, itemId: string) =>
  ({ type: "item", jobId, at: AT, attempt: 1, itemId, itemKind: "song", status: "in_progress" }) as const;
const status = (jobId: string, name: Snapshot["status"]) =>
  ({ type: "status", jobId, at: AT, attempt: 1, status: name }) as const;
const feed = (...jobs: string[]): FeedSnapshot => ({
  type: "feed", at: AT, jobs: jobs.map((jobId) => ({ jobId, at: AT, attempt: 1, status: "running", progress: null })),
});

/** What lies between the browser and the server. */
type Proxy = "holds the head" | "passes the hint alone" | "holds the body" | "passes all on" | "is away";

/** A log as the server tells it: the state it had first, and what came then. */
interface Log {
  readonly first: Snapshot | FeedSnapshot;
  readonly events: StreamEvent[];
  readonly why?: JobWaiting;
}

let proxy: Proxy;
let logs: Map<string, Log>;
/** Each request with its time. */
let asked: { readonly at: number; readonly url: string; readonly isStream: boolean }[];
let waiting: Set<() => void>;
let clients: JobsClient[];

function fakeFetch(url: string, { headers, signal }: RequestInit): Promise<Response> {
  const isStream = new Headers(headers).get("Accept") === "text/event-stream";
  asked.push({ at: Date.now(), url, isStream });
  if (proxy === "is away") return Promise.reject(new TypeError("network"));
  const from = new Headers(headers).get("Last-Event-ID")?.split("-")[1];
  return isStream ? stream(url, Number(from ?? 0), signal!) : page(url, signal!);
}

function stream(url: string, from: number, signal: AbortSignal): Promise<Response> {
  if (proxy === "holds the head") {
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  }
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      signal.addEventListener("abort", () => controller.error(signal.reason));
      const { first, events } = logs.get(url.replace(/progress$/, "events"))!;
      const frames = [first, ...events].map((event, at) => `id: 1-${at + 1}\ndata: ${JSON.stringify(event)}\n\n`);
      // A buffer that is not full lets part of a block through at the most.
      const text = `retry: 3000\n\n${frames.slice(from).join("")}`;
      const through = { "holds the body": 9, "passes the hint alone": 13 }[proxy as string];
      controller.enqueue(new TextEncoder().encode(text.slice(0, through)));
    },
  });
  return Promise.resolve(new Response(body, { headers: { "Content-Type": "text/event-stream" } }));
}

/** Answers as `…/events` does: at once where there is news, else when there is or `wait` is over. */
async function page(url: string, signal: AbortSignal): Promise<Response> {
  const { pathname, searchParams } = new URL(url, "http://site");
  const log = logs.get(pathname);
  if (!log) return new Response(null, { status: 404 });
  const after = Number(searchParams.get("after")?.split("-")[1] ?? 0);
  if (after && after > log.events.length) {
    await new Promise<void>((resolve) => {
      waiting.add(resolve);
      setTimeout(resolve, Number(searchParams.get("wait") ?? 0) * 1_000);
      signal.addEventListener("abort", () => resolve());
    });
  }
  const events = log.events.map((event, at) => ({ id: `1-${at + 2}`, event }));
  const last = log.events.at(-1);
  const body = after ? { events: events.slice(after - 1) } : { snapshot: state(log), events: [] };
  const why = log.why ? { waiting: log.why } : {};
  return Response.json({ ...why, cursor: `1-${log.events.length + 1}`, ended: last?.type === "status" && last.status === "completed", ...body });
}

function state({ first, events }: Log): Snapshot | FeedSnapshot {
  const last = events.at(-1);
  return last?.type === "status" && first.type === "snapshot" ? { ...first, status: last.status } : first;
}

function write(url: string, ...events: StreamEvent[]): void {
  logs.get(url)!.events.push(...events);
  for (const answer of waiting) answer();
  waiting.clear();
}

interface Seen {
  view: View<Snapshot>;
  readonly heard: (string | undefined)[];
}

function watch(jobId: string, items: boolean, options: ClientOptions = {}, client = make(options)): Seen {
  const seen: Seen = { view: { state: null, connection: { state: "connecting", attempts: 0 }, waiting: null, cursor: "" }, heard: [] };
  client.followJob(jobId, (view, event) => {
    seen.view = view;
    if (event !== undefined) seen.heard.push(event?.type);
  }, { items });
  return seen;
}

function make(options: ClientOptions = {}): JobsClient {
  const client = createClient({ fetch: fakeFetch as typeof fetch, random: () => 0.99, isShared: false, ...options });
  clients.push(client);
  return client;
}

const seconds = (count: number) => vi.advanceTimersByTimeAsync(count * 1_000);
const A = "/api/jobs/a/events";
const FEED = "/api/jobs/events";

function smallestGapMs(since = 0): number {
  const times = asked.map(({ at }) => at).filter((at) => at >= since);
  return Math.min(...times.slice(1).map((at, before) => at - times[before]!));
}

beforeEach(() => {
  [asked, waiting, clients, logs] = [[], new Set(), [], new Map()];
  logs.set(A, { first: snapshot("a"), events: [] });
  logs.set(FEED, { first: feed("a", "b"), events: [] });
  vi.useFakeTimers();
});
afterEach(() => {
  clients.forEach((client) => client.close());
  vi.useRealTimers();
});

describe.each(["holds the head", "holds the body", "passes the hint alone"] as const)("behind a proxy that %s", (kind) => {
  beforeEach(() => { proxy = kind; });

  it("the first state comes within 20 s, and updates are said to be slow", async () => {
    const seen = watch("a", true);
    await seconds(15.9);
    expect(seen.view.state).toBeNull();
    await seconds(4);
    expect(seen.view).toMatchObject({ state: { status: "running" }, connection: { state: "open", isSlow: true } });
    expect(asked.filter(({ isStream }) => isStream)).toHaveLength(2);
  });

  it("each event comes once, in order, and the end within 3 s", async () => {
    const seen = watch("a", true);
    await seconds(20);
    write(A, item("a", "x"));
    write(A, item("a", "y"));
    await seconds(3.1);
    expect(seen.heard).toEqual(["snapshot", "item", "item"]);
    write(A, status("a", "completed"));
    await seconds(3.1);
    expect(seen.heard.at(-1)).toBe("status");
    expect(seen.view.connection).toMatchObject({ state: "closed", reason: "ended" });
    const count = asked.length;
    await seconds(300);
    expect(asked).toHaveLength(count);
  });
});

describe("while streams are mute", () => {
  beforeEach(() => { proxy = "holds the head"; });

  it("a job that waits says why", async () => {
    const why: JobWaiting = { type: "waiting", jobId: "a", queue: "q", workers: 0 };
    logs.set(A, { first: { ...logs.get(A)!.first, status: "pending" } as Snapshot, events: [], why });
    const seen = watch("a", true);
    await seconds(20);
    expect(seen.view).toMatchObject({ waiting: why, cursor: "1-1" });
    write(A, status("a", "running"));
    await seconds(3.1);
    expect(seen.view).toMatchObject({ waiting: null, state: { status: "running" } });
  });

  it("no two requests follow within 3 s, however many jobs are followed and whatever happens", async () => {
    const client = make();
    const seen = [..."abcdef"].map((jobId, at) => {
      logs.set(`/api/jobs/${jobId}/events`, { first: snapshot(jobId), events: [] });
      return watch(jobId, at < 4, {}, client);
    });
    logs.set(FEED, { first: feed(..."abcdef"), events: [] });
    await seconds(25);
    for (const { view } of seen) expect(view).toMatchObject({ state: { status: "running" }, connection: { isSlow: true } });
    const since = Date.now();
    for (let turn = 0; turn < 200; turn += 1) {
      write(FEED, { ...status("b", "running") });
      await seconds(0.5);
    }
    expect(smallestGapMs(since)).toBeGreaterThanOrEqual(3_000);
    expect(asked.filter(({ at, url }) => at >= since && !url.startsWith("/api/jobs/events?") && url !== "/api/jobs/progress")).toEqual([]);
    write(FEED, status("f", "completed"));
    await seconds(6.1);
    expect(seen[5]!.view.state!.status).toBe("completed");
  });

  it("a quiet job costs a request in 25 s, and a stream is tried each minute", async () => {
    watch("a", true);
    await seconds(20);
    const since = Date.now();
    await seconds(600);
    const later = asked.filter(({ at }) => at > since);
    expect(later.filter(({ isStream }) => isStream).length).toBeGreaterThanOrEqual(8);
    expect(later.filter(({ isStream }) => isStream).length).toBeLessThanOrEqual(10);
    expect(later.filter(({ isStream }) => !isStream).length).toBeLessThanOrEqual(25);
  });

  it("a stream that comes through again takes over, without a loss or a repeat", async () => {
    const seen = watch("a", true);
    await seconds(20);
    write(A, item("a", "x"));
    await seconds(4);
    proxy = "passes all on";
    await seconds(65);
    expect(seen.view.connection).toEqual({ state: "open", attempts: 0 });
    const count = asked.length;
    await seconds(120);
    expect(asked.slice(count).filter(({ isStream }) => !isStream)).toEqual([]);
    expect(seen.heard).toEqual(["snapshot", "item"]);
  });

  it("a server that goes away is said to, and found when it is back", async () => {
    const seen = watch("a", true);
    await seconds(20);
    proxy = "is away";
    await seconds(40);
    expect(seen.view.connection).toMatchObject({ state: "waiting" });
    proxy = "holds the head";
    write(A, status("a", "completed"));
    await seconds(6);
    expect(seen.view.state!.status).toBe("completed");
  });

  it("a job that may not be seen is said to be so", async () => {
    const seen = watch("nothing", true);
    await seconds(20);
    expect(seen.view.connection).toMatchObject({ state: "closed", reason: "refused", status: 404 });
  });

  it("who falls behind is given the state", async () => {
    const seen = watch("a", true);
    await seconds(20);
    write(A, ...Array.from({ length: 700 }, (_, at) => item("a", String(at))));
    await seconds(3.1);
    await seconds(3.1);
    expect(seen.heard.filter((type) => type === "snapshot").length).toBeGreaterThanOrEqual(1);
    expect(seen.view.cursor).toBe("1-701");
  });
});

it("one mute connection alone changes nothing", async () => {
  proxy = "holds the head";
  const seen = watch("a", true);
  await seconds(8);
  proxy = "passes all on";
  await seconds(2);
  expect(seen.view).toMatchObject({ state: { status: "running" }, connection: { state: "open" } });
  expect(seen.view.connection).not.toHaveProperty("isSlow");
  expect(asked.every(({ isStream }) => isStream)).toBe(true);
});
