import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { Logger } from "pino";
import type { Config } from "../config/env.ts";
import { StartError } from "../shared/start-error.ts";
import { isAway } from "./errors.ts";
import { migrate, pendingMigrations } from "./migrate.ts";

/** The configured database, up and migrated. */
export interface StartedDatabase {
  url: string;
  /** Past a transaction pooler. */
  directUrl: string;
  /** Where an embedded database keeps its data; null for one that is not ours. */
  embeddedDir: string | null;
  /**
   * Runs `work`, and runs it again when the database was away meanwhile, for what is left of `waitMs`. Throws
   * {@link StartError} when that was not enough, and whatever else `work` throws.
   */
  whileItComes<Result>(work: () => Promise<Result>): Promise<Result>;
  /** Stops the database if this process started it. */
  stop(): Promise<void>;
}

export interface StartDatabaseOptions {
  config: Config;
  log: Logger;
  /**
   * `apply`: migrate, whatever is configured. `configured` (default): migrate an embedded database, and another one
   * with MIGRATE_ON_START, else refuse one with pending migrations. `leave`: neither apply nor refuse.
   */
  migrations?: "apply" | "configured" | "leave";
  /** Use an embedded database that a running server owns instead of refusing. */
  share?: boolean;
  /** How long a database that is away is waited for, at first and when it goes away again during the start. */
  waitMs?: number;
  /** Ends the waiting. */
  signal?: AbortSignal;
}

/** A worker's least share of the pool, its change feed and its job queue. */
const CONNECTIONS_OF_A_WORKER = 8;
/** For the command line beside the server, and PostgreSQL's own reserve. */
const SPARE_CONNECTIONS = 20;

const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 5_000;

type Located = Omit<StartedDatabase, "whileItComes">;

/** Throws {@link StartError} when the database cannot be started, reached or used. */
export async function startDatabase(options: StartDatabaseOptions): Promise<StartedDatabase> {
  const { config, waitMs = 60_000 } = options;
  const deadline = Date.now() + waitMs;
  const database = config.DATABASE_URL === undefined ? await startEmbedded(options) : locateExternal(config.DATABASE_URL, config);
  const whileItComes = <Result>(work: () => Promise<Result>) => retryWhileAway(work, { ...options, ...database, deadline });
  try {
    await whileItComes(async () => {
      await tryQuery(database.directUrl, "select 1").catch(refuseRefusal(database.directUrl));
      await prepare(database, options);
    });
    return { ...database, whileItComes };
  } catch (error) {
    await database.stop();
    throw error;
  }
}

async function prepare(database: Located, { config, log, migrations = "configured" }: StartDatabaseOptions): Promise<void> {
  const isOurs = database.embeddedDir !== null;
  if (migrations === "apply" || (migrations === "configured" && (isOurs || config.MIGRATE_ON_START)))
    await migrate({ url: database.directUrl, log });
  else if (migrations === "configured") await refusePending(database.directUrl);
}

async function startEmbedded({ config, log, share = false }: StartDatabaseOptions): Promise<Located> {
  const { startEmbeddedPostgres } = await import("./embedded-postgres.ts");
  const dir = join(config.DATA_DIR, "postgres");
  const maxConnections = Math.max(60, config.DATABASE_POOL_SIZE + config.WORKERS * CONNECTIONS_OF_A_WORKER + SPARE_CONNECTIONS);
  const { url, stop, ...placed } = await startEmbeddedPostgres({ dir, log, share, maxConnections });
  return { url, directUrl: url, embeddedDir: placed.dir, stop };
}

function locateExternal(url: string, config: Config): Located {
  return { url, directUrl: config.DATABASE_DIRECT_URL ?? url, embeddedDir: null, stop: async () => undefined };
}

async function retryWhileAway<Result>(
  work: () => Promise<Result>,
  { directUrl, deadline, log, signal }: Pick<StartDatabaseOptions, "log" | "signal"> & { directUrl: string; deadline: number },
): Promise<Result> {
  for (let delayMs = RETRY_MIN_MS; ; delayMs = Math.min(delayMs * 2, RETRY_MAX_MS)) {
    try {
      return await work();
    } catch (error) {
      if (!isAway(error)) throw error;
      const reason = reasonOf(toError(error));
      if (signal?.aborted || Date.now() + delayMs > deadline)
        throw new StartError(`The database at ${hostOf(directUrl)} could not be reached: ${reason}`);
      log.warn({ reason, retryInMs: delayMs }, "database cannot be reached yet");
      await sleep(delayMs, undefined, signal ? { signal } : {}).catch(() => undefined);
    }
  }
}

/** It is there, and does not let us in. */
function refuseRefusal(url: string): (error: unknown) => never {
  return (error) => {
    if (isAway(error)) throw error;
    throw new StartError(`The database at ${hostOf(url)} refuses us: ${reasonOf(toError(error))}`);
  };
}

async function refusePending(url: string): Promise<void> {
  const pending = await pendingMigrations({ query: (statement) => tryQuery(url, statement) });
  if (pending.length > 0)
    throw new StartError(
      `The database lacks ${pending.length} migration(s), first ${pending[0]}: run \`mortar migrate\`, or start with MIGRATE_ON_START=1`,
    );
}

async function tryQuery<Row extends object>(url: string, statement: string | { text: string }): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000, query_timeout: 10_000 });
  client.on("error", () => undefined); // the query's own rejection says it
  try {
    await client.connect();
    const { rows } = await client.query<Row>(typeof statement === "string" ? statement : statement.text);
    return rows;
  } finally {
    client.end().catch(() => undefined);
  }
}

const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : "DATABASE_URL");

const toError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

/** Node says nothing but a code when a name has several addresses and none of them answers. */
const reasonOf = (error: Error): string => error.message || ("code" in error ? String(error.code) : error.name);
