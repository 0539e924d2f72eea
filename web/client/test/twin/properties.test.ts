// Random sequences, folded here and by Python's own fold in a process beside: no difference.

import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { FeedSnapshot, Snapshot } from "../../src/events.gen.ts";
import { reduce, reduceFeed, type LogEvent } from "../../src/reduce.ts";
import { python as start } from "../server.ts";

const ROUNDS = Number(process.env["TWIN_ROUNDS"] ?? 300);

let python: ChildProcess;
let lines: AsyncIterator<string>;

beforeAll(() => {
  python = start("-m", "tests.fixtures.folds", "--answer");
  lines = createInterface({ input: python.stdout! })[Symbol.asyncIterator]();
});
afterAll(() => { python.stdin!.end(); });

async function pythons(kind: "job" | "feed", events: readonly LogEvent[]): Promise<unknown[]> {
  python.stdin!.write(JSON.stringify({ kind, events }) + "\n");
  const { value, done } = await lines.next();
  if (done) throw new Error("Python's fold has gone");
  return JSON.parse(value);
}

const jobId = fc.constantFrom("7f8f6a0e-0d3c-4d0b-9a51-3d1d0c3f2a11", "1b2c3d4e-5f60-4718-8293-a4b5c6d7e8f9");
// Characters JSON and UTF-8 both have: a lone surrogate is not one.
const text = fc.string({ unit: "binary" }).filter((value) => !/\p{Surrogate}/u.test(value));
const count = fc.nat(1_000_000);
const at = fc
  .date({ min: new Date("2026-01-01"), max: new Date("2026-12-31"), noInvalidDate: true })
  .map((date) => date.toISOString());
const base = { at, attempt: fc.integer({ min: 1, max: 4 }) };

/** Some of the optional fields, and some at times a reader does not know. */
function event(id: fc.Arbitrary<string>): fc.Arbitrary<LogEvent> {
  const all = { jobId: id, ...base };
  const item = fc.record(
    {
      ...all,
      type: fc.constant("item" as const),
      // Few ids, so that items meet again; more than a snapshot holds.
      itemId: fc.nat(30).map(String),
      itemKind: fc.constantFrom("song", "playlist"),
      status: fc.constantFrom("queued", "in_progress", "succeeded", "failed"),
      label: text,
      index: count,
      count,
      error: text,
      tookSeconds: fc.integer({ min: 0, max: 40 }).map((value) => value / 4),
    },
    { requiredKeys: ["jobId", "at", "attempt", "type", "itemId", "itemKind", "status"] },
  );
  const progress = fc.record(
    {
      ...all,
      type: fc.constant("progress" as const),
      done: count,
      total: fc.option(count),
      succeeded: count,
      failed: count,
      phase: fc.record({ name: text, index: fc.integer({ min: 1, max: 9 }), count: fc.integer({ min: 1, max: 9 }) }),
      fraction: fc.option(fc.integer({ min: 0, max: 10_000 }).map((value) => value / 10_000)),
      perSecond: fc.integer({ min: 0, max: 1_000_000 }).map((value) => value / 1_000),
      etaSeconds: count,
    },
    { requiredKeys: ["jobId", "at", "attempt", "type", "done", "total", "succeeded", "failed", "fraction"] },
  );
  const status = fc.record(
    {
      ...all,
      type: fc.constant("status" as const),
      status: fc.constantFrom("pending", "running", "retrying", "completed", "failed", "cancelled"),
      reason: text,
    },
    { requiredKeys: ["jobId", "at", "attempt", "type", "status"] },
  );
  const error = fc.record({ ...all, type: fc.constant("error" as const), message: text, code: text });
  const note = fc.record(
    { ...all, type: fc.constant("note" as const), text, details: fc.dictionary(text, fc.constantFrom(1, "a", null)) },
    { requiredKeys: ["jobId", "at", "attempt", "type", "text"] },
  );
  const value = fc.constantFrom<unknown>(null, 0, "", "words", [1, null], { a: { b: 1 } });
  const result = fc.record({ ...all, type: fc.constant("result" as const), value });
  return fc.oneof(
    { weight: 6, arbitrary: item },
    { weight: 1, arbitrary: note },
    { weight: 1, arbitrary: result },
    { weight: 3, arbitrary: progress },
    { weight: 2, arbitrary: status },
    { weight: 1, arbitrary: error },
  ) as fc.Arbitrary<LogEvent>;
}

function statesOf<S>(fold: (state: S | null, event: LogEvent) => S, events: readonly LogEvent[]): S[] {
  let state: S | null = null;
  return events.map((one) => (state = fold(state, one)));
}

it("folds any sequence of a job's events as Python does", { timeout: 600_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event(jobId.map(() => "7f8f6a0e-0d3c-4d0b-9a51-3d1d0c3f2a11")), { maxLength: 80 }), async (events) => {
      const mine = statesOf<Snapshot>(reduce, events);
      expect(mine).toEqual(await pythons("job", events));
    }),
    { numRuns: ROUNDS },
  );
});

it("folds any sequence of a feed's events as Python does", { timeout: 600_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event(jobId), { maxLength: 60 }), async (events) => {
      const mine = statesOf<FeedSnapshot>(reduceFeed, events);
      expect(mine).toEqual(await pythons("feed", events));
    }),
    { numRuns: ROUNDS },
  );
});
