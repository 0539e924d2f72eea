// The clients of a page: what its elements and hooks use unless they are given another.

import { createClient, type JobsClient } from "./client.ts";

export interface Site {
  /** Where the application has mounted the blueprint of progress/, perhaps on another site. */
  readonly base?: string | undefined;
  /** `include`: requests to another site bear its cookies. */
  readonly credentials?: RequestCredentials | undefined;
}

const clients = new Map<string, JobsClient>();
let ownBase = "";

/** Sets where the jobs are of which no other base is said. */
export function setUsualBase(base: string): void {
  ownBase = base;
}

/**
 * The page's own client of a site, made when it is first asked for. The scope of its jobs, another
 * one for each account, stands in `<meta name="job-progress-scope" content="…">`.
 */
export function usualClient({ base = ownBase, credentials = "same-origin" }: Site = {}): JobsClient {
  const scope = document.querySelector<HTMLMetaElement>('meta[name="job-progress-scope"]')?.content ?? "";
  const name = `${credentials} ${base}`;
  const known = clients.get(name) ?? createClient({ scope, base, credentials });
  clients.set(name, known);
  return known;
}
