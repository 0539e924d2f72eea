// Generated from progress/events.schema.json by `npm run types`. Not to be edited.

export type StreamEvent =
  | ProgressEvent
  | StatusEvent
  | ItemEvent
  | ErrorEvent
  | NoteEvent
  | ResultEvent
  | Snapshot
  | FeedSnapshot
  | JobWaiting;
/**
 * Where a job stands. The last three are terminal: one per job, the last event of its log.
 */
export type JobStatus = "pending" | "running" | "retrying" | "completed" | "failed" | "cancelled";
/**
 * Where an item stands. The last two are final within an attempt.
 */
export type ItemStatus = "queued" | "in_progress" | "succeeded" | "failed";

/**
 * The counts after a batch of reports.
 */
export interface ProgressEvent {
  jobId: string;
  at: string;
  attempt: number;
  done: number;
  total: number | null;
  succeeded: number;
  failed: number;
  phase?: Phase;
  fraction: number | null;
  perSecond?: number;
  etaSeconds?: number;
  type: "progress";
}
/**
 * The named part of an attempt that is under way.
 */
export interface Phase {
  name: string;
  index: number;
  count: number;
}
/**
 * The job came to a status.
 */
export interface StatusEvent {
  jobId: string;
  at: string;
  attempt: number;
  type: "status";
  status: JobStatus;
  reason?: string;
}
/**
 * An item came to a status.
 */
export interface ItemEvent {
  jobId: string;
  at: string;
  attempt: number;
  itemId: string;
  itemKind: string;
  status: ItemStatus;
  label?: string;
  index?: number;
  count?: number;
  error?: string;
  tookSeconds?: number;
  type: "item";
}
/**
 * Why the job is about to fail or to be tried again.
 */
export interface ErrorEvent {
  jobId: string;
  at: string;
  attempt: number;
  message: string;
  code: string;
  type: "error";
}
/**
 * The job says something in words. The newest note is part of the snapshot.
 */
export interface NoteEvent {
  jobId: string;
  at: string;
  attempt: number;
  text: string;
  details?: {
    [k: string]: unknown;
  };
  type: "note";
}
/**
 * What the job came to. It comes before the terminal status.
 */
export interface ResultEvent {
  jobId: string;
  at: string;
  attempt: number;
  type: "result";
  value: unknown;
}
/**
 * A job's state folded from its events. Bounded in size whatever the job's size.
 */
export interface Snapshot {
  jobId: string;
  at: string;
  attempt: number;
  type: "snapshot";
  status: JobStatus;
  reason?: string;
  progress: Progress | null;
  itemsInProgress: RunningItem[];
  failedItems: Item[];
  slowestItems?: Item[];
  note?: Note;
  result?: unknown;
  error?: Failure;
  startedAt?: string;
  finishedAt?: string;
}
/**
 * How far a job is. Within an attempt no number but the rate and the ETA goes back.
 */
export interface Progress {
  done: number;
  total: number | null;
  succeeded: number;
  failed: number;
  phase?: Phase;
  fraction: number | null;
  perSecond?: number;
  etaSeconds?: number;
}
/**
 * An item in progress, in a snapshot.
 */
export interface RunningItem {
  itemId: string;
  itemKind: string;
  status: ItemStatus;
  label?: string;
  index?: number;
  count?: number;
  error?: string;
  tookSeconds?: number;
  since?: string;
}
/**
 * One thing a job works on, as last reported. Its kind and its id name it within the job.
 */
export interface Item {
  itemId: string;
  itemKind: string;
  status: ItemStatus;
  label?: string;
  index?: number;
  count?: number;
  error?: string;
  tookSeconds?: number;
}
/**
 * What a job says in words while it runs.
 */
export interface Note {
  text: string;
  details?: {
    [k: string]: unknown;
  };
}
/**
 * Why something failed, fit for the person whose job it is.
 */
export interface Failure {
  message: string;
  code: string;
}
/**
 * The active jobs of an account, folded from its feed.
 */
export interface FeedSnapshot {
  type: "feed";
  at: string;
  jobs: FeedJob[];
}
/**
 * One active job as the feed shows it.
 */
export interface FeedJob {
  jobId: string;
  at: string;
  attempt: number;
  status: JobStatus;
  reason?: string;
  progress: Progress | null;
}
/**
 * Why a job waits. No event of its log: it has no position, and replaces the one before it.
 */
export interface JobWaiting {
  type: "waiting";
  jobId: string;
  queue: string;
  workers: number;
  before?: number;
  until?: string;
}
/**
 * One event of a page, at its position.
 */
export interface PageEntry {
  id: string;
  event: ProgressEvent | StatusEvent | ItemEvent | ErrorEvent | NoteEvent | ResultEvent;
}
/**
 * Some of a log's events, oldest first, as JSON.
 */
export interface EventPage {
  jobId?: string;
  cursor: string | null;
  ended: boolean;
  snapshot?: Snapshot | FeedSnapshot;
  events: PageEntry[];
  waiting?: JobWaiting;
}
/**
 * How a row of a run ended, or that it has not.
 */
export type RowStatus = "running" | "completed" | "failed" | "cancelled" | "retrying" | "lost";
/**
 * An attempt, a phase of one or a part of one.
 */
export interface RunRow {
  kind: "attempt" | "phase" | "part";
  attempt: number;
  name?: string;
  begin: string;
  end?: string;
  status: RowStatus;
}
/**
 * The counts at one moment.
 */
export interface RunPoint {
  at: string;
  done: number;
  failed: number;
}
/**
 * How a job went so far, or how it went. Bounded in size whatever the job's size.
 */
export interface Run {
  jobId: string;
  status: JobStatus;
  sentAt?: string;
  finishedAt?: string;
  rows: RunRow[];
  points: RunPoint[];
  leftOut: number;
}
