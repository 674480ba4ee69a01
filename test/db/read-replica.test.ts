/** A real streaming replica: what is read from it, and when it is not. */
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Database, openDatabase } from "../../src/db/database.ts";
import { awaitReplica, openReplicaReader, type ReplicaReader } from "../../src/db/read-replica.ts";
import { runAsActor } from "../../src/db/write-scope.ts";
import { buildTenant, type Tenant } from "../support/build.ts";
import { runProcess } from "../support/child-process.ts";
import { type ReplicatedDatabase, startReplicatedDatabase } from "../support/replica.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";

const MAX_LAG_MS = 2_500;
const IS_REPLICA = `select pg_is_in_recovery() as "isReplica"`;

let databases: ReplicatedDatabase;
let db: Database;
let proxy: TcpProxy;
/** Leads to the replica through the proxy. */
let url: string;
beforeAll(async () => {
  databases = await startReplicatedDatabase();
  db = openDatabase({ url: databases.primaryUrl, poolSize: 3, log: pino({ level: "silent" }) });
  const target = new URL(databases.replicaUrl);
  proxy = await startTcpProxy({ host: target.hostname, port: Number(target.port) });
  target.port = String(proxy.port);
  url = target.href;
});
afterAll(async () => {
  await db.close();
  await proxy.cut();
  await databases.stop();
});

describe("a reader of lists", () => {
  let reader: ReplicaReader;
  let lines: { msg: string; reason?: string }[];
  beforeAll(() => open(url));
  afterEach(async () => {
    await reader.close();
    await open(url);
  });
  afterAll(() => reader.close());

  function open(replicaUrl: string): Promise<void> {
    lines = [];
    const log = pino({ level: "info" }, { write: (line: string) => void lines.push(JSON.parse(line)) });
    const options = { db, primaryUrl: databases.primaryUrl, poolSize: 3, prepared: true, log, maxLagMs: MAX_LAG_MS };
    reader = openReplicaReader({ ...options, url: replicaUrl });
    return Promise.resolve();
  }

  const isFromReplica = async () => (await reader.query<{ isReplica: boolean }>(IS_REPLICA))[0]?.isReplica;
  const expectSource = (source: "replica" | "primary") =>
    expect.poll(isFromReplica, { timeout: 15_000 }).toBe(source === "replica");

  it("reads from the replica, says so once, and knows by how much it lags", async () => {
    await expectSource("replica");
    await isFromReplica();
    expect(reader.figures().reads.replica).toBeGreaterThanOrEqual(2);
    expect(reader.figures().lagMs).toBeLessThan(MAX_LAG_MS);
    expect(lines.map(({ msg }) => msg)).toEqual(["lists are read from the replica"]);
  });

  it("reads from the primary what belongs to a unit of work", async () => {
    await expectSource("replica");
    const actor = { apiKeyId: "key", organizationId: "organization", requestId: "request", operation: "createContact" };
    await runAsActor(actor, async () => {
      const unit = await db.openUnit();
      expect(await unit.run(isFromReplica)).toBe(false);
      await unit.rollback();
    });
  });

  it("reads from the primary while the replica lags more than it may, and from the replica when it has caught up", async () => {
    await expectSource("replica");
    await databases.pause();
    try {
      await db.query("create table if not exists written_meanwhile ()");
      expect(await isFromReplica()).toBe(true); // it may lag
      await expectSource("primary");
      expect(reader.figures().lagMs).toBeGreaterThan(MAX_LAG_MS);
      expect(reader.figures().reads.primary).toBeGreaterThan(0);
      await expect
        .poll(() => lines.at(-1))
        .toMatchObject({ msg: "read replica is not used, lists are read from the primary", reason: "it lags" });
    } finally {
      await databases.resume();
    }
    await expectSource("replica");
  });

  it("asks the primary again for what it was asked when the replica went away, and comes back to it", async () => {
    await expectSource("replica");
    const asked = reader.query("select pg_sleep(1.5)");
    await new Promise((resume) => setTimeout(resume, 200));
    await proxy.cut();
    expect(await asked).toHaveLength(1);
    expect(await isFromReplica()).toBe(false);
    await expect.poll(() => lines.at(-1)?.msg).toBe("read replica is not used, lists are read from the primary");
    await proxy.restore();
    await expectSource("replica");
  });

  it("waits no longer than two probes for a replica that swallows packets", async () => {
    await expectSource("replica");
    proxy.delay(Infinity);
    const startedAt = performance.now();
    expect(await isFromReplica()).toBe(false);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    proxy.delay(0);
    await proxy.cut();
    await proxy.restore();
    await expectSource("replica");
  });

  it("reports a mistake in a statement once, and does not ask the primary for it", async () => {
    await expectSource("replica");
    const before = reader.figures().reads.primary;
    await expect(reader.query("select no_such_column")).rejects.toThrow(/no_such_column/);
    expect(reader.figures().reads.primary).toBe(before);
  });

  it("never reads from what is no replica, or one of another database", async () => {
    const other = new URL(databases.replicaUrl);
    other.pathname = "/template1";
    for (const [wrong, reason] of [
      [databases.primaryUrl, "it is no replica"],
      [other.href, "it is of another database"],
    ] as const) {
      await reader.close();
      await open(wrong);
      await expect.poll(() => lines.at(-1)).toMatchObject({ reason });
      expect(await isFromReplica()).toBe(false);
      expect(reader.figures()).toEqual({ reads: { replica: 0, primary: 1 }, lagMs: null });
    }
  });
});

describe("a server with a DATABASE_REPLICA_URL", () => {
  let server: TestServer;
  let tenant: Tenant;
  beforeAll(async () => {
    server = await startTestServer({ DATABASE_URL: databases.primaryUrl, DATABASE_REPLICA_URL: url, METRICS: true });
    tenant = await buildTenant(server.db);
  });
  afterAll(() => server.close());

  const readsOf = async (source: "replica" | "primary") => {
    const { text } = await server.request.get("/metrics").expect(200);
    return Number(new RegExp(`^mortar_database_replica_reads_total\\{source="${source}"\\} (\\d+)$`, "m").exec(text)?.[1]);
  };

  it.each([
    "/api/v2/management/contacts",
    "/api/v2/management/companies",
    "/api/v2/management/events",
    "/api/v2/management/responses",
    "/api/v1/management/contacts",
    "/api/v1/management/contact-attributes",
    "/api/v1/management/responses",
  ])("answers GET %s from the replica", async (path) => {
    await expect.poll(async () => (await ask(path)) && (await readsOf("replica")), { timeout: 15_000 }).toBeGreaterThan(0);
    const [replica, primary] = [await readsOf("replica"), await readsOf("primary")];
    await ask(path);
    expect(await readsOf("replica")).toBeGreaterThan(replica);
    expect(await readsOf("primary")).toBe(primary);
  });

  it("finds at once what was just written, by its id, while the replica stands still", async () => {
    await databases.pause();
    try {
      const created = await server.request
        .post("/api/v2/management/contacts")
        .set("x-api-key", tenant.apiKey)
        .send({ environmentId: tenant.environmentId, attributes: { userId: "ada", email: "ada@example.com" } })
        .expect(201);
      const { body } = await ask(`/api/v2/management/contacts/${created.body.data.id}`);
      expect(body.data.id).toBe(created.body.data.id);
      expect((await ask("/api/v2/management/contacts")).body.data).toEqual([]);
    } finally {
      await databases.resume();
    }
    await expect.poll(async () => (await ask("/api/v2/management/contacts")).body.data).toHaveLength(1);
  });

  it("answers lists from the primary while the replica is away", async () => {
    await proxy.cut();
    const before = await readsOf("primary");
    expect((await ask("/api/v2/management/contacts")).status).toBe(200);
    expect(await readsOf("primary")).toBeGreaterThan(before);
    await proxy.restore();
  });

  async function ask(path: string) {
    const response = await server.request.get(path).set("x-api-key", tenant.apiKey);
    expect(response.status).toBe(200);
    return response;
  }
});

describe("the command line", () => {
  const run = (...args: string[]) =>
    runProcess("src/cli/main.ts", args, {
      DATABASE_URL: databases.primaryUrl,
      DATABASE_REPLICA_URL: url,
      ENCRYPTION_KEY: "an encryption key for tests only, 0123456789",
    });

  it("exports from the replica what was committed before, and from the primary when the replica is away", async () => {
    const { environmentId } = await buildTenant(db);
    await db.prisma.contact.create({ data: { id: "c1", environmentId, userId: "grace" } });
    const fromReplica = run("export", "--environment", environmentId);
    expect(await fromReplica.exited).toBe(0);
    expect(fromReplica.output()).toContain('"userId":"grace"');
    expect(fromReplica.output()).not.toContain("read replica");
    await proxy.cut();
    const fromPrimary = run("export", "--environment", environmentId);
    expect(await fromPrimary.exited).toBe(0);
    expect(fromPrimary.output()).toContain('"userId":"grace"');
    expect(fromPrimary.output()).toMatch(/The read replica is not used \(.*ECONNREFUSED.*\): exporting from the primary/);
    await proxy.restore();
  });

  it("looks at the replica when it is asked how things are", async () => {
    const doctor = run("doctor");
    await doctor.exited;
    expect(doctor.output()).toMatch(/^hint +read replica +hot_standby_feedback is off/m);
    await proxy.cut();
    const alone = run("doctor");
    expect(await alone.exited).toBe(1);
    expect(alone.output()).toMatch(/^problem +read replica +not used: .*ECONNREFUSED/m);
    await proxy.restore();
  });
});

it("waits for a replica that catches up, and for one that does not only so long", async () => {
  await databases.pause();
  await db.query("create table if not exists written_later ()");
  const late = await awaitReplica({ primary: db, url, waitMs: 300 });
  expect(late).toEqual({ reason: "it lags by more than 0.3 s" });
  const waiting = awaitReplica({ primary: db, url });
  await databases.resume();
  expect(await waiting).toEqual({ lagMs: expect.any(Number) });
});
