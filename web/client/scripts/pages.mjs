// The files that pages load, from src/pages: Earmark's own, and one for any other application.

import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { settle } from "./generated.mjs";

const client = fileURLToPath(new URL("../", import.meta.url));
for (const page of ["job-progress", "live", "session", "invite"]) {
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
  settle(`${client}../static/${page}.js`, outputFiles[0].text, "pages");
}
