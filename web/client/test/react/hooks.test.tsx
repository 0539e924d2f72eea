// @vitest-environment jsdom
// The hooks over a client that does what a test says.

import { QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { act, StrictMode, type ReactNode } from "react";
import { createRoot, type Root } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { JobsClient, Listener, View } from "../../src/client.ts";
import type { FeedSnapshot, Item, Snapshot } from "../../src/events.gen.ts";
import { jobKey, JobsClientContext, useJobFeed, useJobProgress, type JobProgress, type JobProgressOptions } from "../../src/react.ts";
import type { State } from "../../src/sources.ts";
import type { Connection } from "../../src/messages.ts";

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

const OPEN: Connection = { state: "open", attempts: 0 };
const item = (itemId: string, status: Item["status"]): Item => ({ itemId, itemKind: "song", status });

function snapshot(changes: Partial<Snapshot> = {}): Snapshot {
  return {
    type: "snapshot", jobId: "j", at: "2026-01-31T12:00:00.000Z", attempt: 1, status: "running",
    progress: null, itemsInProgress: [], failedItems: [], ...changes,
  };
}

/** Says to all who follow what it is told, and counts them. */
class Told implements JobsClient {
  readonly isLeading = true;
  readonly follows: string[] = [];
  readonly listeners = new Map<string, Set<Listener<State>>>();

  #follow(topic: string, listener: Listener<State>): () => void {
    this.follows.push(topic);
    const all = this.listeners.get(topic) ?? new Set();
    this.listeners.set(topic, all.add(listener));
    return () => void all.delete(listener);
  }

  followJob = (jobId: string, listener: Listener<Snapshot>, { items = false } = {}) =>
    this.#follow(`${items ? "items" : "job"}:${jobId}`, listener as Listener<State>);
  followFeed = (listener: Listener<FeedSnapshot>) => this.#follow("feed", listener as Listener<State>);
  readonly tryNow = vi.fn();
  close() {}

  async say(topic: string, state: State | null, connection: Connection = OPEN): Promise<void> {
    const view: View = { state, connection, waiting: null, cursor: "" };
    await act(async () => {
      for (const listener of this.listeners.get(topic) ?? []) listener(view, state);
      await new Promise((resolve) => setTimeout(resolve, 30)); // a frame
    });
  }

  following(topic: string): number {
    return this.listeners.get(topic)?.size ?? 0;
  }
}

let client: Told;
let queries: QueryClient;
let root: Root;
let seen: JobProgress[];

function Job({ jobId, ...options }: { jobId: string | null } & JobProgressOptions) {
  seen.push(useJobProgress(jobId, options));
  return null;
}

function around(children: ReactNode) {
  return (
    <StrictMode>
      <QueryClientProvider client={queries}>
        <JobsClientContext.Provider value={client}>{children}</JobsClientContext.Provider>
      </QueryClientProvider>
    </StrictMode>
  );
}

const render = (children: ReactNode) => act(async () => root.render(around(children)));
const last = () => seen.at(-1)!;

beforeEach(() => {
  client = new Told();
  queries = new QueryClient();
  root = createRoot(document.createElement("div"));
  seen = [];
});
afterEach(async () => {
  await act(async () => root.unmount());
  for (const listeners of client.listeners.values()) expect(listeners.size).toBe(0);
});

describe("useJobProgress", () => {
  it("gives what is known, as it becomes known", async () => {
    await render(<Job jobId="j" />);
    expect(last()).toEqual({
      progress: null, status: null, items: [], currentItem: null, waiting: null, note: null, result: null,
      error: null, slowestItems: [], isConnected: false, isSlow: false, attempts: 0, tryNow: expect.any(Function),
    });
    last().tryNow();
    expect(client.tryNow).toHaveBeenCalledOnce();
    const progress = { done: 1, total: 2, succeeded: 1, failed: 0, fraction: 0.5 };
    const [a, b, c] = [item("a", "in_progress"), item("b", "in_progress"), item("c", "failed")];
    const note = { text: "Listing /music/Jazz", details: { files: 3 } };
    await client.say("items:j", snapshot({ progress, itemsInProgress: [a, b], failedItems: [c], note, result: [1] }));
    expect(last()).toEqual({
      progress, status: "running", items: [a, b, c], currentItem: b, waiting: null, note, result: [1],
      error: null, slowestItems: [], isConnected: true, isSlow: false, attempts: 0, tryNow: expect.any(Function),
    });
    await client.say("items:j", snapshot(), { state: "waiting", attempts: 3, delayMs: 9 });
    expect(last()).toMatchObject({ isConnected: false, attempts: 3 });
  });

  it("follows nothing without a job, and another job when it is given one", async () => {
    await render(<Job jobId={null} />);
    expect(client.follows).toEqual([]);
    await render(<Job jobId="j" />);
    await client.say("items:j", snapshot());
    await render(<Job jobId="k" />);
    expect([client.following("items:j"), client.following("items:k")]).toEqual([0, 1]);
    expect(last().status).toBeNull();
    await render(<Job jobId={null} />);
    expect(client.following("items:k")).toBe(0);
  });

  it("follows once for all components, until the last is gone", async () => {
    await render([<Job key="1" jobId="j" />, <Job key="2" jobId="j" />]);
    expect(client.following("items:j")).toBe(1);
    await render([<Job key="2" jobId="j" />]);
    expect(client.following("items:j")).toBe(1);
    await render(null);
    expect(client.following("items:j")).toBe(0);
  });

  it("keeps the snapshot in Query's cache, where any component finds it", async () => {
    await render(<Job jobId="j" />);
    await client.say("items:j", snapshot());
    expect(queries.getQueryData(jobKey("j"))).toEqual(snapshot());
    await render([<Job key="0" jobId="j" items={false} />]);
    expect(last().status).toBe("running");
  });

  it("does not let an older state take a newer one's place", async () => {
    await render([<Job key="1" jobId="j" />, <Job key="2" jobId="j" items={false} />]);
    await client.say("items:j", snapshot({ at: "2026-01-31T12:00:09.000Z", status: "retrying" }));
    await client.say("job:j", snapshot());
    expect(last().status).toBe("retrying");
  });

  it("tells Query once, at the end, what to fetch anew", async () => {
    const fetched = { songs: 0, others: 0 };
    function Songs() {
      useQuery({ queryKey: ["songs", 1], queryFn: () => (fetched.songs += 1) });
      useQuery({ queryKey: ["others"], queryFn: () => (fetched.others += 1) });
      return null;
    }
    const invalidate = [["songs"]];
    await render([<Songs key="s" />, <Job key="1" jobId="j" invalidate={invalidate} />, <Job key="2" jobId="j" invalidate={[["songs"]]} />]);
    await vi.waitFor(() => expect(fetched).toEqual({ songs: 1, others: 1 }));
    await client.say("items:j", snapshot());
    expect(fetched).toEqual({ songs: 1, others: 1 });
    for (let turn = 0; turn < 3; turn += 1) await client.say("items:j", snapshot({ status: "completed" }));
    expect(fetched).toEqual({ songs: 2, others: 1 });
  });

  it("says why a job failed, and that one cannot be followed", async () => {
    await render(<Job jobId="j" />);
    const error = { message: "The folder is gone.", code: "gone" };
    await client.say("items:j", snapshot({ status: "failed", error }));
    expect(last().error).toEqual(error);
    await render(<Job jobId="k" />);
    await client.say("items:k", null, { state: "closed", attempts: 0, reason: "refused", status: 404 });
    expect(last().error?.code).toBe("refused");
    await client.say("items:k", null, { state: "closed", attempts: 0, reason: "refused", status: 401 });
    expect(last().error?.code).toBe("signed_out");
  });

  it("gives the same object while nothing changes", async () => {
    await render(<Job jobId="j" />);
    await client.say("items:j", snapshot());
    const before = last();
    await render(<Job jobId="j" />);
    expect(last()).toBe(before);
  });
});

it("useJobFeed lists the active jobs", async () => {
  const feeds: ReturnType<typeof useJobFeed>[] = [];
  function Feed() {
    feeds.push(useJobFeed());
    return null;
  }
  await render(<Feed />);
  expect(feeds.at(-1)).toMatchObject({ jobs: [], isKnown: false, isConnected: false });
  const job = { jobId: "j", at: "2026-01-31T12:00:00.000Z", attempt: 1, status: "running" as const, progress: null };
  await client.say("feed", { type: "feed", at: job.at, jobs: [job] });
  expect(feeds.at(-1)).toMatchObject({ jobs: [job], isKnown: true, error: null, isConnected: true, isSlow: false, attempts: 0 });
});

it("is rendered on a server without a connection", () => {
  const html = renderToString(around(<Job jobId="j" />));
  expect(html).toBe("");
  expect(client.follows).toEqual([]);
  expect(last()).toMatchObject({ status: null, isConnected: false });
});
