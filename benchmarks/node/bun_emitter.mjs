// The in-memory emitter many write by hand, on Bun: bun bun_emitter.mjs PORT
// GET /<job> opens a stream, POST /<job> publishes its body; the last events are kept.
const KEPT = 2_000;
const encoder = new TextEncoder();
const jobs = new Map();

function jobOf(name) {
  if (!jobs.has(name)) jobs.set(name, { streams: new Set(), frames: [], last: 0 });
  return jobs.get(name);
}

function open(job, request) {
  let stream;
  const cursor = Number(request.headers.get("last-event-id") ?? job.last);
  const body = new ReadableStream({
    start(controller) {
      stream = controller;
      controller.enqueue(encoder.encode(": ok\n\n"));
      for (const [id, frame] of job.frames) if (id > cursor) controller.enqueue(frame);
      job.streams.add(controller);
    },
    cancel: () => job.streams.delete(stream),
  });
  return new Response(body, {
    headers: { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" },
  });
}

function publish(job, document) {
  const id = ++job.last;
  const frame = encoder.encode(`id: ${id}\ndata: ${document}\n\n`);
  job.frames.push([id, frame]);
  if (job.frames.length > KEPT) job.frames.shift();
  for (const stream of job.streams) stream.enqueue(frame);
}

Bun.serve({
  port: Number(process.argv[2]),
  hostname: "127.0.0.1",
  idleTimeout: 0,
  async fetch(request) {
    const job = jobOf(new URL(request.url).pathname);
    if (request.method === "GET") return open(job, request);
    publish(job, await request.text());
    return new Response(null, { status: 204 });
  },
});
