// The types of what a stream carries, from progress/events.schema.json.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { compile } from "json-schema-to-typescript";
import { settle } from "./generated.mjs";

const source = fileURLToPath(new URL("../../../progress/events.schema.json", import.meta.url));
const target = fileURLToPath(new URL("../src/events.gen.ts", import.meta.url));

const schema = JSON.parse(readFileSync(source, "utf8"));
// A default makes no difference to who reads, and the union's own name is the project's word.
const text = await compile({ ...schema, title: "StreamEvent" }, "StreamEvent", {
  additionalProperties: false,
  bannerComment: "// Generated from progress/events.schema.json by `npm run types`. Not to be edited.",
  style: { printWidth: 100 },
});
settle(target, text, "types");
