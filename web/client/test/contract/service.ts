// The test service that launchdarkly's sse-contract-tests drives: each stream that the harness asks
// for is one of ours, and what it hears is told to the harness. Run it with `npm run contract`, and
// the harness with `sse-contract-tests --url http://127.0.0.1:8555`.

import { createServer, type IncomingMessage } from "node:http";
import { createMessageStream, type Stream } from "../../src/messages.ts";

const PORT = Number(process.env["PORT"] ?? 8555);
const CAPABILITIES = ["bom", "headers", "last-event-id", "read-timeout"];

interface Wanted {
  readonly streamUrl: string;
  readonly callbackUrl: string;
  readonly readTimeoutMs?: number;
  readonly lastEventId?: string;
  readonly headers?: Record<string, string>;
}

const streams = new Map<string, Stream>();

function open({ streamUrl, callbackUrl, readTimeoutMs, lastEventId, headers }: Wanted): string {
  const path = `/streams/${streams.size + 1}`;
  let told = 0;
  let queue = Promise.resolve();
  const tell = (message: unknown) => {
    const url = `${callbackUrl}/${(told += 1)}`;
    queue = queue
      .then(() => fetch(url, { method: "POST", body: JSON.stringify(message) }))
      .then((answer) => answer.body?.cancel())
      .catch(() => {});
  };
  streams.set(path, createMessageStream({
    url: streamUrl,
    random: () => 0.01,
    ...(headers ? { headers: () => headers } : {}),
    ...(lastEventId ? { lastEventId } : {}),
    ...(readTimeoutMs ? { silenceMs: readTimeoutMs } : {}),
    onMessage({ data, name, lastEventId: id }) {
      tell({ kind: "event", event: { type: name, data, id } });
      return "taken";
    },
    onConnection({ state }) {
      if (state === "waiting" || state === "closed") tell({ kind: "error", comment: state });
    },
  }));
  return path;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const piece of request) text += piece;
  return text;
}

createServer(async (request, response) => {
  const { method, url = "/" } = request;
  const stream = streams.get(url);
  if (method === "GET" && url === "/") {
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify({ capabilities: CAPABILITIES }));
  } else if (method === "POST" && url === "/") {
    response.setHeader("Location", open(JSON.parse(await bodyOf(request))));
    response.writeHead(201).end();
  } else if (method === "DELETE" && stream) {
    stream.close();
    response.writeHead(204).end();
  } else if (method === "DELETE" && url === "/") {
    response.writeHead(204).end(() => process.exit());
  } else response.writeHead(404).end();
}).listen(PORT, "127.0.0.1");
