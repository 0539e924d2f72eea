// A proxy whose connections can go dead as those of a machine that slept, or of a lost network:
// nothing comes through any more, and nobody is told. New ones are good.

import { createServer, connect, type AddressInfo, type Socket } from "node:net";

export interface BlackHole {
  readonly port: number;
  swallow(): void;
  close(): void;
}

export function blackHole(upstream: number): Promise<BlackHole> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const origin = connect({ port: upstream, host: "127.0.0.1" });
    for (const socket of [client, origin]) sockets.add(socket.on("error", () => {}));
    client.pipe(origin);
    origin.pipe(client);
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      resolve({
        port: (server.address() as AddressInfo).port,
        swallow() {
          for (const socket of sockets) socket.unpipe().resume();
        },
        close() {
          for (const socket of sockets) socket.destroy();
          server.close();
        },
      });
    });
  });
}
