// Positions in a log: `<epoch>-<seq>`. Within an epoch they count 1, 2, 3 … without holes.

/** How a position stands to the position of a reader. */
export type Step = "next" | "past" | "gap";

const FORM = /^(\d{1,20})-(\d{1,20})$/;

/** Whether the event at `cursor` comes next for a reader at `at`. Ids of another form have no order. */
export function step(at: string, cursor: string): Step {
  const here = FORM.exec(at);
  const there = FORM.exec(cursor);
  if (!here || !there) return "next";
  if (here[1] !== there[1]) return "gap";
  const ahead = BigInt(there[2]!) - BigInt(here[2]!);
  if (ahead <= 0n) return "past";
  return ahead === 1n ? "next" : "gap";
}
