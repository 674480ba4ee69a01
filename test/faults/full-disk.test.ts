/** A database whose disk is full in truth: PostgreSQL ends when it cannot write its log, and its keeper starts it again. */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../../src/db/embedded-postgres.ts";
import { migrate } from "../../src/db/migrate.ts";
import { buildTenant } from "../support/build.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { mountSmallDisk } from "../support/small-disk.ts";
import { createTimedCalls } from "./timed-calls.ts";

const log = pino({ level: "silent" });
/** The promise is three seconds; the machine that tests may be busy. */
const ANSWERED_WITHIN_MS = 3_500;
const CLIENTS = 4;

const disk = mountSmallDisk(160);

describe.skipIf(disk === null)("a server whose database has no room left (skipped where this user may mount none)", () => {
  let postgres: EmbeddedPostgres;
  let server: TestServer;
  let environmentId: string;
  const { identify, readState } = createTimedCalls(() => ({ baseUrl: server.baseUrl, environmentId }));
  beforeAll(async () => {
    postgres = await startEmbeddedPostgres({ dir: join(disk?.path ?? "", "postgres"), log });
    await migrate({ url: postgres.url, log });
    server = await startTestServer({ DATABASE_URL: postgres.url });
    ({ environmentId } = await buildTenant(server.db));
  });
  afterAll(async () => {
    disk?.free();
    await server?.close();
    await postgres?.stop();
    disk?.unmount();
  });

  it("refuses what would be written in time, tells the state, loses nothing, and goes on when there is room", {
    timeout: 180_000,
  }, async () => {
    await makeBallast();
    const clients = startClients();
    await expect.poll(() => clients.acknowledged.size, { timeout: 20_000 }).toBeGreaterThan(50);
    expect((await readState()).status).toBe(200);

    disk?.fill();
    await writeUntilRefused();
    const { refused } = clients;
    await expect.poll(async () => (await identify(randomUUID())).status, { timeout: 60_000 }).toBe(503);
    for (const seenAt = Date.now(); Date.now() < seenAt + 5_000; await sleep(100)) {
      const state = await readState();
      expect(state.status).toBe(200);
      expect(state.ms).toBeLessThan(ANSWERED_WITHIN_MS);
    }
    expect((await readState()).warning).toBe('110 - "Response is Stale", 111 - "Revalidation Failed"');
    expect(refused.length).toBeGreaterThan(10);
    const before = clients.acknowledged.size;

    disk?.free();
    await expect.poll(() => clients.acknowledged.size, { timeout: 60_000 }).toBeGreaterThan(before + 50);
    await expect.poll(async () => (await readState()).warning, { timeout: 15_000 }).toBeNull();
    await clients.stop();
    for (const { status, body, retryAfter, ms } of refused) {
      expect({ status, body }).toMatchObject({ status: 503, body: { code: "service_unavailable", details: {} } });
      expect(Number(retryAfter)).toBeGreaterThan(0);
      expect(ms).toBeLessThan(ANSWERED_WITHIN_MS);
    }
    const stored = await server.db.query<{ userId: string }>(`select "userId" from contacts where "environmentId" = $1`, [
      environmentId,
    ]);
    const known = new Set(stored.map(({ userId }) => userId));
    expect([...clients.acknowledged].filter((userId) => !known.has(userId))).toEqual([]);
    expect(known.size).toBe(stored.length);
  });

  /** Rows with room beside them: changing them writes PostgreSQL's log and needs no new page. */
  async function makeBallast(): Promise<void> {
    await server.db.query("create table ballast (n int, text text) with (fillfactor = 30, autovacuum_enabled = off)");
    await server.db.query("insert into ballast select n, repeat('x', 500) from generate_series(1, 10000) n");
  }

  /** Until the log's next file finds no room. */
  async function writeUntilRefused(): Promise<void> {
    for (;;) {
      const client = new pg.Client(postgres.url);
      client.on("error", () => undefined);
      try {
        await client.connect();
        for (;;) await client.query("update ballast set n = n + 1");
      } catch {
        if ((await identify(randomUUID())).status === 503) return;
      } finally {
        client.end().catch(() => undefined);
      }
    }
  }

  /** Clients that make a contact each time, and note what came of it. */
  function startClients() {
    const acknowledged = new Set<string>();
    const refused: Awaited<ReturnType<typeof identify>>[] = [];
    let isStopped = false;
    const running = Array.from({ length: CLIENTS }, async () => {
      while (!isStopped) {
        const userId = randomUUID();
        const answer = await identify(userId).catch(() => null);
        if (answer === null) return; // the test has failed, and closed the server
        if (answer.status === 200) acknowledged.add(userId);
        else refused.push(answer);
        await sleep(answer.status === 200 ? 5 : 50);
      }
    });
    return {
      acknowledged,
      refused,
      stop: async () => {
        isStopped = true;
        await Promise.all(running);
      },
    };
  }
});
