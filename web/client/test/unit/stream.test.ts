import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Connection } from "../../src/messages.ts";
import { createFeedStream, createJobStream, type StreamOptions } from "../../src/stream.ts";
import type { StreamEvent } from "../../src/events.gen.ts";
import schema from "../../../../progress/events.schema.json";

const AT = "2026-01-31T12:00:00.000Z";
const status = (name: string) => ({ type: "status", jobId: "j", at: AT, attempt: 1, status: name });
const item = (itemId: string) => ({ type: "item", jobId: "j", at: AT, attempt: 1, itemId, itemKind: "song", status: "succeeded" });
const snapshot = (name = "running") => ({ type: "snapshot", jobId: "j", at: AT, attempt: 1, status: name, progress: null, itemsInProgress: [], failedItems: [] });
const frame = (id: string, event: unknown) => `id: ${id}\ndata: ${JSON.stringify(event)}\n\n`;

/** One request, and the means to answer it. */
interface Asked {
  readonly headers: Headers;
  readonly signal: AbortSignal;
  readonly init: RequestInit;
  answer(status?: number, headers?: Record<string, string>): void;
  breakOff(): void;
  hear(text: string): void;
  say(text: string): Promise<void>;
  end(): Promise<void>;
}

let asked: Asked[];

function fakeFetch(_: unknown, init: RequestInit = {}): Promise<Response> {
  return new Promise((resolve, reject) => {
    let body!: ReadableStreamDefaultController<Uint8Array>;
    const stream = new ReadableStream<Uint8Array>({ start: (controller) => { body = controller; } });
    const signal = init.signal!;
    const stop = () => {
      reject(signal.reason);
      try { body.error(signal.reason); } catch { /* it had ended */ }
    };
    signal.addEventListener("abort", stop);
    asked.push({
      headers: new Headers(init.headers),
      signal,
      init,
      answer(status = 200, headers = { "Content-Type": "text/event-stream" }) {
        resolve(new Response(status === 204 ? null : stream, { status, headers }));
      },
      breakOff() {
        reject(new TypeError("network"));
        body.error(new TypeError("network"));
      },
      hear(text) {
        body.enqueue(new TextEncoder().encode(text));
      },
      async say(text) {
        body.enqueue(new TextEncoder().encode(text));
        await settle();
      },
      async end() {
        body.close();
        await settle();
      },
    });
  });
}

const settle = () => vi.advanceTimersByTimeAsync(0);
const newest = () => asked.at(-1)!;

function follow(options: Partial<StreamOptions> = {}, create = createJobStream) {
  const events: [StreamEvent | null, string][] = [];
  const connections: Connection[] = [];
  const stream = create({
    url: "/stream",
    fetch: fakeFetch as typeof fetch,
    random: () => 1,
    onEvent: (event, cursor) => events.push([event, cursor]),
    onConnection: (connection) => connections.push(connection),
    ...options,
  });
  return { stream, events, connections, state: () => stream.connection.state };
}

async function open(options: Partial<StreamOptions> = {}, create = createJobStream) {
  const followed = follow(options, create);
  newest().answer();
  await settle();
  return followed;
}

beforeEach(() => {
  asked = [];
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 31, 12) });
});
afterEach(() => {
  expect(vi.getTimerCount(), "timers that outlive their stream").toBeLessThanOrEqual(1);
  vi.useRealTimers();
});

describe("a request", () => {
  it("asks for a stream, past all caches, with the page's cookies, and names no position at first", () => {
    follow().stream.close();
    const { headers, init } = newest();
    expect(headers.get("Accept")).toBe("text/event-stream");
    expect(init).toMatchObject({ cache: "no-store", credentials: "same-origin" });
    expect(headers.has("Last-Event-ID")).toBe(false);
  });

  it("names the position it is given, in UTF-8", () => {
    follow({ lastEventId: "é" }).stream.close();
    expect(newest().headers.get("Last-Event-ID")).toBe("\u{c3}\u{a9}");
  });

  it("bears the headers of the moment", async () => {
    let token = "one";
    const { stream } = await open({ headers: () => ({ Authorization: token }) });
    token = "two";
    await newest().end();
    await vi.advanceTimersByTimeAsync(3_000);
    expect(asked.map(({ headers }) => headers.get("Authorization"))).toEqual(["one", "two"]);
    stream.close();
  });
});

describe("a stream that ends", () => {
  it("comes back within the server's hint and with the position of what it heard last", async () => {
    const { stream, connections } = await open();
    await newest().say("retry: 500\n\n" + frame("1-1", snapshot()) + frame("1-2", item("a")));
    await newest().say("id: 1-3\ndata: {");
    await newest().end();
    expect(stream.connection).toEqual({ state: "waiting", attempts: 0, delayMs: 500 });
    await vi.advanceTimersByTimeAsync(499);
    expect(asked).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(newest().headers.get("Last-Event-ID")).toBe("1-2");
    expect(connections.map(({ state }) => state)).toEqual(["connecting", "open", "waiting", "connecting"]);
    stream.close();
  });

  it("takes a random part of the wait", async () => {
    const { stream } = await open({ random: () => 0.25 });
    await newest().say("retry: 4000\n\n" + frame("1-1", snapshot()));
    await newest().end();
    expect(stream.connection).toMatchObject({ delayMs: 1_000 });
    stream.close();
  });

  it("waits longer each time nothing comes of it, and counts", async () => {
    const { stream } = follow();
    for (const [attempts, delayMs] of [[1, 3_000], [2, 5_000], [3, 5_000], [4, 5_000]] as const) {
      newest().breakOff();
      await settle();
      expect(stream.connection).toEqual({ state: "waiting", attempts, delayMs });
      await vi.advanceTimersByTimeAsync(delayMs);
    }
    newest().answer();
    await settle();
    await newest().say(frame("1-1", snapshot()));
    await newest().end();
    expect(stream.connection).toEqual({ state: "waiting", attempts: 0, delayMs: 3_000 });
    stream.close();
  });

  it("after a quiet while is no failure", async () => {
    const { stream } = await open();
    await vi.advanceTimersByTimeAsync(3_001);
    await newest().end();
    expect(stream.connection).toMatchObject({ state: "waiting", attempts: 0 });
    stream.close();
  });

  it("that brings nothing and ends at once is a failure", async () => {
    const { stream } = await open();
    await newest().end();
    expect(stream.connection).toMatchObject({ state: "waiting", attempts: 1 });
    stream.close();
  });
});

describe("what stops it for good", () => {
  it.each(["completed", "failed", "cancelled"])("%s, as an event", async (name) => {
    const { stream, events } = await open();
    await newest().say(frame("1-1", snapshot()) + frame("1-2", status(name)) + frame("1-3", item("late")));
    expect(stream.connection).toEqual({ state: "closed", attempts: 0, reason: "ended" });
    expect(events.map(([, cursor]) => cursor)).toEqual(["1-1", "1-2"]);
    expect(newest().signal.aborted).toBe(true);
  });

  it("a snapshot of a job that is over", async () => {
    const { stream } = await open();
    await newest().say(frame("1-9", snapshot("failed")));
    expect(stream.connection).toMatchObject({ state: "closed", reason: "ended" });
  });

  it("204", async () => {
    const { stream } = follow({ lastEventId: "1-9" });
    newest().answer(204, {});
    await settle();
    expect(stream.connection).toEqual({ state: "closed", attempts: 0, reason: "ended", status: 204 });
  });

  it.each([401, 403, 410])("%i", async (code) => {
    const { stream } = follow();
    newest().answer(code, {});
    await settle();
    expect(stream.connection).toEqual({ state: "closed", attempts: 0, reason: "refused", status: code });
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(asked).toHaveLength(1);
  });

  it("404, asked about once more where the job may be too young to be known", async () => {
    const { stream } = follow();
    newest().answer(404, {});
    await settle();
    expect(stream.connection).toEqual({ state: "waiting", attempts: 0, delayMs: 3_000 });
    await vi.advanceTimersByTimeAsync(3_000);
    newest().answer(404, {});
    await settle();
    expect(stream.connection).toMatchObject({ state: "closed", reason: "refused", status: 404 });
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(asked).toHaveLength(2);
  });

  it("404 of a job that is known later goes on to the stream", async () => {
    const { stream } = follow();
    newest().answer(404, {});
    await vi.advanceTimersByTimeAsync(3_000);
    newest().answer();
    await settle();
    expect(stream.connection.state).toBe("open");
    stream.close();
  });

  it("404 of a stream that was open before, or that was asked for long ago", async () => {
    const { stream } = await open();
    await newest().say(frame("1-1", snapshot()));
    await newest().end();
    await vi.advanceTimersByTimeAsync(3_000);
    newest().answer(404, {});
    await settle();
    expect(stream.connection).toMatchObject({ state: "closed", reason: "refused", status: 404 });
    const late = follow().stream;
    await vi.advanceTimersByTimeAsync(10_001);
    newest().answer(404, {});
    await settle();
    expect(late.connection).toMatchObject({ state: "closed", reason: "refused", status: 404 });
  });

  it("a call to close", async () => {
    const { stream, connections } = await open();
    stream.close();
    stream.close();
    expect(connections.at(-1)).toEqual({ state: "closed", attempts: 0, reason: "closed" });
    expect(connections.filter(({ state }) => state === "closed")).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(asked).toHaveLength(1);
  });

  it("but not the end of one of a feed's jobs", async () => {
    const { stream } = await open({}, createFeedStream);
    await newest().say(frame("1-1", status("completed")));
    expect(stream.connection.state).toBe("open");
    stream.close();
  });
});

it.each([429, 503])("%i is tried again, and not before its Retry-After", async (code) => {
  const { stream } = follow();
  newest().answer(code, { "Retry-After": "20" });
  await settle();
  expect(stream.connection).toEqual({ state: "waiting", attempts: 1, delayMs: 23_000 });
  await vi.advanceTimersByTimeAsync(22_999);
  expect(asked).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(asked).toHaveLength(2);
  stream.close();
});

describe("silence", () => {
  it("of 45 s is a dead connection", async () => {
    const { stream, state } = await open();
    await newest().say(frame("1-1", snapshot()));
    await vi.advanceTimersByTimeAsync(44_999);
    expect(state()).toBe("open");
    await vi.advanceTimersByTimeAsync(1);
    expect(state()).toBe("waiting");
    expect(newest().signal.aborted).toBe(true);
    stream.close();
  });

  it("is broken by any byte", async () => {
    const { stream, state } = await open();
    for (let turn = 0; turn < 10; turn += 1) {
      await vi.advanceTimersByTimeAsync(30_000);
      await newest().say(":");
    }
    expect(state()).toBe("open");
    expect(asked).toHaveLength(1);
    stream.close();
  });

  it("also before an answer", async () => {
    const { stream } = follow({ silenceMs: 5_000 });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(stream.connection).toMatchObject({ state: "waiting", attempts: 1 });
    stream.close();
  });

  it("that a sleep made is seen soon after it", async () => {
    const { stream, state } = await open();
    vi.setSystemTime(Date.now() + 3_600_000); // timers stood still meanwhile
    await vi.advanceTimersByTimeAsync(10_000);
    expect(state()).toBe("waiting");
    stream.close();
  });
});

describe("what it hears", () => {
  it("is given on in order, with the position after it", async () => {
    const { stream, events } = await open();
    await newest().say(frame("1-1", snapshot()) + ": ping\n\n" + frame("1-2", item("a")));
    expect(events).toEqual([[snapshot(), "1-1"], [item("a"), "1-2"]]);
    expect(stream.cursor).toBe("1-2");
    stream.close();
  });

  it.each([
    ["a type not known here", frame("1-2", { type: "future" })],
    ["no object", frame("1-2", 7)],
    ["null", frame("1-2", null)],
    ["a named event", "event: other\n" + frame("1-2", item("a"))],
  ])("of %s is nothing, but the position advances", async (_, text) => {
    const { stream, events } = await open();
    await newest().say(frame("1-1", snapshot()) + text + frame("1-3", item("b")));
    expect(events.slice(1)).toEqual([[null, "1-2"], [item("b"), "1-3"]]);
    stream.close();
  });

  it("of every type in the schema is given on", async () => {
    const { stream, events } = await open();
    const types = Object.keys(schema.discriminator.mapping);
    expect(types).toContain("note");
    await newest().say(types.map((type, at) => frame(`1-${at + 1}`, { type })).join(""));
    expect(events.map(([event]) => event?.type)).toEqual(types);
    stream.close();
  });

  it("twice counts once", async () => {
    const { stream, events } = await open();
    const twice = (text: string) => text + text;
    await newest().say(twice(frame("1-1", snapshot())) + twice(frame("1-2", item("a"))));
    await newest().say(twice(frame("1-3", item("b")) + frame("1-4", item("c"))));
    expect(events.map(([, cursor]) => cursor)).toEqual(["1-1", "1-2", "1-3", "1-4"]);
    stream.close();
  });

  it.each([
    ["with a hole", frame("1-3", item("b"))],
    ["of another log", frame("2-2", item("b"))],
    ["that is no JSON", 'id: 1-2\ndata: {"type"\n\n'],
  ])("%s is not taken: it asks again from where it was sure", async (_, text) => {
    const { stream, events } = await open();
    await newest().say(frame("1-1", snapshot()) + text);
    expect(events).toHaveLength(1);
    expect(newest().signal.aborted).toBe(true);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(newest().headers.get("Last-Event-ID")).toBe("1-1");
    stream.close();
  });

  it("in answer to a position may be a snapshot of before it, or of another log", async () => {
    const { stream, events } = await open({ lastEventId: "1-9" });
    await newest().say(frame("1-4", snapshot()) + frame("1-5", item("a")));
    await newest().say(frame("2-1", snapshot()) + frame("2-2", item("a")));
    expect(events.map(([, cursor]) => cursor)).toEqual(["1-4", "1-5", "2-1", "2-2"]);
    stream.close();
  });

  it("may be a state of before, amid the others: the log was set back", async () => {
    const { stream, events } = await open();
    await newest().say(frame("1-8", snapshot()) + frame("1-9", item("a")));
    await newest().say(frame("1-4", snapshot()) + frame("1-5", item("b")));
    expect(events.map(([, cursor]) => cursor)).toEqual(["1-8", "1-9", "1-4", "1-5"]);
    stream.close();
  });

  it("without a position of its own leaves the position", async () => {
    const { stream, events } = await open({ lastEventId: "1-9" });
    await newest().say(`data: ${JSON.stringify(snapshot())}\n\n`);
    await newest().say(`data: ${JSON.stringify(snapshot("retrying"))}\n\n`);
    expect(events).toEqual([[snapshot(), "1-9"], [snapshot("retrying"), "1-9"]]);
    await newest().say("id: 1-10\n\n");
    expect(stream.cursor).toBe("1-10");
    await newest().say("id: 1-3\n\n");
    expect(stream.cursor).toBe("1-10");
    stream.close();
  });

  it("after it was closed is nothing", async () => {
    const { stream, events } = await open({
      onEvent(event) {
        events.push([event, ""]);
        stream.close();
      },
    });
    await newest().say(frame("1-1", snapshot()) + frame("1-2", item("a")));
    expect(events).toHaveLength(1);
  });
});

it("takes no harm from a listener that throws, and hides nothing of it", async () => {
  const thrown: unknown[] = [];
  const { stream } = await open({ onEvent() { throw new Error("of the caller"); } });
  const later = vi.spyOn(globalThis, "setTimeout").mockImplementation(((callback: () => void) => {
    try { callback(); } catch (error) { thrown.push(error); }
  }) as typeof setTimeout);
  newest().hear(frame("1-1", snapshot()) + frame("1-2", item("a")));
  await Promise.resolve().then(() => {}).then(() => {}).then(() => {}).then(() => {});
  later.mockRestore();
  expect(stream.cursor).toBe("1-2");
  expect(stream.connection.state).toBe("open");
  expect(thrown.map(String)).toEqual(["Error: of the caller", "Error: of the caller"]);
  stream.close();
});
