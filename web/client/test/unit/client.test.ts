// Clients of several tabs in one process, with locks and channels that a test can spoil.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createClient, type ClientOptions, type JobsClient, type View } from "../../src/client.ts";
import type { FeedSnapshot, Snapshot, StreamEvent } from "../../src/events.gen.ts";

const AT = "2026-01-31T12:00:00.000Z";
const FEED = "/api/jobs/progress";
const stream = (jobId: string) => `/api/jobs/${jobId}/progress`;

function snapshot(jobId: string, changes: Partial<Snapshot> = {}): Snapshot {
  return { type: "snapshot", jobId, at: AT, attempt: 1, status: "running", progress: null, itemsInProgress: [], failedItems: [], ...changes };
}
const item = (jobId: string, itemId: string) =>
  ({ type: "item", jobId, at: AT, attempt: 1, itemId, itemKind: "song", status: "in_progress" }) as const;
const status = (jobId: string, name: Snapshot["status"], at = AT) =>
  ({ type: "status", jobId, at, attempt: 1, status: name }) as const;
const progress = (jobId: string, done: number) =>
  ({ type: "progress", jobId, at: AT, attempt: 1, done, total: 9, succeeded: done, failed: 0, fraction: done / 9 }) as const;
const feed = (...jobs: string[]): FeedSnapshot => ({
  type: "feed", at: AT, jobs: jobs.map((jobId) => ({ jobId, at: AT, attempt: 1, status: "running", progress: null })),
});

/** Grants each name to one at a time, as Web Locks do. */
class Locks {
  isRefused = false;
  readonly #queues = new Map<string, Promise<unknown>>();

  request(name: string, { signal }: { signal: AbortSignal }, held: () => unknown): Promise<unknown> {
    if (this.isRefused) return Promise.reject(new DOMException("no", "SecurityError"));
    const before = this.#queues.get(name) ?? Promise.resolve();
    const mine = before.then(() => {
      if (signal.aborted) throw signal.reason;
      return held();
    });
    this.#queues.set(name, mine.catch(() => {}));
    return mine;
  }
}

/** Delivers in order, one task later; one that is deaf hears nothing, one that is slow speaks late. */
class Channel {
  static all = new Set<Channel>();
  static deaf = new Set<Channel>();
  static slow = new Set<Channel>();
  onmessage: ((message: { data: unknown }) => void) | null = null;

  constructor(readonly name: string) {
    Channel.all.add(this);
  }

  postMessage(data: unknown): void {
    const copy = structuredClone(data);
    for (const other of Channel.all) {
      if (other === this || other.name !== this.name || Channel.deaf.has(other)) continue;
      const lateMs = Channel.slow.has(this) ? 50 : 0;
      setTimeout(() => Channel.all.has(other) && other.onmessage?.({ data: copy }), lateMs);
    }
  }

  close(): void {
    Channel.all.delete(this);
  }
}

interface Opened {
  readonly url: string;
  readonly from: string | null;
  readonly signal: AbortSignal;
  say(id: string, event: StreamEvent): void;
}

let opened: Opened[];
/** What a job's address answers to who asks for its state. */
let states: Map<string, () => Response>;
let asked: string[];
let locks: Locks;
let tabs: JobsClient[];

function fakeFetch(url: string, { headers, signal }: RequestInit): Promise<Response> {
  const given = new Headers(headers);
  if (given.get("Accept") === "application/json") {
    asked.push(url);
    return Promise.resolve(states.get(url)?.() ?? new Response(null, { status: 404 }));
  }
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      signal!.addEventListener("abort", () => controller.error(signal!.reason));
      opened.push({
        url,
        from: given.get("Last-Event-ID"),
        signal: signal!,
        say(id, event) {
          const position = id && `id: ${id}\n`;
          controller.enqueue(new TextEncoder().encode(`${position}data: ${JSON.stringify(event)}\n\n`));
        },
      });
    },
  });
  return Promise.resolve(new Response(body, { headers: { "Content-Type": "text/event-stream" } }));
}

const settle = () => vi.advanceTimersByTimeAsync(5);
const live = () => opened.filter(({ signal }) => !signal.aborted).map(({ url }) => url).sort();
const at = (url: string) => opened.filter((each) => each.url === url).at(-1)!;

async function say(url: string, ...frames: [string, StreamEvent][]): Promise<void> {
  for (const [id, event] of frames) at(url).say(id, event);
  await settle();
}

function tab(options: ClientOptions = {}): JobsClient {
  const client = createClient({ fetch: fakeFetch as typeof fetch, random: () => 0, ...options });
  tabs.push(client);
  return client;
}

interface Seen {
  view: View<Snapshot>;
  readonly heard: [string, string][];
  readonly stop: () => void;
}

function watch(client: JobsClient, jobId: string, items = false): Seen {
  const seen = { heard: [] as [string, string][] } as unknown as { -readonly [K in keyof Seen]: Seen[K] };
  seen.stop = client.followJob(jobId, (view, event) => {
    seen.view = view;
    if (event !== undefined) seen.heard.push([event?.type ?? "?", view.cursor]);
  }, { items });
  return seen;
}

beforeEach(() => {
  [opened, asked, tabs, states, locks] = [[], [], [], new Map(), new Locks()];
  Channel.all.clear();
  Channel.deaf.clear();
  Channel.slow.clear();
  vi.useFakeTimers();
  vi.stubGlobal("navigator", { locks });
  vi.stubGlobal("BroadcastChannel", Channel);
});
afterEach(async () => {
  tabs.forEach((each) => each.close());
  await settle();
  expect(live()).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("tabs with locks", () => {
  it("have one stream, and each hears each event once", async () => {
    const seen = [watch(tab(), "a", true), watch(tab(), "a", true)];
    await settle();
    expect(live()).toEqual([stream("a")]);
    await say(stream("a"), ["1-1", snapshot("a")], ["1-2", item("a", "x")]);
    for (const { heard, view } of seen) {
      expect(heard).toEqual([["snapshot", "1-1"], ["item", "1-2"]]);
      expect(view.state!.itemsInProgress).toHaveLength(1);
      expect(view.connection.state).toBe("open");
    }
  });

  it("all know why a job waits, also one that comes late, until it waits no more", async () => {
    const why = (workers: number) => ({ type: "waiting", jobId: "a", queue: "q", workers }) as const;
    const seen = [watch(tab(), "a", true), watch(tab(), "a", true)];
    await settle();
    await say(stream("a"), ["1-1", snapshot("a", { status: "pending" })], ["", why(0)]);
    seen.push(watch(tab(), "a", true));
    await settle();
    for (const { view } of seen) expect(view).toMatchObject({ waiting: why(0), cursor: "1-1" });
    await say(stream("a"), ["", why(1)]);
    for (const { view } of seen) expect(view.waiting).toEqual(why(1));
    await say(stream("a"), ["1-2", status("a", "running")], ["", why(0)]);
    for (const { view } of seen) expect(view).toMatchObject({ waiting: null, cursor: "1-2" });
  });

  it("one that missed an event is given the state", async () => {
    const [leader, other] = [tab(), tab()];
    watch(leader, "a", true);
    const seen = watch(other, "a", true);
    await settle();
    await say(stream("a"), ["1-1", snapshot("a")]);
    Channel.all.forEach((channel) => Channel.deaf.add(channel));
    await say(stream("a"), ["1-2", item("a", "x")]);
    Channel.deaf.clear();
    await say(stream("a"), ["1-3", item("a", "y")]);
    expect(seen.heard).toEqual([["snapshot", "1-1"], ["snapshot", "1-3"]]);
    expect(seen.view.state!.itemsInProgress.map(({ itemId }) => itemId)).toEqual(["x", "y"]);
  });

  it("a leader that begins behind others brings them nothing twice", async () => {
    const [first, second, third] = [tab(), tab(), tab()];
    watch(first, "a", true);
    const [late, early] = [watch(second, "a", true), watch(third, "a", true)];
    await settle();
    await say(stream("a"), ["1-1", snapshot("a")]);
    Channel.deaf.add([...Channel.all][1]!); // the second, which leads next
    await say(stream("a"), ["1-2", item("a", "x")], ["1-3", item("a", "y")]);
    Channel.deaf.clear();
    first.close();
    await settle();
    expect(second.isLeading).toBe(true);
    expect(at(stream("a")).from).toBe("1-1");
    await say(stream("a"), ["1-2", item("a", "x")], ["1-3", item("a", "y")], ["1-4", item("a", "z")]);
    const all = [["snapshot", "1-1"], ["item", "1-2"], ["item", "1-3"], ["item", "1-4"]];
    expect(late.heard).toEqual(all);
    expect(early.heard).toEqual(all);
  });

  it("all take the state of a log that was set back, and go on from there", async () => {
    const seen = [watch(tab(), "a", true), watch(tab(), "a", true)];
    await settle();
    await say(stream("a"), ["1-8", snapshot("a")], ["1-9", item("a", "x")]);
    await say(stream("a"), ["1-4", snapshot("a")], ["1-5", item("a", "y")]);
    for (const { heard, view } of seen) {
      expect(heard.map(([, cursor]) => cursor)).toEqual(["1-8", "1-9", "1-4", "1-5"]);
      expect(view.state!.itemsInProgress.map(({ itemId }) => itemId)).toEqual(["y"]);
    }
  });

  it("hear what a new leader hears before it knows of them", async () => {
    const clients = [tab(), tab(), tab()];
    const seen = clients.map((client) => watch(client, "a", true));
    await settle();
    await say(stream("a"), ["1-1", snapshot("a")]);
    Channel.slow.add([...Channel.all][2]!);
    clients[0]!.close();
    await settle();
    expect(clients[1]!.isLeading).toBe(true);
    await say(stream("a"), ["1-2", item("a", "x")]);
    await vi.advanceTimersByTimeAsync(200);
    for (const { heard } of seen.slice(1)) expect(heard).toEqual([["snapshot", "1-1"], ["item", "1-2"]]);
  });

  it("the next leader goes on with what only others follow", async () => {
    const [first, second, third] = [tab(), tab(), tab()];
    watch(first, "a", true);
    watch(second, "b", true);
    const seen = watch(third, "a", true);
    await settle();
    await say(stream("a"), ["1-1", snapshot("a")], ["1-2", item("a", "x")]);
    first.close();
    await settle();
    expect(second.isLeading).toBe(true);
    expect(at(stream("a")).from).toBe("1-2");
    await say(stream("a"), ["1-3", item("a", "y")]);
    expect(seen.heard.at(-1)).toEqual(["item", "1-3"]);
    expect(seen.view.state!.itemsInProgress).toHaveLength(2);
  });

  it("what only a closed tab followed is closed", async () => {
    const [first, second] = [tab(), tab()];
    watch(first, "a", true);
    watch(second, "b", true);
    await settle();
    expect(live()).toEqual([stream("a"), stream("b")]);
    second.close();
    await settle();
    expect(live()).toEqual([stream("a")]);
  });

  it("what only a crashed tab followed is closed too: its lock is free", async () => {
    const [first, second] = [tab(), tab()];
    watch(first, "a", true);
    watch(second, "b", true);
    await settle();
    Channel.deaf.add([...Channel.all][0]!); // so that it does not hear a farewell
    second.close();
    await settle();
    expect(live()).toEqual([stream("a")]);
  });

  it("another scope is another connection", async () => {
    watch(tab({ scope: "ada" }), "a", true);
    watch(tab({ scope: "bob" }), "a", true);
    await settle();
    expect(live()).toEqual([stream("a"), stream("a")]);
  });
});

it.each([
  ["refused", () => { locks.isRefused = true; }, {}],
  ["unknown", () => { vi.stubGlobal("navigator", {}); }, {}],
  ["not wanted", () => {}, { isShared: false }],
])("where locks are %s each tab has its own stream", async (_, prepare, options) => {
  prepare();
  const seen = [watch(tab(options), "a", true), watch(tab(options), "a", true)];
  await settle();
  expect(live()).toEqual([stream("a"), stream("a")]);
  for (const each of opened) each.say("1-1", snapshot("a"));
  await settle();
  for (const { heard } of seen) expect(heard).toEqual([["snapshot", "1-1"]]);
});

describe("a client", () => {
  it("tells a late listener what is known, and closes when the last has gone", async () => {
    const client = tab();
    const first = watch(client, "a", true);
    await settle();
    await say(stream("a"), ["1-1", snapshot("a")]);
    const second = watch(client, "a", true);
    expect(second.heard).toEqual([["snapshot", "1-1"]]);
    first.stop();
    first.stop();
    await settle();
    expect(live()).toEqual([stream("a")]);
    second.stop();
    await settle();
    expect(live()).toEqual([]);
  });

  it("keeps its stream through a stop and a start in one turn, as StrictMode does", async () => {
    const client = tab();
    watch(client, "a", true).stop();
    watch(client, "a", true);
    await settle();
    expect(opened).toHaveLength(1);
  });
});

describe("jobs without items", () => {
  it("are all shown from the feed", async () => {
    const client = tab();
    const jobs = ["a", "b", "c", "d", "e", "f", "g", "h"];
    const seen = jobs.map((jobId) => watch(client, jobId));
    await settle();
    expect(live()).toEqual([FEED]);
    await say(FEED, ["1-1", feed(...jobs)], ["1-2", progress("c", 4)], ["1-3", status("d", "retrying")]);
    expect(seen.map(({ view }) => view.state?.status)).toEqual(
      jobs.map((jobId) => (jobId === "d" ? "retrying" : "running")),
    );
    expect(seen[2]!.view.state!.progress!.done).toBe(4);
    expect(asked).toEqual([]);
  });

  it("end with their terminal event, and the feed with the last of them", async () => {
    const client = tab();
    const [a, b] = [watch(client, "a"), watch(client, "b")];
    await settle();
    await say(FEED, ["1-1", feed("a", "b")], ["1-2", status("a", "completed")]);
    expect(a.view).toMatchObject({ state: { status: "completed" }, connection: { state: "closed", reason: "ended" } });
    expect(b.view.connection.state).toBe("open");
    expect(live()).toEqual([FEED]);
    await say(FEED, ["1-3", status("b", "failed")]);
    expect(live()).toEqual([]);
  });

  it("are asked for where the feed does not know them", async () => {
    states.set(stream("a"), () => Response.json({ snapshot: snapshot("a", { status: "failed" }), cursor: "1-9" }));
    const client = tab();
    const [a, b] = [watch(client, "a"), watch(client, "b")];
    await settle();
    await say(FEED, ["1-1", feed()]);
    expect(asked.sort()).toEqual([stream("a"), stream("b")]);
    expect(a.view).toMatchObject({ state: { status: "failed" }, connection: { reason: "ended" } });
    // A job that is too young to be known is asked for once more.
    expect(b.view).toMatchObject({ state: null, connection: { state: "open" } });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(asked.filter((url) => url === stream("b"))).toHaveLength(2);
    expect(b.view).toMatchObject({ state: null, connection: { reason: "refused", status: 404 } });
  });

  it("are asked for again where the answer was no answer", async () => {
    let tries = 0;
    states.set(stream("a"), () => {
      tries += 1;
      if (tries === 1) throw new TypeError("network");
      if (tries === 2) return new Response(null, { status: 503 });
      return Response.json({ snapshot: snapshot("a", { status: "completed" }), cursor: null });
    });
    const seen = watch(tab(), "a");
    await settle();
    await say(FEED, ["1-1", feed()]);
    await settle();
    await settle();
    expect(tries).toBe(3);
    expect(seen.view.state!.status).toBe("completed");
  });

  it("keep what the feed said while they were asked for, if it is newer", async () => {
    const later = "2026-01-31T12:00:05.000Z";
    let answer!: (response: Response) => void;
    const slow = ((url: string, init: RequestInit) =>
      new Headers(init.headers).get("Accept") === "application/json"
        ? new Promise((resolve) => { answer = resolve; })
        : fakeFetch(url, init)) as typeof fetch;
    const seen = watch(tab({ fetch: slow }), "a");
    await settle();
    await say(FEED, ["1-1", feed()], ["1-2", status("a", "running", later)]);
    answer(Response.json({ snapshot: snapshot("a", { status: "pending" }), cursor: null }));
    await settle();
    expect(seen.view.state!.status).toBe("running");
  });

  it("are followed by their own id where the one that is known leads to it", async () => {
    states.set(stream("last"), () => Response.json({ snapshot: snapshot("first"), cursor: "1-1" }));
    const seen = watch(tab(), "last");
    await settle();
    await say(FEED, ["1-1", feed("first")]);
    await say(FEED, ["1-2", progress("first", 4)]);
    expect(seen.view.state!.progress!.done).toBe(4);
    await say(FEED, ["1-3", status("first", "completed")]);
    expect(seen.view).toMatchObject({ state: { status: "completed" }, connection: { reason: "ended" } });
    expect(asked).toEqual([stream("last")]);
  });

  it("are asked for until they are over where no feed tells them, as the sum of a group", async () => {
    let current = snapshot("whole");
    states.set(stream("group"), () => Response.json({ snapshot: current, cursor: "1-1" }));
    const seen = watch(tab(), "group");
    await settle();
    await say(FEED, ["1-1", feed("a", "b")]);
    expect(seen.view.state!.status).toBe("running");
    current = snapshot("whole", { status: "completed" });
    await vi.advanceTimersByTimeAsync(3_000);
    expect(seen.view).toMatchObject({ state: { status: "completed" }, connection: { reason: "ended" } });
  });

  it("share a refusal of the feed", async () => {
    const refusing = (async () => new Response(null, { status: 401 })) as typeof fetch;
    const client = tab({ fetch: refusing });
    const seen = [watch(client, "a"), watch(client, "b")];
    await settle();
    for (const { view } of seen) expect(view.connection).toMatchObject({ reason: "refused", status: 401 });
  });
});

describe("jobs with items", () => {
  it("beyond the third are shown from the feed until a place is free", async () => {
    const client = tab();
    const seen = ["a", "b", "c", "d"].map((jobId) => watch(client, jobId, true));
    await settle();
    expect(live()).toEqual([stream("a"), stream("b"), stream("c"), FEED].sort());
    await say(FEED, ["1-1", feed("a", "b", "c", "d")], ["1-2", progress("d", 2)]);
    expect(seen[3]!.view.state!.progress!.done).toBe(2);
    await say(stream("a"), ["1-1", snapshot("a", { status: "completed" })]);
    expect(live()).toEqual([stream("b"), stream("c"), stream("d")].sort());
    await say(stream("d"), ["5-7", snapshot("d")], ["5-8", item("d", "x")]);
    expect(seen[3]!.view).toMatchObject({ cursor: "5-8", state: { itemsInProgress: [{ itemId: "x" }] } });
  });
});

it("a place that is given up goes to the one that waits", async () => {
  const client = tab();
  const seen = ["a", "b", "c", "d"].map((jobId) => watch(client, jobId, true));
  await settle();
  seen[1]!.stop();
  await settle();
  expect(live()).toEqual([stream("a"), stream("c"), stream("d")]);
});

it("pages that follow only the feed have only the feed", async () => {
  const feeds: (FeedSnapshot | null)[] = [];
  const client = tab();
  const stop = client.followFeed(({ state }) => feeds.push(state));
  await settle();
  await say(FEED, ["1-1", feed("a")], ["1-2", status("a", "completed")]);
  expect(feeds.at(-1)!.jobs).toEqual([]);
  expect(live()).toEqual([FEED]);
  stop();
});
