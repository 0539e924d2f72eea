// The core: streams, the parser, the folds and the types. It knows no page and no framework.

export type * from "./events.gen.ts";
export { createParser } from "./parser.ts";
export type { Message, Parser, ParserOptions } from "./parser.ts";
export { isTerminal, MAX_SNAPSHOT_ITEMS, reduce, reduceFeed } from "./reduce.ts";
export type { LogEvent } from "./reduce.ts";
export { createMessageStream } from "./messages.ts";
export type { Connection, ConnectionOptions, MessageStreamOptions, Stream, Taken } from "./messages.ts";
export { createFeedStream, createJobStream, isJobEnd } from "./stream.ts";
export type { StreamOptions } from "./stream.ts";
