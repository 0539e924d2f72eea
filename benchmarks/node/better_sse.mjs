// better-sse's channels: node better_sse.mjs PORT
// GET /<job> opens a stream, POST /<job> publishes its body to the job's channel.
import { createServer } from "node:http";
import { createChannel, createSession } from "better-sse";

const channels = new Map();

function channelOf(name) {
  if (!channels.has(name)) channels.set(name, createChannel());
  return channels.get(name);
}

async function textOf(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString();
}

const server = createServer(async (request, response) => {
  const channel = channelOf(request.url);
  if (request.method === "GET") {
    // Its default, JSON.stringify, would quote what is a JSON document already.
    const session = await createSession(request, response, { serializer: (data) => data });
    session.push("{}", "open");
    channel.register(session);
    return;
  }
  channel.broadcast(await textOf(request), "message");
  response.writeHead(204).end();
});
server.keepAliveTimeout = 0;
server.listen({ port: Number(process.argv[2]), host: "127.0.0.1", backlog: 8192 });
