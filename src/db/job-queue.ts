/**
 * The queue of background work: graphile-worker, in the server's own process. A task is added in the transaction of
 * what it follows from and runs once that is committed, at least once. Uses connections of its own, past any
 * transaction pooler.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Runner } from "graphile-worker";
import pg from "pg";
import type { Logger } from "pino";
import type { Transaction } from "./database.ts";

/** Does the work of one task. Throwing has it run again later, with growing delays. */
export type TaskHandler = (payload: Record<string, string>) => Promise<void>;

export interface JobQueue {
  /**
   * From now on tasks are run, in the background: it begins when the database is there, and again when it was away.
   * `daily` are the tasks that run without being added, once a day. `onStart` is called each time it begins.
   */
  start(options: { tasks: Record<string, TaskHandler>; daily: string[]; onStart(): Promise<void> }): void;
  /** True from the moment it was told to stop: long tasks give way and are added again by themselves. */
  isStopping(): boolean;
  /** Waits for the tasks that are running. */
  stop(): Promise<void>;
}

export interface AddedTask {
  name: string;
  /** No more than the task needs: it is kept in the database until the task has run. */
  payload: Record<string, string>;
  /** Tasks of the same key replace one another. */
  key: string;
  runAt?: Date;
}

const SCHEMA = "graphile_worker";

/** How many migrations the installed graphile-worker has. */
export const QUEUE_MIGRATIONS = 19;

const DAILY_AT = "17 3 * * *";

const CONCURRENCY = 2;
const RESTART_DELAY_MS = 5_000;

/** Adds a task, in effect when the transaction commits. */
export async function addTask(tx: Transaction, { name, payload, key, runAt }: AddedTask): Promise<void> {
  await tx.query(`select ${SCHEMA}.add_job($1::text, payload := $2::json, job_key := $3::text, run_at := $4::timestamptz)`, [
    name,
    JSON.stringify(payload),
    key,
    runAt ?? null,
  ]);
}

/** Takes a task back; nothing happens when it runs already or has run. */
export async function removeTask(tx: Transaction, key: string): Promise<void> {
  await tx.query(`select ${SCHEMA}.remove_job($1::text)`, [key]);
}

/** Makes or updates the queue's tables. @param client a connection of its own, past any pooler */
export async function migrateQueue(client: pg.Client, url: string, log: Logger): Promise<void> {
  const [table] = (await client.query<{ exists: boolean }>(`select to_regclass('${SCHEMA}.migrations') is not null as exists`))
    .rows;
  if (table?.exists) {
    const { rows } = await client.query<{ last: number }>(`select max(id)::int as last from ${SCHEMA}.migrations`);
    if ((rows[0]?.last ?? 0) >= QUEUE_MIGRATIONS) return; // without loading the library
  }
  const { runMigrations } = await import("graphile-worker");
  await runMigrations({ connectionString: url, logger: await quietLogger(log) });
}

/**
 * @param url of the database past a transaction pooler
 * @param dailyAt when daily tasks run, in cron's words (UTC): once, however many servers there are
 */
export function createJobQueue({ url, log, dailyAt = DAILY_AT }: { url: string; log: Logger; dailyAt?: string }): JobQueue {
  let runner: Runner | undefined;
  let running: Promise<void> | undefined;
  const stopping = new AbortController();
  return { start, isStopping: () => stopping.signal.aborted, stop };

  function start(options: Parameters<JobQueue["start"]>[0]): void {
    running = keepRunning(options);
  }

  async function keepRunning(options: Parameters<JobQueue["start"]>[0]): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await runUntilStopped(options);
      } catch (error) {
        log.warn({ err: error }, "job queue is down, starting it again");
        await sleep(RESTART_DELAY_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
      }
    }
  }

  async function runUntilStopped({ tasks, daily, onStart }: Parameters<JobQueue["start"]>[0]): Promise<void> {
    const { parseCronItems, run } = await import("graphile-worker");
    if (stopping.signal.aborted) return;
    const connections = new pg.Pool({
      connectionString: url,
      max: CONCURRENCY + 1,
      application_name: "mortar jobs",
      keepAlive: true,
    });
    const onError = (error: Error) => log.warn({ err: error }, "job queue lost a connection");
    connections.on("error", onError);
    connections.on("connect", (client) => client.on("error", onError)); // of those that are in use
    try {
      const taskList = Object.fromEntries(
        Object.entries(tasks).map(([name, handle]) => [name, (payload: unknown) => guarded(name, handle, payload)]),
      );
      runner = await run({
        pgPool: connections,
        concurrency: CONCURRENCY,
        noHandleSignals: true,
        logger: await quietLogger(log),
        taskList,
        parsedCronItems: parseCronItems(daily.map((task) => ({ task, match: dailyAt, identifier: task }))),
      });
      if (stopping.signal.aborted) await stopRunner();
      else await onStart();
      await runner.promise;
    } finally {
      runner = undefined;
      await connections.end();
    }
  }

  async function stopRunner(): Promise<void> {
    await runner?.stop().catch(() => undefined); // it says so when it was stopped already
  }

  /** An error's text is stored with the task, so it must not carry values: the database's own texts do. */
  async function guarded(name: string, handle: TaskHandler, payload: unknown): Promise<void> {
    try {
      await handle(toPayload(payload));
    } catch (error) {
      const code =
        error instanceof Error && "code" in error ? String(error.code) : error instanceof Error ? error.name : "unknown";
      log.error({ task: name, code, stack: stackOf(error) }, "task failed, it will be run again");
      throw new Error(`failed with ${code}`);
    }
  }

  async function stop(): Promise<void> {
    stopping.abort();
    await stopRunner();
    await running;
  }
}

/** Where it happened, without the message. */
const stackOf = (error: unknown): string =>
  error instanceof Error
    ? (error.stack ?? "")
        .split("\n")
        .filter((line) => /^\s+at /.test(line))
        .slice(0, 8)
        .join("\n")
    : "";

function toPayload(payload: unknown): Record<string, string> {
  const entries: [string, unknown][] = typeof payload === "object" && payload !== null ? Object.entries(payload) : [];
  return Object.fromEntries(entries.flatMap(([key, value]) => (typeof value === "string" ? [[key, value]] : [])));
}

/** The library is talkative and repeats payloads: only its warnings are passed on, without their meta data. */
async function quietLogger(log: Logger) {
  const { Logger: WorkerLogger } = await import("graphile-worker");
  return new WorkerLogger(() => (level, message) => {
    if (level === "error" || level === "warning") log.warn({ queue: true }, message);
    else log.trace({ queue: true }, message);
  });
}
