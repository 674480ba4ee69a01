import pg from "pg";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { type Child, runProcess } from "../support/child-process.ts";
import { ENCRYPTION_KEY, type Harness, startHarness } from "./harness.ts";
import { type Answer, type Receiver, startReceiver } from "./receiver.ts";

const LEASE_MS = 2_000;
const RUN_WORKER = "test/webhooks/run-worker.ts";

let harness: Harness;
const children: Child[] = [];
const receivers: Receiver[] = [];
beforeAll(async () => {
  harness = await startHarness({ leaseMs: LEASE_MS });
});
afterAll(() => harness.close());
afterEach(async () => {
  for (const child of children.splice(0)) {
    child.process.kill("SIGKILL");
    await child.exited;
  }
  for (const receiver of receivers.splice(0)) await receiver.close();
  await harness.db.prisma.webhook.deleteMany();
});

async function receive(answer?: Answer): Promise<Receiver> {
  const receiver = await startReceiver(answer);
  receivers.push(receiver);
  return receiver;
}

function startWorker(): Child {
  const child = runProcess(RUN_WORKER, [], { DATABASE_URL: harness.url, ENCRYPTION_KEY, LEASE_MS: String(LEASE_MS) });
  children.push(child);
  return child;
}

const unfinished = () => harness.db.prisma.webhookDelivery.count({ where: { status: { not: "delivered" } } });

it("a message that a killed worker was sending is sent by another one, after the lease and under the same id", async () => {
  let isAnswering = false;
  const receiver = await receive((response) => isAnswering && response.writeHead(204).end());
  await harness.makeWebhook(receiver.url);
  await harness.fire();
  const first = startWorker();
  const [before] = await receiver.waitFor(1, 20_000);
  first.process.kill("SIGKILL");
  await first.exited;
  isAnswering = true;
  startWorker();
  const [, after] = await receiver.waitFor(2, 20_000);
  expect(after?.headers["webhook-id"]).toBe(before?.headers["webhook-id"]);
  expect(after?.body).toBe(before?.body);
  expect((after?.at ?? 0) - (before?.at ?? 0)).toBeGreaterThan(LEASE_MS - 500);
  await expect.poll(unfinished).toBe(0);
});

it("nothing is lost when workers are killed again and again", async () => {
  const receiver = await receive((response) => setTimeout(() => response.writeHead(204).end(), 10));
  await harness.makeWebhook(receiver.url);
  const fired = [];
  for (let count = 0; count < 60; count++) fired.push((await harness.fire()).responseId);
  for (let round = 0; round < 3; round++) {
    const worker = startWorker();
    await receiver.waitFor(receiver.received.length + 5, 20_000);
    worker.process.kill("SIGKILL");
    await worker.exited;
  }
  startWorker();
  await expect.poll(unfinished, { timeout: 20_000 }).toBe(0);
  const seen = new Set(receiver.received.map(({ body }) => JSON.parse(body).data.id));
  expect(fired.filter((id) => !seen.has(id))).toEqual([]);
}, 60_000);

it("of what a killed worker had claimed ahead only what it had not written down is repeated, as soon as its lease ends", async () => {
  const receiver = await receive();
  await harness.makeWebhook(receiver.url);
  const fired = 300;
  for (let count = 0; count < fired; count += 50) await Promise.all(Array.from({ length: 50 }, () => harness.fire()));
  const first = startWorker();
  await receiver.waitFor(100, 20_000);
  first.process.kill("SIGKILL");
  await first.exited;
  const before = receiver.received.length;
  const killedAt = Date.now();
  const second = harness.startWorker();
  const after = (await receiver.waitFor(before + 1, 20_000))[before];
  expect((after?.at ?? 0) - killedAt).toBeLessThan(LEASE_MS + 1_000);
  await expect.poll(unfinished, { timeout: 20_000 }).toBe(0);
  await second.stop();
  expect(new Set(receiver.received.map(({ headers }) => headers["webhook-id"])).size).toBe(fired);
  expect(receiver.received.length - fired).toBeLessThanOrEqual(50);
  expect(receiver.busiest()).toBeLessThanOrEqual(2);
}, 60_000);

it("a worker goes on when the database has cut all of its connections", async () => {
  const receiver = await receive();
  await harness.makeWebhook(receiver.url);
  const worker = startWorker();
  await harness.fire();
  await receiver.waitFor(1, 20_000);
  for (let round = 0; round < 10; round++) {
    await harness.fire();
    await cutConnections();
    await receiver.waitFor(round + 2, 20_000);
  }
  expect(worker.process.exitCode).toBeNull();
  await expect.poll(unfinished).toBe(0);
}, 60_000);

it("a worker that is stopped lets what is under way arrive, and takes nothing more", async () => {
  const receiver = await receive((response) => setTimeout(() => response.writeHead(204).end(), 300));
  await harness.makeWebhook(receiver.url);
  for (let fired = 0; fired < 6; fired++) await harness.fire();
  const worker = harness.startWorker();
  await receiver.waitFor(2);
  await worker.stop();
  expect(receiver.received).toHaveLength(2);
  expect(await harness.db.prisma.webhookDelivery.groupBy({ by: ["status"], _count: true, orderBy: { status: "asc" } })).toEqual([
    { status: "pending", _count: 4 },
    { status: "delivered", _count: 2 },
  ]);
});

/** As a database that is killed does: every connection ends without a word. The harness's own ones, too. */
async function cutConnections(): Promise<void> {
  const client = new pg.Client(harness.url);
  await client.connect();
  await client.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
  );
  await client.end();
}
