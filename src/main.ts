/** The server's process: configuration → database → services → HTTP, and back again when it is told to stop. */
import { setTimeout as sleep } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import type { Logger } from "pino";
import type { EnsuredInstallation } from "./bootstrap/install.ts";
import { completeConfig } from "./config/encryption-key.ts";
import { type Config, ConfigError, readConfig } from "./config/env.ts";
import { startDatabase } from "./db/start-database.ts";
import { createLogger } from "./logger.ts";
import { StartError } from "./shared/start-error.ts";
import { endProcessGracefully } from "./shutdown.ts";

/** How long open requests may take to finish after the process was told to stop. */
const DRAIN_TIMEOUT_MS = 25_000;

interface Running {
  /** Where clients on this machine reach the server. */
  address: string;
  installation: EnsuredInstallation;
  stop(): Promise<void>;
}

try {
  await main();
} catch (error) {
  if (!(error instanceof ConfigError || error instanceof StartError)) throw error;
  console.error(error.message);
  process.exit(1);
}

async function main(): Promise<void> {
  const config = readConfig();
  const log = await createLogger(config);
  const stopping = new AbortController();
  const starting = start(config, log, stopping.signal);
  endProcessGracefully({ log, timeoutMs: config.SHUTDOWN_DELAY_MS + DRAIN_TIMEOUT_MS, stop });
  const { address, installation } = await starting;
  if (!stopping.signal.aborted) console.log(whatToTry(address, installation));

  async function stop(): Promise<void> {
    stopping.abort();
    const running = await starting.catch(() => null); // whoever awaits the start reports why it failed
    await running?.stop();
  }
}

/** Starts everything, or gives back what it had started and throws. */
async function start(config: Config, log: Logger, signal: AbortSignal): Promise<Running> {
  const closers: (() => Promise<void>)[] = [];
  try {
    const complete = completeConfig(config);
    const loading = Promise.all([import("./server.ts"), import("./bootstrap/install.ts")]); // while the database starts
    loading.catch(() => undefined);
    const database = await startDatabase({ config, log, signal });
    closers.push(database.stop);
    const [{ createServer }, { ensureInstallation }] = await loading;
    const server = await createServer({ config: complete, url: database.url, directUrl: database.directUrl, log });
    closers.push(server.close);
    const installation = await ensureInstallation({ db: server.db, config });
    const address = await listen(server.app, config);
    server.startBackgroundWork();
    return { address, installation, stop };

    async function stop(): Promise<void> {
      server.stopAccepting();
      await sleep(config.SHUTDOWN_DELAY_MS);
      await closeAll(closers);
    }
  } catch (error) {
    await closeAll(closers);
    throw error;
  }
}

/** What was opened last is closed first. */
async function closeAll(closers: (() => Promise<void>)[]): Promise<void> {
  for (const close of closers.toReversed()) await close();
}

async function listen(app: FastifyInstance, { HOST, PORT }: Config): Promise<string> {
  try {
    await app.listen({ host: HOST, port: PORT });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EADDRINUSE")
      throw new StartError(`PORT: ${PORT} on ${HOST} is in use by another program; set PORT to a free one`);
    if (code === "EACCES") throw new StartError(`PORT: this user may not listen on port ${PORT}`);
    if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND") throw new StartError(`HOST: ${HOST} is not an address of this machine`);
    throw error;
  }
  const bound = app.server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : PORT;
  const host = HOST === "0.0.0.0" || HOST === "::" ? "127.0.0.1" : HOST;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function whatToTry(address: string, { made, file, environmentId }: EnsuredInstallation): string {
  const lines = [`Mortar listens on ${address}; its API is described at ${address}/docs`];
  if (made)
    lines.push(
      `A new installation was made and written to ${file}:`,
      `  organization  ${made.organizationId}`,
      `  environment   ${made.environments.production.id} (production)`,
      `  environment   ${made.environments.development.id} (development)`,
      `  API key       ${made.apiKey}`,
    );
  if (environmentId !== null)
    lines.push(
      "Identify a first contact:",
      `  curl -X POST ${address}/api/v2/client/${environmentId}/user -H 'content-type: application/json' -d '{"userId":"ada","attributes":{"firstName":"Ada"}}'`,
    );
  return `\n${lines.join("\n")}\n`;
}
