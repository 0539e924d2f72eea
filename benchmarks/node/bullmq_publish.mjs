// Publishes progress of jobs through BullMQ: node bullmq_publish.mjs < SPEC
// SPEC is that of benchmarks/streaming/publish.py, and so is the answer.
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Job, Queue } from "bullmq";

const spec = JSON.parse(readFileSync(0, "utf8"));
const connection = { host: "127.0.0.1", port: spec.redis };
const queue = new Queue("bench", { connection, streams: { events: { maxLen: 100_000 } } });
const jobs = [];
for (const number of spec.jobs) {
  const jobId = `j${number}`;
  jobs.push((await Job.fromId(queue, jobId)) ?? (await queue.add("work", {}, { jobId })));
}
const filling = ".".repeat(spec.size);
const sent = [];
const began = performance.now();
let late = 0;
for (let number = 0; number < spec.count; number += 1) {
  const rest = began + (number * 1000) / spec.rate - performance.now();
  if (rest > 0) await sleep(rest);
  late = Math.max(late, -rest);
  const seq = Math.floor(number / jobs.length) + spec.first;
  const label = `@${process.hrtime.bigint()}.${seq}@${filling}`;
  const job = jobs[number % jobs.length];
  const at = new Date().toISOString();
  const item = { itemId: String(seq), itemKind: "song", status: "queued", label };
  sent.push(job.updateProgress({ type: "item", jobId: job.id, attempt: 1, at, ...item }));
}
await Promise.all(sent);
console.log(JSON.stringify({ seconds: (performance.now() - began) / 1000, late_ms: late }));
await queue.close();
