/** The server's process: configuration → database → services → HTTP, and back again when it is told to stop. */
import "./start-memory.ts"; // before all that takes memory
import cluster from "node:cluster";
import { fileURLToPath } from "node:url";
import type { Logger } from "pino";
import type { EnsuredInstallation } from "./bootstrap/install.ts";
import { completeConfig } from "./config/encryption-key.ts";
import { type Config, ConfigError, readConfig } from "./config/env.ts";
import { type StartedDatabase, startDatabase } from "./db/start-database.ts";
import { createLogger } from "./logger.ts";
import { StartError } from "./shared/start-error.ts";
import { endProcessGracefully } from "./shutdown.ts";
import { endOfStart } from "./start-memory.ts";

/** How long open requests may take to finish after the process was told to stop. */
const DRAIN_TIMEOUT_MS = 25_000;

interface Running {
  /** For the operator's eyes. */
  greeting: string;
  stop(): Promise<void>;
}

interface StartOptions {
  config: Config;
  log: Logger;
  /** Ends the waiting for a database that is away. */
  signal: AbortSignal;
  /** Stops the process. */
  end: (reason: string) => void;
}

try {
  await main();
} catch (error) {
  if (!(error instanceof ConfigError || error instanceof StartError)) throw error;
  if (cluster.isWorker) await import("./cluster-worker.ts").then(({ reportFailure }) => reportFailure(error.message));
  else console.error(error.message);
  process.exit(1);
}

/** One process serves, or a primary keeps several workers that do; a worker is this program too. */
async function main(): Promise<void> {
  const config = readConfig();
  const log = await createLogger(config);
  const start = cluster.isWorker ? startWorker : config.WORKERS > 1 ? startPrimary : startAlone;
  const stopping = new AbortController();
  const end = endProcessGracefully({ log, timeoutMs: config.SHUTDOWN_DELAY_MS + DRAIN_TIMEOUT_MS, stop });
  const starting = start({ config, log, signal: stopping.signal, end });
  const { greeting } = await starting.finally(endOfStart);
  if (!stopping.signal.aborted && greeting !== "") console.log(greeting);

  async function stop(): Promise<void> {
    stopping.abort();
    const running = await starting.catch(() => null); // whoever awaits the start reports why it failed
    await running?.stop();
  }
}

async function startAlone({ config, log, signal }: StartOptions): Promise<Running> {
  const complete = completeConfig(config);
  const loading = Promise.all([import("./serve.ts"), import("./bootstrap/install.ts")]); // while the database starts
  loading.catch(() => undefined);
  return await overDatabase({ config, log, signal }, async ({ url, directUrl }) => {
    const [{ serve }, { ensureInstallation }] = await loading;
    const { port, stop, prepared } = await serve({
      ...{ config: complete, url, directUrl, log, port: config.PORT },
      prepare: (db) => ensureInstallation({ db, config }),
    });
    return { greeting: whatToTry(addressOf(config, port), prepared), stop };
  });
}

/** Everything that is to be done once, and the workers. */
async function startPrimary({ config, log, signal }: StartOptions): Promise<Running> {
  completeConfig(config); // makes the encryption key, which all workers read
  const { startFleet } = await import("./cluster-primary.ts");
  return await overDatabase({ config, log, signal }, async ({ url, directUrl }) => {
    const installation = await install(url, { config, log });
    const fleet = await startFleet({
      ...{
        file: fileURLToPath(import.meta.url),
        size: config.WORKERS,
        url,
        directUrl,
        host: config.HOST,
        port: config.PORT,
        log,
      },
    });
    return { greeting: whatToTry(addressOf(config, fleet.port), installation), stop: fleet.stop };
  });
}

async function startWorker({ config, log, end }: StartOptions): Promise<Running> {
  const { joinPrimary } = await import("./cluster-worker.ts");
  const loading = import("./serve.ts");
  loading.catch(() => undefined);
  const primary = await joinPrimary({ stop: end });
  const { serve } = await loading;
  const { stop } = await serve({
    ...{ config: completeConfig(config), log, ...primary.settings, shared: primary },
    prepare: async () => undefined, // the primary has
  });
  primary.listens();
  return { greeting: "", stop };
}

/** Starts the database and then what needs it; stops them in the other order. */
async function overDatabase(
  options: Pick<StartOptions, "config" | "log" | "signal">,
  start: (database: StartedDatabase) => Promise<Running>,
): Promise<Running> {
  const database = await startDatabase(options);
  try {
    const { greeting, stop } = await database.whileItComes(() => start(database));
    return {
      greeting,
      stop: async () => {
        await stop();
        await database.stop();
      },
    };
  } catch (error) {
    await database.stop();
    throw error;
  }
}

async function install(url: string, { config, log }: { config: Config; log: Logger }): Promise<EnsuredInstallation> {
  const [{ openDatabase }, { ensureInstallation }] = await Promise.all([
    import("./db/database.ts"),
    import("./bootstrap/install.ts"),
  ]);
  const db = openDatabase({ url, poolSize: 1, prepared: config.DATABASE_PREPARED_STATEMENTS, log });
  try {
    return await ensureInstallation({ db, config });
  } finally {
    await db.close();
  }
}

/** Where clients on this machine reach the server. */
function addressOf({ HOST }: Config, port: number): string {
  const host = HOST === "0.0.0.0" || HOST === "::" ? "127.0.0.1" : HOST;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function whatToTry(address: string, installation: EnsuredInstallation): string {
  const { made, file, environmentId } = installation;
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
