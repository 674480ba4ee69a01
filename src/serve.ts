/** A server on its port. */
import { setTimeout as sleep } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import type { Database } from "./db/database.ts";
import { type BackendOptions, createServer, type SharedAmongWorkers } from "./server.ts";
import { StartError } from "./shared/start-error.ts";

export interface ServeOptions<Prepared> extends BackendOptions {
  port: number;
  /** Absent when this process serves alone. */
  shared?: SharedAmongWorkers;
  /** Puts into the database what has to be there before the first request. */
  prepare: (db: Database) => Promise<Prepared>;
}

export interface Serving<Prepared> {
  port: number;
  prepared: Prepared;
  /** Lets load balancers look away, finishes what is under way and closes everything. */
  stop(): Promise<void>;
}

/** Throws {@link StartError} when it cannot listen. */
export async function serve<Prepared>(options: ServeOptions<Prepared>): Promise<Serving<Prepared>> {
  const { config, port, prepare } = options;
  const server = await createServer(options);
  try {
    const prepared = await prepare(server.db);
    const listening = await listen(server.app, { host: config.HOST, port });
    server.startDelivering();
    return { prepared, port: listening, stop };
  } catch (error) {
    await server.close();
    throw error;
  }

  async function stop(): Promise<void> {
    server.stopAccepting();
    await sleep(config.SHUTDOWN_DELAY_MS);
    await server.close();
  }
}

/**
 * Connections that wait to be accepted; the system may allow fewer. Beyond it callers do not get a refusal, which they would
 * be given at once, but none at all, and knock again seconds later.
 */
const BACKLOG = 4_096;

/** Returns the port, which the system chooses for 0. */
async function listen(app: FastifyInstance, { host, port }: { host: string; port: number }): Promise<number> {
  try {
    await app.listen({ host, port, backlog: BACKLOG });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EADDRINUSE")
      throw new StartError(`PORT: ${port} on ${host} is in use by another program; set PORT to a free one`);
    if (code === "EACCES") throw new StartError(`PORT: this user may not listen on port ${port}`);
    if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND") throw new StartError(`HOST: ${host} is not an address of this machine`);
    throw error;
  }
  const bound = app.server.address();
  return typeof bound === "object" && bound !== null ? bound.port : port;
}
