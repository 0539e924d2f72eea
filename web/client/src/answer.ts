// What a stream does after a server's answer, and how long it waits before it comes back. Pure.

/** What to do about an answer. */
export type Verdict =
  | { readonly do: "read" }
  | { readonly do: "close"; readonly reason: "ended" | "refused" }
  | { readonly do: "retry"; readonly afterMs: number };

/** A wait is never longer than this, but for a server that asks for more. */
export const LONGEST_WAIT_MS = 5_000;
/** After so many failures in a row, some ten minutes, hardly anyone waits for the server. */
export const MANY_FAILURES = 240;
export const LONGEST_LATE_WAIT_MS = 60_000;
/** The hint of a server that has sent none. */
export const USUAL_RETRY_MS = 3_000;
/** A timer takes no more than 31 bits. */
const timed = (ms: number): number => Math.min(ms, 2 ** 31 - 1);

const EVENT_STREAM = /^text\/event-stream\s*(;|$)/i;
/** Refusals after which the stream tries again: too slow, too early, too many. */
const PASSING = new Set([408, 425, 429]);

/** The verdict on an answer. A page in place of the stream is a proxy's: it is tried again. */
export function judge(response: Response, nowMs: number): Verdict {
  const { status, headers } = response;
  if (status === 204) return { do: "close", reason: "ended" };
  if (isRefusal(status)) return { do: "close", reason: "refused" };
  if (status === 200 && EVENT_STREAM.test(headers.get("Content-Type") ?? "")) return { do: "read" };
  return { do: "retry", afterMs: retryAfterMs(headers.get("Retry-After"), nowMs) };
}

/** Whether the server will not answer the same request otherwise. */
export function isRefusal(status: number): boolean {
  return status >= 400 && status < 500 && !PASSING.has(status);
}

/** What `Retry-After` asks for (RFC 9110, §10.2.3: seconds or a date); 0 if nothing. */
export function retryAfterMs(value: string | null, nowMs: number): number {
  if (value === null) return 0;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - nowMs;
  return ms > 0 ? timed(ms) : 0;
}

/**
 * Full jitter: anywhere between nothing and a bound that doubles with each failure, so that a
 * thousand clients of one server do not come back together. The bound is short, so that they are
 * back within seconds of the server.
 */
export function delayMs(retryMs: number, failures: number, random: () => number): number {
  const longest = failures > MANY_FAILURES ? LONGEST_LATE_WAIT_MS : LONGEST_WAIT_MS;
  const bound = Math.min(retryMs * 2 ** Math.max(0, failures - 1), longest);
  return random() * Math.max(bound, timed(retryMs));
}
