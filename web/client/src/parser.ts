// Parsing of a text/event-stream, after the WHATWG HTML standard, §9.2.6. Pure.

/** A block of a stream that has data. */
export interface Message {
  readonly data: string;
  /** The name in the block's `event` field, else `message`. */
  readonly name: string;
  readonly lastEventId: string;
  /** Whether the block named that id itself, rather than one before it. */
  readonly hasOwnId: boolean;
}

export interface ParserOptions {
  readonly lastEventId?: string;
  onMessage(message: Message): void;
  /** A block without data named another id. */
  onLastEventId?(lastEventId: string): void;
  onRetry?(milliseconds: number): void;
  /** A block is whole, whatever it holds. */
  onBlock?(): void;
}

export interface Parser {
  /** Takes the next bytes of one response, cut anywhere. An unfinished block stays unseen. */
  feed(bytes: Uint8Array): void;
}

const LINE_END = /\r\n|\r|\n/g;
const DIGITS = /^\d+$/;

/** A parser of one response. Each response needs its own: what was unfinished is discarded. */
export function createParser(options: ParserOptions): Parser {
  // It replaces what is no UTF-8 and drops exactly one leading BOM, however they are cut.
  const decoder = new TextDecoder();
  let lastEventId = options.lastEventId ?? "";
  let ownId: string | null = null;
  let data: string[] = [];
  let name = "";
  let partial = "";
  // A CR ends its line at once: an LF that then comes first belongs to it.
  let lfBelongsToCr = false;

  function dispatch(): void {
    options.onBlock?.();
    const hasOwnId = ownId !== null;
    const isNewId = hasOwnId && ownId !== lastEventId;
    lastEventId = ownId ?? lastEventId;
    const message = { data: data.join("\n"), name: name || "message", lastEventId, hasOwnId };
    const hasData = data.length > 0;
    ownId = null;
    data = [];
    name = "";
    if (hasData) options.onMessage(message);
    else if (isNewId) options.onLastEventId?.(lastEventId);
  }

  function takeField(field: string, value: string): void {
    if (field === "data") data.push(value);
    else if (field === "event") name = value;
    else if (field === "id" && !value.includes("\0")) ownId = value;
    else if (field === "retry" && DIGITS.test(value)) options.onRetry?.(Number(value));
  }

  function takeLine(line: string): void {
    if (line === "") return dispatch();
    const colon = line.indexOf(":");
    if (colon < 0) return takeField(line, "");
    const start = line[colon + 1] === " " ? colon + 2 : colon + 1;
    takeField(line.slice(0, colon), line.slice(start));
  }

  function feed(bytes: Uint8Array): void {
    let text = decoder.decode(bytes, { stream: true });
    if (text === "") return;
    if (lfBelongsToCr && text[0] === "\n") text = text.slice(1);
    lfBelongsToCr = bytes[bytes.length - 1] === 0x0d;
    let start = 0;
    for (const end of text.matchAll(LINE_END)) {
      const line = partial + text.slice(start, end.index);
      partial = "";
      start = end.index + end[0].length;
      takeLine(line);
    }
    partial += text.slice(start);
  }

  return { feed };
}
