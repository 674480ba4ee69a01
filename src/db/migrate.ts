/**
 * Applies `prisma/migrations` in the order of their names, and keeps Prisma's own books (`_prisma_migrations`), so
 * that Prisma's command line can take over on any day.
 */
import { createHash, randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";
import type { Logger } from "pino";
import { StartError } from "../shared/start-error.ts";
import type { Database } from "./database.ts";
import { isAway } from "./errors.ts";
import { migrateQueue } from "./job-queue.ts";

/** The same place seen from `src/db` and from `dist/db`. */
export const MIGRATIONS_FOLDER = fileURLToPath(new URL("../../prisma/migrations", import.meta.url));

/** The advisory lock that Prisma's own engine takes, so that the two never run at once. */
const ADVISORY_LOCK = 72_707_369;
const LOCK_WAIT = "120s";
/** What a migration waits for a table that is in use, with every request to that table queued behind it. */
const TABLE_LOCK_WAIT = "5s";

interface Migration {
  name: string;
  sql: string;
  checksum: string;
}

interface BookEntry {
  migration_name: string;
  checksum: string;
  finished_at: Date | null;
  logs: string | null;
}

export interface MigrateOptions {
  /** Straight to PostgreSQL: the lock does not hold through a transaction pooler. */
  url: string;
  log: Logger;
  folder?: string;
}

/**
 * Applies what has not been applied and returns the names of it. Each file is one transaction together with its book
 * entry, except one that says `-- no-transaction` (a single statement such as CREATE INDEX CONCURRENTLY). Of several
 * processes one works and the others wait. Throws {@link StartError} naming the file when one fails, was edited after
 * it had been applied, or stopped half-way earlier; rejects with the connection's error when the database is away.
 */
export async function migrate({ url, log, folder = MIGRATIONS_FOLDER }: MigrateOptions): Promise<string[]> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    application_name: "mortar migrate",
  });
  client.on("error", (error) => log.warn({ err: error }, "connection lost while migrating"));
  await client.connect();
  try {
    await takeLock(client);
    await client.query(CREATE_BOOKS);
    const { rows } = await client.query<BookEntry>(READ_BOOKS);
    const pending = comparePending(readMigrations(folder), rows, log);
    for (const migration of pending) {
      await apply(client, migration);
      log.info({ migration: migration.name }, "migration applied");
    }
    await migrateQueue(client, url, log);
    return pending.map(({ name }) => name);
  } finally {
    await client.end().catch(() => undefined); // and with the session its lock
  }
}

/** The names of the migrations that have not been applied, in order. Rejects when the database cannot be asked. */
export async function pendingMigrations(db: Pick<Database, "query">, folder = MIGRATIONS_FOLDER): Promise<string[]> {
  const [books] = await db.query<{ exist: boolean }>(`select to_regclass('"_prisma_migrations"') is not null as exist`);
  const rows = books?.exist ? await db.query<BookEntry>(READ_BOOKS) : [];
  const done = new Set(rows.filter((row) => row.finished_at !== null).map((row) => row.migration_name));
  return readMigrations(folder)
    .map(({ name }) => name)
    .filter((name) => !done.has(name));
}

/** A migration by its name and its content (SHA-256, hex). */
export interface MigrationMark {
  name: string;
  checksum: string;
}

/** The migrations of this release, in order. */
export const listMigrations = (folder = MIGRATIONS_FOLDER): MigrationMark[] =>
  readMigrations(folder).map(({ name, checksum }) => ({ name, checksum }));

/** The migrations that the database has, in the order of their names. */
export async function appliedMigrations(db: Pick<Database, "query">): Promise<MigrationMark[]> {
  const books = await db.query<BookEntry>(READ_BOOKS);
  return books
    .filter(({ finished_at }) => finished_at !== null)
    .map(({ migration_name, checksum }) => ({ name: migration_name, checksum }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * Applies migrations inside the caller's transaction, to tables that nobody else sees yet: so what otherwise has to stay
 * outside of one (CREATE INDEX CONCURRENTLY) is done like the rest. Throws {@link StartError} naming the file.
 */
export async function migrateWithin(
  tx: Pick<Database, "query">,
  isWanted: (name: string) => boolean,
  folder = MIGRATIONS_FOLDER,
): Promise<void> {
  await tx.query(CREATE_BOOKS);
  for (const { name, sql, checksum } of readMigrations(folder).filter((migration) => isWanted(migration.name))) {
    try {
      await tx.query(isAlone(sql) ? sql.replace(/\bconcurrently\b/gi, "") : sql);
      await tx.query(INSERT_FINISHED, [randomUUID(), checksum, name]);
    } catch (error) {
      throw new StartError(`Migration ${name} failed: ${messageOf(error)}`);
    }
  }
}

/** Keeps everyone else from migrating for as long as the session lasts. False: someone is at it. */
export async function tryMigrationLock(db: Pick<Database, "query">): Promise<boolean> {
  const [row] = await db.query<{ taken: boolean }>("select pg_try_advisory_lock($1) as taken", [ADVISORY_LOCK]);
  return row?.taken === true;
}

const CREATE_BOOKS = `
  create table if not exists "_prisma_migrations" (
    id varchar(36) primary key not null,
    checksum varchar(64) not null,
    finished_at timestamptz,
    migration_name varchar(255) not null,
    logs text,
    rolled_back_at timestamptz,
    started_at timestamptz not null default now(),
    applied_steps_count integer not null default 0)`;
const READ_BOOKS = `select migration_name, checksum, finished_at, logs from "_prisma_migrations" where rolled_back_at is null`;
const INSERT_STARTED = `insert into "_prisma_migrations" (id, checksum, migration_name) values ($1, $2, $3)`;
const INSERT_FINISHED = `
  insert into "_prisma_migrations" (id, checksum, migration_name, finished_at, applied_steps_count)
  values ($1, $2, $3, now(), 1)`;
const SET_FINISHED = `update "_prisma_migrations" set finished_at = now(), applied_steps_count = 1 where id = $1`;
const SET_LOGS = `update "_prisma_migrations" set logs = $2 where id = $1`;

async function takeLock(client: pg.Client): Promise<void> {
  await client.query(`set lock_timeout = '${LOCK_WAIT}'`);
  try {
    await client.query("select pg_advisory_lock($1)", [ADVISORY_LOCK]);
  } catch (error) {
    if (isAway(error)) throw error;
    throw new StartError(`Another process has been migrating the database for ${LOCK_WAIT}: ${messageOf(error)}`);
  }
  await client.query("reset lock_timeout");
}

function readMigrations(folder: string): Migration[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort()
    .map((name) => {
      const sql = readFileSync(join(folder, name, "migration.sql"), "utf8");
      return { name, sql, checksum: createHash("sha256").update(sql).digest("hex") };
    });
}

/** What is to be applied, after the books were found in order. */
function comparePending(migrations: Migration[], books: BookEntry[], log: Logger): Migration[] {
  const halfWay = books.find((entry) => entry.finished_at === null);
  if (halfWay)
    throw new StartError(
      `Migration ${halfWay.migration_name} stopped half-way earlier: repair the database by hand, then delete its row in _prisma_migrations. ${halfWay.logs ?? ""}`.trim(),
    );
  const known = new Set(migrations.map(({ name }) => name));
  const ahead = books.map((entry) => entry.migration_name).filter((name) => !known.has(name));
  if (ahead.length > 0) log.warn({ migrations: ahead }, "database has migrations of a newer release");
  const applied = new Map(books.map((entry) => [entry.migration_name, entry.checksum]));
  const edited = migrations.find(({ name, checksum }) => applied.has(name) && applied.get(name) !== checksum);
  if (edited) throw new StartError(`Migration ${edited.name} was edited after it had been applied`);
  return migrations.filter(({ name }) => !applied.has(name));
}

async function apply(client: pg.Client, migration: Migration): Promise<void> {
  try {
    if (isAlone(migration.sql)) await applyAlone(client, migration);
    else await applyInTransaction(client, migration);
  } catch (error) {
    if (isAway(error)) throw error;
    throw new StartError(`Migration ${migration.name} failed: ${messageOf(error)}`);
  }
}

/** All or nothing, the book entry included: a crash leaves no trace, and the next start tries again. */
async function applyInTransaction(client: pg.Client, { name, sql, checksum }: Migration): Promise<void> {
  await client.query("begin");
  try {
    await client.query(`set local lock_timeout = '${TABLE_LOCK_WAIT}'`);
    await client.query(sql);
    await client.query(INSERT_FINISHED, [randomUUID(), checksum, name]);
    await client.query("commit");
  } catch (error) {
    await client.query("rollback").catch(() => undefined); // a lost connection has rolled back by itself
    throw error;
  }
}

/** What cannot be undone is entered before it is begun, so that an interruption is seen. */
async function applyAlone(client: pg.Client, { name, sql, checksum }: Migration): Promise<void> {
  const id = randomUUID();
  await client.query(INSERT_STARTED, [id, checksum, name]);
  try {
    await client.query(sql);
  } catch (error) {
    await client.query(SET_LOGS, [id, messageOf(error)]);
    throw error;
  }
  await client.query(SET_FINISHED, [id]);
}

/** Whether the file says that it cannot be part of a transaction. */
const isAlone = (sql: string): boolean => /^--\s*no-transaction\s*$/m.test(sql);

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
