// The files that pages load, from src/pages: one for any application, served by the blueprint, and Earmark's own.

import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { settle } from "./generated.mjs";

const client = fileURLToPath(new URL("../", import.meta.url));
const FILES = {
  "job-progress": "../../progress/static",
  "job-run": "../../progress/static",
  live: "../static",
  run: "../static",
  session: "../static",
  invite: "../static",
  review: "../static",
};

for (const [page, folder] of Object.entries(FILES)) {
  const { outputFiles } = await build({
    absWorkingDir: client,
    entryPoints: [`src/pages/${page}.ts`],
    bundle: true,
    format: "esm",
    target: "es2022",
    minify: true,
    charset: "utf8",
    write: false,
    banner: { js: "// Built from web/client by `npm run pages`. Not to be edited." },
  });
  settle(`${client}${folder}/${page}.js`, outputFiles[0].text, "pages");
}
