// What the WHATWG standard (§9.2.6) says of bytes, as cases: each of the format cases of the Web
// Platform Tests' `eventsource` folder is here, named by its file, in bytes of our own.

/** The data of a message; with its name where that is not `message`, and its id if it has one. */
export interface Expected {
  readonly data: string;
  readonly name?: string;
  readonly id?: string;
}

export interface Vector {
  readonly about: string;
  /** Text is sent as UTF-8. */
  readonly bytes: string | readonly number[];
  readonly events: readonly Expected[];
  /** The last hint for reconnecting, if any was heard. */
  readonly retryMs?: number;
  /** The last event id at the end, if it is not that of the last message. */
  readonly lastEventId?: string;
}

const BOM = "\u{feff}";
const utf8 = (text: string): number[] => [...new TextEncoder().encode(text)];

export const VECTORS: readonly Vector[] = [
  { about: "format-bom: one BOM at the start is dropped", bytes: `${BOM}data: a\n\ndata: b\n\n`, events: [{ data: "a" }, { data: "b" }] },
  { about: "format-bom-2: a second BOM belongs to the field's name", bytes: `${BOM}${BOM}data: a\n\ndata: b\n\n${BOM}data: c\n\n`, events: [{ data: "b" }] },
  { about: "format-comments: a line that begins with a colon says nothing", bytes: `data: a\n:\0\n:\r\ndata: b\n:${"x".repeat(4096)}\rdata: c\n:data: no\n\n`, events: [{ data: "a\nb\nc" }] },
  { about: "format-data-before-final-empty-line: a block that no empty line ends is not told", bytes: "retry: 700\ndata: a\n\nid: 1\ndata: b", events: [{ data: "a" }], retryMs: 700, lastEventId: "" },
  { about: "a block that ends with one line end only is not told", bytes: "data: a\n", events: [] },
  { about: "format-field-data: an empty value is data too", bytes: "data:\n\ndata\ndata\n\ndata: a\n\n", events: [{ data: "" }, { data: "\n" }, { data: "a" }] },
  { about: "format-field-event: a name holds for its own block", bytes: "event: left\ndata: a\n\ndata: b\n\n", events: [{ data: "a", name: "left" }, { data: "b" }] },
  { about: "format-field-event-empty: an empty name is none", bytes: "event: \ndata: a\n\nevent\ndata: b\n\n", events: [{ data: "a" }, { data: "b" }] },
  { about: "the last of several names counts, also if empty", bytes: "event: one\nevent: two\ndata: a\n\nevent: one\nevent:\ndata: b\n\n", events: [{ data: "a", name: "two" }, { data: "b" }] },
  { about: "a block without data is not told, and its name is forgotten", bytes: "event: lost\n\ndata: a\n\n", events: [{ data: "a" }] },
  { about: "format-field-id: an id stays until another comes", bytes: "id: 7\ndata: a\n\ndata: b\n\nid: 8\ndata: c\n\n", events: [{ data: "a", id: "7" }, { data: "b", id: "7" }, { data: "c", id: "8" }] },
  { about: "format-field-id-2: an empty id is an id, and resets", bytes: "id: 7\ndata: a\n\nid\ndata: b\n\nid: 9\nid:\ndata: c\n\n", events: [{ data: "a", id: "7" }, { data: "b" }, { data: "c" }] },
  { about: "format-field-id-3: a block of an id alone is not told, but its id stays", bytes: "id: 7\n\ndata: a\n\n", events: [{ data: "a", id: "7" }] },
  { about: "an id alone at the end moves the position", bytes: "id: 7\ndata: a\n\nid: 8\n\n", events: [{ data: "a", id: "7" }], lastEventId: "8" },
  { about: "an id of an unfinished block does not", bytes: "id: 7\ndata: a\n\nid: 8\ndata: b\n", events: [{ data: "a", id: "7" }] },
  { about: "format-field-id-null: an id with a NUL is passed over", bytes: "id: 7\n\nid: 8\0\ndata: a\n\nid: \0\ndata: b\n\n", events: [{ data: "a", id: "7" }, { data: "b", id: "7" }] },
  { about: "an id may hold whatever is no line end", bytes: "id: é 𝄞:“x” \ndata: a\n\n", events: [{ data: "a", id: "é 𝄞:“x” " }] },
  { about: "format-field-parsing: names are exact and one space is dropped", bytes: "data:\0\ndata:  b\rData:c\ndata\0:d\ndata:e\r\0data:f\n data:g\ndata:h\ndatax:i\n\n", events: [{ data: "\0\n b\ne\nh" }] },
  { about: "a second colon belongs to the value", bytes: "data: a: b\ndata::c\n\n", events: [{ data: "a: b\n:c" }] },
  { about: "format-field-retry: digits are a hint", bytes: "retry: 03000\ndata: a\n\n", events: [{ data: "a" }], retryMs: 3000 },
  { about: "a hint counts without data and before its block ends", bytes: "retry: 250\n", events: [], retryMs: 250 },
  { about: "format-field-retry-bogus: anything but digits is none, and the one before stays", bytes: "retry: 3000\nretry: 1000x\nretry: -1\nretry: 1.5\nretry: 1e3\nretry: ٣\nretry:  9\ndata: a\n\n", events: [{ data: "a" }], retryMs: 3000 },
  { about: "format-field-retry-empty: nothing is no hint", bytes: "retry\nretry:\nretry: \ndata: a\n\n", events: [{ data: "a" }] },
  { about: "format-field-unknown: other names say nothing", bytes: "data:a\n data: b\ndata :c\njunk\nfoo: bar\n\n", events: [{ data: "a" }] },
  { about: "format-leading-space: a tab is no space", bytes: "data:\ta\rdata: \ndata:b\n\n", events: [{ data: "\ta\n\nb" }] },
  { about: "format-newlines: CR, LF and CRLF alike end a line", bytes: "data:a\r\ndata\rdata:b\ndata:\r\n\r", events: [{ data: "a\n\nb\n" }] },
  { about: "CRLF everywhere", bytes: "data: a\r\n\r\ndata: b\r\n\r\n", events: [{ data: "a" }, { data: "b" }] },
  { about: "CR everywhere", bytes: "data: a\r\rdata: b\r\r", events: [{ data: "a" }, { data: "b" }] },
  { about: "other line separators of Unicode are text", bytes: "data: a\u{2028}b\u{85}c\u{b}d\u{c}e\n\n", events: [{ data: "a\u{2028}b\u{85}c\u{b}d\u{c}e" }] },
  { about: "format-null-character: a NUL is text in data", bytes: "data:\0\n\n\n\n", events: [{ data: "\0" }] },
  { about: "format-utf-8: bytes are UTF-8", bytes: "data: ok…é𝄞\n\n", events: [{ data: "ok…é𝄞" }] },
  { about: "what is no UTF-8 is replaced", bytes: [...utf8("data: a"), 0xc3, 0x28, 0xff, ...utf8("b\n\n")], events: [{ data: "a\u{fffd}(\u{fffd}b" }] },
  { about: "a surrogate in bytes is no UTF-8", bytes: [...utf8("data: "), 0xed, 0xa0, 0x80, ...utf8("\n\n")], events: [{ data: "\u{fffd}\u{fffd}\u{fffd}" }] },
  { about: "a line end cuts a character short and ends the line all the same", bytes: [...utf8("data: a"), 0xf0, 0x9d, ...utf8("\n\n")], events: [{ data: "a\u{fffd}" }] },
  { about: "a BOM that is not at the start is text", bytes: `data: ${BOM}a\n\n`, events: [{ data: `${BOM}a` }] },
  { about: "half a BOM at the start is no BOM", bytes: [0xef, 0xbb, ...utf8("data: a\n\ndata: b\n\n")], events: [{ data: "b" }] },
  { about: "event-data: lines of one block are joined", bytes: "data:msg\ndata: msg\n\n:\nfalsefield:msg\n\nfalsefield:msg\nData:data\n\ndata\n\ndata:end\n\n", events: [{ data: "msg\nmsg" }, { data: "" }, { data: "end" }] },
  { about: "nothing", bytes: "", events: [] },
  { about: "empty lines alone", bytes: "\n\r\n\r\n\n", events: [] },
  { about: "a long line comes whole", bytes: `data: ${"0123456789".repeat(20_000)}\n\n`, events: [{ data: "0123456789".repeat(20_000) }] },
  { about: "names that every object has are unknown fields", bytes: "constructor: a\n__proto__: b\ntoString: c\ndata: d\n\n", events: [{ data: "d" }] },
];

export function bytesOf({ bytes }: Vector): Uint8Array {
  return typeof bytes === "string" ? new TextEncoder().encode(bytes) : Uint8Array.from(bytes);
}
