import { describe, expect, it } from "vitest";
import { delayMs, judge, LONGEST_WAIT_MS, retryAfterMs } from "../../src/answer.ts";

const NOW = Date.UTC(2026, 0, 31, 12);
const answer = (status: number, headers: Record<string, string> = {}) =>
  new Response(null, { status, headers });
const stream = (type: string) => answer(200, { "Content-Type": type });

describe("an answer", () => {
  it.each(["text/event-stream", "text/event-stream;", "TEXT/Event-Stream ; charset=utf-8"])(
    "of %s is read",
    (type) => expect(judge(stream(type), NOW)).toEqual({ do: "read" }),
  );

  it.each(["text/event-streams", "text/plain", "text/html; x=text/event-stream", ""])(
    "of %s is a proxy's page, and comes right by itself",
    (type) => expect(judge(stream(type), NOW)).toEqual({ do: "retry", afterMs: 0 }),
  );

  it("of 204 means that nothing follows", () => {
    expect(judge(answer(204), NOW)).toEqual({ do: "close", reason: "ended" });
  });

  it.each([400, 401, 403, 404, 405, 410, 451])("of %i is a refusal", (status) => {
    expect(judge(answer(status), NOW)).toEqual({ do: "close", reason: "refused" });
  });

  it.each([408, 425, 429, 500, 502, 503, 504, 205, 210])("of %i is tried again", (status) => {
    expect(judge(answer(status), NOW)).toEqual({ do: "retry", afterMs: 0 });
  });

  it.each([429, 503])("of %i says how long to stay away", (status) => {
    expect(judge(answer(status, { "Retry-After": "15" }), NOW)).toEqual({ do: "retry", afterMs: 15_000 });
  });
});

it.each([
  [null, 0],
  ["", 0],
  ["0", 0],
  ["120", 120_000],
  ["-5", 0],
  ["soon", 0],
  ["Sat, 31 Jan 2026 12:00:30 GMT", 30_000],
  ["Sat, 31 Jan 2026 11:00:00 GMT", 0],
  ["99999999999999999999", 2 ** 31 - 1],
])("Retry-After: %s asks for %i ms", (value, ms) => {
  expect(retryAfterMs(value, NOW)).toBe(ms);
});

describe("a wait", () => {
  it.each([[0, 3_000], [1, 3_000], [2, 5_000], [99, 5_000], [240, 5_000], [241, 60_000], [9_999, 60_000]])(
    "after %i failures is anywhere up to %i ms",
    (failures, most) => {
      expect(delayMs(3_000, failures, () => 0)).toBe(0);
      expect(delayMs(3_000, failures, () => 0.5)).toBe(most / 2);
      expect(delayMs(3_000, failures, () => 1)).toBe(most);
    },
  );

  it("is longer than the longest only where the server asks for it", () => {
    expect(delayMs(LONGEST_WAIT_MS * 5, 9, () => 1)).toBe(LONGEST_WAIT_MS * 5);
    expect(delayMs(1e15, 1, () => 1)).toBe(2 ** 31 - 1);
  });
});
