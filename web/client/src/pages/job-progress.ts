// The element for the pages of other applications, in one file. It does nothing but show jobs.

export * from "../element.ts";
export * from "../client.ts";
export * from "../notice.ts";
export * from "../index.ts";
