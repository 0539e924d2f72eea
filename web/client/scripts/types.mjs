// The types of what a stream carries, from progress/events.schema.json.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { compile } from "json-schema-to-typescript";
import { settle } from "./generated.mjs";

const source = fileURLToPath(new URL("../../../progress/events.schema.json", import.meta.url));
const target = fileURLToPath(new URL("../src/events.gen.ts", import.meta.url));

const schema = JSON.parse(readFileSync(source, "utf8"));
// A default makes no difference to who reads, and the union's own name is the project's word.
const options = { additionalProperties: false, style: { printWidth: 100 } };
let text = await compile({ ...schema, title: "StreamEvent" }, "StreamEvent", {
  ...options,
  bannerComment: "// Generated from progress/events.schema.json by `npm run types`. Not to be edited.",
});
// The documents that no stream carries, of the types above.
for (const name of ["PageEntry", "EventPage", "RowStatus", "RunRow", "RunPoint", "Run"]) {
  text += await compile({ ...schema.$defs[name], $defs: schema.$defs }, name, {
    ...options,
    bannerComment: "",
    declareExternallyReferenced: false,
  });
}
settle(target, text, "types");
