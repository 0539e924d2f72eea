// The one file that Earmark's own pages load, from src/pages/live.ts.

import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { settle } from "./generated.mjs";

const client = fileURLToPath(new URL("../", import.meta.url));
const { outputFiles } = await build({
  absWorkingDir: client,
  entryPoints: ["src/pages/live.ts"],
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  charset: "utf8",
  write: false,
  banner: { js: "// Built from web/client by `npm run pages`. Not to be edited." },
});
settle(`${client}../static/live.js`, outputFiles[0].text, "pages");
