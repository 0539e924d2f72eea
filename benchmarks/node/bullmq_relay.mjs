// BullMQ's QueueEvents relayed to better-sse's channels: REDIS_PORT=… node bullmq_relay.mjs PORT
// GET /<job> opens a stream; what a client missed is read from the queue's own event stream.
import { createServer } from "node:http";
import { createChannel, createSession } from "better-sse";
import { QueueEvents } from "bullmq";
import { Redis } from "ioredis";

const connection = { host: "127.0.0.1", port: Number(process.env.REDIS_PORT) };
const redis = new Redis({ ...connection, maxRetriesPerRequest: null });
const events = new QueueEvents("bench", { connection });
const channels = new Map();

function channelOf(jobId) {
  if (!channels.has(jobId)) channels.set(jobId, createChannel());
  return channels.get(jobId);
}

async function replay(session, jobId, cursor) {
  for (const [id, fields] of await redis.xrange("bull:bench:events", `(${cursor}`, "+")) {
    const entry = {};
    for (let at = 0; at < fields.length; at += 2) entry[fields[at]] = fields[at + 1];
    if (entry.event === "progress" && entry.jobId === jobId) {
      session.push(entry.data, "message", id);
    }
  }
}

events.on("progress", ({ jobId, data }, id) => {
  channelOf(jobId).broadcast(JSON.stringify(data), "message", { eventId: id });
});
await events.waitUntilReady();

const server = createServer(async (request, response) => {
  const jobId = `j${request.url.slice(1)}`;
  const session = await createSession(request, response, { serializer: (data) => data });
  if (session.lastId) await replay(session, jobId, session.lastId);
  else session.push("{}", "open");
  channelOf(jobId).register(session);
});
server.listen({ port: Number(process.argv[2]), host: "127.0.0.1", backlog: 8192 });
