// The open streams of all tabs of one account: at most one for lists, and a few for items.

import type { FeedSnapshot, JobWaiting, Snapshot, StreamEvent } from "./events.gen.ts";
import { createJobState } from "./feedjob.ts";
import { reduce, reduceFeed } from "./reduce.ts";
import type { Connection } from "./messages.ts";
import { createTurns, poll, type OtherWay } from "./polling.ts";
import { createFeedStream, createJobStream, type StreamOptions } from "./stream.ts";
import type { Urls } from "./urls.ts";

/** `feed`, `job:<id>` (status and counts), or `items:<id>` (its items as well). */
export type Topic = "feed" | `job:${string}` | `items:${string}`;
export type State = Snapshot | FeedSnapshot;

/** A tab's place in a topic: the cursor, and the state there if it is asked for. */
export interface Held {
  readonly cursor: string;
  readonly state?: State | null;
}
export type Wanted = Partial<Record<Topic, Held>>;

/** News of a topic, the same for each tab. */
export type Update = { readonly topic: Topic } & (
  | { readonly connection: Connection }
  | { readonly events: [StreamEvent | null, string][] }
  | { readonly state: State; readonly cursor: string }
);

export interface SourceOptions
  extends Pick<StreamOptions, "fetch" | "headers" | "credentials" | "silenceMs" | "random"> {
  /** Other addresses than those below a base. */
  readonly url: Urls;
  /** A stream without a whole block for this long from asking is mute: something holds it back. */
  readonly muteMs?: number;
  /** While streams are mute, one is tried this often, */
  readonly tryAgainMs?: number;
  /** and no two requests follow one another faster. */
  readonly pollMs?: number;
}

export interface Sources {
  /** Sets the topics that a tab follows, in place of those it followed before. */
  want(tab: string, wanted: Wanted): void;
  /** A page is looked at again: connections may have died unseen. Or a person asks to try now. */
  wake(isAsked: boolean): void;
  close(): void;
}

/** A source of one topic. It sends updates by itself, and can be asked for its state. */
export interface Source {
  readonly connection: Connection;
  readonly held: Held;
  /** Why the job waits, as last heard: it is no part of the state. */
  readonly waiting?: JobWaiting | null;
  wake?(isAsked: boolean): void;
  close(): void;
}

/** The further methods of a source that is fed by the feed's events. */
export interface OnFeed {
  /** By itself, whatever becomes of the feed. */
  readonly ended: boolean;
  take(event: StreamEvent | null): void;
}

/** Over HTTP/1.1 a browser has six connections for a site: the pages need some. */
export const MAX_ITEM_STREAMS = 3;

export const jobIdOf = (topic: Topic): string => topic.slice(topic.indexOf(":") + 1);

export function createSources(
  options: SourceOptions,
  tell: (updates: readonly Update[]) => void,
): Sources {
  const wants = new Map<string, Wanted>();
  const sources = new Map<Topic, Source & Partial<OnFeed>>();
  const streamed = new Set<Topic>();
  // The server's first block comes with the head of its answer.
  const { muteMs = 8_000, tryAgainMs = 60_000, pollMs = 3_000 } = options;
  const turn = createTurns(pollMs);
  let buffer: Update[] = [];
  let isClosed = false;
  /** Something holds this browser's streams back. */
  let isSlow = false;

  /** Buffers an update: all events of one chunk of bytes go to the tabs as one message. */
  function send(update: Update): void {
    if (isClosed) return;
    if (!buffer.length) queueMicrotask(flush);
    const last = buffer.at(-1);
    if (last && "events" in last && "events" in update && last.topic === update.topic) {
      last.events.push(...update.events);
    } else buffer.push(update);
  }

  function flush(): void {
    const updates = buffer;
    buffer = [];
    if (updates.length) tell(updates);
  }

  function heldByTabs(topic: Topic): Held | undefined {
    for (const wanted of wants.values()) if (wanted[topic]?.state) return wanted[topic];
    return undefined;
  }

  function openStream(topic: Topic): Source {
    const isFeed = topic === "feed";
    const jobId = isFeed ? null : jobIdOf(topic);
    const { state: before = null, cursor: at } = heldByTabs(topic) ?? { cursor: "" };
    let state: State | null = before;
    let waiting: JobWaiting | null = null;
    const stream = (isFeed ? createFeedStream : createJobStream)({
      ...options,
      url: options.url(jobId, "progress"),
      lastEventId: at,
      otherWay: otherWay(jobId),
      onEvent(event, cursor) {
        if (event?.type === "waiting") waiting = event;
        else if (event) state = isFeed ? reduceFeed(state as FeedSnapshot, event) : reduce(state as Snapshot, event);
        send({ topic, events: [[event, cursor]] });
        if (isFeed) for (const source of sources.values()) source.take?.(event);
      },
      onConnection(connection) {
        send({ topic, connection });
        if (connection.state === "open") hearPace(connection.isSlow === true);
        if (isFeed) tellDependents(connection);
        // A stream that has ended gives its place to a topic that waits for one.
        else if (connection.state === "closed") queueMicrotask(settle);
      },
    });
    return {
      get connection() { return stream.connection; },
      get held() { return { cursor: stream.cursor, state }; },
      get waiting() { return waiting; },
      wake: stream.wake,
      close: stream.close,
    };
  }

  function otherWay(jobId: string | null): OtherWay {
    const url = options.url(jobId, "events");
    return {
      isSlow,
      muteMs,
      tryAgainMs,
      turn,
      read: (stream, signal) => poll({ ...options, url, turn }, stream, signal),
    };
  }

  function hearPace(wasSlow: boolean): void {
    if (isSlow === wasSlow) return;
    isSlow = wasSlow;
    queueMicrotask(settle);
  }

  function tellDependents(connection: Connection): void {
    for (const [topic, source] of sources) {
      if (source.take && !source.ended) send({ topic, connection });
    }
  }

  function openOnFeed(topic: Topic, held?: Held): Source {
    const feed = sources.get("feed")!;
    const known = feed.held.state as FeedSnapshot | null;
    return createJobState({
      ...options,
      jobId: jobIdOf(topic),
      state: (held?.state ?? null) as Snapshot | null,
      turn: isSlow ? turn : undefined,
      feed: known,
      connection: () => sources.get("feed")?.connection ?? feed.connection,
      show: (state) => send({ topic, state, cursor: "" }),
      onConnection(connection) {
        send({ topic, connection });
        queueMicrotask(settle);
      },
    });
  }

  function drop(topic: Topic): void {
    const source = sources.get(topic);
    sources.delete(topic);
    streamed.delete(topic);
    source?.close();
  }

  /** Opens streams for topics that tabs follow, and closes the others. */
  function settle(): void {
    if (isClosed) return;
    const wanted = new Set([...wants.values()].flatMap((each) => Object.keys(each) as Topic[]));
    for (const topic of streamed) if (!wanted.has(topic)) drop(topic);
    const live = [...wanted].filter((topic) => !isOver(topic));
    // Where requests are rare, one thing is asked for: a job, or all jobs together.
    const places = !isSlow ? MAX_ITEM_STREAMS : live.length === 1 ? 1 : 0;
    const left: Wanted = {};
    for (const topic of live.filter((each) => streamed.has(each)).slice(places)) {
      left[topic] = sources.get(topic)!.held;
      drop(topic);
    }
    for (const topic of wanted) if (topic.startsWith("items:")) grant(topic, places);
    const onFeed = [...wanted].filter((topic) => topic !== "feed" && !streamed.has(topic));
    const needsFeed = wanted.has("feed") || onFeed.some((topic) => !isOver(topic));
    for (const topic of sources.keys()) {
      if (!wanted.has(topic) && !(topic === "feed" && needsFeed)) drop(topic);
    }
    if (needsFeed && !sources.has("feed")) sources.set("feed", openStream("feed"));
    for (const topic of onFeed) {
      if (!sources.has(topic)) sources.set(topic, openOnFeed(topic, left[topic] ?? heldByTabs(topic)));
    }
  }

  function isOver(topic: Topic): boolean {
    return sources.get(topic)?.connection.state === "closed";
  }

  function grant(topic: Topic, places: number): void {
    if (streamed.has(topic) || isOver(topic)) return;
    const open = [...streamed].filter((other) => !isOver(other));
    if (open.length >= places) return;
    drop(topic);
    streamed.add(topic);
    sources.set(topic, openStream(topic));
  }

  /** Sends the state to a tab that is not where its source is. */
  function catchUp(topic: Topic, { cursor, state: theirs }: Held): void {
    const source = sources.get(topic);
    if (!source) return;
    const { cursor: at, state } = source.held;
    if (state && state !== theirs && (cursor !== at || !at)) send({ topic, state, cursor: at });
    if (source.waiting) send({ topic, events: [[source.waiting, at]] });
    send({ topic, connection: source.connection });
  }

  return {
    want(tab, wanted) {
      wants.set(tab, wanted);
      settle();
      for (const topic of Object.keys(wanted) as Topic[]) catchUp(topic, wanted[topic]!);
      // The tab's state is large and soon old: it is not kept here too.
      wants.set(tab, Object.fromEntries(Object.keys(wanted).map((topic) => [topic, { cursor: "" }])));
    },
    wake(isAsked) {
      for (const source of sources.values()) source.wake?.(isAsked);
    },
    close() {
      flush();
      isClosed = true;
      for (const topic of [...sources.keys()]) drop(topic);
    },
  };
}

