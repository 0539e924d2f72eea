// A stream of messages, followed over as many connections as it takes.

import { delayMs, judge, USUAL_RETRY_MS } from "./answer.ts";
import { step } from "./cursor.ts";
import { listenToPage } from "./page.ts";
import { createParser, type Message } from "./parser.ts";
import type { OtherWay, Polled } from "./polling.ts";
import { isElsewhere } from "./urls.ts";

/**
 * How a stream stands. `attempts` counts the connections in a row that failed. `isSlow`: something
 * on the way holds streams back, and the events come as pages of JSON, seconds late.
 */
export type Connection =
  | { readonly state: "connecting" | "paused"; readonly attempts: number }
  | { readonly state: "open"; readonly attempts: number; readonly isSlow?: true }
  | { readonly state: "waiting"; readonly attempts: number; readonly delayMs: number }
  | {
      readonly state: "closed";
      readonly attempts: number;
      /** The job ended, the server refused (`status` says how), or `close` was called. */
      readonly reason: "ended" | "refused" | "closed";
      readonly status?: number;
    };

/** What the reader did with a message: took it, passed it over as a repeat, or took it as the last. */
export type Taken = "taken" | "passed" | "last";

export interface ConnectionOptions {
  readonly url: string;
  /** The stream begins after this position; where it is empty, with a snapshot. */
  readonly lastEventId?: string;
  /** Another function than the page's own `fetch`. */
  readonly fetch?: typeof fetch;
  /** Further headers, asked for at each connection: a token may have been renewed. */
  readonly headers?: () => Record<string, string>;
  readonly credentials?: RequestCredentials;
  /** A connection without a byte for this long is dead. The server pings every 15 s. */
  readonly silenceMs?: number;
  /** From 0 up to 1. */
  readonly random?: () => number;
  /** For browsers in which connections are mute. */
  readonly otherWay?: OtherWay;
  onConnection?(connection: Connection): void;
}

export interface MessageStreamOptions extends ConnectionOptions {
  /**
   * Takes a message, the first of its connection or a later one, that came after `cursor`. Throws
   * at one that cannot be: the connection is then given up, and another goes on from `cursor`.
   */
  onMessage(message: Message, cursor: string, isFirst: boolean): Taken;
}

export interface Stream {
  readonly connection: Connection;
  /** The position after the last event; empty before the first. */
  readonly cursor: string;
  /**
   * Looks whether the connection lives, as after a sleep; it listens to its own page itself. Where
   * a person asks for it, it tries at once even if the server asked for quiet.
   */
  wake(isAsked?: boolean): void;
  close(): void;
}

/** The server pings every 15 s: two of three may be late. */
const SILENCE_MS = 45_000;
/** So many mute connections in a row are no accident. */
const MUTE_CONNECTIONS = 2;
/** A job whose page is opened at once may not be known yet: for so long, 404 is asked about once more. */
const EARLY_MS = 10_000;
const LOOK_MS = 10_000;

/** Follows any text/event-stream until it is closed, refused, or a message was the last. */
export function createMessageStream(options: MessageStreamOptions): Stream {
  const { silenceMs = SILENCE_MS, random = Math.random, otherWay } = options;
  const beganAt = Date.now();
  let cursor = options.lastEventId ?? "";
  /** Of the stream itself, and as it is shown: messages may come another way. */
  let connection: Connection = { state: "connecting", attempts: 0 };
  let shown: Connection = connection;
  let retryMs = USUAL_RETRY_MS;
  let failures = 0;
  let current = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let askedAt = 0;
  let heardAt = 0;
  // A server that asked for quiet is not disturbed by a page that wakes.
  let notBefore = 0;
  let wasOffline = false;
  let hasMessages = false;
  /** This connection has brought a whole block. */
  let hasSpoken = false;
  let mutes = otherWay?.isSlow ? MUTE_CONNECTIONS : 0;
  let detour: AbortController | null = null;
  let mayBeEarly = true;

  function change(next: Connection): void {
    connection = next;
    if (!detour) show(next);
  }

  function show(next: Connection): void {
    shown = next;
    run(() => options.onConnection?.(next));
  }

  /** Ends the connection that is under way, and takes nothing more of it. */
  function leave(): void {
    clearTimeout(timer);
    current.abort();
  }

  function close(reason: "ended" | "refused" | "closed", status?: number): void {
    if (connection.state === "closed") return;
    leave();
    endDetour();
    stopListening();
    change({ state: "closed", attempts: failures, reason, ...(status ? { status } : {}) });
  }

  function connect(): void {
    leave();
    current = new AbortController();
    notBefore = 0;
    change({ state: "connecting", attempts: failures });
    if (mutes >= MUTE_CONNECTIONS) takeDetour();
    if (connection.state === "connecting") void follow(current.signal);
  }

  function connectIn(ms: number): void {
    leave();
    change({ state: "waiting", attempts: failures, delayMs: Math.round(ms) });
    if (connection.state === "waiting") timer = setTimeout(connect, ms);
  }

  function fail(afterMs = 0): void {
    if (detour) return connectIn(otherWay!.tryAgainMs);
    failures += 1;
    notBefore = afterMs && Date.now() + afterMs;
    connectIn(afterMs + delayMs(retryMs, failures, random));
  }

  function takeAsMute(): void {
    mutes += 1;
    failures += 1;
    if (mutes >= MUTE_CONNECTIONS) takeDetour();
    connectIn(detour ? otherWay!.tryAgainMs : random() * 1_000);
  }

  function takeDetour(): void {
    if (!otherWay || detour) return;
    detour = new AbortController();
    const { signal } = detour;
    const polled: Polled = {
      get cursor() { return cursor; },
      take,
      close,
      show,
    };
    void otherWay.read(polled, signal);
  }

  function endDetour(): void {
    detour?.abort();
    detour = null;
  }

  function takeBlock(): void {
    hasSpoken = true;
    mutes = 0;
    if (!detour) return;
    endDetour();
    show(connection);
  }

  /** Finds a connection that died without a word, or is held back. */
  function watch(signal: AbortSignal): void {
    const mayBeMute = otherWay && !hasSpoken;
    const leftMs = (mayBeMute ? askedAt + otherWay.muteMs : heardAt + silenceMs) - Date.now();
    if (leftMs <= 0) return mayBeMute ? takeAsMute() : fail();
    // After a sleep the clock has moved on and the timer has not: it must not be a long one.
    timer = setTimeout(() => signal.aborted || watch(signal), Math.min(leftMs, LOOK_MS));
  }

  async function follow(signal: AbortSignal): Promise<void> {
    if (detour) await otherWay!.turn(signal);
    if (signal.aborted) return;
    askedAt = heardAt = Date.now();
    hasMessages = false;
    hasSpoken = false;
    watch(signal);
    try {
      const response = await (options.fetch ?? fetch)(...request(signal));
      if (signal.aborted) return;
      const verdict = judge(response, Date.now());
      if (verdict.do !== "read") void response.body?.cancel().catch(() => {});
      if (verdict.do === "close" && isEarly(response)) return connectIn(1_000 + random() * 2_000);
      if (verdict.do === "close") return close(verdict.reason, response.status);
      if (verdict.do === "retry") return fail(verdict.afterMs);
      mayBeEarly = false;
      heardAt = Date.now();
      change({ state: "open", attempts: 0 });
      await read(response, signal);
    } catch {
      // The network failed, before the answer or within it: both are handled alike.
    }
    if (signal.aborted) return;
    // A connection that brought bytes, or lasted, was good: coming back after it is no failure.
    const wasGood = hasMessages || Date.now() - askedAt > retryMs;
    if (!wasGood || detour) return fail();
    failures = 0;
    connectIn(delayMs(retryMs, failures, random));
  }

  function isEarly({ status }: Response): boolean {
    const wasEarly = mayBeEarly && status === 404 && Date.now() - beganAt < EARLY_MS;
    mayBeEarly = false;
    return wasEarly;
  }

  function request(signal: AbortSignal): [string, RequestInit] {
    const headers: Record<string, string> = { ...options.headers?.(), Accept: "text/event-stream" };
    let { url } = options;
    // Another site would first be asked whether it allows the header: a second request.
    if (cursor && isElsewhere(url)) url += `${url.includes("?") ? "&" : "?"}lastEventId=${encodeURIComponent(cursor)}`;
    else if (cursor) headers["Last-Event-ID"] = utf8(cursor);
    return [url, { headers, signal, cache: "no-store", credentials: options.credentials ?? "same-origin" }];
  }

  async function read(response: Response, signal: AbortSignal): Promise<void> {
    const parser = createParser({
      lastEventId: cursor,
      onMessage(message) {
        if (signal.aborted) return;
        takeBlock();
        take(message);
      },
      onLastEventId: (id) => { if (!signal.aborted && step(cursor, id) !== "past") cursor = id; },
      onRetry: (ms) => { retryMs = ms; },
      // Where the state is asked for, the hint that comes before it is not enough.
      onBlock: () => signal.aborted || !cursor || takeBlock(),
    });
    const reader = response.body!.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || signal.aborted) return;
      heardAt = Date.now();
      parser.feed(value);
    }
  }

  function take(message: Message): void {
    const taken = options.onMessage(message, cursor, !hasMessages);
    if (taken === "passed") return;
    hasMessages = true;
    failures = 0;
    cursor = message.lastEventId;
    if (taken === "last") close("ended");
  }

  function wake(isAsked = false): void {
    if (connection.state === "closed") return;
    const now = Date.now();
    const isQuiet = now - heardAt > silenceMs / 2;
    const isUp = connection.state === "open" || connection.state === "connecting";
    // Another network, or a long silence: the old connection may be dead and not know it.
    if (isUp && !wasOffline && !isQuiet) return;
    wasOffline = false;
    if (shown.state === "waiting") endDetour();
    if (isAsked || now >= notBefore) connect();
    else connectIn(notBefore - now);
  }

  const stopListening = listenToPage({
    sleep() {
      leave();
      endDetour();
      change({ state: "paused", attempts: failures });
    },
    offline() {
      wasOffline = true;
    },
    wake: () => wake(),
  });

  connect();
  return {
    get connection() { return shown; },
    get cursor() { return cursor; },
    wake,
    close: () => close("closed"),
  };
}

/** A header's bytes are characters up to 255; an id's are UTF-8. Nothing else does it in one word. */
const utf8 = (text: string): string => unescape(encodeURIComponent(text));

/** An error of the caller's function must not look like a broken connection. */
export function run(callback: () => void): void {
  try {
    callback();
  } catch (error) {
    setTimeout(() => { throw error; });
  }
}
