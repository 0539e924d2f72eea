// The core against the real server.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Snapshot, StreamEvent } from "../../src/events.gen.ts";
import { reduce, reduceFeed } from "../../src/reduce.ts";
import type { Stream } from "../../src/messages.ts";
import { createFeedStream, createJobStream, type StreamOptions } from "../../src/stream.ts";
import { startServer, until, type JobServer } from "../server.ts";
import { blackHole } from "./blackhole.ts";

let server: JobServer;
let jobs = 0;
const open: Stream[] = [];

beforeAll(async () => { server = await startServer(); });
afterAll(async () => {
  open.forEach((stream) => stream.close());
  await server.stop();
});

const freshJob = () => `job-${(jobs += 1)}`;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

interface Followed {
  stream: Stream;
  state: Snapshot | null;
  readonly cursors: string[];
  readonly types: string[];
}

function follow(
  jobId: string,
  { account = "ada", at = server, ...options }: Partial<StreamOptions> & { account?: string; at?: JobServer } = {},
): Followed {
  const followed: Followed = { stream: undefined!, state: null, cursors: [], types: [] };
  followed.stream = createJobStream({
    url: at.stream(jobId),
    headers: () => ({ account }),
    random: () => 0.01,
    onEvent(event: StreamEvent | null, cursor: string) {
      followed.state = event ? reduce(followed.state, event) : followed.state;
      followed.cursors.push(cursor);
      followed.types.push(event?.type ?? "?");
    },
    ...options,
  });
  open.push(followed.stream);
  return followed;
}

const ended = ({ stream }: Followed) => stream.connection.state === "closed";

describe("a job", () => {
  it("is followed from a snapshot to its end, to the server's own state", async () => {
    const job = freshJob();
    await server.report(job, [["status", "running"], ["total", 3], ["item", "a", "in_progress"]]);
    const followed = follow(job);
    await until("the snapshot", () => followed.state);
    await server.report(job, [["item", "a", "succeeded"], ["item", "b", "failed", "é𝄞"]]);
    await server.report(job, [["item", "c", "succeeded"], ["status", "completed"]]);
    await until("the end", () => ended(followed));
    expect(followed.state).toEqual((await server.state(job)).snapshot);
    expect(followed.stream.connection).toMatchObject({ reason: "ended", attempts: 0 });
    expect(followed.types[0]).toBe("snapshot");
    expect(followed.types.filter((type) => type === "snapshot")).toHaveLength(1);
  });

  it("that had ended is one snapshot, and no second request", async () => {
    const job = freshJob();
    await server.report(job, [["status", "running"], ["status", "failed", "Cut off."]]);
    const { opened } = await server.streams();
    const followed = follow(job);
    await until("the end", () => ended(followed));
    expect(followed.types).toEqual(["snapshot"]);
    await pause(200);
    expect((await server.streams()).opened).toBe(opened + 1);
  });

  it("is gone on with from a cursor, and 204 is its end for one who has it all", async () => {
    const job = freshJob();
    await server.report(job, [["status", "running"], ["item", "a", "in_progress"]]);
    const { cursor } = await server.state(job);
    await server.report(job, [["item", "a", "succeeded"], ["status", "completed"]]);
    const rest = follow(job, { lastEventId: cursor });
    await until("the end", () => ended(rest));
    expect(rest.types).toEqual(["item", "progress", "status"]);
    const none = follow(job, { lastEventId: rest.stream.cursor });
    await until("204", () => ended(none));
    expect(none.stream.connection).toMatchObject({ reason: "ended", status: 204 });
    expect(none.types).toEqual([]);
  });

  it("that nobody knows, or is another's, is refused for good", async () => {
    const job = freshJob();
    await server.report(job, [["status", "running"]]);
    const refused = [follow("nothing"), follow(job, { account: "bob" }), follow(job, { account: "" })];
    await until("refusals", () => refused.every(ended));
    expect(refused.map(({ stream }) => stream.connection)).toEqual(
      [404, 404, 401].map((status) => ({ state: "closed", attempts: 0, reason: "refused", status })),
    );
  });

  it("is found after 503 and 429, and the wait is the server's", async () => {
    const job = freshJob();
    await server.report(job, [["status", "running"]]);
    await server.answer({ status: 503 }, { status: 429, headers: { "Retry-After": "1" } });
    const began = Date.now();
    const followed = follow(job);
    await until("the snapshot", () => followed.state);
    expect(Date.now() - began).toBeGreaterThanOrEqual(1_000);
    expect(followed.stream.connection).toMatchObject({ state: "open", attempts: 0 });
    followed.stream.close();
  });

  it("is followed through the end of every connection, and each event comes once", async () => {
    const short = await startServer("--life", "0.8");
    try {
      const job = freshJob();
      await short.report(job, [["status", "running"]]);
      const followed = follow(job, { at: short });
      // A client comes back after up to five seconds: the job lasts until it has come often enough.
      for (let turn = 0; turn < 400 && (await short.streams()).opened <= 3; turn += 1) {
        await short.report(job, [["item", String(turn), "succeeded"]]);
        await pause(100);
      }
      await short.report(job, [["status", "completed"]]);
      await until("the end", () => ended(followed));
      expect(followed.state).toEqual((await short.state(job)).snapshot);
      const seqs = followed.cursors.map((cursor) => Number(cursor.split("-")[1]));
      expect(seqs).toEqual(seqs.map((_, at) => seqs[0]! + at));
      expect((await short.streams()).opened).toBeGreaterThan(3);
    } finally {
      await short.stop();
    }
  });
});

it("takes pings for life: an idle stream is not a dead one", async () => {
  const job = freshJob();
  await server.report(job, [["status", "running"]]);
  const states: string[] = [];
  const stream = createJobStream({
    url: server.stream(job),
    headers: () => ({ account: "ada" }),
    silenceMs: 1_500, // the server pings each half second
    onEvent() {},
    onConnection: ({ state }) => states.push(state),
  });
  open.push(stream);
  await pause(4_000);
  expect(states).toEqual(["connecting", "open"]);
  stream.close();
});

it("follows a feed of several jobs", async () => {
  const [one, two] = [freshJob(), freshJob()];
  let feed: ReturnType<typeof reduceFeed> | null = null;
  const stream = createFeedStream({
    url: `${server.url}/api/jobs/progress`,
    headers: () => ({ account: "ada" }),
    onEvent(event) { if (event) feed = reduceFeed(feed, event); },
  });
  open.push(stream);
  const active = () => new Map((feed?.jobs ?? []).map(({ jobId, status }) => [jobId, status]));
  await server.report(one, [["status", "running"]]);
  await server.report(two, [["status", "running"], ["total", 7]]);
  await until("both", () => active().has(one) && active().has(two));
  await server.report(one, [["status", "cancelled"]]);
  await until("one is gone", () => !active().has(one));
  expect(active().get(two)).toBe("running");
  stream.close();
});

it("leaves a connection that went dead without a word, and goes on with its cursor", async () => {
  const job = freshJob();
  await server.report(job, [["status", "running"]]);
  const hole = await blackHole(server.port);
  const followed = follow(job, {
    at: { ...server, stream: (id) => `http://127.0.0.1:${hole.port}/api/jobs/${id}/progress` },
    silenceMs: 1_500,
  });
  try {
    await until("the snapshot", () => followed.state);
    hole.swallow();
    await server.report(job, [["item", "a", "succeeded"]]);
    await server.report(job, [["status", "completed"]]);
    await until("the end", () => ended(followed));
    expect(followed.state).toEqual((await server.state(job)).snapshot);
    expect(followed.types).toEqual(["snapshot", "item", "progress", "progress", "status"]);
  } finally {
    hole.close();
  }
});
