// One job as the feed shows it: its status and counts, without its items.

import { delayMs, USUAL_RETRY_MS } from "./answer.ts";
import type { FeedSnapshot, Snapshot, StreamEvent } from "./events.gen.ts";
import { isTerminal, reduce } from "./reduce.ts";
import type { OnFeed, Source, SourceOptions } from "./sources.ts";
import type { Connection } from "./messages.ts";

export interface JobStateOptions extends SourceOptions {
  readonly jobId: string;
  /** The job's state as it was known before. */
  readonly state: Snapshot | null;
  readonly feed: FeedSnapshot | null;
  feedConnection(): Connection;
  onState(state: Snapshot): void;
  onConnection(connection: Connection): void;
}

/** Takes the feed's events, and asks for the job's state where the feed does not know the job. */
export function createJobState(options: JobStateOptions): Source & OnFeed {
  const { jobId } = options;
  const controller = new AbortController();
  let { state } = options;
  let closed: Connection | null = null;
  let isAsking = false;
  let failures = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function become(next: Snapshot): void {
    state = next;
    options.onState(next);
    if (isTerminal(next.status)) close({ state: "closed", attempts: 0, reason: "ended" });
  }

  function close(connection: Connection): void {
    closed = connection;
    options.onConnection(connection);
  }

  function take(event: StreamEvent | null): void {
    if (closed || !event) return;
    if (event.type === "feed") takeFeed(event);
    else if (event.jobId === jobId) become(reduce(state, event) ?? state!);
  }

  function takeFeed(feed: FeedSnapshot): void {
    const job = feed.jobs.find((each) => each.jobId === jobId);
    if (!job) return void ask();
    const empty = { itemsInProgress: [], failedItems: [] };
    become({ ...empty, ...state, ...job, type: "snapshot" });
  }

  /** Asks for the state of a job that ended before the feed was read, or is not this account's. */
  async function ask(): Promise<void> {
    if (isAsking) return;
    isAsking = true;
    try {
      const response = await (options.fetch ?? fetch)(options.url(jobId, "progress"), {
        headers: { ...options.headers?.(), Accept: "application/json" },
        credentials: options.credentials ?? "same-origin",
        cache: "no-store",
        signal: controller.signal,
      });
      if (!response.ok) return refused(response.status);
      const { snapshot } = (await response.json()) as { snapshot: Snapshot };
      // The feed may have said something newer meanwhile.
      if (!closed && !(state && state.at > snapshot.at)) become(snapshot);
    } catch {
      askLater();
    } finally {
      isAsking = false;
    }
  }

  function refused(status: number): void {
    if (status === 429 || status >= 500) return askLater();
    if (!closed) close({ state: "closed", attempts: 0, reason: "refused", status });
  }

  function askLater(): void {
    if (closed || controller.signal.aborted) return;
    failures += 1;
    clearTimeout(timer);
    timer = setTimeout(() => void ask(), delayMs(USUAL_RETRY_MS, failures, options.random ?? Math.random));
  }

  if (state && isTerminal(state.status)) closed = { state: "closed", attempts: 0, reason: "ended" };
  else if (options.feed) take(options.feed);

  return {
    get connection() { return closed ?? options.feedConnection(); },
    get held() { return { cursor: "", state }; },
    get hasEnded() { return closed !== null; },
    take,
    close() {
      clearTimeout(timer);
      controller.abort();
    },
  };
}
