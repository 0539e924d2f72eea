// Where a job's progress is asked for. No other module of the client spells these addresses.

/** What is asked for: a stream, or the same events as pages of JSON. */
export type Way = "progress" | "events";

/** The address of a job's way, or with null of the feed's. */
export type Urls = (jobId: string | null, way: Way) => string;

/** The addresses below the one at which an application has mounted the blueprint of progress/. */
export function urlsBelow(base = ""): Urls {
  const root = `${base.replace(/\/+$/, "")}/api/jobs`;
  return (jobId, way) => [root, ...(jobId === null ? [] : [encodeURIComponent(jobId)]), way].join("/");
}

/** Whether an address is of another site, whose answer a header of ours would have asked for first. */
export function isElsewhere(url: string): boolean {
  return typeof location === "object" && new URL(url, location.href).origin !== location.origin;
}
