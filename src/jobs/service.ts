import { type Database, PLAN_FOR_BULK, type Transaction } from "../db/database.ts";
import { isRetryable, isUnavailable } from "../db/errors.ts";
import { addTask, type TaskHandler } from "../db/job-queue.ts";
import type { EnvironmentService } from "../environments/service.ts";
import { conflict, notFound } from "../shared/problem.ts";
import { idOfRow, type JobRow, type WriteRows } from "./job-rows.ts";

export { createRowWriter, type JobRow } from "./job-rows.ts";

/** A row that could not be used. */
export interface FailedRow {
  /** Its number in what was sent; the first is 1. */
  row: number;
  /** Of the person or company, where one could be read. */
  id: string | null;
  code: string;
  /** Names no values. */
  message: string;
}

export type JobStatus = "receiving" | "queued" | "processing" | "completed" | "failed";

export interface Job {
  id: string;
  environmentId: string;
  type: string;
  status: JobStatus;
  createdAt: Date;
  startedAt: Date | null;
  finishedAt: Date | null;
  fileName: string | null;
  /** In bytes. */
  fileSize: number;
  totalRows: number;
  /** Rows that are done with, failed ones included. */
  completedRows: number;
  failedRowCount: number;
  /** The first {@link MAX_FAILED_ROWS} of them, in order. */
  failedRows: FailedRow[];
  /** Why the whole job failed. */
  failure: string | null;
}

export interface JobInput {
  environmentId: string;
  apiKeyId: string;
  type: string;
  /** Jobs of these types, unfinished and of the same key, stand in its way. */
  exclusiveWith: readonly string[];
  fileName: string | null;
}

/** A job whose rows are still being sent. */
export interface JobIntake {
  id: string;
  /** Keeps a row, in the database once enough have come together. @param row its number */
  add(row: number, content: JobRow): Promise<void>;
  /** Notes a row that cannot be used. */
  reject(row: FailedRow): void;
  /** Has the job run. */
  submit(facts: { fileSize: number }): Promise<Job>;
  /** Forgets the job and what was sent. */
  discard(): Promise<void>;
}

export type JobService = ReturnType<typeof createJobService>;

const MAX_FAILED_ROWS = 1_000;

const TASK = "job";

/** Rows written by one transaction. */
const CHUNK_ROWS = 500;
/** And at most so many characters of them, so that memory is bounded whatever a row holds. */
const CHUNK_CHARACTERS = 1_000_000;

/** What rows are written to. */
const FILLED_TABLES = ["contacts", "companies", "events"];

/** A job whose rows stopped coming for so long was given up with the process that received it. */
const ABANDONED_AFTER_MS = 5 * 60_000;

/** How often a job is looked at by those who wait for it. */
const SETTLE_POLL_MS = 50;

/** How long finished jobs are listed. */
const KEEP_DAYS = 30;

/**
 * Jobs: lists of persons, companies and events that are written in the background. Each chunk of rows is written, counted
 * and removed by one transaction, so that a process may die at any moment and the next one goes on where it was, doing
 * nothing twice.
 */
export function createJobService({
  db,
  environments,
  writeRows,
  newId,
  now,
  isStopping,
}: {
  db: Database;
  environments: EnvironmentService;
  writeRows: WriteRows;
  newId: () => string;
  now: () => number;
  isStopping: () => boolean;
}) {
  const tasks: Record<string, TaskHandler> = { [TASK]: run };
  return { begin, find, settle, list, resume, deleteExpired, tasks };

  /** Throws `conflict` when another job of the key is in the way. */
  async function begin({ environmentId, apiKeyId, type, exclusiveWith, fileName }: JobInput): Promise<JobIntake> {
    const id = newId();
    await db.transaction(async (tx) => {
      // One after another per key, or two that begin at once would not see each other.
      await tx.query("select pg_advisory_xact_lock(hashtextextended($1, 0))", [`mortar jobs ${apiKeyId}`]);
      await tx.query(
        `delete from jobs where "environmentId" = $1 and "apiKeyId" = $2 and status = 'receiving' and "updatedAt" < $3`,
        [environmentId, apiKeyId, new Date(now() - ABANDONED_AFTER_MS)],
      );
      const others = await tx.query(
        `select 1 from jobs where "environmentId" = $1 and "apiKeyId" = $2 and type = any($3::text[])
         and status in ('receiving', 'queued', 'processing') limit 1`,
        [environmentId, apiKeyId, exclusiveWith],
      );
      if (others.length > 0) throw conflict("job", "Another job of this API key has not finished yet");
      await tx.query(
        `insert into jobs ("environmentId", id, "createdAt", "updatedAt", type, status, "apiKeyId", "fileName")
         values ($1, $2, $3, $3, $4, 'receiving', $5, $6)`,
        [environmentId, id, new Date(now()), type, apiKeyId, fileName],
      );
    });
    return createIntake(environmentId, id);
  }

  function createIntake(environmentId: string, id: string): JobIntake {
    let count = 0;
    let position = 0;
    let characters = 0;
    let waiting: string[] = [];
    let failedRowCount = 0;
    const failed: FailedRow[] = [];
    return { id, add, reject, submit, discard };

    async function add(row: number, content: JobRow): Promise<void> {
      count++;
      const text = JSON.stringify([row, content]);
      waiting.push(text);
      characters += text.length;
      if (waiting.length === CHUNK_ROWS || characters > CHUNK_CHARACTERS) await store();
    }

    function reject(row: FailedRow): void {
      count++;
      failedRowCount++;
      if (failed.length < MAX_FAILED_ROWS) failed.push(row);
    }

    async function store(): Promise<void> {
      if (waiting.length === 0) return;
      const rows = `[${waiting.join(",")}]`;
      waiting = [];
      characters = 0;
      await db.query(
        `with j as (update jobs set "updatedAt" = $5 where "environmentId" = $1 and id = $2)
         insert into job_chunks ("environmentId", "jobId", position, rows) values ($1, $2, $3, $4::jsonb)`,
        [environmentId, id, position++, rows, new Date(now())],
      );
    }

    async function submit({ fileSize }: { fileSize: number }): Promise<Job> {
      await store();
      await db.transaction(async (tx) => {
        await tx.query(
          `update jobs set status = 'queued', "totalRows" = $3, "fileSize" = $4, "completedRows" = $5, "failedRowCount" = $5,
             "failedRows" = $6::jsonb, "updatedAt" = $7
           where "environmentId" = $1 and id = $2`,
          [environmentId, id, count, fileSize, failedRowCount, JSON.stringify(failed), new Date(now())],
        );
        await schedule(tx, environmentId, id);
      });
      return find(environmentId, id);
    }

    async function discard(): Promise<void> {
      waiting = [];
      await db.query(`delete from jobs where "environmentId" = $1 and id = $2`, [environmentId, id]);
    }
  }

  /** Throws `not_found` (job). */
  async function find(environmentId: string, id: string): Promise<Job> {
    const [job] = await db.query<Job>(`select ${COLUMNS} from jobs where "environmentId" = $1 and id = $2`, [environmentId, id]);
    if (!job) throw notFound("job", id);
    return job;
  }

  /** The job when it has ended, or as it is when the time is up. Throws `not_found` (job). */
  async function settle(environmentId: string, id: string, { timeoutMs }: { timeoutMs: number }): Promise<Job> {
    const until = now() + timeoutMs;
    for (;;) {
      const job = await find(environmentId, id);
      if (job.status === "completed" || job.status === "failed" || now() >= until || isStopping()) return job;
      await new Promise((resume) => setTimeout(resume, SETTLE_POLL_MS));
    }
  }

  /** Newest first. */
  function list(environmentId: string, { limit }: { limit: number }): Promise<Job[]> {
    return db.query<Job>(`select ${COLUMNS} from jobs where "environmentId" = $1 order by "createdAt" desc, id desc limit $2`, [
      environmentId,
      limit,
    ]);
  }

  /** Schedules anew what has not finished, in case its task was lost with the process that ran it. */
  async function resume(): Promise<void> {
    const rows = await db.query<{ environmentId: string; id: string }>(
      `select "environmentId", id from jobs where status in ('queued', 'processing')`,
    );
    for (const { environmentId, id } of rows) await db.transaction((tx) => schedule(tx, environmentId, id));
  }

  /** Deletes jobs that finished long ago or were given up; returns how many. */
  async function deleteExpired(): Promise<number> {
    const rows = await db.query(
      `delete from jobs where status in ('completed', 'failed') and "finishedAt" < $1 or status = 'receiving' and "updatedAt" < $2
       returning id`,
      [new Date(now() - KEEP_DAYS * 24 * 60 * 60_000), new Date(now() - ABANDONED_AFTER_MS)],
    );
    return rows.length;
  }

  function schedule(tx: Transaction, environmentId: string, jobId: string): Promise<void> {
    return addTask(tx, { name: TASK, payload: { environmentId, jobId }, key: `job:${jobId}` });
  }

  /** Works a job off, chunk by chunk; gives way when the process stops. */
  async function run({ environmentId = "", jobId = "" }: Record<string, string>): Promise<void> {
    let written = 0;
    for (let told = 0; ; ) {
      if (isStopping()) {
        await db.transaction((tx) => schedule(tx, environmentId, jobId));
        return;
      }
      const rows = await processChunk(environmentId, jobId);
      if (rows === null) return;
      written += rows;
      if (written >= CHUNK_ROWS && written >= told * 4) {
        told = written;
        await tellPlanner(written);
      }
    }
  }

  /**
   * Has tables counted that the job may have made much larger than the planner knows. Else statements go through all
   * contacts of the environment for each chunk, until autovacuum comes by.
   */
  async function tellPlanner(written: number): Promise<void> {
    const outgrown = await db.query<{ name: string }>(
      "select relname as name from pg_class where oid = any($1::regclass[]) and reltuples < $2",
      [FILLED_TABLES, written],
    );
    for (const { name } of outgrown) await db.query(`analyze ${name}`);
  }

  /** How many rows the chunk had; null when there is nothing left to do. */
  async function processChunk(environmentId: string, jobId: string): Promise<number | null> {
    try {
      return await db.transaction((tx) => processWithin(tx, environmentId, jobId, writeTogether));
    } catch (error) {
      if (isUnavailable(error) || isRetryable(error)) throw error;
      return db.transaction((tx) => processWithin(tx, environmentId, jobId, writeOneByOne)); // to find the row at fault
    }
  }

  async function processWithin(
    tx: Transaction,
    environmentId: string,
    jobId: string,
    write: typeof writeTogether,
  ): Promise<number | null> {
    const [job] = await tx.query(
      `update jobs set status = 'processing', "startedAt" = coalesce("startedAt", $3), "updatedAt" = $3
       where "environmentId" = $1 and id = $2 and status in ('queued', 'processing') returning id`,
      [environmentId, jobId, new Date(now())],
    );
    if (!job) return null;
    const [chunk] = await tx.query<{ rows: [number, JobRow][] }>(
      `delete from job_chunks where "environmentId" = $1 and "jobId" = $2 and position = (
         select min(position) from job_chunks where "environmentId" = $1 and "jobId" = $2) returning rows`,
      [environmentId, jobId],
    );
    if (!chunk) {
      await tx.query(
        `update jobs set status = 'completed', "completedRows" = "totalRows", "finishedAt" = $3, "updatedAt" = $3
         where "environmentId" = $1 and id = $2`,
        [environmentId, jobId, new Date(now())],
      );
      return null;
    }
    await tx.query(PLAN_FOR_BULK);
    const failed = await write(tx, environmentId, chunk.rows);
    await tx.query(
      `update jobs set "completedRows" = "completedRows" + $3, "failedRowCount" = "failedRowCount" + $4, "failedRows" = (
         select coalesce(jsonb_agg(f order by (f ->> 'row')::int), '[]') from (
           select f from jsonb_array_elements("failedRows" || $5::jsonb) f order by (f ->> 'row')::int limit ${MAX_FAILED_ROWS}) x)
       where "environmentId" = $1 and id = $2`,
      [environmentId, jobId, chunk.rows.length, failed.length, JSON.stringify(failed)],
    );
    return chunk.rows.length;
  }

  async function writeTogether(tx: Transaction, environmentId: string, rows: readonly [number, JobRow][]): Promise<FailedRow[]> {
    const environment = await environments.configuration(environmentId);
    const { erased, keysCreated } = await writeRows(
      tx,
      environment,
      rows.map(([, row]) => row),
    );
    if (keysCreated) environments.forget(environmentId);
    return erased.flatMap((at) => {
      const [row, content] = rows[at] ?? [];
      return row === undefined || !content
        ? []
        : [{ row, id: null, code: "erased", message: "The person was erased after this" }];
    });
  }

  async function writeOneByOne(tx: Transaction, environmentId: string, rows: readonly [number, JobRow][]): Promise<FailedRow[]> {
    const failed: FailedRow[] = [];
    for (const entry of rows) {
      await tx.query("savepoint one_row");
      try {
        failed.push(...(await writeTogether(tx, environmentId, [entry])));
        await tx.query("release savepoint one_row");
      } catch (error) {
        if (isUnavailable(error) || isRetryable(error)) throw error;
        await tx.query("rollback to savepoint one_row");
        failed.push({ row: entry[0], id: idOfRow(entry[1]), code: "not_storable", message: "The row cannot be stored" });
      }
    }
    return failed;
  }
}

const COLUMNS = `id, "environmentId", type, status, "createdAt", "startedAt", "finishedAt", "fileName", "fileSize", "totalRows",
  "completedRows", "failedRowCount", "failedRows", failure`;
