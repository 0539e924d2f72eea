// Counts, times and states as sentences: the twin of web/words.py.

import type { Item, JobStatus, JobWaiting, Progress, RunningItem } from "./events.gen.ts";
import type { Connection } from "./messages.ts";

const number = (count: number): string => count.toLocaleString("en");

const amount = (count: number, noun: string): string =>
  `${number(count)} ${noun}${count === 1 ? "" : "s"}`;

const plain = (value: unknown): string => (typeof value === "number" ? number(value) : String(value));

const hours = (minutes: number): number => Math.floor((minutes + 30) / 60);

const span = (minutes: number): string => (minutes < 90 ? `${minutes} min` : `${hours(minutes)} h`);

const took = (seconds: number): string => (seconds < 90 ? `${Math.round(seconds)} s` : span(Math.round(seconds / 60)));

/** Whether connections fail, one after the other. */
export const isLost = ({ state, attempts }: Connection): boolean =>
  attempts > 0 && (state === "waiting" || state === "connecting");

/** A time of today as a clock has it, any other with its date, as people write it here. */
function time(at: string): string {
  const moment = new Date(at);
  const isToday = moment.toDateString() === new Date().toDateString();
  const day = isToday ? {} : { day: "numeric", month: "short" } as const;
  return moment.toLocaleString("en-GB", { ...day, hour: "2-digit", minute: "2-digit" });
}

/** A status as a word for a person. The element leaves it to the page. */
export const statusWords: Record<JobStatus, string> = {
  pending: "Waiting", running: "Running", retrying: "Waiting to try again",
  completed: "Done", failed: "Failed", cancelled: "Cancelled",
};

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
    const minutes = Math.floor((left + 30) / 60);
    const said = minutes < 90 ? amount(minutes, "minute") : `${hours(minutes)} hours`;
    return `${left < 60 ? "less than a minute" : `about ${said}`} left`;
  },

  /** How much is done in a second or in a minute. */
  rate(progress: Progress | null): string {
    const speed = progress?.perSecond ?? 0;
    const count = speed < 1 ? speed * 60 : speed;
    const digit = count < 10 ? 10 : 1;
    const said = Math.round(count * digit) / digit;
    return said ? `${number(said)} a ${speed < 1 ? "minute" : "second"}` : "";
  },

  phase(progress: Progress | null): string {
    const now = progress?.phase;
    return now ? `Part ${now.index} of ${now.count}: ${now.name}` : "";
  },

  /** Why a job waits: no worker, others before it, a time. */
  waiting({ queue, workers, before, until }: JobWaiting, status: JobStatus): string {
    const when = until ? `${status === "retrying" ? "Tries again" : "Begins"} at ${time(until)}. ` : "";
    if (!workers) return `${when}No worker takes jobs of the queue ‘${queue}’ at the moment.`;
    if (before) return `${when}About ${amount(before, "job")} ${before > 1 ? "are" : "is"} before it.`;
    return before === 0 ? `${when}It is next.` : when.trim();
  },

  /** How long an item is worked on, from a minute on. */
  since({ since }: RunningItem, now = Date.now()): string {
    const minutes = since === undefined ? 0 : Math.floor((now - Date.parse(since)) / 60_000);
    return minutes < 1 ? "" : span(minutes);
  },

  /** What a job came to: a text as it is, an object as its names and values. */
  result(result: unknown): string {
    if (typeof result !== "object" || !result) return plain(result ?? "");
    return Object.entries(result)
      .filter(([, value]) => typeof value !== "object")
      .map(([name, value]) => `${name.replaceAll("_", " ")}: ${plain(value)}`)
      .join(", ");
  },

  /** The items that took longest. */
  slowest(items: readonly Item[]): string {
    const told = items.slice(0, 3).map((item) => `${item.label ?? item.itemId} (${took(item.tookSeconds!)})`);
    return told.length ? `Took longest: ${told.join(", ")}` : "";
  },

  connection(connection: Connection): string {
    const { state } = connection;
    if (state === "open" && connection.isSlow) return "Updates are slow here: something holds them back.";
    if (isLost(connection)) return "The connection was lost. Trying again…";
    if (state !== "closed" || connection.reason !== "refused") return "";
    return connection.status === 401 ? "Sign in again to go on watching." : "This job cannot be watched.";
  },

  tryNow: "Try now",
  signIn: "Sign in",
};

export type Words = typeof english;
