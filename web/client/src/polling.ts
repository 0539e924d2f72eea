// Events read as pages of JSON, in browsers whose streams something on the way holds back.

import { delayMs, isRefusal, retryAfterMs, USUAL_RETRY_MS } from "./answer.ts";
import type { EventPage } from "./events.gen.ts";
import type { Connection, ConnectionOptions } from "./messages.ts";
import type { Message } from "./parser.ts";

type Requests = Pick<ConnectionOptions, "fetch" | "headers" | "credentials">;

export interface PollingOptions extends Requests, Pick<ConnectionOptions, "random"> {
  /** Where the pages are. */
  readonly url: string;
  /** Resolves when one more request may be sent, or at the signal. */
  turn(signal: AbortSignal): Promise<void>;
}

/** The stream that is mute, to which the pages bring its messages. */
export interface Polled {
  readonly cursor: string;
  take(message: Message): void;
  /** A page came, or after some failures in a row the next one is asked for after a while. */
  show(connection: Connection): void;
  close(reason: "ended" | "refused", status?: number): void;
}

/** Another way for a stream's messages while its connections are mute. */
export interface OtherWay {
  /** Whether connections of this browser are known to be mute. */
  readonly isSlow: boolean;
  /** A connection without a whole block for this long from its beginning is mute. */
  readonly muteMs: number;
  /** While the messages come the other way, a stream is tried this often. */
  readonly tryAgainMs: number;
  /** Brings messages until the signal. */
  read(stream: Polled, signal: AbortSignal): Promise<void>;
  /** Resolves when one more request may be sent, or at the signal. */
  turn(signal: AbortSignal): Promise<void>;
}

/** How long the server waits for an event before it answers without one. */
const WAIT_SECONDS = 25;
const TIMEOUT_MS = 35_000;
/** Of a log that says more than this between two requests, the state is asked for. */
const LIMIT = 500;

/** Brings a stream its events until the signal. */
export async function poll(options: PollingOptions, stream: Polled, signal: AbortSignal): Promise<void> {
  let failures = 0;
  let isBehind = false;

  function take({ cursor, ended, snapshot, events, waiting }: EventPage): void {
    const say = (document: unknown, id: string, hasOwnId = id !== "") =>
      signal.aborted || stream.take({ data: JSON.stringify(document), name: "message", lastEventId: id, hasOwnId });
    // Until all of it is taken: what does not follow is not asked for again.
    isBehind = true;
    if (snapshot) say(snapshot, cursor ?? "");
    for (const { id, event } of events) say(event, id);
    if (waiting) say(waiting, stream.cursor, false);
    isBehind = events.length >= LIMIT;
    if (ended && !events.length && !signal.aborted) stream.close("ended");
  }

  /** Asks for a page. Resolves to how long the server wants quiet, if it gave none. */
  async function ask(): Promise<number | null> {
    const after = stream.cursor && !isBehind ? `&after=${encodeURIComponent(stream.cursor)}` : "";
    try {
      const url = `${options.url}?limit=${LIMIT}&wait=${WAIT_SECONDS}${after}`;
      const response = await askJson(options, url, AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]));
      if (response.ok) take(await response.json());
      else if (isRefusal(response.status)) stream.close("refused", response.status);
      else return retryAfterMs(response.headers.get("Retry-After"), Date.now());
      return null;
    } catch {
      return 0;
    }
  }

  for (;;) {
    await options.turn(signal);
    if (signal.aborted) return;
    const quietMs = await ask();
    if (signal.aborted) return;
    failures = quietMs === null ? 0 : failures + 1;
    const waitMs = quietMs === null ? 0 : quietMs + delayMs(USUAL_RETRY_MS, failures, options.random ?? Math.random);
    stream.show(
      failures
        ? { state: "waiting", attempts: failures, delayMs: Math.round(waitMs) }
        : { state: "open", attempts: 0, isSlow: true },
    );
    if (waitMs) await pause(waitMs, signal);
  }
}

/** A request for JSON. The browser asks with the ETag of its copy, and answers with that after a 304. */
export function askJson(options: Requests, url: string, signal: AbortSignal): Promise<Response> {
  const headers = { ...options.headers?.(), Accept: "application/json" };
  return (options.fetch ?? fetch)(url, { headers, signal, cache: "no-cache", credentials: options.credentials ?? "same-origin" });
}

/** Turns that come at most once in so many milliseconds, to who waits longest. */
export function createTurns(everyMs: number): (signal: AbortSignal) => Promise<void> {
  let next = 0;
  return async (signal) => {
    while (Date.now() < next && !signal.aborted) await pause(next - Date.now(), signal);
    if (!signal.aborted) next = Date.now() + everyMs;
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
  });
}
