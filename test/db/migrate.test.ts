import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MIGRATIONS_FOLDER, migrate, pendingMigrations } from "../../src/db/migrate.ts";
import { openSession, type Session } from "../../src/db/session.ts";
import { StartError } from "../../src/shared/start-error.ts";
import { runProcess } from "../support/child-process.ts";
import { createEmptyDatabase, type EmptyDatabase } from "../support/empty-database.ts";
import { digestTables, fillTables } from "../support/fill-tables.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";

const log = pino({ level: "silent" });

/** A migration that has come to the end of its file and waits there. */
const SLEEPING = `select pid from pg_stat_activity where wait_event = 'PgSleep' and pid <> pg_backend_pid() and datname = current_database()`;

async function countRows(session: Session): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const [table, digest] of Object.entries(await digestTables(session))) counts[table] = Number.parseInt(digest, 10);
  return counts;
}

describe("migrate", () => {
  let database: EmptyDatabase;
  let folder: TemporaryFolder;
  let client: pg.Client;
  beforeEach(async () => {
    database = await createEmptyDatabase();
    folder = makeTemporaryFolder();
    client = new pg.Client(database.url);
    await client.connect();
  });
  afterEach(async () => {
    await client.end();
    await database.drop();
    folder.remove();
  });

  it("applies the release's own migrations once when six processes start at once", async () => {
    const applied = await Promise.all(Array.from({ length: 6 }, () => migrate({ url: database.url, log })));
    expect(applied.filter((names) => names.length > 0)).toHaveLength(1);
    expect(await pending(MIGRATIONS_FOLDER)).toEqual([]);
    expect(await rows("select count(*)::int as n from contacts")).toEqual([{ n: 0 }]);
  });

  it("applies files in the order of their names, function bodies with semicolons included", async () => {
    write(
      "2_function",
      "create function twice(n int) returns int language plpgsql as $$ begin n := n * 2; return n; end; $$;\nselect 'a;b';",
    );
    write("1_table", "create table one (i int);");
    expect(await pending()).toEqual(["1_table", "2_function"]);
    expect(await run()).toEqual(["1_table", "2_function"]);
    expect(await run()).toEqual([]);
    expect(await rows("select twice(21)")).toEqual([{ twice: 42 }]);
  });

  it("leaves nothing of a file whose second statement fails, and applies it when it was corrected", async () => {
    write("1_bad", "create table one (i int); insert into nowhere values (1);");
    await expect(run()).rejects.toThrow(new StartError('Migration 1_bad failed: relation "nowhere" does not exist'));
    expect(
      await rows(`select to_regclass('one')::text as one, (select count(*)::int from _prisma_migrations) as entries`),
    ).toEqual([{ one: null, entries: 0 }]);
    write("1_bad", "create table one (i int);");
    expect(await run()).toEqual(["1_bad"]);
  });

  it("leaves nothing of a file during which the process is killed", async () => {
    write("1_slow", "create table one (i int); select pg_sleep(30);");
    const child = runProcess("test/db/run-migrate.ts", [database.url, folder.path]);
    await expect
      .poll(
        () =>
          rows(
            "select 1 as sleeping from pg_stat_activity where query like 'create table one%' and state = 'active' and pid <> pg_backend_pid() and datname = current_database()",
          ),
        { timeout: 20_000 },
      )
      .toHaveLength(1);
    child.process.kill("SIGKILL");
    await child.exited;
    await client.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where query like 'create table one%' and pid <> pg_backend_pid() and datname = current_database()",
    );
    write("1_slow", "create table one (i int);");
    expect(await run()).toEqual(["1_slow"]);
  });

  it("refuses a file that was edited after it had been applied", async () => {
    write("1_table", "create table one (i int);");
    await run();
    write("1_table", "create table one (i bigint);");
    await expect(run()).rejects.toThrow("Migration 1_table was edited after it had been applied");
  });

  it("applies a file without transaction, and refuses to go on when it stopped half-way", async () => {
    write("1_table", "create table one (i int);");
    write("2_index", "-- no-transaction\ncreate index concurrently one_i on one (i);");
    expect(await run()).toEqual(["1_table", "2_index"]);
    write("3_bad", "-- no-transaction\ncreate index concurrently bad on nowhere (i);");
    await expect(run()).rejects.toThrow("Migration 3_bad failed");
    await expect(run()).rejects.toThrow(/Migration 3_bad stopped half-way earlier: .* relation "nowhere" does not exist/);
    expect(await pending()).toEqual(["3_bad"]);
  });

  it("goes on when the database has migrations of a newer release", async () => {
    write("1_table", "create table one (i int);");
    await run();
    await client.query(
      `insert into _prisma_migrations (id, checksum, migration_name, finished_at) values ('x', 'x', '9_newer', now())`,
    );
    expect(await run()).toEqual([]);
    expect(await pending()).toEqual([]);
  });

  it("applies each migration to a database that has data of the release before it, and keeps all of it", async () => {
    const session = await openSession({ url: database.url, name: "test" });
    try {
      const releases = readdirSync(MIGRATIONS_FOLDER)
        .filter((name) => /^\d/.test(name))
        .sort();
      let before: Record<string, number> = {};
      for (const [i, name] of releases.entries()) {
        cpSync(join(MIGRATIONS_FOLDER, name), join(folder.path, name), { recursive: true });
        expect(await run()).toEqual([name]);
        const after = await countRows(session);
        for (const [table, count] of Object.entries(before)) expect([name, table, after[table]]).toEqual([name, table, count]);
        await fillTables(session, { count: 3, prefix: `release-${i}-` });
        before = await countRows(session);
      }
      expect(Object.values(before).every((count) => count >= 3)).toBe(true);
    } finally {
      await session.close();
    }
  }, 60_000);

  it("is done by one of six servers that start at once on a database of the release before, with its data kept", async () => {
    const session = await openSession({ url: database.url, name: "test" });
    try {
      const releases = readdirSync(MIGRATIONS_FOLDER)
        .filter((name) => /^\d/.test(name))
        .sort();
      for (const name of releases.slice(0, -1))
        cpSync(join(MIGRATIONS_FOLDER, name), join(folder.path, name), { recursive: true });
      await run();
      await fillTables(session, { count: 20 });
      const before = await countRows(session);
      const servers = Array.from({ length: 6 }, () => runProcess("test/db/run-migrate.ts", [database.url, MIGRATIONS_FOLDER]));
      expect(await Promise.all(servers.map(({ exited }) => exited))).toEqual([0, 0, 0, 0, 0, 0]);
      expect(await pending(MIGRATIONS_FOLDER)).toEqual([]);
      expect(await rows("select migration_name as name from _prisma_migrations order by 1")).toEqual(
        releases.map((name) => ({ name })),
      );
      expect(await countRows(session)).toMatchObject(before);
    } finally {
      await session.close();
    }
  }, 60_000);

  it("goes on after it was killed between any two files and within each, with the data of before", async () => {
    const session = await openSession({ url: database.url, name: "test" });
    try {
      const releases = readdirSync(MIGRATIONS_FOLDER)
        .filter((name) => /^\d/.test(name))
        .sort();
      for (const [i, name] of releases.entries()) {
        const sql = readFileSync(join(MIGRATIONS_FOLDER, name, "migration.sql"), "utf8");
        const before = await countRows(session);
        // Killed when all of it is done and nothing is committed.
        write(name, `${sql}\n;select pg_sleep(30);`);
        const child = runProcess("test/db/run-migrate.ts", [database.url, folder.path]);
        await expect.poll(() => rows(SLEEPING), { timeout: 20_000 }).toHaveLength(1);
        child.process.kill("SIGKILL");
        await child.exited;
        await client.query(`select pg_terminate_backend(pid) from (${SLEEPING}) sleeping`);
        write(name, sql);
        expect(await run()).toEqual([name]);
        expect(await countRows(session)).toMatchObject(before);
        await fillTables(session, { count: 2, prefix: `release-${i}-` });
      }
      expect(await pending(MIGRATIONS_FOLDER)).toEqual([]);
    } finally {
      await session.close();
    }
  }, 180_000);

  const run = () => migrate({ url: database.url, log, folder: folder.path });
  const rows = async (text: string): Promise<object[]> => (await client.query<object>(text)).rows;
  const query = async <Row extends object>(statement: string | { text: string }) => (await client.query<Row>(statement)).rows;
  const pending = (path = folder.path) => pendingMigrations({ query }, path);
  function write(name: string, sql: string): void {
    mkdirSync(join(folder.path, name), { recursive: true });
    writeFileSync(join(folder.path, name, "migration.sql"), sql);
  }
});
