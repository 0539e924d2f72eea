// The state after one more event: the twin of the folds in progress/rules/snapshot.py. Pure.

import type {
  FeedJob,
  FeedSnapshot,
  Item,
  ItemEvent,
  JobStatus,
  JobWaiting,
  Note,
  NoteEvent,
  Progress,
  ProgressEvent,
  ResultEvent,
  RunningItem,
  Snapshot,
  StatusEvent,
  StreamEvent,
} from "./events.gen.ts";

/** An event of a log. */
export type LogEvent = Exclude<StreamEvent, Snapshot | FeedSnapshot | JobWaiting>;

/** A snapshot holds at most this many items in progress and this many failed ones. */
export const MAX_SNAPSHOT_ITEMS = 20;
/** A snapshot lists at most this many of the slowest items. */
export const MAX_SLOWEST_ITEMS = 5;

const TERMINAL: readonly string[] = ["completed", "failed", "cancelled"] satisfies JobStatus[];

const KNOWN: Record<StreamEvent["type"], 1> = {
  progress: 1, status: 1, item: 1, error: 1, note: 1, result: 1, snapshot: 1, feed: 1, waiting: 1,
};

/** Whether this version knows the type of what a stream brings. */
export function isKnown(type: string): boolean {
  return KNOWN[type as keyof typeof KNOWN] === 1;
}

/** Whether nothing can follow a status. */
export function isTerminal(status: JobStatus): boolean {
  return TERMINAL.includes(status);
}

/**
 * The job's state after one more event; unchanged by a type that is not known here. A field that
 * is not known here is kept, as the fold of the newer server that sent it keeps it.
 */
export function reduce(snapshot: Snapshot | null, event: LogEvent | Snapshot): Snapshot;
export function reduce(snapshot: Snapshot | null, event: StreamEvent): Snapshot | null;
export function reduce(snapshot: Snapshot | null, event: StreamEvent): Snapshot | null {
  switch (event.type) {
    case "snapshot":
      return event;
    case "progress":
      return { ...take(snapshot, event), progress: progressOf(event) };
    case "status":
      return takeStatus(take(snapshot, event), event);
    case "item":
      return takeItem(take(snapshot, event), event);
    case "error":
      return { ...take(snapshot, event), error: { message: event.message, code: event.code } };
    case "note":
      return { ...take(snapshot, event), note: noteOf(event) };
    case "result":
      return takeResult(take(snapshot, event), event);
    case "feed":
    case "waiting":
      return snapshot;
    default:
      event satisfies never;
      return snapshot;
  }
}

/** What every event does: one of a later attempt clears the state of the earlier one. */
function take(snapshot: Snapshot | null, { jobId, at, attempt }: LogEvent): Snapshot {
  const fresh = { at, attempt, itemsInProgress: [], failedItems: [] };
  if (!snapshot) return { type: "snapshot", jobId, status: "pending", progress: null, ...fresh };
  if (attempt <= snapshot.attempt) return { ...snapshot, at, attempt };
  const { error: _, note: __, result: ___, slowestItems: ____, ...kept } = snapshot;
  return { ...kept, ...fresh };
}

function takeStatus(state: Snapshot, { status, reason, at }: StatusEvent): Snapshot {
  state.status = status;
  delete state.reason;
  if (reason !== undefined) state.reason = reason;
  if (status === "running") state.startedAt ??= at;
  // No item is in progress once the job has ended.
  return isTerminal(status) ? { ...state, finishedAt: at, itemsInProgress: [] } : state;
}

function takeItem(state: Snapshot, event: ItemEvent): Snapshot {
  const { type: _, jobId: __, at, attempt: ___, ...item } = event;
  const next = {
    ...state,
    itemsInProgress: withItem<RunningItem>(state.itemsInProgress, { ...item, since: at }, "in_progress"),
    failedItems: withItem(state.failedItems, item, "failed"),
  };
  if (item.tookSeconds !== undefined) next.slowestItems = withSlow(state.slowestItems ?? [], item);
  return next;
}

function isSame(one: Item, other: Item): boolean {
  return one.itemId === other.itemId && one.itemKind === other.itemKind;
}

/** The slowest items first; of two that took as long, the one that was over first. */
function withSlow(items: Item[], item: Item): Item[] {
  const all = [...items.filter((other) => !isSame(other, item)), item];
  return all.sort((one, other) => other.tookSeconds! - one.tookSeconds!).slice(0, MAX_SLOWEST_ITEMS);
}

function takeResult(state: Snapshot, { value }: ResultEvent): Snapshot {
  const { result: _, ...kept } = state;
  return value === null ? kept : { ...kept, result: value };
}

function noteOf({ text, details }: NoteEvent): Note {
  return details === undefined ? { text } : { text, details };
}

/** The list without an item, or with it as the newest where that is its status. */
function withItem<Kind extends Item>(items: Kind[], item: Kind, status: Item["status"]): Kind[] {
  const others = items.filter((other) => !isSame(other, item));
  if (item.status === status) return [...others, item].slice(-MAX_SNAPSHOT_ITEMS);
  return others.length === items.length ? items : others;
}

function progressOf({ type: _, jobId: __, at: ___, attempt: ____, ...progress }: ProgressEvent): Progress {
  return progress;
}

/** The feed's state after one more event. A job that ended is active no longer. */
export function reduceFeed(feed: FeedSnapshot | null, event: LogEvent | FeedSnapshot): FeedSnapshot;
export function reduceFeed(feed: FeedSnapshot | null, event: StreamEvent): FeedSnapshot | null;
export function reduceFeed(feed: FeedSnapshot | null, event: StreamEvent): FeedSnapshot | null {
  if (event.type === "feed") return event;
  if (event.type === "snapshot" || event.type === "waiting" || !isKnown(event.type)) return feed;
  return { type: "feed", at: event.at, jobs: takeJob(feed?.jobs ?? [], event) };
}

function takeJob(jobs: FeedJob[], event: LogEvent): FeedJob[] {
  const others = jobs.filter(({ jobId }) => jobId !== event.jobId);
  if (event.type === "status" && isTerminal(event.status)) return others;
  const job = feedJob(jobs.find(({ jobId }) => jobId === event.jobId), event);
  return [...others, job].sort((one, other) => (one.jobId < other.jobId ? -1 : 1));
}

function feedJob(known: FeedJob | undefined, event: LogEvent): FeedJob {
  const { jobId, at, attempt } = event;
  const job: FeedJob = { status: "pending", progress: null, ...known, jobId, at, attempt };
  if (event.type === "progress") job.progress = progressOf(event);
  if (event.type !== "status") return job;
  job.status = event.status;
  delete job.reason;
  if (event.reason !== undefined) job.reason = event.reason;
  return job;
}
