// The sentences are those of web/words.py, said by Python itself.

import { createInterface } from "node:readline";
import { expect, it } from "vitest";
import type { Progress } from "../../src/events.gen.ts";
import { english } from "../../src/words.ts";
import { python } from "../server.ts";

const SCRIPT = `
import json, sys
from progress.events import Progress
from web.words import counts, pace, phase
for line in sys.stdin:
    given = json.loads(line)
    progress = Progress.model_validate(given) if given else None
    print(json.dumps([counts(progress), pace(progress), phase(progress)]), flush=True)
`;

function progress(changes: Partial<Progress>): Progress {
  return { done: 3, total: 12, succeeded: 3, failed: 0, fraction: 0.25, ...changes };
}

const CASES: (Progress | null)[] = [
  null,
  progress({}),
  progress({ total: null, fraction: null }),
  progress({ failed: 1, succeeded: 2 }),
  progress({ phase: { name: "playlists", index: 2, count: 3 } }),
  ...[0, 1, 59, 60, 89, 90, 149, 150, 3_600, 5_369, 5_370, 5_400, 7_199, 9_000, 9_001, 360_000].map(
    (etaSeconds) => progress({ etaSeconds }),
  ),
];

it("says counts, pace and phase as Python does", async () => {
  const child = python("-c", SCRIPT);
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  try {
    for (const given of CASES) {
      child.stdin!.write(JSON.stringify(given) + "\n");
      const { value } = await lines.next();
      const mine = [english.counts(given), english.pace(given), english.phase(given)];
      expect(mine, JSON.stringify(given)).toEqual(JSON.parse(value!));
    }
  } finally {
    child.stdin!.end();
  }
});

it("says of a connection only what a person can use", () => {
  expect(english.connection({ state: "open", attempts: 0 })).toBe("");
  expect(english.connection({ state: "connecting", attempts: 3 })).toBe("");
  expect(english.connection({ state: "waiting", attempts: 1, delayMs: 5 })).toMatch(/Trying again/);
  const closed = (status?: number) =>
    english.connection({ state: "closed", attempts: 0, reason: "refused", ...(status ? { status } : {}) });
  expect([closed(401), closed(404), closed(204), closed()]).toEqual([
    "Sign in again to go on watching.", "This job cannot be watched.", "", "",
  ]);
});
