// How large each part is that can be loaded by itself, in bytes: minified, and then by gzip. As JSON.

import { gzipSync } from "node:zlib";
import { bundle } from "./bundle.mjs";

const all = (...entries) => entries.map((entry) => `export * from "./src/${entry}.ts";`).join("");
const PARTS = {
  core: all("index"),
  "all but React": all("index", "client", "element", "notice"),
  "the run's picture": all("run/element"),
  "hooks, with core and sharing": all("react"),
};

const sizes = {};
for (const [part, text] of Object.entries(PARTS)) {
  const code = await bundle({ text, external: ["react", "@tanstack/react-query"] });
  sizes[part] = { min: Buffer.byteLength(code), gzip: gzipSync(code, { level: 9 }).length };
}
console.log(JSON.stringify(sizes));
