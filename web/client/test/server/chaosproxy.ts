// A proxy that treats each connection badly: it cuts at any byte, by a close or a reset, holds
// bytes back, splits them anew and lets frames through twice.

import { createServer, connect, type AddressInfo, type Socket } from "node:net";

export interface Faults {
  cuts: number;
  resets: number;
  delays: number;
  repeats: number;
}

export interface ChaosProxy {
  readonly port: number;
  readonly faults: Faults;
  close(): Promise<void>;
}

const ONE_FRAME = /^[0-9a-f]+\r\nid: [^\n]*\ndata: [^\n]*\n\n\r\n$/;

/** What is complete of an answer: its head, and then each chunk of HTTP, which is one frame. */
function pieces(): (bytes: Buffer) => Buffer[] {
  let rest: Buffer = Buffer.alloc(0);
  let hasHead = false;

  /** Where the next piece ends, or -1 as long as it is not all there. */
  function end(): number {
    const line = rest.indexOf(hasHead ? "\r\n" : "\r\n\r\n");
    if (line < 0) return -1;
    const length = hasHead ? line + 2 + parseInt(rest.toString("latin1", 0, line), 16) + 2 : line + 4;
    return length <= rest.length ? length : -1;
  }

  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    const found: Buffer[] = [];
    for (let at = end(); at >= 0; at = end()) {
      found.push(rest.subarray(0, at));
      rest = rest.subarray(at);
      hasHead = true;
    }
    return found;
  };
}

/** mulberry32, a small generator whose rounds can be done again. */
export function seeded(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function chaosProxy(upstream: number, random: () => number): Promise<ChaosProxy> {
  const faults: Faults = { cuts: 0, resets: 0, delays: 0, repeats: 0 };
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (client) => {
    const origin = connect({ port: upstream, host: "127.0.0.1", noDelay: true });
    for (const socket of [client, origin]) {
      sockets.add(socket);
      socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    }
    client.pipe(origin);
    client.on("close", () => origin.destroy());
    spoil(origin, client);
  });

  function spoil(origin: Socket, client: Socket): void {
    // One connection in eight is left in peace; of the others most do not come far.
    let left = random() < 1 / 8 ? Infinity : Math.floor(random() ** 2 * 6_000);
    let queue = Promise.resolve();
    const cut = pieces();
    origin.on("data", (bytes) => {
      for (const piece of cut(bytes)) {
        // TCP lets no byte through twice; a proxy that sends again does, whole frames.
        const isRepeated = ONE_FRAME.test(piece.toString("latin1")) && random() < 0.1;
        faults.repeats += Number(isRepeated);
        queue = queue.then(() => pass(piece));
        if (isRepeated) queue = queue.then(() => pass(piece));
      }
    });
    origin.on("end", () => { queue = queue.then(() => void client.end()); });
    origin.on("close", () => { queue = queue.then(() => void client.end()); });

    async function pass(bytes: Buffer): Promise<void> {
      for (let start = 0; start < bytes.length && left > 0; ) {
        const length = Math.min(1 + Math.floor(random() ** 3 * 800), left, bytes.length - start);
        if (random() < 0.1) {
          faults.delays += 1;
          await new Promise((resolve) => setTimeout(resolve, random() * 8));
        }
        client.write(bytes.subarray(start, start + length));
        start += length;
        left -= length;
      }
      if (left > 0 || client.destroyed) return;
      faults.cuts += 1;
      origin.destroy();
      if (random() < 0.5) return client.destroySoon();
      faults.resets += 1;
      client.resetAndDestroy();
    }
  }

  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      resolve({
        port: (server.address() as AddressInfo).port,
        faults,
        close() {
          for (const socket of sockets) socket.destroy();
          return new Promise((closed) => server.close(() => closed()));
        },
      });
    });
  });
}
