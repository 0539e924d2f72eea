// Where everything of a run's picture is: bars in lanes on one axis of time, the rate as lines, failures. Pure.

import type { RowStatus, Run, RunPoint, RunRow } from "../events.gen.ts";

export type BarKind = "wait" | RunRow["kind"];

/** What has a beginning and an end. Times are milliseconds since 1970. */
export interface Bar {
  readonly kind: BarKind;
  /** From 0; the bars of one lane do not meet. */
  readonly lane: number;
  readonly begin: number;
  /** That of what is under way is the present. */
  readonly end: number;
  readonly status: RowStatus | "waiting";
  readonly attempt: number;
  readonly name: string;
}

/** Items a second from one moment to another. */
export interface Pace {
  readonly from: number;
  readonly to: number;
  readonly perSecond: number;
}

/** How many items failed up to a moment, since the one before. */
export interface Failures {
  readonly at: number;
  readonly count: number;
}

export interface Picture {
  readonly from: number;
  readonly to: number;
  /** In the order of lanes' kinds and, within one, of their beginnings. */
  readonly bars: readonly Bar[];
  /** How many lanes each kind has; those that wait are in the lane of the attempts. */
  readonly lanes: Readonly<Record<RunRow["kind"], number>>;
  /** A line for each attempt. */
  readonly lines: readonly (readonly Pace[])[];
  readonly fastest: number;
  readonly failures: readonly Failures[];
}

/** The picture of a run. `now` is the end of what has none. */
export function pictureOf(run: Run, now: number): Picture {
  const over = run.finishedAt === undefined ? now : Date.parse(run.finishedAt);
  const attempts = rowsOf(run, "attempt", over);
  const waits = waitsOf(run, attempts, over);
  const phases = inLanes(rowsOf(run, "phase", over));
  const parts = inLanes(rowsOf(run, "part", over));
  const first = [...waits, ...attempts].sort((one, other) => one.begin - other.begin);
  const bars = [...first, ...phases.bars, ...parts.bars];
  const lines = linesOf(run.points);
  const times = [...bars.flatMap(({ begin, end }) => [begin, end]), ...run.points.map(({ at }) => Date.parse(at))];
  const from = Math.min(...times, over);
  return {
    from,
    to: Math.max(...times, over, from + 100),
    bars,
    lanes: { attempt: first.length ? 1 : 0, phase: phases.count, part: parts.count },
    lines,
    fastest: Math.max(0, ...lines.flat().map(({ perSecond }) => perSecond)),
    failures: failuresOf(run.points),
  };
}

function rowsOf(run: Run, kind: RunRow["kind"], over: number): Bar[] {
  return run.rows.filter((row) => row.kind === kind).map(({ attempt, name, status, begin, end }) => {
    const began = Date.parse(begin);
    const ended = end === undefined ? Math.max(began, over) : Date.parse(end);
    return { kind, lane: 0, begin: began, end: ended, status, attempt, name: name ?? "" };
  });
}

/** From the sending to the first attempt, and between two attempts. */
function waitsOf(run: Run, attempts: readonly Bar[], over: number): Bar[] {
  const waits: Bar[] = [];
  let since = run.sentAt === undefined ? undefined : Date.parse(run.sentAt);
  for (const [at, { begin, end, attempt }] of attempts.entries()) {
    if (since !== undefined && begin > since) waits.push(waitOf(since, begin, attempt));
    const goesOn = at < attempts.length - 1 || run.finishedAt === undefined;
    since = attempts[at]!.status === "running" || !goesOn ? undefined : end;
  }
  const next = (attempts.at(-1)?.attempt ?? 0) + 1;
  if (since !== undefined && over > since) waits.push(waitOf(since, over, next));
  return waits;
}

const waitOf = (begin: number, end: number, attempt: number): Bar =>
  ({ kind: "wait", lane: 0, begin, end, attempt, status: "waiting", name: "" });

/** Bars that overlap are in different lanes; as few lanes as there are bars at one time. */
function inLanes(bars: readonly Bar[]): { bars: Bar[]; count: number } {
  const ends: number[] = [];
  const placed = [...bars].sort((one, other) => one.begin - other.begin).map((bar) => {
    const free = ends.findIndex((end) => end <= bar.begin);
    const lane = free < 0 ? ends.length : free;
    ends[lane] = bar.end;
    return { ...bar, lane };
  });
  return { bars: placed, count: ends.length };
}

function linesOf(points: readonly RunPoint[]): Pace[][] {
  const lines: Pace[][] = [];
  let line: Pace[] = [];
  for (const [at, point] of points.entries()) {
    const before = points[at - 1];
    // The counts go back where a new attempt begins.
    if (!before || point.done < before.done || point.failed < before.failed) {
      lines.push((line = []));
      continue;
    }
    const [from, to] = [Date.parse(before.at), Date.parse(point.at)];
    if (to > from) line.push({ from, to, perSecond: ((point.done - before.done) * 1000) / (to - from) });
  }
  return lines.filter(({ length }) => length > 0);
}

function failuresOf(points: readonly RunPoint[]): Failures[] {
  return points.flatMap(({ at, failed }, index) => {
    const count = failed - Math.min(failed, points[index - 1]?.failed ?? 0);
    return count > 0 ? [{ at: Date.parse(at), count }] : [];
  });
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const STEPS = [
  ...[0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30].map((count) => count * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * MINUTE),
  ...[1, 2, 3, 6, 12].map((count) => count * HOUR),
];

/** Round times since the beginning, at most so many of them. */
export function ticksOf(milliseconds: number, most: number): number[] {
  const days = Math.ceil(milliseconds / (24 * HOUR) / most) * 24 * HOUR;
  const step = STEPS.find((each) => milliseconds / each <= most) ?? days;
  return Array.from({ length: Math.floor(milliseconds / step) + 1 }, (_, at) => at * step);
}
