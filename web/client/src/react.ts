// React hooks over a page's client and TanStack Query: React 18 and 19, Query 5.

import { skipToken, useQuery, useQueryClient, type QueryClient, type QueryKey } from "@tanstack/react-query";
import { createContext, useCallback, useContext, useEffect, useMemo, useRef, useSyncExternalStore } from "react";
import type { JobsClient, Listener, View } from "./client.ts";
import type { Failure, FeedJob, FeedSnapshot, Item, JobStatus, JobWaiting, Note, Progress, RunningItem, Snapshot } from "./events.gen.ts";
import { coalesce } from "./frame.ts";
import { isTerminal } from "./reduce.ts";
import type { State } from "./sources.ts";
import type { Connection } from "./messages.ts";
import { usualClient } from "./usual.ts";

/** Another client than the page's own. */
export const JobsClientContext = createContext<JobsClient | null>(null);

export interface JobProgressOptions {
  /** Off: status and counts alone, over the connection that all of a page's jobs share. */
  readonly items?: boolean;
  /** The queries that are invalidated, once, when the job has come to its end. */
  readonly invalidate?: readonly QueryKey[];
}

export interface JobProgress {
  readonly progress: Progress | null;
  /** Null until the first state is there. */
  readonly status: JobStatus | null;
  readonly items: readonly Item[];
  /** The newest item in progress, with since when. */
  readonly currentItem: RunningItem | null;
  /** Why the job waits, where it does and that is known. Not with `items: false`. */
  readonly waiting: JobWaiting | null;
  /** What the job says in words. */
  readonly note: Note | null;
  /** What the job came to, as JSON; null until it is said. */
  readonly result: unknown;
  /**
   * Why the job failed or is tried again; or why it cannot be followed, with code `signed_out` or
   * `refused`.
   */
  readonly error: Failure | null;
  /** The items that took longest, the slowest first. */
  readonly slowestItems: readonly Item[];
  readonly isConnected: boolean;
  /** Something on the way holds streams back: updates come, seconds late. */
  readonly isSlow: boolean;
  /** Connections in a row that failed. */
  readonly attempts: number;
  /** Tries at once what waits for its next try. */
  readonly tryNow: () => void;
}

export interface JobFeed extends Pick<JobProgress, "error" | "isConnected" | "isSlow" | "attempts" | "tryNow"> {
  /** The active jobs. */
  readonly jobs: readonly FeedJob[];
  readonly isKnown: boolean;
}

/** Where Query keeps a job's snapshot, and the feed's. */
export const jobKey = (jobId: string) => ["job", jobId] as const;
export const feedKey = ["jobs", "feed"] as const;

/** What of a view is no part of the state, and so not in Query's cache. */
type Standing = Pick<View, "connection" | "waiting">;
const BEFORE: Standing = { connection: { state: "connecting", attempts: 0 }, waiting: null };

/** One subscription for all components that follow the same job; it ends with the last of them. */
interface Store {
  standing: Standing;
  readonly renders: Set<() => void>;
  readonly invalidates: Set<{ readonly current: readonly QueryKey[] | undefined }>;
  stop(): void;
}

const stores = new WeakMap<QueryClient, WeakMap<JobsClient, Map<string, Store>>>();

function storesOf(queries: QueryClient, client: JobsClient): Map<string, Store> {
  const ofQueries = stores.get(queries) ?? new WeakMap<JobsClient, Map<string, Store>>();
  stores.set(queries, ofQueries);
  const found = ofQueries.get(client) ?? new Map<string, Store>();
  ofQueries.set(client, found);
  return found;
}

/** Writes the state of a job or of the feed into Query's cache, at most once a frame. */
function createStore<S extends State>(
  queries: QueryClient,
  key: QueryKey,
  follow: (listener: Listener<S>) => () => void,
  invalidates: Store["invalidates"],
): Store {
  let state: S | null = null;
  const write = coalesce(() => {
    // Another store of this job may have written a newer state: a list's, or a page's with items.
    if (state) queries.setQueryData<S>(key, (old) => newer(old, state!));
    for (const render of [...store.renders]) render();
  });
  const store: Store = {
    standing: BEFORE,
    renders: new Set(),
    invalidates,
    stop() {
      unfollow();
      write.cancel();
    },
  };
  const unfollow = follow((view) => {
    // A connection may begin anew with an older state than what is known of the job.
    const known = queries.getQueryData<S>(key);
    const wasOver = hasEnded(state ? newer(known, state) : known);
    ({ state } = view);
    const { connection, waiting } = view;
    const { standing } = store;
    if (standing.connection !== connection || standing.waiting !== waiting) store.standing = { connection, waiting };
    if (!wasOver && hasEnded(state)) invalidate(queries, store);
    write.request();
  });
  return store;
}

function hasEnded(state: State | null | undefined): boolean {
  return state?.type === "snapshot" && isTerminal(state.status);
}

function newer<S extends State>(old: S | undefined, state: S): S {
  return old && old.at > state.at ? old : state;
}

function invalidate(queries: QueryClient, store: Store): void {
  const keys = [...store.invalidates].flatMap(({ current }) => current ?? []);
  const different = new Map(keys.map((key) => [JSON.stringify(key), key]));
  for (const queryKey of different.values()) void queries.invalidateQueries({ queryKey });
}

/** Follows a job or the feed while the component is mounted; `name` names it, null for nothing. */
function useFollowed<S extends State>(
  name: string | null,
  key: QueryKey,
  follow: (client: JobsClient, listener: Listener<S>) => () => void,
  invalidate?: readonly QueryKey[],
): Standing & { state: S | null; tryNow: () => void } {
  const queries = useQueryClient();
  const given = useContext(JobsClientContext);
  const keys = useRef(invalidate);
  useEffect(() => { keys.current = invalidate; });
  const current = useRef<Store | null>(null);

  const subscribe = useCallback(
    (render: () => void) => {
      if (name === null) return () => {};
      const client = given ?? usualClient();
      const all = storesOf(queries, client);
      const store =
        all.get(name) ??
        createStore<S>(queries, key, (listener) => follow(client, listener), new Set([keys]));
      all.set(name, store);
      current.current = store;
      store.renders.add(render);
      store.invalidates.add(keys);
      return () => {
        current.current = null;
        store.renders.delete(render);
        store.invalidates.delete(keys);
        if (store.renders.size) return;
        all.delete(name);
        store.stop();
      };
    },
    // `key` and `follow` say no more than `name` does.
    [name, queries, given],
  );
  const { connection, waiting } = useSyncExternalStore(
    subscribe,
    () => current.current?.standing ?? BEFORE,
    () => BEFORE,
  );
  const { data } = useQuery<S>(
    { queryKey: key, queryFn: skipToken, staleTime: Infinity, enabled: name !== null },
    queries,
  );
  const tryNow = useCallback(() => (given ?? usualClient()).tryNow(), [given]);
  return { state: (name === null ? undefined : data) ?? null, connection, waiting, tryNow };
}

/** Follows a job; with null, nothing. Its snapshot is in Query's cache at `["job", jobId]`. */
export function useJobProgress(
  jobId: string | null,
  { items = true, invalidate }: JobProgressOptions = {},
): JobProgress {
  const { state, connection, waiting, tryNow } = useFollowed<Snapshot>(
    jobId === null ? null : `${items ? "items" : "job"}:${jobId}`,
    jobKey(jobId ?? ""),
    (client, listener) => client.followJob(jobId!, listener, { items }),
    invalidate,
  );
  return useMemo(
    () => ({
      progress: state?.progress ?? null,
      status: state?.status ?? null,
      items: state ? [...state.itemsInProgress, ...state.failedItems] : [],
      currentItem: state?.itemsInProgress.at(-1) ?? null,
      waiting,
      note: state?.note ?? null,
      result: state?.result ?? null,
      slowestItems: state?.slowestItems ?? [],
      error: state?.error ?? refusal(connection),
      ...contact(connection),
      tryNow,
    }),
    [state, connection, waiting, tryNow],
  );
}

/** Follows the account's active jobs. */
export function useJobFeed(): JobFeed {
  const { state, connection, tryNow } = useFollowed<FeedSnapshot>("feed", feedKey, (client, listener) =>
    client.followFeed(listener),
  );
  return useMemo(
    () => ({
      jobs: state?.jobs ?? [],
      isKnown: state !== null,
      error: refusal(connection),
      ...contact(connection),
      tryNow,
    }),
    [state, connection, tryNow],
  );
}

function contact(connection: Connection): Pick<JobProgress, "isConnected" | "isSlow" | "attempts"> {
  const isConnected = connection.state === "open";
  return { isConnected, isSlow: isConnected && connection.isSlow === true, attempts: connection.attempts };
}

function refusal(connection: Connection): Failure | null {
  if (connection.state !== "closed" || connection.reason !== "refused") return null;
  if (connection.status === 401) return { message: "Sign in again to go on watching.", code: "signed_out" };
  return { message: "This cannot be followed.", code: "refused" };
}
