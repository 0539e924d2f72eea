import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createParser, type Message } from "../../src/parser.ts";
import { bytesOf, VECTORS, type Expected } from "../vectors.ts";

interface Heard {
  readonly events: Expected[];
  readonly retryMs: number | undefined;
  readonly lastEventId: string;
}

/** What a parser says of bytes that come in these pieces. */
function heard(pieces: Iterable<Uint8Array>): Heard {
  const events: Expected[] = [];
  let retryMs: number | undefined;
  let lastEventId = "";
  const parser = createParser({
    onMessage(message) {
      events.push(expected(message));
      ({ lastEventId } = message);
    },
    onLastEventId: (id) => { lastEventId = id; },
    onRetry: (ms) => { retryMs = ms; },
  });
  for (const piece of pieces) parser.feed(piece);
  return { events, retryMs, lastEventId };
}

function expected({ data, name, lastEventId }: Message): Expected {
  return {
    data,
    ...(name === "message" ? {} : { name }),
    ...(lastEventId ? { id: lastEventId } : {}),
  };
}

function* cut(bytes: Uint8Array, length: number): Iterable<Uint8Array> {
  for (let start = 0; start < bytes.length; start += length) yield bytes.slice(start, start + length);
}

describe.each(VECTORS)("$about", (vector) => {
  const bytes = bytesOf(vector);
  const { events, retryMs, lastEventId = events.at(-1)?.id ?? "" } = vector;

  it.each([["all at once", bytes.length || 1], ["one byte at a time", 1], ["in threes", 3]])(
    "%s",
    (_, length) => {
      expect(heard(cut(bytes, length))).toEqual({ events, retryMs, lastEventId });
    },
  );
});

it("says the same however any bytes are cut", () => {
  const piece = fc.oneof(
    fc.constantFrom("data", "id", "event", "retry", ":", " ", "\r", "\n", "\r\n", "\0", "\u{feff}", "7", "é", "𝄞"),
    fc.string(),
  );
  const stream = fc.oneof(
    fc.array(piece).map((pieces) => new TextEncoder().encode(pieces.join(""))),
    fc.uint8Array({ max: 255 }),
  );
  fc.assert(
    fc.property(stream, fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }), (bytes, lengths) => {
      const pieces: Uint8Array[] = [];
      for (let start = 0, turn = 0; start < bytes.length; turn += 1) {
        const end = start + lengths[turn % lengths.length]!;
        pieces.push(bytes.slice(start, end));
        start = end;
      }
      expect(heard(pieces)).toEqual(heard([bytes]));
    }),
    { numRuns: 1_000 },
  );
});

it("gets back what was written as frames", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "grapheme" })), (texts) => {
      const frames = texts.map((text) => text.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`).join("") + "\n");
      const { events } = heard([new TextEncoder().encode(frames.join(": ping\n\n"))]);
      expect(events.map(({ data }) => data)).toEqual(texts.map((text) => text.replace(/\r\n?/g, "\n")));
    }),
  );
});

it("knows the id a block names itself from one that is still held", () => {
  const own: boolean[] = [];
  const parser = createParser({ lastEventId: "1-1", onMessage: ({ hasOwnId }) => own.push(hasOwnId) });
  parser.feed(new TextEncoder().encode("data: a\n\nid: 1-2\ndata: b\n\nid: 1-3\n\ndata: c\n\n"));
  expect(own).toEqual([false, true, false]);
});

it("begins with the position it is given", () => {
  const ids: string[] = [];
  const parser = createParser({ lastEventId: "1-1", onMessage: ({ lastEventId }) => ids.push(lastEventId) });
  parser.feed(new TextEncoder().encode("data: a\n\nid\ndata: b\n\n"));
  expect(ids).toEqual(["1-1", ""]);
});

it("tells of another id by itself once, and not of the same again", () => {
  const ids: string[] = [];
  const parser = createParser({ onMessage() {}, onLastEventId: (id) => ids.push(id) });
  parser.feed(new TextEncoder().encode("id: 1\n\nid: 1\n\nid: 2\n\n"));
  expect(ids).toEqual(["1", "2"]);
});
