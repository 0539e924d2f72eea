// The element for the pages of any application, in one file. It does nothing but show jobs.

import "./base.ts";

export * from "../element.ts";
export * from "../client.ts";
export * from "../notice.ts";
export * from "../index.ts";
