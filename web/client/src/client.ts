// One client for each page. The pages of one account in a browser share their streams: one page
// leads and has the connections, and tells the others what it hears.

import type { FeedSnapshot, JobWaiting, Snapshot, StreamEvent } from "./events.gen.ts";
import { step } from "./cursor.ts";
import { listenToPage } from "./page.ts";
import { reduce, reduceFeed } from "./reduce.ts";
import { createSources, type SourceOptions, type Sources, type State, type Topic, type Update, type Wanted } from "./sources.ts";
import type { Connection } from "./messages.ts";
import { urlsBelow } from "./urls.ts";

/** The state of a job or of the feed, as this page knows it. */
export interface View<S extends State = State> {
  readonly state: S | null;
  readonly connection: Connection;
  /** Why the job waits, where it does and that is known. */
  readonly waiting: JobWaiting | null;
  /** The position at which the state holds; empty where it has none. */
  readonly cursor: string;
}

/** Called after every event, and after every change of the connection (then without one). */
export type Listener<S extends State> = (view: View<S>, event?: StreamEvent | null) => void;

export interface ClientOptions extends Partial<SourceOptions> {
  /** Where the application has mounted the blueprint of progress/, perhaps on another site. */
  readonly base?: string;
  /** Whose jobs these are. Pages share connections only within the same scope. */
  readonly scope?: string;
  /** Off: each page has connections of its own, as where the browser has no Web Locks. */
  readonly isShared?: boolean;
}

export interface FollowOptions {
  /** Also the items in progress and the failed ones: a stream of the job's own, for a few jobs. */
  readonly items?: boolean;
}

export interface JobsClient {
  /** Follows a job until the returned function is called. */
  followJob(jobId: string, listener: Listener<Snapshot>, options?: FollowOptions): () => void;
  /** Follows the account's active jobs. */
  followFeed(listener: Listener<FeedSnapshot>): () => void;
  /** Tries at once what waits for its next try. */
  tryNow(): void;
  /** Whether this page has the connections. */
  readonly isLeading: boolean;
  close(): void;
}

interface Followed {
  view: View;
  readonly listeners: Set<Listener<State>>;
}

type Message =
  /** A new leader asks each tab what it follows. */
  | { readonly hello: true }
  | { readonly tab: string; readonly wanted: Wanted }
  /** A page is looked at, or a person asks to try now. */
  | { readonly wake: "seen" | "asked" }
  | { readonly updates: readonly Update[] };

/** A new leader knows of no other tab yet; within this time they have answered. */
const HELLO_MS = 1_000;

const CONNECTING: Connection = { state: "connecting", attempts: 0 };
const PAUSED: Connection = { state: "paused", attempts: 0 };

export function createClient(options: ClientOptions = {}): JobsClient {
  const { scope = "", isShared = true, url = urlsBelow(options.base) } = options;
  const name = `job-progress ${url(null, "progress")} ${scope}`;
  const tab = Math.random().toString(36).slice(2);
  const topics = new Map<Topic, Followed>();
  let sources: Sources | null = null;
  let channel: BroadcastChannel | null = null;
  /** Ends what this page holds: its locks, its channel. Null while it holds nothing. */
  let holding: AbortController | null = null;
  let isSending = false;
  /** Others can see that this page lives, and will see that it is gone. */
  let isPresent = false;
  /** The other tabs, where this one leads. */
  const watched = new Set<string>();

  function post(message: Message): void {
    channel?.postMessage(message);
  }

  function wanted(withStates: boolean): Wanted {
    return Object.fromEntries(
      [...topics].map(([topic, { view: { cursor, state } }]) => [
        topic, { cursor, ...(withStates && { state }) },
      ]),
    );
  }

  /** Tells the leader, if there is one, what this tab follows: once for changes made together. */
  function sendWanted(): void {
    if (isSending) return;
    isSending = true;
    queueMicrotask(() => {
      isSending = false;
      if (sources) sources.want(tab, wanted(true));
      else if (isPresent) post({ tab, wanted: wanted(false) });
    });
  }

  function start(): void {
    if (holding || !topics.size) return;
    holding = new AbortController();
    for (const [topic, { view }] of topics) {
      if (view.connection.state === "paused") show(topic, { ...view, connection: CONNECTING });
    }
    const locks = isShared && globalThis.BroadcastChannel && navigator.locks;
    if (!locks) return lead();
    channel = new BroadcastChannel(name);
    channel.onmessage = ({ data }: MessageEvent<Message>) => hear(data, locks);
    const { signal } = holding;
    // Held for as long as this page lives: by it the leader learns that the page is gone.
    hold(locks, `${name} ${tab}`, signal, () => {
      isPresent = true;
      sendWanted();
    });
    hold(locks, name, signal, lead);
  }

  function stop(): void {
    sources?.close();
    sources = null;
    post({ tab, wanted: {} });
    holding?.abort();
    holding = null;
    channel?.close();
    channel = null;
    isPresent = false;
  }

  function lead(): void {
    if (sources) return;
    const knowsOthersAt = Date.now() + HELLO_MS;
    sources = createSources({ ...options, url }, (updates) => {
      if (watched.size || Date.now() < knowsOthersAt) post({ updates });
      updates.forEach(take);
    });
    post({ hello: true });
    sources.want(tab, wanted(true));
  }

  function hear(message: Message, locks: LockManager): void {
    if ("hello" in message) {
      if (isPresent) post({ tab, wanted: wanted(true) });
    } else if ("wake" in message) sources?.wake(message.wake === "asked");
    else if ("updates" in message) {
      // A leader passes over updates of others: its predecessor's last ones, or another leader's
      // where locks are refused.
      if (!sources) message.updates.forEach(take);
    } else if (sources) {
      sources.want(message.tab, message.wanted);
      watchTab(message.tab, locks);
    }
  }

  function watchTab(other: string, locks: LockManager): void {
    if (watched.has(other) || !holding) return;
    watched.add(other);
    const gone = new AbortController();
    const { signal } = holding;
    signal.addEventListener("abort", () => {
      watched.delete(other);
      gone.abort();
    });
    hold(locks, `${name} ${other}`, gone.signal, () => {
      sources?.want(other, {});
      watched.delete(other);
      gone.abort();
    });
  }

  function take(update: Update): void {
    const followed = topics.get(update.topic);
    if (!followed) return;
    const { view } = followed;
    if ("connection" in update) {
      show(update.topic, { ...view, connection: update.connection });
    } else if ("state" in update) {
      const { state, cursor } = update;
      // A new leader may be behind what its predecessor told: it will catch up.
      const isOld = view.state && cursor && step(view.cursor, cursor) === "past";
      if (!isOld) show(update.topic, { ...view, state, cursor }, state);
    } else {
      for (const [event, cursor] of update.events) takeEvent(update.topic, followed, event, cursor);
    }
  }

  function takeEvent(topic: Topic, { view }: Followed, event: StreamEvent | null, cursor: string): void {
    // It has no position of its own, and is no part of the state.
    if (event?.type === "waiting") return show(topic, { ...view, waiting: event }, event);
    const isState = event?.type === "snapshot" || event?.type === "feed";
    const comes = view.state ? step(view.cursor, cursor) : "gap";
    if (!isState && comes === "past") return;
    // This tab missed an event: the leader answers with the state.
    if (!isState && comes === "gap") return sendWanted();
    const fold = (topic === "feed" ? reduceFeed : reduce) as (state: State | null, event: StreamEvent) => State;
    show(topic, { ...view, state: event ? fold(view.state, event) : view.state, cursor }, event);
  }

  function show(topic: Topic, view: View, event?: StreamEvent | null): void {
    const followed = topics.get(topic)!;
    followed.view = view.waiting && !mayWait(view.state) ? { ...view, waiting: null } : view;
    for (const listener of [...followed.listeners]) listener(followed.view, event);
  }

  function follow(topic: Topic, listener: Listener<State>): () => void {
    let followed = topics.get(topic);
    if (!followed) {
      followed = { view: { state: null, connection: CONNECTING, waiting: null, cursor: "" }, listeners: new Set() };
      topics.set(topic, followed);
      start();
      sendWanted();
    }
    const { listeners, view } = followed;
    // A function of its own: the same listener may be given twice.
    const mine: Listener<State> = (...news) => listener(...news);
    listeners.add(mine);
    if (view.state) listener(view, view.state);
    return () => {
      if (!listeners.delete(mine) || listeners.size) return;
      topics.delete(topic);
      sendWanted();
    };
  }

  const stopListening = listenToPage({
    sleep() {
      if (!holding) return;
      stop();
      for (const [topic, { view }] of topics) {
        if (view.connection.state !== "closed") show(topic, { ...view, connection: PAUSED });
      }
    },
    wake() {
      if (!holding) start();
      // The streams listen to the leader's page alone, which may be hidden while this one is seen.
      else if (!sources) post({ wake: "seen" });
    },
  });

  function tryNow(): void {
    if (sources) sources.wake(true);
    else post({ wake: "asked" });
  }

  return {
    followJob: (jobId, listener, { items = false } = {}) =>
      follow(`${items ? "items" : "job"}:${jobId}`, listener as Listener<State>),
    followFeed: (listener) => follow("feed", listener as Listener<State>),
    tryNow,
    get isLeading() { return sources !== null; },
    close() {
      stop();
      stopListening();
      topics.clear();
    },
  };
}

/** Nobody is at the job; that is not known before its first state either. */
function mayWait(state: State | null): boolean {
  return state === null || (state.type === "snapshot" && (state.status === "pending" || state.status === "retrying"));
}

/** Holds a lock until the signal. Where locks are refused, the page acts as if it were alone. */
function hold(locks: LockManager, name: string, signal: AbortSignal, onHeld: () => void): void {
  locks
    .request(name, { signal }, () => {
      onHeld();
      if (signal.aborted) return;
      return new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    })
    .catch(() => signal.aborted || onHeld());
}
