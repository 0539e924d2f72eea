// What the package promises to who installs it.

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
const entries = Object.entries<{ types: string; default: string }>(manifest.exports);

it.each(entries)("%s can be loaded where there is no document", async (_, { default: file }) => {
  const source = file.replace("./dist/", "../../src/").replace(".js", ".ts");
  const loaded = await import(/* @vite-ignore */ source);
  // Types alone are no names at run time.
  if (file !== "./dist/jsx.js") expect(Object.keys(loaded)).not.toEqual([]);
});

it("has types beside each entry", () => {
  for (const [, { types, default: file }] of entries) expect(types).toBe(file.replace(".js", ".d.ts"));
});

it("depends on nothing", () => {
  expect(manifest.dependencies).toBeUndefined();
});

it("exports of its core what the documents name", async () => {
  const core = await import("../../src/index.ts");
  expect(Object.keys(core).sort()).toEqual([
    "MAX_SNAPSHOT_ITEMS",
    "createFeedStream",
    "createJobStream",
    "createMessageStream",
    "createParser",
    "isJobEnd",
    "isTerminal",
    "reduce",
    "reduceFeed",
  ]);
});
