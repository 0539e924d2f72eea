import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { FeedSnapshot, Snapshot, StreamEvent } from "../../src/events.gen.ts";
import { isTerminal, reduce, reduceFeed } from "../../src/reduce.ts";

const folder = new URL("../../../../tests/fixtures/events/", import.meta.url);

interface Golden {
  readonly kind: "job" | "feed";
  readonly steps: readonly { readonly event: StreamEvent; readonly state: unknown }[];
}

/** What is given must not be changed: a change throws. */
function frozen<T>(value: T): T {
  if (typeof value === "object" && value !== null) Object.values(value).forEach(frozen);
  return Object.freeze(value);
}

const names = readdirSync(folder).filter((name) => name.endsWith(".json"));

it("has files to go by", () => expect(names.length).toBeGreaterThanOrEqual(5));

describe.each(names)("%s", (name) => {
  const { kind, steps }: Golden = JSON.parse(readFileSync(new URL(name, folder), "utf8"));

  it("folds to Python's state after each event, without changing what was there", () => {
    let job: Snapshot | null = null;
    let feed: FeedSnapshot | null = null;
    for (const { event, state } of steps) {
      frozen(event);
      if (kind === "job") job = frozen(reduce(job, event));
      else feed = frozen(reduceFeed(feed, event));
      expect(kind === "job" ? job : feed).toEqual(state);
    }
  });
});

const AT = "2026-01-31T12:00:00.000Z";
const SNAPSHOT: Snapshot = {
  type: "snapshot", jobId: "j", at: AT, attempt: 1, status: "running",
  progress: null, itemsInProgress: [], failedItems: [],
};

describe("both folds", () => {
  const unknown = { type: "future", jobId: "j", at: AT, attempt: 9 } as unknown as StreamEvent;

  it("leave the state as it is at a type they do not know", () => {
    const feed: FeedSnapshot = { type: "feed", at: AT, jobs: [] };
    expect(reduce(SNAPSHOT, unknown)).toBe(SNAPSHOT);
    expect(reduceFeed(feed, unknown)).toBe(feed);
    expect(reduce(null, unknown)).toBeNull();
    expect(reduceFeed(null, unknown)).toBeNull();
  });

  it("take a state in place of what they had, and leave the other's alone", () => {
    const feed: FeedSnapshot = { type: "feed", at: AT, jobs: [] };
    const later = { ...SNAPSHOT, status: "failed" as const };
    expect(reduce(SNAPSHOT, later)).toBe(later);
    expect(reduceFeed(null, feed)).toBe(feed);
    expect(reduce(SNAPSHOT, feed)).toBe(SNAPSHOT);
    expect(reduceFeed(feed, SNAPSHOT)).toBe(feed);
  });
});

it("knows the three terminal statuses", () => {
  const all = ["pending", "running", "retrying", "completed", "failed", "cancelled"] as const;
  expect(all.filter(isTerminal)).toEqual(["completed", "failed", "cancelled"]);
});
