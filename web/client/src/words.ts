// Counts, times and states as sentences: the twin of web/words.py.

import type { Progress, RunningItem } from "./events.gen.ts";
import type { Connection } from "./messages.ts";

const number = (count: number): string => count.toLocaleString("en");

const amount = (count: number, noun: string): string =>
  `${number(count)} ${noun}${count === 1 ? "" : "s"}`;

/** The sentences of an element. Another language is another object of this form. */
export const english = {
  counts(progress: Progress | null): string {
    if (!progress) return "";
    const of = progress.total === null ? "" : ` of ${number(progress.total)}`;
    const failed = progress.failed ? `, ${number(progress.failed)} failed` : "";
    return `${number(progress.done)}${of}${failed}`;
  },

  pace(progress: Progress | null): string {
    const left = progress?.etaSeconds;
    if (!left) return "";
    if (left < 60) return "less than a minute left";
    const minutes = Math.floor((left + 30) / 60);
    if (minutes < 90) return `about ${amount(minutes, "minute")} left`;
    return `about ${Math.floor((minutes + 30) / 60)} hours left`;
  },

  phase(progress: Progress | null): string {
    const now = progress?.phase;
    return now ? `Part ${now.index} of ${now.count}: ${now.name}` : "";
  },

  /** How long an item is worked on, from a minute on. */
  since({ since }: RunningItem, now = Date.now()): string {
    const minutes = since === undefined ? 0 : Math.floor((now - Date.parse(since)) / 60_000);
    if (minutes < 1) return "";
    return minutes < 90 ? `${minutes} min` : `${Math.floor((minutes + 30) / 60)} h`;
  },

  connection({ state, ...rest }: Connection): string {
    if (state === "waiting") return "The connection was lost. Trying again…";
    if (state === "closed" && "status" in rest) {
      if (rest.status === 401) return "Sign in again to go on watching.";
      if (rest.status !== 204) return "This job cannot be watched.";
    }
    return "";
  },
};

export type Words = typeof english;
