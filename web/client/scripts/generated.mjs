// A generated file: written, or with --check only compared with what would be written.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { relative } from "node:path";

/** Writes the text, or says on standard error that the file is not up to date. */
export function settle(path, text, command) {
  if (existsSync(path) && readFileSync(path, "utf8") === text) return;
  if (!process.argv.includes("--check")) {
    writeFileSync(path, text);
    return;
  }
  console.error(`${relative(process.cwd(), path)} is not up to date. Run: npm run ${command}`);
  process.exitCode = 1;
}
