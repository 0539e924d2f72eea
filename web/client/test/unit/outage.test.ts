// A thousand browsers whose server goes away and comes back.

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createJobStream } from "../../src/stream.ts";

const CLIENTS = 1_000;
const snapshot = JSON.stringify({
  type: "snapshot", jobId: "j", at: "2026-01-31T12:00:00.000Z", attempt: 1, status: "running",
  progress: null, itemsInProgress: [], failedItems: [],
});

beforeEach(() => { vi.useFakeTimers(); });
afterEach(() => { vi.useRealTimers(); });

/** Random numbers that are the same in each run: xorshift. */
function dice(seed: number): () => number {
  let state = seed * 2_654_435_761 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

it.each([2, 20])("are live within 5 s after %i s without it, and come spread", async (seconds) => {
  let isAway = false;
  let cameAt: number[] = [];
  const bodies: ReadableStreamDefaultController<Uint8Array>[] = [];
  const hint = dice(4_711);

  const fetch = (async () => {
    if (isAway) throw new TypeError("network");
    cameAt.push(Date.now());
    const text = `retry: ${1_000 + Math.floor(hint() * 4_001)}\n\nid: 1-1\ndata: ${snapshot}\n\n`;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        bodies.push(controller);
        controller.enqueue(new TextEncoder().encode(text));
      },
    });
    return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
  }) as typeof globalThis.fetch;

  const streams = Array.from({ length: CLIENTS }, (_, number) =>
    createJobStream({ url: "/stream", fetch, random: dice(number + 1), onEvent() {} }),
  );
  await vi.advanceTimersByTimeAsync(100);
  isAway = true;
  cameAt = [];
  for (const body of bodies) body.error(new TypeError("network"));
  await vi.advanceTimersByTimeAsync(seconds * 1_000);
  expect(cameAt).toEqual([]);
  isAway = false;
  const backAt = Date.now();
  await vi.advanceTimersByTimeAsync(10_000);

  expect(streams.every(({ connection }) => connection.state === "open")).toBe(true);
  const late = cameAt.map((at) => at - backAt).sort((one, other) => one - other);
  expect(late).toHaveLength(CLIENTS);
  expect(late[Math.floor(CLIENTS * 0.95)]).toBeLessThan(5_000);
  // A wave that came together would be a new outage.
  const inTenths = Array.from({ length: 100 }, (_, tenth) => late.filter((ms) => Math.floor(ms / 100) === tenth).length);
  expect(Math.max(...inTenths)).toBeLessThan(CLIENTS * 0.08);
  streams.forEach((stream) => stream.close());
}, 60_000);
