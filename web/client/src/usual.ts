// The client of a page: what its elements and hooks use unless they are given another.

import { createClient, type JobsClient } from "./client.ts";

let client: JobsClient | undefined;

/**
 * The page's own client, made when it is first asked for. Whose jobs the page shows is said in
 * `<meta name="job-progress-scope" content="…">`: another value for each account.
 */
export function usualClient(): JobsClient {
  const scope = document.querySelector<HTMLMetaElement>('meta[name="job-progress-scope"]')?.content;
  return (client ??= createClient(scope === undefined ? {} : { scope }));
}
