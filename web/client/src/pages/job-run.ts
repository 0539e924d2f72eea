// The picture of a run for the pages of any application, in one file beside job-progress.js.

import { JobRunElement } from "../run/element.ts";
import { baseOfScript } from "../urls.ts";

JobRunElement.base = baseOfScript(import.meta.url);

export * from "../run/element.ts";
export { playbackOf } from "../run/playback.ts";
