import { createServer, connect as open, type Server, type Socket } from "node:net";

export interface TcpProxy {
  port: number;
  /** Cuts every connection; from now on new ones are refused. */
  cut(): Promise<void>;
  restore(): Promise<void>;
  /**
   * From now on what is sent arrives that much later; with Infinity it never does, on connections that stay open, as
   * in a network that swallows packets.
   */
  delay(ms: number): void;
  /** Cuts every connection as soon as so many bytes more have come back through it; new ones are refused from then on. */
  cutAfter(bytes: number): Promise<void>;
}

/** Stands before a server that a test wants to be away for a while. */
export async function startTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let server: Server = createServer(forward);
  await listen(0);
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");
  const { port } = address;
  let delayMs = 0;
  /** How much may still come back, and who is told when that was it. */
  let allowance = Infinity;
  let onSpent: () => void = () => undefined;
  return { port, cut, restore, delay, cutAfter };

  async function cutAfter(bytes: number): Promise<void> {
    allowance = bytes;
    await new Promise<void>((resolve) => {
      onSpent = resolve;
    });
    allowance = Infinity;
    await cut();
  }

  function delay(ms: number): void {
    delayMs = ms;
  }

  function forward(client: Socket): void {
    const upstream = open(target);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => other.destroy());
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.on("data", (bytes) => {
        if (socket === upstream) allowance -= bytes.length;
        if (allowance < 0) return onSpent();
        if (delayMs === 0) other.write(bytes);
        else if (delayMs !== Infinity) setTimeout(() => other.write(bytes), delayMs);
      });
    }
  }

  function cut(): Promise<void> {
    return new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  }

  async function restore(): Promise<void> {
    server = createServer(forward);
    await listen(port);
  }

  function listen(at: number): Promise<void> {
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(at, "127.0.0.1", resolve);
    });
  }
}
