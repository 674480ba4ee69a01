/**
 * Every event arrives, whatever dies: responses are sent to a server while its delivery worker and its database are killed,
 * to three webhooks of which one is dead and one slow. `WEBHOOK_FAULT_EVENTS=10000 npm test -- test/webhooks/faults.test.ts`
 * is the long form, with five kills of the worker and two of the database.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { afterAll, afterEach, expect, it } from "vitest";
import { openDatabase } from "../../src/db/database.ts";
import { startEmbeddedPostgres } from "../../src/db/embedded-postgres.ts";
import { endServers, startServer } from "../main/server-process.ts";
import { buildSurvey } from "../support/build.ts";
import { type Child, runProcess } from "../support/child-process.ts";
import { ANSWERABLE } from "../support/responses.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";
import { type Receiver, startReceiver } from "./receiver.ts";

const EVENTS = Number(process.env.WEBHOOK_FAULT_EVENTS ?? 500);
/** How many responses are begun each second, so that the kills come in their midst. */
const RATE = Number(process.env.WEBHOOK_FAULT_RATE ?? 50);
const KILLS: ("worker" | "database")[] =
  EVENTS >= 10_000 ? ["worker", "worker", "database", "worker", "worker", "database", "worker"] : ["worker", "database"];
const SLOW_MS = 3_000;

const folder = makeTemporaryFolder();
const dataDir = join(folder.path, "data");
const variables = { DATA_DIR: dataDir, WEBHOOK_ALLOWED_CIDRS: "127.0.0.0/8", LOG_LEVEL: "warn" };
const receivers: Receiver[] = [];
let worker: Child | undefined;

afterEach(async () => {
  worker?.process.kill("SIGTERM");
  await worker?.exited;
  await endServers();
  for (const receiver of receivers) await receiver.close();
});
afterAll(folder.remove);

it(`${EVENTS} events arrive at the good endpoint of three, over ${KILLS.length} kills of worker and database`, {
  timeout: 120_000 + (EVENTS / RATE) * 3_000,
}, async () => {
  const { address } = await startServer({ ...variables, PORT: "0", RATE_LIMIT: "off", WEBHOOK_WORKER: "off" });
  worker = await startWorker();
  const { apiKey, environmentId, surveyId } = await prepare();
  const [good, slow, dead] = [
    await receive(() => 0),
    await receive(() => SLOW_MS),
    await startReceiver(), // nobody listens there any more
  ];
  await dead.close();
  for (const { url } of [dead, slow, good]) await register(address, { apiKey, environmentId, url });

  const acknowledged = new Map<string, number>();
  const startedAt = Date.now();
  const sending = sendAll({ address, environmentId, surveyId }, acknowledged);
  for (const [at, victim] of KILLS.entries()) {
    const due = Math.floor((EVENTS * (at + 1)) / (KILLS.length + 1));
    await expect.poll(() => acknowledged.size, { timeout: 120_000, interval: 20 }).toBeGreaterThanOrEqual(due);
    if (victim === "database") process.kill(readPostmaster(), "SIGKILL");
    else {
      worker.process.kill("SIGKILL");
      await worker.exited;
      worker = await startWorker();
    }
  }
  await sending;
  const sentMs = Date.now() - startedAt;
  expect(acknowledged.size).toBe(EVENTS);
  const missing = () => {
    const arrived = new Set(good.received.map(markOf));
    return [...acknowledged.keys()].filter((mark) => !arrived.has(mark));
  };
  await expect.poll(() => missing().length, { timeout: 300_000, interval: 250 }).toBe(0);

  const first = new Map<string, number>();
  for (const message of good.received) if (!first.has(markOf(message))) first.set(markOf(message), message.at);
  const delays = [...acknowledged].map(([mark, at]) => Math.max(0, (first.get(mark) ?? 0) - at)).sort((a, b) => a - b);
  const percentile = (share: number) => delays[Math.min(delays.length - 1, Math.floor(delays.length * share))];
  const ids = new Set(good.received.map(({ headers }) => headers["webhook-id"]));
  process.stdout.write(
    [
      `${EVENTS} events sent in ${seconds(sentMs)}, the last of them arrived ${seconds(Date.now() - startedAt - sentMs)} later`,
      `killed: ${KILLS.join(", ")}`,
      `at the good endpoint: ${good.received.length} messages, ${good.received.length - ids.size} of them duplicates`,
      `delay from the acknowledgement: p50 ${percentile(0.5)} ms, p99 ${percentile(0.99)} ms, longest ${delays.at(-1)} ms`,
      `the slow endpoint had ${slow.received.length} by then`,
      "",
    ].join("\n"),
  );
  expect(ids.size).toBe(new Set(good.received.map(markOf)).size); // a repeated message has the same id
  expect(good.received.length - ids.size).toBeLessThan(10 * KILLS.length);
  expect(slow.received.length).toBeGreaterThan(0);
});

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

const markOf = ({ body }: { body: string }): string => JSON.parse(body).data.data.q1;

async function receive(delayMs: () => number): Promise<Receiver> {
  const receiver = await startReceiver((response) => setTimeout(() => response.writeHead(204).end(), delayMs()));
  receivers.push(receiver);
  return receiver;
}

async function startWorker(): Promise<Child> {
  const child = runProcess("src/cli/main.ts", ["worker"], variables);
  await child.waitFor(/Mortar delivers webhooks/);
  return child;
}

interface Target {
  address: string;
  environmentId: string;
  surveyId: string;
}

async function prepare(): Promise<{ apiKey: string; environmentId: string; surveyId: string }> {
  const { apiKey, environments } = JSON.parse(readFileSync(join(dataDir, "bootstrap.json"), "utf8"));
  const environmentId: string = environments.production.id;
  const log = pino({ level: "silent" });
  const { url } = await startEmbeddedPostgres({ dir: join(dataDir, "postgres"), log, share: true });
  const db = openDatabase({ url, poolSize: 2, log });
  const { id: surveyId } = await buildSurvey(db, { environmentId, document: ANSWERABLE });
  await db.close();
  return { apiKey, environmentId, surveyId };
}

async function register(address: string, { apiKey, ...webhook }: { apiKey: string; environmentId: string; url: string }) {
  const response = await fetch(`${address}/api/v2/management/webhooks`, {
    method: "POST",
    headers: { "x-api-key": apiKey, "content-type": "application/json" },
    body: JSON.stringify({ ...webhook, name: null, source: "user", triggers: ["responseCreated"], surveyIds: [] }),
  });
  expect(response.status).toBe(201);
}

/** Sends the responses at their rate, each until it is acknowledged; notes when each of them was. */
async function sendAll(target: Target, acknowledged: Map<string, number>): Promise<void> {
  const startedAt = Date.now();
  const underWay: Promise<void>[] = [];
  for (let n = 0; n < EVENTS; n++) {
    const dueMs = startedAt + (n * 1_000) / RATE - Date.now();
    if (dueMs > 0) await sleep(dueMs);
    underWay.push(sendOne(target, `event ${n}`, acknowledged));
  }
  await Promise.all(underWay);
}

async function sendOne({ address, environmentId, surveyId }: Target, mark: string, acknowledged: Map<string, number>) {
  const request = {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": mark },
    body: JSON.stringify({ surveyId, finished: false, data: { q1: mark } }),
  };
  for (;;) {
    const response = await fetch(`${address}/api/v2/client/${environmentId}/responses`, {
      ...request,
      signal: AbortSignal.timeout(15_000),
    }).catch(() => null);
    await response?.arrayBuffer().catch(() => undefined);
    if (response?.status === 200) break;
    if (response !== null && response.status !== 503) throw new Error(`status ${response.status} to ${mark}`);
    await sleep(100);
  }
  acknowledged.set(mark, Date.now());
}

const readPostmaster = (): number => Number.parseInt(readFileSync(join(dataDir, "postgres/data/postmaster.pid"), "utf8"), 10);
