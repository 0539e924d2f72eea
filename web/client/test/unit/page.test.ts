// @vitest-environment jsdom
// A stream in a page that is put away, frozen, offline, looked at again.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Stream } from "../../src/messages.ts";
import { createJobStream } from "../../src/stream.ts";

let requests: AbortSignal[];
let stream: Stream;

const fakeFetch = ((_: unknown, { signal }: RequestInit) => {
  requests.push(signal!);
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(":\n\n"));
      signal!.addEventListener("abort", () => controller.error(signal!.reason));
    },
  });
  return Promise.resolve(new Response(body, { headers: { "Content-Type": "text/event-stream" } }));
}) as typeof fetch;

const state = () => stream.connection.state;
const settle = () => vi.advanceTimersByTimeAsync(0);
const tell = async (target: EventTarget, type: string) => {
  target.dispatchEvent(new Event(type));
  await settle();
};

beforeEach(async () => {
  requests = [];
  vi.useFakeTimers();
  stream = createJobStream({ url: "/stream", fetch: fakeFetch, random: () => 1, onEvent() {} });
  await settle();
  expect(state()).toBe("open");
});
afterEach(() => {
  stream.close();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe.each([
  ["a page in the back-forward cache", window, "pagehide", window, "pageshow"],
  ["a frozen page", document, "freeze", document, "resume"],
])("%s", (_, away, leaving, back, coming) => {
  it("holds no connection, and has one at once when it comes back", async () => {
    await tell(away, leaving);
    expect(state()).toBe("paused");
    expect(requests[0]!.aborted).toBe(true);
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(requests).toHaveLength(1);
    await tell(back, coming);
    expect(state()).toBe("open");
    expect(requests).toHaveLength(2);
  });
});

it("that was offline makes its connection anew: the old one may be of another network", async () => {
  await tell(window, "offline");
  expect(state()).toBe("open");
  await tell(window, "online");
  expect(requests).toHaveLength(2);
  expect(requests[0]!.aborted).toBe(true);
  await tell(document, "visibilitychange");
  expect(requests).toHaveLength(2);
});

describe("a page that is looked at again", () => {
  it("keeps a connection that was heard of lately", async () => {
    await vi.advanceTimersByTimeAsync(20_000);
    await tell(document, "visibilitychange");
    expect(requests).toHaveLength(1);
  });

  it("does not wait for the watchdog where it was quiet for long", async () => {
    await vi.advanceTimersByTimeAsync(23_000);
    await tell(document, "visibilitychange");
    expect(requests).toHaveLength(2);
  });

  it("does not wait for the next try", async () => {
    await vi.advanceTimersByTimeAsync(45_000);
    expect(state()).toBe("waiting");
    await tell(document, "visibilitychange");
    expect(state()).toBe("open");
  });
});

it("is not asked to come before the time that a server named", async () => {
  stream.close();
  const refusing = (async () => new Response(null, { status: 503, headers: { "Retry-After": "30" } })) as typeof fetch;
  const answers = vi.fn(refusing);
  stream = createJobStream({ url: "/stream", fetch: answers, random: () => 0, onEvent() {} });
  await settle();
  await tell(window, "online");
  await vi.advanceTimersByTimeAsync(29_999);
  expect(answers).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(answers).toHaveBeenCalledTimes(2);
});

it("listens no more when it is closed", async () => {
  stream.close();
  await tell(window, "pageshow");
  await tell(window, "online");
  expect(requests).toHaveLength(1);
});
