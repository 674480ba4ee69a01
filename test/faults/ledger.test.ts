/**
 * Two replicas on one database, all of which are killed in turn while clients write. The long form (`npm run
 * test:faults`) goes on until a hundred thousand writes are acknowledged, over twelve kills.
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openDatabase } from "../../src/db/database.ts";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../../src/db/embedded-postgres.ts";
import { migrate } from "../../src/db/migrate.ts";
import { compareLedger, startClients } from "../main/ledger-clients.ts";
import { endServers, startServer } from "../main/server-process.ts";
import { buildSurvey } from "../support/build.ts";
import type { Child } from "../support/child-process.ts";
import { ANSWERABLE } from "../support/responses.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";

const isLong = process.env.FAULTS === "long";
const KILLS = isLong ? 12 : 3;
const WRITES = isLong ? 100_000 : 1_500;
const CLIENTS = isLong ? 32 : 8;
/** The long form ends in time even where the machine is slow, and says how far it came. */
const BUDGET_MS = isLong ? 360_000 : 120_000;

const ENVIRONMENT = "ledgerenvironment";
const log = pino({ level: "silent" });
const folder = makeTemporaryFolder();
let postgres: EmbeddedPostgres;

beforeAll(async () => {
  postgres = await startEmbeddedPostgres({ dir: join(folder.path, "postgres"), log });
  await migrate({ url: postgres.url, log });
}, 120_000);
afterAll(async () => {
  await endServers();
  await postgres.stop();
  folder.remove();
});

const start = (port: number) =>
  startServer({
    DATABASE_URL: postgres.url,
    DATA_DIR: join(folder.path, String(port)),
    PORT: String(port),
    ENCRYPTION_KEY: "0".repeat(32),
    BOOTSTRAP_ENVIRONMENT_ID: ENVIRONMENT,
    RATE_LIMIT: "off",
  });

it(`two replicas have every acknowledged write, none twice, after ${KILLS} kills of servers and database`, {
  timeout: BUDGET_MS + 60_000,
}, async () => {
  const ports = [await findFreePort(), await findFreePort()];
  const replicas: { child: Child; address: string }[] = [];
  for (const port of ports) replicas.push(await start(port));
  const db = openDatabase({ url: postgres.url, poolSize: 2, log });
  const { id: surveyId } = await buildSurvey(db, { environmentId: ENVIRONMENT, document: ANSWERABLE });
  const startedAt = performance.now();
  const addresses = replicas.map(({ address }) => address);
  const { ledger, finish } = startClients({ addresses, environmentId: ENVIRONMENT, surveyId }, CLIENTS);
  const restarts: Promise<void>[] = [];
  /** Or until that share of the time is over. */
  const awaitWrites = async (share: number) => {
    while (ledger.writes < WRITES * share && performance.now() - startedAt < BUDGET_MS * share) await sleep(50);
  };
  for (let kill = 0; kill < KILLS; kill++) {
    await awaitWrites((kill + 1) / (KILLS + 1));
    if (kill % 3 === 1)
      process.kill(readPostmaster(), "SIGKILL"); // its keeper starts it again
    else restarts.push(replace(kill % 3 === 0 ? 0 : 1));
  }
  await awaitWrites(1);
  await Promise.all(restarts);
  await finish();
  const seconds = (performance.now() - startedAt) / 1_000;
  if (isLong)
    process.stdout.write(
      `${ledger.writes} acknowledged writes in ${Math.round(seconds)} s (${Math.round(ledger.writes / seconds)} a second), ${KILLS} kills\n`,
    );
  expect(ledger.writes).toBeGreaterThan(WRITES / 10); // where nothing else runs, all of them
  expect(ledger.unexpected).toEqual([]);
  expect(await compareLedger(db, ENVIRONMENT, ledger)).toEqual({ lost: [], doubled: [] });
  await db.close();

  /** Kills a replica and starts it again while the other one goes on. */
  async function replace(at: number): Promise<void> {
    replicas[at]?.child.process.kill("SIGKILL");
    await replicas[at]?.child.exited;
    replicas[at] = await start(ports[at] ?? 0); // also while the database is killed
  }
});

const readPostmaster = (): number => Number.parseInt(readFileSync(join(folder.path, "postgres/data/postmaster.pid"), "utf8"), 10);

function findFreePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
