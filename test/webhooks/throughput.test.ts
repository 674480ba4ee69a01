/** How fast a backlog is delivered, and whether an endpoint that does not answer slows down another one. */
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { type Harness, startHarness } from "./harness.ts";
import { type Answer, type Receiver, startReceiver } from "./receiver.ts";

const EVENTS = 500;
/** What a loaded machine reaches, too. */
const LONGEST_MS = 15_000;

let harness: Harness;
const receivers: Receiver[] = [];
beforeAll(async () => {
  harness = await startHarness({ leaseMs: 5_000 });
});
afterAll(() => harness.close());
afterEach(async () => {
  for (const receiver of receivers.splice(0)) await receiver.close();
  await harness.db.prisma.webhook.deleteMany();
  await harness.db.prisma.webhookEvent.deleteMany();
});

async function receive(answer?: Answer): Promise<Receiver> {
  const receiver = await startReceiver(answer);
  receivers.push(receiver);
  return receiver;
}

async function fillBacklog(): Promise<void> {
  for (let fired = 0; fired < EVENTS; fired += 50) await Promise.all(Array.from({ length: 50 }, () => harness.fire()));
}

/** Delivers the backlog; tells how long the endpoint waited for the last of it. */
async function measure(title: string, receiver: Receiver): Promise<number> {
  const startedAt = Date.now();
  const worker = harness.startWorker();
  await receiver.waitFor(EVENTS, 60_000);
  const tookMs = Date.now() - startedAt;
  await worker.stop();
  process.stdout.write(`${title}: ${EVENTS} messages in ${tookMs} ms, ${Math.round((EVENTS * 1_000) / tookMs)} a second\n`);
  return tookMs;
}

it("a backlog of one webhook is delivered two at a time, each message once", async () => {
  const receiver = await receive();
  await harness.makeWebhook(receiver.url);
  await fillBacklog();
  expect(await measure("one webhook", receiver)).toBeLessThan(LONGEST_MS);
  expect(receiver.busiest()).toBeLessThanOrEqual(2);
  expect(new Set(receiver.received.map(({ headers }) => headers["webhook-id"])).size).toBe(EVENTS);
  expect(await harness.db.prisma.webhookDelivery.count({ where: { status: "delivered", attempts: 1 } })).toBe(EVENTS);
});

it.each(["is not there", "hangs"])("it is delivered as well beside an endpoint that %s", async (fault) => {
  const beside = await receive(() => undefined);
  if (fault === "is not there") await beside.close();
  const receiver = await receive();
  await harness.makeWebhook(beside.url);
  await harness.makeWebhook(receiver.url);
  await fillBacklog();
  expect(await measure(`beside one that ${fault}`, receiver)).toBeLessThan(LONGEST_MS);
});
