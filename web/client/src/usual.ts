// The client of a page: what its elements and hooks use unless they are given another.

import { createClient, type JobsClient } from "./client.ts";

let client: JobsClient | undefined;

/**
 * The page's own client, made when it is first asked for. The scope of its jobs, another one for
 * each account, stands in `<meta name="job-progress-scope" content="…">`.
 */
export function usualClient(): JobsClient {
  const scope = document.querySelector<HTMLMetaElement>('meta[name="job-progress-scope"]')?.content;
  return (client ??= createClient(scope === undefined ? {} : { scope }));
}
