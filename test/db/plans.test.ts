/** Statements that were planned while a table was empty are planned again when it has grown, without an ANALYZE. */
import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FIND } from "../../src/contacts/identify-statement.ts";
import { type Database, openDatabase } from "../../src/db/database.ts";
import { migrate } from "../../src/db/migrate.ts";
import { newId } from "../../src/shared/ids.ts";
import { buildTenant } from "../support/build.ts";
import { createEmptyDatabase, type EmptyDatabase } from "../support/empty-database.ts";

const log = pino({ level: "silent" });
let empty: EmptyDatabase;
let db: Database;

beforeAll(async () => {
  empty = await createEmptyDatabase();
  await migrate({ url: empty.url, log });
  db = openDatabase({ url: empty.url, poolSize: 3, log }); // one connection for named statements
});

afterAll(async () => {
  await db.close();
  await empty.drop();
});

test("a contact among twenty thousand new ones is found by the index of user ids, and no other row is looked at", async () => {
  expect(db.namedConnections).toBe(1);
  const { environmentId } = await buildTenant(db);
  const find = async (n: number) => {
    const [row] = await db.query<{ id: string | null }>(FIND, [[environmentId], [`user-${n}`]]);
    return row?.id ?? null;
  };
  expect(await find(1)).toBeNull(); // planned while there is nothing
  await db.query(
    `insert into contacts ("environmentId", id, "userId", "updatedAt")
     select $1, $2 || n, 'user-' || n, now() from generate_series(1, 20000) n`,
    [environmentId, newId()],
  );
  for (let n = 1; n <= 100; n++) expect(await find(n)).not.toBeNull();
  const before = await rowsRead();
  for (let n = 1; n <= 50; n++) await find(n);
  expect((await rowsRead()) - before).toBe(50);
});

/** Rows of contacts that the named connection has read by indexes so far. */
async function rowsRead(): Promise<number> {
  await db.query({ name: "flush_statistics", text: "select pg_stat_force_next_flush()" });
  const [row] = await db.query<{ read: number }>({
    name: "rows_read",
    text: "select sum(idx_tup_read)::int as read from pg_stat_user_indexes where relname = 'contacts'",
  });
  return row?.read ?? 0;
}
