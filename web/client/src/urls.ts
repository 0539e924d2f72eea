// Where a job's progress is asked for. No other module of the client spells these addresses.

/** What is asked for: a stream, the same events as pages of JSON, or how the job went. */
export type Way = "progress" | "events" | "run";

/** The address of a job's way, or with null of the feed's. */
export type Urls = (jobId: string | null, way: Way) => string;

/** The addresses below the one at which an application has mounted the blueprint of progress/. */
export function urlsBelow(base = ""): Urls {
  const root = `${base.replace(/\/+$/, "")}/api/jobs`;
  return (jobId, way) => [root, ...(jobId === null ? [] : [encodeURIComponent(jobId)]), way].join("/");
}

/** The address below which a blueprint serves a script and the jobs; empty where no blueprint serves it. */
export function baseOfScript(script: string): string {
  const served = /^([^?#]*)\/api\/jobs\/[^/?#]*\.js/.exec(script)?.[1] ?? "";
  // Pages that name no base share their connections with those that name their own site's.
  return served.replace(location.origin, "");
}

/** Whether an address is of another site, whose answer a header of ours would have asked for first. */
export function isElsewhere(url: string): boolean {
  return typeof location === "object" && new URL(url, location.href).origin !== location.origin;
}
