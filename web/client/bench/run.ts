// A page that draws a run of 3 attempts of 60 parts again and again, and looks at events of 2,000 to and fro.

import type { Run, RunRow } from "../src/events.gen.ts";
import type { LogEvent } from "../src/reduce.ts";
import { JobRunElement } from "../src/run/element.ts";
import { playbackOf } from "../src/run/playback.ts";

const ROUNDS = 30;
const ATTEMPTS = 3;
const PARTS = 60;
const EVENTS = 2_000;

const iso = (seconds: number): string => new Date(1_790_000_000_000 + seconds * 1000).toISOString();

function wholeRun(): Run {
  const rows: RunRow[] = [];
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const begin = (attempt - 1) * 100;
    rows.push({ kind: "attempt", attempt, begin: iso(begin + 5), end: iso(begin + 90), status: "completed" });
    rows.push({ kind: "phase", attempt, name: "hear", begin: iso(begin + 5), end: iso(begin + 90), status: "completed" });
    for (let part = 0; part < PARTS; part += 1) {
      const at = begin + 6 + Math.floor(part / 8) * 10 + (part % 8);
      rows.push({ kind: "part", attempt, name: `${part}`, begin: iso(at), end: iso(at + 9), status: "completed" });
    }
  }
  const points = Array.from({ length: 300 }, (_, at) => ({ at: iso(at), done: (at % 100) * 7, failed: at % 100 }));
  return { jobId: "bench", status: "completed", sentAt: iso(0), finishedAt: iso(290), rows, points, leftOut: 0 };
}

function events(): LogEvent[] {
  return Array.from({ length: EVENTS }, (_, at): LogEvent => {
    const status = at % 2 ? "succeeded" : "in_progress";
    return { type: "item", jobId: "bench", at: iso(at), attempt: 1, itemId: `${at >> 1}`, itemKind: "song", status };
  });
}

function timed(work: (round: number) => void, rounds: number): number[] {
  return Array.from({ length: rounds }, (_, round) => {
    const before = performance.now();
    work(round);
    return performance.now() - before;
  });
}

const element = new JobRunElement();
document.body.append(element);
const run = wholeRun();
const draws = timed(() => {
  element.run = { ...run };
  element.shadowRoot!.querySelector("svg")!.getBoundingClientRect();
}, ROUNDS);
// A new playback has folded nothing yet: the first looks fold the most.
const playback = playbackOf(events());
const looks = timed((round) => void playback.at((round * 677) % EVENTS), EVENTS);

Object.assign(globalThis, { measured: { draws, looks } });
