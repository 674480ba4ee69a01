/** What every command needs: the configuration, the database for as long as it works, and an end that people can read. */
import { CommanderError } from "commander";
import { type Logger, pino } from "pino";
import { ArchiveError, RestoreRefused } from "../backup/service.ts";
import { completeConfig } from "../config/encryption-key.ts";
import { type CompleteConfig, type Config, ConfigError, readConfig } from "../config/env.ts";
import { isUnavailable } from "../db/errors.ts";
import { type StartDatabaseOptions, type StartedDatabase, startDatabase } from "../db/start-database.ts";
import { SourceError } from "../import/formbricks/source.ts";
import { type Backend, openBackend } from "../server.ts";
import { Problem } from "../shared/problem.ts";
import { StartError } from "../shared/start-error.ts";
import { TransferError } from "../transfer/service.ts";

/** Wrong usage that only shows once the arguments are looked at together. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** A command that did its work and has to report that something is not as it should be. */
export class CommandFailure extends Error {
  override readonly name = "CommandFailure";
}

/** How long a command waits for a database of DATABASE_URL; a person is waiting, too. */
const DATABASE_WAIT_MS = 5_000;

export interface CommandContext {
  config: CompleteConfig;
  database: StartedDatabase;
  log: Logger;
}

/**
 * Runs `work` with the database up, and gives it back afterwards. It is shared with a server that has it already; with
 * `share` false that is refused.
 */
export async function withDatabase<Result>(
  migrations: NonNullable<StartDatabaseOptions["migrations"]>,
  work: (context: CommandContext) => Promise<Result>,
  { share = true }: { share?: boolean } = {},
): Promise<Result> {
  const config = completeConfig(readConfig());
  const log = createCommandLogger(config);
  const started = await startDatabase({ config, log, migrations, share, waitMs: DATABASE_WAIT_MS });
  const database = { ...started, stop: once(started.stop) };
  const release = stopOnSignal(database);
  try {
    return await work({ config, database, log });
  } finally {
    release();
    await database.stop();
  }
}

/** Runs `work` with the services that the server has. */
export async function withBackend<Result>(work: (backend: Backend, context: CommandContext) => Promise<Result>): Promise<Result> {
  return withDatabase("configured", async (context) => {
    const { url, directUrl } = context.database;
    const backend = await openBackend({ config: context.config, url, directUrl, log: context.log });
    try {
      return await work(backend, context);
    } finally {
      await backend.close();
    }
  });
}

/** Logs to stderr, because stdout is for results; a command says itself what it does, so only what is odd. */
export function createCommandLogger({ LOG_LEVEL }: Pick<Config, "LOG_LEVEL">): Logger {
  return pino({ level: LOG_LEVEL === "info" ? "warn" : LOG_LEVEL }, pino.destination({ dest: 2, sync: true }));
}

/** A signal and the work that it breaks off both stop the database. */
function once(stop: () => Promise<void>): () => Promise<void> {
  let stopping: Promise<void> | undefined;
  return () => {
    stopping ??= stop();
    return stopping;
  };
}

/** A database that this process started does not outlive it when someone interrupts the command. */
function stopOnSignal(database: StartedDatabase): () => void {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const stop = (signal: string) => {
    release();
    console.error(`mortar: interrupted (${signal})`);
    database.stop().finally(() => process.exit(1));
  };
  const release = () => {
    for (const signal of signals) process.off(signal, stop);
  };
  for (const signal of signals) process.on(signal, stop);
  return release;
}

/** Says on stderr what went wrong, in one line unless nobody foresaw it. Returns the exit status. */
export function reportFailure(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2; // has been printed
  if (error instanceof UsageError) return say(error.message, 2);
  if (error instanceof Problem) return say([error.message, ...(error.issues ?? []).map(formatIssue)].join("; "), 1);
  if (isForeseen(error)) return say(error.message, 1);
  if (isUnavailable(error)) return say(`the database is not available: ${messageOf(error)}`, 1);
  console.error(error);
  return 1;
}

function say(message: string, status: number): number {
  for (const line of message.split("\n")) console.error(`mortar: ${line}`);
  return status;
}

const isForeseen = (error: unknown): error is Error =>
  [ArchiveError, CommandFailure, ConfigError, RestoreRefused, StartError, SourceError, TransferError].some(
    (kind) => error instanceof kind,
  );

const formatIssue = ({ field, issue }: { field: string; issue: string }): string => (field === "" ? issue : `${field}: ${issue}`);

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
