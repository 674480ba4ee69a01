/** An endpoint that webhooks are delivered to, which does what a test tells it. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

export interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  /** As it came. */
  body: string;
  at: number;
}

export interface Receiver {
  url: string;
  port: number;
  received: Received[];
  /** Connections that were opened, whether or not a request came over them. */
  connections(): number;
  /** The most requests that were open at once. */
  busiest(): number;
  /** Resolves when `count` requests have come. */
  waitFor(count: number, timeoutMs?: number): Promise<Received[]>;
  close(): Promise<void>;
}

export type Answer = (response: ServerResponse, request: Received) => void;

/** @param answer what becomes of a request; default: 204 */
export async function startReceiver(answer: Answer = (response) => response.writeHead(204).end()): Promise<Receiver> {
  const received: Received[] = [];
  const sockets = new Set<Socket>();
  let listeners: (() => void)[] = [];
  let connections = 0;
  let open = 0;
  let busiest = 0;
  const server = createServer((request, response) => void handle(request, response));
  server.on("connection", (socket: Socket) => {
    connections++;
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port }: Pick<AddressInfo, "port"> = addressOf(server.address());
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    received,
    connections: () => connections,
    busiest: () => busiest,
    waitFor,
    close,
  };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    busiest = Math.max(busiest, ++open);
    response.on("close", () => open--);
    response.on("error", () => undefined);
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(Buffer.from(chunk));
    } catch {
      return; // the sender went away
    }
    const one = { path: request.url ?? "", headers: request.headers, body: Buffer.concat(chunks).toString(), at: Date.now() };
    received.push(one);
    answer(response, one);
    const told = listeners;
    listeners = [];
    for (const tell of told) tell();
  }

  async function waitFor(count: number, timeoutMs = 10_000): Promise<Received[]> {
    const until = Date.now() + timeoutMs;
    while (received.length < count) {
      const left = until - Date.now();
      if (left <= 0) throw new Error(`received ${received.length} of ${count} messages`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        listeners.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
    return received;
  }

  async function close(): Promise<void> {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  }
}

function addressOf(address: AddressInfo | string | null): AddressInfo {
  if (address === null || typeof address === "string") throw new Error("the receiver has no port");
  return address;
}
