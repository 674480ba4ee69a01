import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MIGRATIONS_FOLDER, migrate, pendingMigrations } from "../../src/db/migrate.ts";
import { StartError } from "../../src/shared/start-error.ts";
import { runProcess } from "../support/child-process.ts";
import { createEmptyDatabase, type EmptyDatabase } from "../support/empty-database.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";

const log = pino({ level: "silent" });

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

  const run = () => migrate({ url: database.url, log, folder: folder.path });
  const rows = async (text: string): Promise<object[]> => (await client.query<object>(text)).rows;
  const query = async <Row extends object>(statement: string | { text: string }) => (await client.query<Row>(statement)).rows;
  const pending = (path = folder.path) => pendingMigrations({ query }, path);
  function write(name: string, sql: string): void {
    mkdirSync(join(folder.path, name), { recursive: true });
    writeFileSync(join(folder.path, name, "migration.sql"), sql);
  }
});
