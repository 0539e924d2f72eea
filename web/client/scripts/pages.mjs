// The files that pages load, from src/pages: one for any application, served by the blueprint, and Earmark's own.

import { fileURLToPath } from "node:url";
import { bundle } from "./bundle.mjs";
import { settle } from "./generated.mjs";

const client = fileURLToPath(new URL("../", import.meta.url));
const BANNER = "// Built from web/client by `npm run pages`. Not to be edited.";
const FILES = {
  "job-progress": "../../progress/static",
  "job-run": "../../progress/static",
  live: "../static",
  session: "../static",
  invite: "../static",
  review: "../static",
};

for (const [page, folder] of Object.entries(FILES)) {
  const code = await bundle({ entry: `src/pages/${page}.ts` });
  settle(`${client}${folder}/${page}.js`, `${BANNER}\n${code}\n`, "pages");
}
