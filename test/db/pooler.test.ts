/** Behind PgBouncer in transaction mode, where statements cannot be named and notices do not arrive. */
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { openChangeFeed } from "../../src/db/change-feed.ts";
import { openDatabase } from "../../src/db/database.ts";
import { buildTenant, type Tenant } from "../support/build.ts";
import { hasPgBouncer, type PgBouncer, startPgBouncer } from "../support/pgbouncer.ts";
import { startTestServer, type TestServer } from "../support/server.ts";

const log = pino({ level: "silent" });

describe.skipIf(!hasPgBouncer())("a server behind a transaction pooler (skipped where no pgbouncer is installed)", () => {
  let bouncer: PgBouncer;
  let server: TestServer;
  let tenant: Tenant;
  beforeAll(async () => {
    bouncer = await startPgBouncer(inject("databaseUrl"));
    server = await startTestServer({
      DATABASE_URL: bouncer.url,
      DATABASE_PREPARED_STATEMENTS: false,
      DATABASE_POOL_SIZE: 12,
    });
    tenant = await buildTenant(server.db);
  });
  afterAll(async () => {
    await server?.close();
    await bouncer?.stop();
  });

  it("identifies contacts, new keys and known ones, over more connections than the pooler has", async () => {
    const identify = (n: number, attributes: object) =>
      server.request.post(`/api/v2/client/${tenant.environmentId}/user`).send({ userId: `user-${n % 20}`, attributes });
    await identify(0, { plan: "pro" }).expect(200);
    await Promise.all(Array.from({ length: 200 }, (_, n) => identify(n, { plan: `plan ${n}`, [`key_${n % 5}`]: n }).expect(200)));
    expect(await server.db.prisma.contact.count({ where: { environmentId: tenant.environmentId } })).toBe(20);
  });

  it("sees a change that another process made within a second, although it hears nothing of it", async () => {
    const identify = () =>
      server.request.post(`/api/v2/client/${tenant.environmentId}/user`).send({ userId: "segmented" }).expect(200);
    expect((await identify()).body.data.state.data.segments).toEqual([]);
    const other = openDatabase({ url: inject("databaseUrl"), poolSize: 1, log });
    await other.prisma.segment.create({
      data: { id: `segment${tenant.environmentId}`, environmentId: tenant.environmentId, title: "all", filters: [] },
    });
    await other.close();
    await expect.poll(async () => (await identify()).body.data.state.data.segments, { timeout: 5_000 }).toHaveLength(1);
  });

  it("finds out that notices do not arrive, and that they do past the pooler", async () => {
    const feeds = await Promise.all([bouncer.url, inject("databaseUrl")].map((url) => openChangeFeed({ url, log })));
    expect(feeds.map((feed) => feed.isListening())).toEqual([false, true]);
    for (const feed of feeds) await feed.close();
  });
});
