/** One limit over three replicas, counted in the database or in Redis. */
import { afterEach, beforeAll, describe, expect, inject, it } from "vitest";
import { buildTenant } from "../support/build.ts";
import { hasRedis, startRedis } from "../support/redis.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";

const LIMIT = 300;
const REPLICAS = 3;
/** A test that lasts longer than what is left of the minute would see two windows. */
const NEEDED_MS = 15_000;

const servers: TestServer[] = [];
const cleanup: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
  for (const clean of cleanup.splice(0)) await clean();
});

async function startReplicas(store: Parameters<typeof startTestServer>[0]): Promise<string> {
  for (let n = 0; n < REPLICAS; n++)
    servers.push(await startTestServer({ RATE_LIMIT: true, RATE_LIMIT_CLIENT: LIMIT, METRICS: true, ...store }));
  const [first] = servers;
  if (!first) throw new Error("no server was started");
  return (await buildTenant(first.db)).environmentId;
}

async function identify(server: TestServer, environmentId: string): Promise<{ status: number; retryAfter: string | null }> {
  const response = await fetch(`${server.baseUrl}/api/v2/client/${environmentId}/user`, {
    method: "POST",
    body: '{"userId":"ada"}',
  });
  await response.arrayBuffer();
  return { status: response.status, retryAfter: response.headers.get("retry-after") };
}

/** Sends twice what the limit allows, evenly to all replicas, a few at a time. */
async function sendTwiceTheLimit(environmentId: string) {
  const answers: Awaited<ReturnType<typeof identify>>[] = [];
  const queue = Array.from({ length: 2 * LIMIT }, (_, n) => servers[n % REPLICAS]);
  const send = async () => {
    for (let server = queue.pop(); server; server = queue.pop()) answers.push(await identify(server, environmentId));
  };
  await Promise.all(Array.from({ length: 12 }, send));
  return answers;
}

async function expectExact(environmentId: string): Promise<void> {
  const left = 60_000 - (Date.now() % 60_000);
  if (left < NEEDED_MS) await new Promise((resume) => setTimeout(resume, left + 100));
  const answers = await sendTwiceTheLimit(environmentId);
  const served = answers.filter(({ status }) => status === 200).length;
  expect(Math.abs(served - LIMIT)).toBeLessThanOrEqual(LIMIT / 100);
  const refused = answers.filter(({ status }) => status === 429);
  expect(served + refused.length).toBe(2 * LIMIT);
  for (const { retryAfter } of refused) expect(Number(retryAfter)).toBeGreaterThan(0);
}

describe("three replicas that count in the database", () => {
  it("serve together as many requests as the limit allows, within 1 %", { timeout: 60_000 }, async () => {
    await expectExact(await startReplicas({ RATE_LIMIT_STORE: "database" }));
    const rows = await servers[0]?.db.query<{ key: string }>("select key from rate_counts where key like 'client %'");
    expect(rows?.length).toBeGreaterThan(0);
    expect(rows?.filter(({ key }) => key.includes("127.0.0.1"))).toEqual([]);
  });

  it("keep the counts where a crash takes them and no standby gets them", async () => {
    await startReplicas({ RATE_LIMIT_STORE: "database" });
    const [table] =
      (await servers[0]?.db.query<{ relpersistence: string }>(
        "select relpersistence from pg_class where relname = 'rate_counts'",
      )) ?? [];
    expect(table?.relpersistence).toBe("u");
  });

  it("let an environment have no more than its total, whatever the addresses", async () => {
    const environmentId = await startReplicas({ RATE_LIMIT_STORE: "database", RATE_LIMIT_ENVIRONMENT: 20, TRUST_PROXY: "1" });
    const statuses: number[] = [];
    for (let n = 0; n < 60; n++) {
      const response = await fetch(`${servers[n % REPLICAS]?.baseUrl}/api/v2/client/${environmentId}/user`, {
        method: "POST",
        body: '{"userId":"ada"}',
        headers: { "x-forwarded-for": `10.0.0.${n}` },
      });
      statuses.push(response.status);
    }
    const served = statuses.filter((status) => status === 200).length;
    expect(served).toBeGreaterThanOrEqual(20);
    expect(served).toBeLessThanOrEqual(20 + REPLICAS * 2); // the total is not waited for
    expect(statuses.at(-1)).toBe(429);
  });
});

describe.skipIf(!hasRedis())("three replicas that count in Redis (skipped where no redis-server is installed)", () => {
  let proxy: TcpProxy;
  let store: Parameters<typeof startTestServer>[0];
  beforeAll(async () => {
    const redis = await startRedis();
    proxy = await startTcpProxy({ host: "127.0.0.1", port: redis.port });
    store = { REDIS_URL: `redis://127.0.0.1:${proxy.port}` };
    return async () => {
      await proxy.cut();
      await redis.stop();
    };
  });

  it("serve together as many requests as the limit allows, within 1 %", { timeout: 60_000 }, async () => {
    await expectExact(await startReplicas(store));
  });

  it("serve everybody while Redis is away, tell how many, and count again when it is back", { timeout: 60_000 }, async () => {
    const environmentId = await startReplicas({ ...store, RATE_LIMIT_CLIENT: 5 });
    await proxy.cut();
    const [server] = servers;
    if (!server) throw new Error("no server");
    for (let n = 0; n < 20; n++) expect((await identify(server, environmentId)).status).toBe(200);
    const metrics = await (await fetch(`${server.baseUrl}/metrics`)).text();
    expect(Number(/^mortar_rate_limit_uncounted_total (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThanOrEqual(20);
    await proxy.restore();
    await expect.poll(async () => (await identify(server, environmentId)).status, { timeout: 20_000, interval: 200 }).toBe(429);
  });
});

it("a database that is away for the counts stops nobody", async () => {
  const url = new URL(inject("databaseUrl"));
  const { openRateCounts } = await import("../../src/db/rate-counts.ts");
  const { createSharedRateStore } = await import("../../src/http/shared-rate-store.ts");
  const { pino } = await import("pino");
  url.port = "1";
  const counts = openRateCounts({ url: url.href, log: pino({ level: "silent" }) });
  cleanup.push(counts.close);
  const store = createSharedRateStore({ counts });
  expect(await store.count({ name: "client", limit: 0, windowMs: 1_000 }, "a")).toBe(0);
  expect(store.uncounted()).toBe(1);
});
