// Reports the progress of one job: node update_progress.mjs PORT ITEMS
import { Queue, Worker } from "bullmq";

const [port, items] = process.argv.slice(2).map(Number);
const connection = { host: "127.0.0.1", port };
const name = `bench-${process.pid}`;
const queue = new Queue(name, { connection });
const worker = new Worker(
  name,
  async (job) => {
    await job.updateProgress({ current: 0, total: items });
    const began = performance.now();
    for (let current = 1; current <= items; current += 1) {
      await job.updateProgress({ current, total: items, status: "Listening to Neon Street" });
    }
    return (performance.now() - began) / 1000;
  },
  { connection },
);
worker.on("completed", async (_, seconds) => {
  console.log(JSON.stringify({ seconds }));
  await worker.close();
  await queue.close();
});
await queue.add("work", {});
