// The sentences are those of web/words.py, said by Python itself.

import { createInterface } from "node:readline";
import { expect, it } from "vitest";
import type { JobStatus, Progress } from "../../src/events.gen.ts";
import { english, statusWords } from "../../src/words.ts";

const SINCE = `
import json, sys
from datetime import UTC, datetime
from progress.events import RunningItem
from web.words import since
now = datetime(2026, 11, 25, 12, tzinfo=UTC)
for line in sys.stdin:
    item = {"itemId": "a", "itemKind": "song", "status": "in_progress"} | json.loads(line)
    print(json.dumps(since(RunningItem.model_validate(item), now)), flush=True)
`;
import { python } from "../server.ts";

const SCRIPT = `
import json, sys
from progress.events import Progress
from web.words import counts, pace, phase, rate
for line in sys.stdin:
    given = json.loads(line)
    progress = Progress.model_validate(given) if given else None
    print(json.dumps([counts(progress), pace(progress), phase(progress), rate(progress)]), flush=True)
`;

function progress(changes: Partial<Progress>): Progress {
  return { done: 3, total: 12, succeeded: 3, failed: 0, fraction: 0.25, ...changes };
}

const CASES: (Progress | null)[] = [
  null,
  progress({}),
  progress({ total: null, fraction: null }),
  progress({ failed: 1, succeeded: 2 }),
  progress({ done: 12_345, total: 1_200_000, succeeded: 11_111, failed: 1_234 }),
  progress({ phase: { name: "playlists", index: 2, count: 3 } }),
  ...[0, 1, 59, 60, 89, 90, 149, 150, 3_600, 5_369, 5_370, 5_400, 7_199, 9_000, 9_001, 360_000].map(
    (etaSeconds) => progress({ etaSeconds }),
  ),
  ...[0, 0.0001, 0.0008, 0.01, 0.25, 0.99, 1, 1.25, 1.26, 9.94, 9.99, 10, 12.5, 1_234.5].map((perSecond) => progress({ perSecond })),
];

it("says counts, pace, phase and rate as Python does", async () => {
  const child = python("-c", SCRIPT);
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  try {
    for (const given of CASES) {
      child.stdin!.write(JSON.stringify(given) + "\n");
      const { value } = await lines.next();
      const mine = [english.counts(given), english.pace(given), english.phase(given), english.rate(given)];
      expect(mine, JSON.stringify(given)).toEqual(JSON.parse(value!));
    }
  } finally {
    child.stdin!.end();
  }
});

const WAITING = `
import json, sys
from progress.events import JobWaiting
from web.words import waiting
for line in sys.stdin:
    print(json.dumps(waiting(JobWaiting.model_validate_json(line), "pending")), flush=True)
`;

it("says where a job stands as Python does", async () => {
  const child = python("-c", "import json; from web.words import STATUSES; print(json.dumps(STATUSES))");
  const { value } = await createInterface({ input: child.stdout! })[Symbol.asyncIterator]().next();
  for (const [status, words] of Object.entries(JSON.parse(value!))) expect(statusWords[status as JobStatus]).toBe(words);
});

it("says why a job waits as Python does", async () => {
  const child = python("-c", WAITING);
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const why = { type: "waiting", jobId: "a", queue: "analysis", workers: 1 } as const;
  const said = [];
  try {
    for (const given of [why, { ...why, workers: 0 }, ...[0, 1, 2, 1_234].map((before) => ({ ...why, before }))]) {
      child.stdin!.write(JSON.stringify(given) + "\n");
      const { value } = await lines.next();
      said.push(english.waiting(given, "pending"));
      expect(said.at(-1)).toBe(JSON.parse(value));
    }
  } finally {
    child.stdin!.end();
  }
  expect(said.slice(0, 2)).toEqual(["", "No worker takes jobs of the queue ‘analysis’ at the moment."]);
});

it("says until when a job waits, with the day where it is another one", () => {
  const why = { type: "waiting", jobId: "a", queue: "q", workers: 1 } as const;
  const later = (hours: number) => new Date(Date.now() + hours * 3_600_000);
  const clock = (moment: Date) => moment.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  const today = later(0);
  expect(english.waiting({ ...why, until: today.toISOString() }, "retrying")).toBe(`Tries again at ${clock(today)}.`);
  const words = english.waiting({ ...why, workers: 0, until: later(48).toISOString() }, "pending");
  expect(words).toMatch(/^Begins at .*\d.*\. No worker takes jobs/);
  expect(words).toContain(String(later(48).getDate()));
  const soon = english.waiting({ ...why, before: 2, until: today.toISOString() }, "pending");
  expect(soon).toBe(`Begins at ${clock(today)}. About 2 jobs are before it.`);
});

it("says of a connection only what a person can use", () => {
  expect(english.connection({ state: "open", attempts: 0 })).toBe("");
  expect(english.connection({ state: "open", attempts: 0, isSlow: true })).toMatch(/slow here/);
  expect(english.connection({ state: "connecting", attempts: 0 })).toBe("");
  expect(english.connection({ state: "waiting", attempts: 0, delayMs: 5 })).toBe("");
  expect(english.connection({ state: "connecting", attempts: 3 })).toMatch(/Trying again/);
  expect(english.connection({ state: "waiting", attempts: 1, delayMs: 5 })).toMatch(/Trying again/);
  const refused = (status: number) => english.connection({ state: "closed", attempts: 0, reason: "refused", status });
  expect([refused(401), refused(404)]).toEqual(["Sign in again to go on watching.", "This job cannot be watched."]);
  for (const reason of ["ended", "closed"] as const) {
    expect(english.connection({ state: "closed", attempts: 0, reason, status: 204 })).toBe("");
  }
});

it.each([
  [undefined, ""],
  [{ songs: 12_345, playlists_found: 3, note: "all new", more: { a: 1 } }, "songs: 12,345, playlists found: 3, note: all new"],
  ["Done", "Done"],
  [7, "7"],
])("says of the result %j: %s", (result, said) => {
  expect(english.result(result)).toBe(said);
});

it("names the three items that took longest", () => {
  const item = (itemId: string, tookSeconds: number) => ({ itemId, itemKind: "song", status: "succeeded" as const, tookSeconds });
  expect(english.slowest([])).toBe("");
  expect(english.slowest([item("a", 7_300), { ...item("b", 100), label: "Bee" }, item("c", 12.4), item("d", 5)])).toBe(
    "Took longest: a (2 h), Bee (2 min), c (12 s)",
  );
});

it("says how long an item is worked on as Python does", async () => {
  const now = Date.parse("2026-11-25T12:00:00.000Z");
  const child = python("-c", SINCE);
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  try {
    for (const seconds of [-5, 0, 59, 60, 61, 240, 5_339, 5_400, 7_200, 9_000, 90_000, null]) {
      const since = seconds === null ? undefined : new Date(now - seconds * 1_000).toISOString();
      child.stdin!.write(JSON.stringify({ since }) + "\n");
      const { value } = await lines.next();
      const item = { itemId: "a", itemKind: "song", status: "in_progress" as const, ...(since && { since }) };
      expect(english.since(item, now)).toBe(JSON.parse(value));
    }
  } finally {
    child.stdin!.end();
  }
});
