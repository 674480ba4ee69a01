/** Two servers on one database: what one changes the other sees, and they are replaced one by one under load. */
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createJobQueue } from "../../src/db/job-queue.ts";
import { MIGRATIONS_FOLDER, migrate } from "../../src/db/migrate.ts";
import { endServers, startServer } from "../main/server-process.ts";
import { startBalancer } from "../support/balancer.ts";
import type { Child } from "../support/child-process.ts";
import { createEmptyDatabase, type EmptyDatabase } from "../support/empty-database.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";

const log = pino({ level: "silent" });
const API_KEY = "fbk_replicas-0123456789abcdef";
const ENVIRONMENT = "replicasenvironment";
const folder = makeTemporaryFolder();
const isLong = process.env.FAULTS === "long";

let database: EmptyDatabase;
let ports: number[];
let replicas: { child: Child; address: string }[];
/** Two queues on one database, which tick every minute while the other tests run. */
let ticking: ReturnType<typeof startTicking> | undefined;

const start = (port: number) =>
  startServer({
    DATABASE_URL: database.url,
    DATA_DIR: join(folder.path, String(port)),
    PORT: String(port),
    ENCRYPTION_KEY: "0".repeat(32),
    BOOTSTRAP_API_KEY: API_KEY,
    BOOTSTRAP_ENVIRONMENT_ID: ENVIRONMENT,
    RATE_LIMIT: "off",
    SHUTDOWN_DELAY_MS: "1000",
  });

beforeAll(async () => {
  database = await createEmptyDatabase();
  await migrate({ url: database.url, log });
  if (isLong) ticking = startTicking(database.url);
  ports = [await findFreePort(), await findFreePort()];
  const [first = 0, second = 0] = ports;
  replicas = [await start(first), await start(second)]; // the first makes the installation
}, 120_000);
afterAll(async () => {
  await endServers();
  await ticking?.stop();
  await database.drop();
  folder.remove();
});

/** By the replica at that place. */
async function call(at: number, method: string, path: string, body?: object): Promise<{ status: number; text: string }> {
  const response = await fetch(`${replicas[at]?.address}${path}`, {
    method,
    headers: { "x-api-key": API_KEY, "content-type": "application/json" },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: response.status, text: await response.text() };
}

const readState = async (at: number) => (await call(at, "GET", `/api/v1/client/${ENVIRONMENT}/environment`)).text;
const identify = async (at: number) =>
  (await call(at, "POST", `/api/v2/client/${ENVIRONMENT}/user`, { userId: "ada", attributes: { plan: "pro" } })).text;

describe("two replicas", () => {
  it("see within a second what the other one changed: action classes, and segments when they identify", async () => {
    for (const at of [0, 1]) expect(await readState(at)).toContain('"actionClasses":[');
    for (const at of [0, 1]) await identify(at);
    for (const [writer, reader] of [
      [0, 1],
      [1, 0],
    ] as const) {
      const name = `seen ${writer}`;
      const made = await call(writer, "POST", "/api/v1/management/action-classes", {
        ...{ environmentId: ENVIRONMENT, name, type: "code", key: `seen-${writer}` },
      });
      expect(made.status).toBe(200);
      await expect.poll(() => readState(reader), { timeout: 1_000, interval: 20 }).toContain(name);

      const segment = await call(writer, "POST", "/api/v2/management/segments", {
        ...{ environmentId: ENVIRONMENT, title: `Segment ${writer}` },
        filters: [
          {
            id: "filter1",
            connector: null,
            resource: {
              id: "resource1",
              root: { type: "attribute", contactAttributeKey: "plan" },
              ...{ qualifier: { operator: "equals" }, value: "pro" },
            },
          },
        ],
      });
      expect(segment.status).toBe(201);
      const { id } = JSON.parse(segment.text).data;
      await expect.poll(() => identify(reader), { timeout: 1_000, interval: 20 }).toContain(id);
    }
  });

  it("are replaced one after the other under load, with a migration in between, and no request fails", {
    timeout: 180_000,
  }, async () => {
    const balancer = await startBalancer(replicas.map(({ address }) => address));
    const failures: string[] = [];
    let served = 0;
    let loading = true;
    const clients = Array.from({ length: 8 }, async (_, client) => {
      for (let n = 0; loading; n++) {
        const response = await fetch(`${balancer.address}/api/v2/client/${ENVIRONMENT}/user`, {
          method: "POST",
          body: JSON.stringify({ userId: `user-${client}-${n % 50}`, attributes: { plan: `plan ${n}` } }),
        });
        const text = await response.text();
        if (response.status === 200) served++;
        else failures.push(`${response.status} ${text}`);
      }
    });
    await expect.poll(() => served, { timeout: 30_000 }).toBeGreaterThan(100);
    for (const at of [0, 1]) {
      const before = served;
      replicas[at]?.child.process.kill("SIGTERM");
      expect(await replicas[at]?.child.exited).toBe(0);
      replicas[at] = await start(ports[at] ?? 0);
      await expect.poll(() => served, { timeout: 30_000 }).toBeGreaterThan(before + 100);
      // The next release expands the schema while replicas of this one run, and are started.
      if (at === 0)
        expect(await migrate({ url: database.url, log, folder: nextRelease() })).toEqual(["29990101000000_next_release"]);
    }
    loading = false;
    await Promise.all(clients);
    expect(failures).toEqual([]);
    expect(balancer.broken()).toBe(0);
    await balancer.stop();
  });

  it.runIf(isLong)("run a scheduled task once (waits for the full minute)", { timeout: 150_000 }, async () => {
    const minutes = () => ticking?.minutes() ?? [];
    await expect.poll(() => minutes().length, { timeout: 90_000 }).toBeGreaterThan(0);
    await new Promise((resume) => setTimeout(resume, 5_000));
    const [first = 0] = minutes();
    expect(minutes()).toEqual(minutes().map((_, n) => first + n));
  });
});

function startTicking(url: string) {
  const minutes: number[] = [];
  const queues = [0, 1].map(() => {
    const queue = createJobQueue({ url, log, dailyAt: "* * * * *" });
    const tick = async () => {
      minutes.push(Math.floor(Date.now() / 60_000));
    };
    queue.start({ tasks: { tick }, daily: ["tick"], onStart: async () => undefined });
    return queue;
  });
  return {
    /** In which each run was. */
    minutes: () => [...minutes],
    stop: async () => {
      for (const queue of queues) await queue.stop();
    },
  };
}

/** This release's migrations and one more. */
function nextRelease(): string {
  const next = join(folder.path, "next-release");
  cpSync(MIGRATIONS_FOLDER, next, { recursive: true });
  const added = join(next, "29990101000000_next_release");
  mkdirSync(added);
  writeFileSync(join(added, "migration.sql"), `alter table contacts add column "nextRelease" text;`);
  return next;
}

function findFreePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
