// The real server of tests/job_server.py, in a process beside.

import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Snapshot } from "../src/events.gen.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const venv = `${root}.venv/bin/python`;

/** Python with the project's packages. */
export const PYTHON = process.env["EARMARK_PYTHON"] ?? (existsSync(venv) ? venv : "python3");

export function python(...words: string[]): ChildProcess {
  return spawn(PYTHON, words, { cwd: root, stdio: ["pipe", "pipe", "inherit"] });
}

export type Report =
  | ["item", string, "queued" | "in_progress" | "succeeded" | "failed", string?]
  | ["status", string, string?]
  | ["total", number]
  | ["counts", number, number | null]
  | ["error", string, string];

export interface JobServer {
  readonly url: string;
  readonly port: number;
  stream(jobId: string): string;
  report(jobId: string, reports: Report[], attempt?: number): Promise<void>;
  state(jobId: string): Promise<{ snapshot: Snapshot; cursor: string }>;
  /** What the next stream requests get instead of a stream. */
  answer(...answers: { status: number; headers?: Record<string, string> }[]): Promise<void>;
  /** Of all streams, or of one job's: how many are open, how many ever were. */
  streams(): Promise<{ open: number; opened: number }>;
  stop(): Promise<void>;
}

export async function startServer(...options: string[]): Promise<JobServer> {
  const child = python("-m", "tests.job_server", ...options);
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const { value: url, done } = await lines.next();
  if (done) throw new Error("the server did not start");

  async function ask(path: string, body?: unknown): Promise<Response> {
    const response = await fetch(url + path, {
      headers: { account: "ada", "Content-Type": "application/json" },
      ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return response;
  }

  const sum = (counts: Record<string, number>) => Object.values(counts).reduce((a, b) => a + b, 0);
  return {
    url,
    port: Number(new URL(url).port),
    stream: (jobId) => `${url}/api/jobs/${jobId}/progress`,
    async report(jobId, reports, attempt = 1) { await ask(`/jobs/${jobId}/reports`, { reports, attempt }); },
    async state(jobId) { return (await ask(`/jobs/${jobId}/state`)).json(); },
    async answer(...answers) { await ask("/answers", answers); },
    async streams() {
      const { open, opened } = await (await ask("/streams")).json();
      return { open: sum(open), opened: sum(opened) };
    },
    stop() {
      return new Promise((resolve) => {
        child.once("exit", () => resolve());
        child.stdin!.end();
      });
    },
  };
}

export async function until(what: string, condition: () => unknown, seconds = 10): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
