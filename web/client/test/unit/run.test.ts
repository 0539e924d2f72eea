// The pure parts of a run's picture: where things are, and a job once more.

import fc from "fast-check";
import { expect, it } from "vitest";
import type { EventPage, Run, RunRow } from "../../src/events.gen.ts";
import { reduce, type LogEvent } from "../../src/reduce.ts";
import { pictureOf, ticksOf } from "../../src/run/picture.ts";
import { readPlayback, playbackOf } from "../../src/run/playback.ts";
import { english } from "../../src/run/words.ts";

const ZERO = Date.parse("2026-01-01T00:00:00.000Z");
const iso = (seconds: number): string => new Date(ZERO + seconds * 1000).toISOString();

function runOf(rows: Partial<RunRow>[], more: Partial<Run> = {}): Run {
  const whole = rows.map((row) => ({ kind: "part", attempt: 1, status: "completed", begin: iso(0), ...row }) as RunRow);
  return { jobId: "a", status: "completed", rows: whole, points: [], leftOut: 0, finishedAt: iso(100), ...more };
}

it("puts parts that overlap into as few lanes as there are at one time", () => {
  const spans = fc.array(fc.tuple(fc.nat(50), fc.integer({ min: 1, max: 20 })), { maxLength: 60 });
  fc.assert(fc.property(spans, (pairs) => {
    const run = runOf(pairs.map(([begin, took], at) => ({ name: `${at}`, begin: iso(begin), end: iso(begin + took) })));
    const { bars, lanes } = pictureOf(run, ZERO);
    for (const one of bars) {
      for (const other of bars) {
        if (one !== other && one.lane === other.lane) expect(one.end <= other.begin || other.end <= one.begin).toBe(true);
      }
    }
    const most = Math.max(0, ...bars.map(({ begin }) => bars.filter((bar) => bar.begin <= begin && begin < bar.end).length));
    expect(lanes.part).toBe(most);
    expect(bars).toHaveLength(pairs.length);
  }));
});

it("shows the waits before each attempt, and what goes on until now", () => {
  const attempts: Partial<RunRow>[] = [
    { kind: "attempt", begin: iso(5), end: iso(20), status: "retrying" },
    { kind: "attempt", attempt: 2, begin: iso(30), status: "running" },
  ];
  const { finishedAt: _, ...running } = runOf(attempts, { sentAt: iso(0), status: "running" });
  const { bars, to } = pictureOf(running, ZERO + 42_000);
  expect(bars.map(({ kind, begin, end }) => [kind, (begin - ZERO) / 1000, (end - ZERO) / 1000])).toEqual([
    ["wait", 0, 5], ["attempt", 5, 20], ["wait", 20, 30], ["attempt", 30, 42],
  ]);
  expect(to).toBe(ZERO + 42_000);
  const pending = pictureOf({ ...running, rows: [], status: "pending" }, ZERO + 3_000);
  expect(pending.bars.map(({ kind, begin, end }) => [kind, begin - ZERO, end - ZERO])).toEqual([["wait", 0, 3_000]]);
});

it("tells the rate between two points, anew where counts go back, and where items failed", () => {
  const points = [[0, 0, 0], [2, 10, 0], [4, 11, 1], [6, 3, 0], [8, 5, 2]].map(
    ([at, done, failed]) => ({ at: iso(at!), done: done!, failed: failed! }));
  const { lines, fastest, failures } = pictureOf(runOf([], { points }), ZERO);
  expect(lines.map((line) => line.map(({ perSecond }) => perSecond))).toEqual([[5, 0.5], [1]]);
  expect(fastest).toBe(5);
  expect(failures.map(({ at, count }) => [(at - ZERO) / 1000, count])).toEqual([[4, 1], [8, 2]]);
});

it("draws a run of nothing, of one moment and of years", () => {
  for (const run of [runOf([]), runOf([{ kind: "attempt", end: iso(0) }], { finishedAt: iso(0) })]) {
    const { from, to } = pictureOf(run, ZERO);
    expect(to).toBeGreaterThan(from);
  }
  fc.assert(fc.property(fc.integer({ min: 1, max: 1e12 }), fc.integer({ min: 2, max: 20 }), (span, most) => {
    const ticks = ticksOf(span, most);
    expect(ticks[0]).toBe(0);
    expect(ticks.length).toBeLessThanOrEqual(most + 1);
    expect(ticks.at(-1)!).toBeLessThanOrEqual(span);
  }));
});

it("says times and what a bar is", () => {
  expect([0, 500, 9_500, 65_000, 3_725_000].map(english.clock)).toEqual(["0:00", "0:00.5", "0:09.5", "1:05", "1:02:05"]);
  expect([400, 12_400, 60_000, 303_000, 7_500_000].map(english.duration)).toEqual([
    "0.4 s", "12 s", "1 min", "5 min 3 s", "2 h 5 min",
  ]);
  const bar = { kind: "phase", attempt: 2, name: "play", begin: 7_000, end: 12_000, lane: 0, status: "failed" } as const;
  expect(english.bar(bar, 0)).toBe("Phase “play” of attempt 2: 5 s, from 0:07 to 0:12, failed");
});

/** Events of a job as a log has them, without order of any kind. */
const event: fc.Arbitrary<LogEvent> = fc.record({ at: fc.nat(1_000), attempt: fc.integer({ min: 1, max: 3 }), id: fc.nat(8) })
  .chain(({ at, attempt, id }) => {
    const head = { jobId: "a", at: iso(at), attempt };
    const counts = { done: id, total: 9, succeeded: id, failed: 0, fraction: id / 9 };
    return fc.constantFrom<LogEvent>(
      { type: "progress", ...head, ...counts },
      { type: "status", ...head, status: "running" },
      { type: "item", ...head, itemId: `${id}`, itemKind: "song", status: "in_progress" },
      { type: "item", ...head, itemId: `${id}`, itemKind: "song", status: "failed", tookSeconds: id },
      { type: "note", ...head, text: `${id}` },
      { type: "error", ...head, message: `${id}`, code: "x" },
    );
  });

it("has at any event the fold up to it, in whatever order events are looked at", () => {
  const looks = fc.array(fc.nat(400), { maxLength: 40 });
  fc.assert(fc.property(fc.array(event, { maxLength: 300 }), looks, (events, numbers) => {
    const playback = playbackOf(events);
    for (const number of numbers) {
      const fold = events.slice(0, number).reduce<ReturnType<typeof playback.at>>((state, each) => reduce(state, each), null);
      expect(playback.at(number)).toEqual(fold);
    }
    const { times } = playback;
    for (const [at, time] of times.entries()) {
      expect(time).toBeGreaterThanOrEqual(times[at - 1] ?? 0);
      expect(playback.before(time)).toBeGreaterThan(at);
    }
  }), { numRuns: 60 });
});

it.each([0, 1, 700, 1_999])("reads what a log has kept of 2,000 events without the first %d", async (trimmed) => {
  const events = Array.from({ length: 2_000 }, (_, at): LogEvent =>
    ({ type: "note", jobId: "a", at: iso(at), attempt: 1, text: `${at + 1}` }));
  let asked = 0;
  const playback = await readPlayback(({ after, limit }): Promise<EventPage> => {
    asked += 1;
    const from = after === undefined ? -1 : Number(after.split("-")[1]);
    const state = reduce(null, events.at(-1)!);
    if (from < trimmed) return Promise.resolve({ cursor: "7-2000", ended: true, snapshot: state, events: [] });
    const found = events.slice(from, from + limit).map((each, at) => ({ id: `7-${from + at + 1}`, event: each }));
    return Promise.resolve({ cursor: `7-${from + found.length}`, ended: true, events: found });
  });
  expect(playback?.trimmed).toBe(trimmed);
  expect(playback?.length).toBe(2_000 - trimmed);
  expect(playback?.at(1)?.note?.text).toBe(`${trimmed + 1}`);
  expect(asked).toBeLessThan(20);
  await expect(readPlayback(() => Promise.resolve({ cursor: null, ended: true, events: [] }))).resolves.toBeNull();
});
