// Rounds of a job over a bad network: at the end of each, the client's state is the server's.
// CHAOS_ROUNDS says how many, CHAOS_SEED which.

import { afterAll, beforeAll, expect, it } from "vitest";
import type { Snapshot } from "../../src/events.gen.ts";
import { reduce } from "../../src/reduce.ts";
import { createJobStream } from "../../src/stream.ts";
import { startServer, until, type JobServer, type Report } from "../server.ts";
import { chaosProxy, seeded, type ChaosProxy } from "./chaosproxy.ts";

const ROUNDS = Number(process.env["CHAOS_ROUNDS"] ?? 60);
const SEED = Number(process.env["CHAOS_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const AT_ONCE = 6;
const STATUSES = ["queued", "in_progress", "succeeded", "failed"] as const;

let server: JobServer;
let proxy: ChaosProxy;

beforeAll(async () => {
  server = await startServer();
  proxy = await chaosProxy(server.port, seeded(SEED));
});
afterAll(async () => {
  await proxy.close();
  await server.stop();
});

async function work(jobId: string, random: () => number): Promise<void> {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  let attempt = 1;
  for (let batch = 2 + Math.floor(random() * 14); batch > 0; batch -= 1) {
    const reports: Report[] = [];
    for (let each = Math.floor(random() * 6); each >= 0; each -= 1) {
      const error: string[] = random() < 0.3 ? ["Not a song: “é𝄞”\r\nid: 9-9"] : [];
      reports.push(["item", String(Math.floor(random() * 40)), pick(STATUSES), ...(error as [])]);
    }
    if (random() < 0.1) reports.push(["error", "It broke.", "broken"], ["status", "retrying", "Again."]);
    await server.report(jobId, reports, attempt);
    if (random() < 0.1) await server.report(jobId, [["status", "running"]], (attempt += 1));
    if (random() < 0.5) await new Promise((resolve) => setTimeout(resolve, random() * 30));
  }
  await server.report(jobId, [["status", pick(["completed", "failed", "cancelled"])]], attempt);
}

interface Round {
  readonly connections: number;
  readonly differences: number;
}

async function round(number: number): Promise<Round> {
  const random = seeded(SEED + number);
  const jobId = `job-${number}`;
  await server.report(jobId, [["status", "running"], ["total", 10]]);
  let state: Snapshot | null = null;
  let connections = 0;
  let position = "";
  const wrong: string[] = [];
  const stream = createJobStream({
    url: `http://127.0.0.1:${proxy.port}/api/jobs/${jobId}/progress`,
    headers: () => ({ account: "ada" }),
    random: () => random() * 0.005,
    silenceMs: 5_000,
    onEvent(event, cursor) {
      const [seq, before] = [cursor, position].map((id) => Number(id.split("-")[1] ?? 0));
      // A snapshot stands for what it holds; of all else each comes once and in order.
      if (event?.type !== "snapshot" && seq !== before! + 1) wrong.push(`${cursor} after ${position}`);
      if (event?.type === "snapshot" && position) wrong.push(`a snapshot after ${position}`);
      position = cursor;
      state = event ? reduce(state, event) : state;
    },
    onConnection(connection) { connections += Number(connection.state === "connecting"); },
  });
  await work(jobId, random);
  await until(`the end of round ${number} of seed ${SEED}`, () => stream.connection.state === "closed", 60);
  const { snapshot, cursor } = await server.state(jobId);
  expect(wrong, `round ${number} of seed ${SEED}`).toEqual([]);
  expect(state, `round ${number} of seed ${SEED}`).toEqual(snapshot);
  expect(position).toBe(cursor);
  return { connections, differences: wrong.length };
}

it(`ends ${ROUNDS} rounds with the server's state`, { timeout: 60_000 + ROUNDS * 2_000 }, async () => {
  const rounds: Round[] = [];
  let next = 0;
  const runner = async () => {
    while (next < ROUNDS) rounds.push(await round((next += 1)));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, runner));
  const connections = rounds.reduce((sum, each) => sum + each.connections, 0);
  console.log(JSON.stringify({ bench: "client-chaos", seed: SEED, rounds: rounds.length, connections, ...proxy.faults, differences: 0 }));
  // A chaos that did nothing would prove nothing.
  expect(connections).toBeGreaterThan(ROUNDS * 1.5);
  for (const [fault, times] of Object.entries(proxy.faults)) expect(times, fault).toBeGreaterThan(0);
});
