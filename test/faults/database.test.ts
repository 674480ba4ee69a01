/** What clients see while the database is gone, slow, deaf, read-only, full or out of connections. */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import pg from "pg";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { migrate } from "../../src/db/migrate.ts";
import { buildTenant } from "../support/build.ts";
import { createEmptyDatabase, type EmptyDatabase } from "../support/empty-database.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import { createTimedCalls } from "./timed-calls.ts";

const log = pino({ level: "silent" });
/** The promise is three seconds; the machine that tests may be busy. */
const ANSWERED_WITHIN_MS = 3_500;

let database: EmptyDatabase;
let proxy: TcpProxy;
let server: TestServer;
let environmentId: string;
const { identify, readState } = createTimedCalls(() => ({ baseUrl: server.baseUrl, environmentId }));
/** Past the server and its proxy, as the superuser. */
let admin: pg.Client;
/** The server's own role: a superuser may connect whatever the limits. */
const role = `mortar_${randomUUID().replaceAll("-", "")}`;

beforeAll(async () => {
  database = await createEmptyDatabase();
  await migrate({ url: database.url, log });
  admin = new pg.Client(database.url);
  await admin.connect();
  await admin.query("listen mortar_change");
  await admin.query(`create role ${role} login password 'secret'`);
  await admin.query(`grant all on schema public, graphile_worker to ${role}`);
  for (const schema of ["public", "graphile_worker"])
    await admin.query(
      `grant all on all tables in schema ${schema} to ${role}; grant all on all sequences in schema ${schema} to ${role}`,
    );
});
afterAll(async () => {
  await admin.query(`drop owned by ${role}; drop role ${role}`);
  await admin.end();
  await database.drop();
});
beforeEach(async () => {
  const url = new URL(database.url);
  proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) });
  url.port = String(proxy.port);
  url.username = role;
  url.password = "secret";
  server = await startTestServer({ DATABASE_URL: url.href });
  ({ environmentId } = await buildTenant(server.db));
  // It makes an attribute key; what is read before that is heard of everywhere would be dropped again.
  const isHeard = once(admin, "notification");
  expect((await identify("ada")).status).toBe(200);
  await isHeard;
  expect((await readState()).status).toBe(200);
});
afterEach(async () => {
  await server.close();
  await proxy.cut();
});

function expectRefused(answer: Awaited<ReturnType<typeof identify>>): void {
  expect(answer).toMatchObject({ status: 503, body: { code: "service_unavailable", details: {} } });
  expect(Number(answer.retryAfter)).toBeGreaterThan(0);
  expect(answer.ms).toBeLessThan(ANSWERED_WITHIN_MS);
}

/** Identifies until it is acknowledged again, and looks that it was stored. */
async function expectRecovery(): Promise<void> {
  const userId = `after-${randomUUID()}`;
  await expect.poll(async () => (await identify(userId)).status, { timeout: 20_000, interval: 200 }).toBe(200);
  const { rows } = await admin.query(`select 1 from contacts where "environmentId" = $1 and "userId" = $2`, [
    environmentId,
    userId,
  ]);
  expect(rows).toHaveLength(1);
}

/** The state goes on from memory and says so, as soon as its lifetime without a change feed, a second, is over. */
async function expectStateFromMemory(): Promise<void> {
  await expect
    .poll(readState, { timeout: 15_000 })
    .toMatchObject({ warning: '110 - "Response is Stale", 111 - "Revalidation Failed"' });
  const state = await readState();
  expect(state.status).toBe(200);
  expect(Number(state.age)).toBeGreaterThanOrEqual(1);
  expect(state.ms).toBeLessThan(ANSWERED_WITHIN_MS);
}

const isFresh = async () => (await readState()).warning === null;

describe("a server whose database", () => {
  it("is gone refuses identify in time, tells the state from memory, and recovers", async () => {
    await proxy.cut();
    expectRefused(await identify("grace"));
    await expectStateFromMemory();
    expectRefused(await identify("grace"));
    await proxy.restore();
    await expectRecovery();
    await expect.poll(isFresh, { timeout: 15_000 }).toBe(true);
  });

  it("swallows packets refuses all in time, tells the state from memory, and recovers", { timeout: 60_000 }, async () => {
    proxy.delay(Infinity);
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => identify(`grace ${n}`)));
    for (const answer of answers) expectRefused(answer);
    expectRefused(await identify("late"));
    await proxy.cut(); // what was swallowed does not come back: the connections are worth nothing any more
    await proxy.restore();
    await expectStateFromMemory();
    proxy.delay(0);
    await proxy.cut();
    await proxy.restore();
    await expectRecovery();
    await expect.poll(isFresh, { timeout: 15_000 }).toBe(true);
  });

  it("is slow refuses identify in time and serves again when it is not", { timeout: 60_000 }, async () => {
    proxy.delay(4_000);
    expectRefused(await identify("grace"));
    proxy.delay(0);
    await expectRecovery();
  });

  it("was restarted serves on new connections", async () => {
    await terminate();
    await expectRecovery();
  });

  it("is read-only refuses what would be written, and reads", async () => {
    await admin.query(`alter role ${role} set default_transaction_read_only = on`);
    await terminate();
    await expect.poll(() => isFresh().catch(() => false), { timeout: 15_000 }).toBe(true);
    expectRefused(await identify("grace"));
    expect((await readState()).status).toBe(200);
    await admin.query(`alter role ${role} reset default_transaction_read_only`);
    await terminate();
    await expectRecovery();
  });

  it("has no connection left refuses in time and serves when there are some", { timeout: 60_000 }, async () => {
    await admin.query(`alter role ${role} connection limit 0`);
    await terminate();
    expectRefused(await identify("grace"));
    await expectStateFromMemory();
    await admin.query(`alter role ${role} connection limit -1`);
    await expectRecovery();
  });

  it("has a full disk refuses what would be written, stores nothing of it, and goes on when there is room", async () => {
    await admin.query(`
      create function refuse() returns trigger language plpgsql as
        $$ begin raise exception 'could not extend file: No space left on device' using errcode = 'disk_full'; end $$;
      create trigger full_disk before insert or update on contacts for each row execute function refuse();`);
    expectRefused(await identify("grace"));
    expect((await readState()).status).toBe(200);
    const { rows } = await admin.query(`select 1 from contacts where "userId" = 'grace' and "environmentId" = $1`, [
      environmentId,
    ]);
    expect(rows).toEqual([]);
    await admin.query("drop trigger full_disk on contacts; drop function refuse()");
    await expectRecovery();
  });
});

/** Ends every connection of the server's. */
async function terminate(): Promise<void> {
  await admin.query("select pg_terminate_backend(pid) from pg_stat_activity where usename = $1", [role]);
}
