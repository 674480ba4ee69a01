/**
 * Acknowledged is committed, whatever dies. `LEDGER_ROUNDS=10 npm test -- test/main/ledger.test.ts` is the long form; a
 * round kills something under load, and goes on when writes are acknowledged again.
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { type Database, openDatabase } from "../../src/db/database.ts";
import { startEmbeddedPostgres } from "../../src/db/embedded-postgres.ts";
import { buildSurvey } from "../support/build.ts";
import type { Child } from "../support/child-process.ts";
import { ANSWERABLE } from "../support/responses.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";
import { compareLedger, type Ledger, startClients } from "./ledger-clients.ts";
import { endServers, listWorkers, startServer } from "./server-process.ts";

const rounds = Number(process.env.LEDGER_ROUNDS ?? 3);
const CLIENTS = 8;
const log = pino({ level: "silent" });
const folder = makeTemporaryFolder();
const dataDir = join(folder.path, "data");

afterEach(endServers);
afterAll(folder.remove);

const start = (port: number) =>
  startServer({ DATA_DIR: dataDir, PORT: String(port), WORKERS: "2", RATE_LIMIT: "off", LOG_LEVEL: "info" });

describe("a server with two workers under load", () => {
  it(`has every acknowledged write, none twice, after ${rounds} kills of the server, its database or a worker`, {
    timeout: 60_000 + rounds * 30_000,
  }, async () => {
    const port = await findFreePort();
    let { child, address } = await start(port);
    const environmentId = readEnvironmentId();
    const db = await openEmbedded();
    const { id: surveyId } = await buildSurvey(db, { environmentId, document: ANSWERABLE });
    const { ledger, finish } = startClients({ addresses: [address], environmentId, surveyId }, CLIENTS);
    for (let round = 0; round < rounds; round++) {
      await progress(ledger, 100);
      if (round % 3 === 0) {
        killServer(child);
        await child.exited;
        ({ child, address } = await start(port));
      } else if (round % 3 === 1) process.kill(readPostmaster(), "SIGKILL");
      else process.kill(listWorkers(child).at(-1) ?? 0, "SIGKILL");
      await progress(ledger, 50);
    }
    const { users, unexpected } = await finish();
    expect(unexpected).toEqual([]);

    expect(await compareLedger(db, environmentId, ledger)).toEqual({ lost: [], doubled: [] });
    expect(users.length).toBeGreaterThan(rounds * 30);
    await db.close();
  });

  it("makes one contact of a thousand first calls for one user", { timeout: 60_000 }, async () => {
    const { address } = await start(0);
    const url = `${address}/api/v2/client/${readEnvironmentId()}/user`;
    const answers = await Promise.all(
      Array.from({ length: 1_000 }, async (_, n) => {
        const body = JSON.stringify({ userId: "race", attributes: { [`race_${n % 20}`]: `value ${n % 20}` } });
        const response = await untilServed(() => fetch(url, { method: "POST", body }));
        const [, contactId] = /"contactId":"([^"]+)"/.exec(await response.text()) ?? [];
        return { status: response.status, contactId };
      }),
    );
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    const db = await openEmbedded();
    const contacts = await db.prisma.contact.findMany({ where: { userId: "race" } });
    await db.close();
    expect([...new Set(answers.map(({ contactId }) => contactId))]).toEqual(contacts.map(({ id }) => id));
    expect(contacts.map(({ attributes }) => attributes)).toEqual([
      Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`race_${n}`, `value ${n}`])),
    ]);
  });
});

/** A server that has just started on a busy machine may ask some of a thousand callers to come again. */
async function untilServed(call: () => Promise<Response>, attempts = 10): Promise<Response> {
  const response = await call();
  if (response.status !== 503 || attempts === 1) return response;
  await sleep(Number(response.headers.get("retry-after")) * 1_000);
  return await untilServed(call, attempts - 1);
}

/** Waits until that many more users are acknowledged. */
async function progress(ledger: Ledger, more: number): Promise<void> {
  const goal = ledger.users.length + more;
  await expect.poll(() => ledger.users.length, { timeout: 60_000 }).toBeGreaterThanOrEqual(goal);
}

/** All at once, as when a machine runs out of memory. */
function killServer(child: Child): void {
  child.process.kill("SIGKILL");
  for (const pid of listWorkers(child)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // one of an earlier round
    }
  }
}

async function openEmbedded(): Promise<Database> {
  const { url } = await startEmbeddedPostgres({ dir: join(dataDir, "postgres"), log, share: true });
  return openDatabase({ url, poolSize: 2, log });
}

const readPostmaster = (): number => Number.parseInt(readFileSync(join(dataDir, "postgres/data/postmaster.pid"), "utf8"), 10);

const readEnvironmentId = (): string =>
  JSON.parse(readFileSync(join(dataDir, "bootstrap.json"), "utf8")).environments.production.id;

function findFreePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
