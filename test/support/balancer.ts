import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from "node:http";

/** How often each replica is asked whether it is ready. */
const PROBE_INTERVAL_MS = 100;

export interface Balancer {
  address: string;
  /** Requests that a replica left without an answer. */
  broken(): number;
  stop(): Promise<void>;
}

/**
 * A load balancer as one would be set up: it sends requests in turn to the replicas whose `/ready` is 200, over
 * connections that are kept, and tries nothing twice, so that what a replica drops is seen.
 */
export async function startBalancer(replicas: readonly string[]): Promise<Balancer> {
  const agent = new Agent({ keepAlive: true });
  const ready = new Set<string>();
  let turn = 0;
  let broken = 0;
  await probeAll();
  const probing = setInterval(() => void probeAll(), PROBE_INTERVAL_MS);
  const server = createServer(forward);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("the balancer has no port");
  return { address: `http://127.0.0.1:${bound.port}`, broken: () => broken, stop };

  async function probeAll(): Promise<void> {
    await Promise.all(
      replicas.map(async (replica) => {
        const isReady = await fetch(`${replica}/ready`, { signal: AbortSignal.timeout(2_000) }).then(
          ({ ok }) => ok,
          () => false,
        );
        if (isReady) ready.add(replica);
        else ready.delete(replica);
      }),
    );
  }

  function forward(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const replica = [...ready][turn++ % Math.max(1, ready.size)];
    if (replica === undefined) {
      outgoing.writeHead(502).end();
      return;
    }
    const { method, url = "/", headers } = incoming;
    const sent = request(replica + url, { method, headers: { ...headers, connection: "keep-alive" }, agent }, (answer) => {
      const { connection: _own, ...rest } = answer.headers;
      outgoing.writeHead(answer.statusCode ?? 502, rest);
      answer.pipe(outgoing);
    });
    sent.on("error", () => {
      broken++;
      if (!outgoing.headersSent) outgoing.writeHead(502);
      outgoing.end();
    });
    incoming.pipe(sent);
  }

  async function stop(): Promise<void> {
    clearInterval(probing);
    agent.destroy();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}
