// A run in sentences: what a bar is, how long it took, how it ended.

import type { Progress, RowStatus } from "../events.gen.ts";
import type { Bar } from "./picture.ts";

const number = (count: number): string => count.toLocaleString("en", { maximumFractionDigits: 1 });

const two = (count: number): string => String(Math.floor(count)).padStart(2, "0");

/** A time since the beginning, as a clock shows it. */
const clock = (milliseconds: number): string => {
  const seconds = milliseconds / 1000;
  if (seconds < 10 && seconds % 1 >= 0.05) return `0:0${seconds.toFixed(1)}`;
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
};

const duration = (milliseconds: number): string => {
  const seconds = Math.round(milliseconds / 1000);
  if (milliseconds < 9_950) return `${number(Math.round(milliseconds / 100) / 10)} s`;
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 ? `${minutes} min ${seconds % 60} s` : `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
};

const ENDS: Record<RowStatus | "waiting", string> = {
  waiting: "waiting",
  running: "still under way",
  completed: "completed",
  failed: "failed",
  cancelled: "cancelled",
  retrying: "stopped, to be tried again",
  lost: "lost: nobody told its end",
};

/** The sentences of the picture. Another language is another object of this form. */
export const english = {
  title: "Timeline",
  hint: "Point at a bar, or go from bar to bar with the arrow keys, to read what it is.",
  lanes: { attempt: "Attempts", phase: "Phases", part: "Parts" },
  clock,
  duration,
  end: (status: RowStatus | "waiting"): string => ENDS[status],

  what({ kind, attempt, name }: Bar): string {
    switch (kind) {
      case "wait":
        return attempt > 1 ? `Wait for attempt ${attempt}` : "Wait for a worker";
      case "attempt":
        return `Attempt ${attempt}`;
      case "phase":
        return `Phase “${name}”`;
      case "part":
        return name === "closing" ? "Closing part" : `Part ${name}`;
    }
  },

  /** All of a bar, for whom it is read out to. */
  bar(bar: Bar, from: number): string {
    const of = bar.kind === "phase" || bar.kind === "part" ? ` of attempt ${bar.attempt}` : "";
    const ended = bar.status === "waiting" ? "" : `, ${ENDS[bar.status]}`;
    const span = `from ${clock(bar.begin - from)} to ${clock(bar.end - from)}`;
    return `${english.what(bar)}${of}: ${duration(bar.end - bar.begin)}, ${span}${ended}`;
  },

  summary(took: number, waited: number, attempts: number, leftOut: number, isOver: boolean): string {
    const parts = [isOver ? `It took ${duration(took)}` : `So far it has taken ${duration(took)}`];
    if (waited >= 100) parts.push(`${duration(waited)} of it waiting`);
    if (attempts > 1) parts.push(`in ${attempts} attempts`);
    const more = leftOut ? ` ${number(leftOut)} more attempts, phases and parts are not shown.` : "";
    return `${parts.join(", ")}.${more}`;
  },

  counts(progress: Progress | null): string {
    if (!progress) return "nothing counted yet";
    const of = progress.total === null ? "" : ` of ${number(progress.total)}`;
    return `${number(progress.done)}${of} done${progress.failed ? `, ${number(progress.failed)} failed` : ""}`;
  },

  pace: (perSecond: number): string => `Items per second, up to ${number(perSecond)}`,
  paceAndFailures: "red where items failed",
  failures: (count: number): string => `${number(count)} failed`,

  since: (time: number): string => `from ${new Date(time).toLocaleString("en", { dateStyle: "long", timeStyle: "medium" })}`,
  asTable: "As a table",
  columns: ["What", "Attempt", "Began at", "Took", "How it ended"],
  series: ["At", "Done", "Failed"],
  seriesTitle: "Counts along the way",

  again: "Play it again",
  play: "Play",
  pause: "Pause",
  back: "One event back",
  on: "One event on",
  moment: "Moment",
  loading: "Reading what happened…",
  trimmed: (count: number): string => `The first ${number(count)} events are not kept any more.`,
  gone: "Its events are not kept any more.",
  unread: "The events cannot be read now. Try again.",
  place: (at: number, of: number): string => `event ${number(at)} of ${number(of)}`,
};

export type RunWords = typeof english;
