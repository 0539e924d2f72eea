// The events of a job or of a feed, each once and in order.

import { step } from "./cursor.ts";
import type { StreamEvent } from "./events.gen.ts";
import { createMessageStream, run, type ConnectionOptions, type Stream, type Taken } from "./messages.ts";
import type { Message } from "./parser.ts";
import { isKnown, isTerminal } from "./reduce.ts";

export interface StreamOptions extends ConnectionOptions {
  /** `event` is null for what is not known here; the cursor has advanced all the same. */
  onEvent(event: StreamEvent | null, cursor: string): void;
}

/** Whether an event says that its job is over. */
export function isJobEnd(event: StreamEvent): boolean {
  return (event.type === "status" || event.type === "snapshot") && isTerminal(event.status);
}

/** Follows one job from a position to its terminal event. */
export function createJobStream(options: StreamOptions): Stream {
  return createEventStream(options, isJobEnd);
}

/** Follows an account's feed. It has no end but a refusal. */
export function createFeedStream(options: StreamOptions): Stream {
  return createEventStream(options, () => false);
}

function createEventStream(options: StreamOptions, isLast: (event: StreamEvent) => boolean): Stream {
  function onMessage(message: Message, cursor: string, isFirst: boolean): Taken {
    const { name, data, lastEventId, hasOwnId } = message;
    const event = name === "message" ? eventOf(data) : null;
    const isState = event?.type === "snapshot" || event?.type === "feed";
    const comes = hasOwnId ? step(cursor, lastEventId) : "next";
    // A snapshot is taken wherever it holds: a log may have been set back. Only one that comes a
    // second time is passed over.
    const isNews = isState && (isFirst || lastEventId !== cursor);
    if (comes === "past" && !isNews) return "passed";
    // Heard by the connection alone, which is given up.
    if (comes === "gap" && !isState) throw new RangeError();
    run(() => options.onEvent(event, lastEventId));
    return event && isLast(event) ? "last" : "taken";
  }

  return createMessageStream({ ...options, onMessage });
}

/** The event of a message; null for an unknown type. It throws where the message is no JSON. */
function eventOf(data: string): StreamEvent | null {
  const event = JSON.parse(data);
  return isKnown(event?.type) ? event : null;
}
