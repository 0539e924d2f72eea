// One job as the feed shows it: its status and counts, without its items.

import { delayMs, isRefusal, USUAL_RETRY_MS } from "./answer.ts";
import type { FeedSnapshot, Snapshot, StreamEvent } from "./events.gen.ts";
import { isTerminal, reduce } from "./reduce.ts";
import type { OnFeed, Source, SourceOptions } from "./sources.ts";
import type { Connection } from "./messages.ts";
import { askJson, type OtherWay } from "./polling.ts";

export interface JobStateOptions extends SourceOptions {
  readonly jobId: string;
  /** The job's state as it was known before. */
  readonly state: Snapshot | null;
  readonly feed: FeedSnapshot | null;
  /** Resolves when one more request may be sent, or at the signal. */
  readonly turn: OtherWay["turn"] | undefined;
  connection(): Connection;
  show(state: Snapshot): void;
  onConnection(connection: Connection): void;
}

/** Between two questions for a job that the feed does not know. */
const POLL_MS = 3_000;

/** Takes the feed's events, and asks for the job's state where the feed does not know the job. */
export function createJobState(options: JobStateOptions): Source & OnFeed {
  /** The job's own id; the one that was asked for may lead to another, as a chain's does. */
  let jobId = options.state?.jobId ?? options.jobId;
  /** The jobs that the feed knows. */
  let listed = new Set<string>();
  const controller = new AbortController();
  // The feed knows no items: those that were known are not in progress for ever.
  let state: Snapshot | null = options.state && { ...options.state, itemsInProgress: [] };
  let closed: Connection | null = null;
  let isAsking = false;
  let failures = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function become(next: Snapshot): void {
    state = next;
    options.show(next);
    if (isTerminal(next.status)) close({ state: "closed", attempts: 0, reason: "ended" });
  }

  function close(connection: Connection): void {
    closed = connection;
    options.onConnection(connection);
  }

  function take(event: StreamEvent | null): void {
    if (closed || !event) return;
    if (event.type === "feed") return takeFeed(event);
    listed.add(event.jobId);
    if (event.jobId === jobId) become(reduce(state, event) ?? state!);
  }

  function takeFeed(feed: FeedSnapshot): void {
    listed = new Set(feed.jobs.map((each) => each.jobId));
    const job = feed.jobs.find((each) => each.jobId === jobId);
    if (!job) return void ask();
    become({ itemsInProgress: [], failedItems: [], ...state, ...job, type: "snapshot" });
  }

  /** Asks for the state of a job that ended before the feed was read, or is not this account's. */
  async function ask(): Promise<void> {
    if (isAsking) return;
    isAsking = true;
    clearTimeout(timer);
    timer = undefined;
    try {
      await options.turn?.(controller.signal);
      const response = await askJson(options, options.url(options.jobId, "progress"), controller.signal);
      if (!response.ok) return refused(response.status);
      const { snapshot } = (await response.json()) as { snapshot: Snapshot };
      jobId = snapshot.jobId;
      // The feed may have said something newer meanwhile.
      if (!closed && !(state && state.at > snapshot.at)) become(snapshot);
      // What the feed does not tell, as the sum of a group, is asked for until it is over.
      if (!listed.has(jobId)) askAgain(POLL_MS);
    } catch {
      askLater();
    } finally {
      isAsking = false;
    }
  }

  function refused(status: number): void {
    // A job that is too young to be known is asked for once more.
    if (status === 404 && !failures++) return askAgain(1_000);
    if (!isRefusal(status)) return askLater();
    if (!closed) close({ state: "closed", attempts: 0, reason: "refused", status });
  }

  function askLater(): void {
    failures += 1;
    askAgain(delayMs(USUAL_RETRY_MS, failures, options.random ?? Math.random));
  }

  function askAgain(inMs: number): void {
    if (!closed && !controller.signal.aborted) timer = setTimeout(ask, inMs);
  }

  if (state && isTerminal(state.status)) closed = { state: "closed", attempts: 0, reason: "ended" };
  else if (options.feed) take(options.feed);

  return {
    get connection() { return closed ?? options.connection(); },
    get held() { return { cursor: "", state }; },
    get ended() { return closed !== null; },
    take,
    wake() {
      if (timer !== undefined) void ask();
    },
    close() {
      clearTimeout(timer);
      controller.abort();
    },
  };
}
