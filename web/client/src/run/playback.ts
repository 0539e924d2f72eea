// A job's events once more: the state at any of them is the fold up to it.

import type { EventPage, Snapshot } from "../events.gen.ts";
import { reduce, type LogEvent } from "../reduce.ts";

/** A state is kept after every so many events, so that no look folds more than these. */
const KEEP_EVERY = 64;

export interface Playback {
  /** How many events there are. */
  readonly length: number;
  /** How many came before the first one that is kept. */
  readonly trimmed: number;
  /** When an event was made, in milliseconds since 1970; they never go back. */
  readonly times: readonly number[];
  /** The state after the event of a number, from 1. */
  at(number: number): Snapshot | null;
  /** The number of the last event at a time, 0 before the first. */
  before(time: number): number;
}

export function playbackOf(events: readonly LogEvent[], trimmed = 0): Playback {
  const kept: (Snapshot | null)[] = [null];
  let last: { number: number; state: Snapshot | null } = { number: 0, state: null };
  let latest = -Infinity;
  // The clocks of two machines may differ.
  const times = events.map(({ at }) => (latest = Math.max(latest, Date.parse(at))));

  /** The nearest state that is known at or before a number. */
  function nearest(number: number): { number: number; state: Snapshot | null } {
    const index = Math.min(Math.floor(number / KEEP_EVERY), kept.length - 1);
    const checkpoint = { number: index * KEEP_EVERY, state: kept[index] ?? null };
    return last.number <= number && last.number > checkpoint.number ? last : checkpoint;
  }

  return {
    length: events.length,
    trimmed,
    times,
    at(number) {
      const end = Math.min(Math.max(0, number), events.length);
      let { number: index, state } = nearest(end);
      while (index < end) {
        state = reduce(state, events[index]!);
        index += 1;
        if (index === kept.length * KEEP_EVERY) kept.push(state);
      }
      last = { number: end, state };
      return state;
    },
    before(time) {
      let [low, high] = [0, times.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (times[middle]! <= time) low = middle + 1;
        else high = middle;
      }
      return low;
    },
  };
}

/** A page of a job's events after a position; without one, its state. */
export type ReadPage = (query: { after?: string; limit: number }) => Promise<EventPage>;

const PAGE = 500;

/** All events that a log still has; null where there is no log any more. */
export async function readPlayback(read: ReadPage): Promise<Playback | null> {
  const { cursor: end } = await read({ limit: 1 });
  if (end === null) return null;
  const [epoch, last] = [end.slice(0, end.indexOf("-")), Number(end.slice(end.indexOf("-") + 1))];
  const after = (number: number): string => `${epoch}-${number}`;
  const trimmed = await firstKept(last, async (number) => {
    const page = await read({ after: after(number), limit: 1 });
    return page.snapshot === undefined;
  });
  const events: LogEvent[] = [];
  for (let cursor = after(trimmed); ; ) {
    const page = await read({ after: cursor, limit: PAGE });
    if (page.snapshot !== undefined) break; // trimmed meanwhile, or another log: what was read is shown
    events.push(...page.events.map(({ event }) => event as LogEvent));
    if (page.events.length === 0 || page.cursor === null || page.cursor === cursor) break;
    cursor = page.cursor;
  }
  return playbackOf(events, trimmed);
}

/** The smallest position after which the log can go on. */
async function firstKept(last: number, isKept: (number: number) => Promise<boolean>): Promise<number> {
  let [low, high] = [0, last];
  if (await isKept(low)) return low;
  while (low + 1 < high) {
    const middle = (low + high) >> 1;
    if (await isKept(middle)) high = middle;
    else low = middle;
  }
  return high;
}
