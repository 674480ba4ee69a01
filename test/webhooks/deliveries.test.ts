import { pino } from "pino";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openChangeFeed } from "../../src/db/change-feed.ts";
import { newId } from "../../src/shared/ids.ts";
import { createAnnouncer } from "../../src/webhooks/announcer.ts";
import { type Harness, HOUR_MS, startHarness } from "./harness.ts";
import { type Answer, type Receiver, startReceiver } from "./receiver.ts";

let harness: Harness;
let receiver: Receiver;
let answer: Answer;
const receivers: Receiver[] = [];

beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.close());
beforeEach(async () => {
  answer = (response) => response.writeHead(204).end();
  receiver = await receive((response, request) => answer(response, request));
  return async () => {
    for (const each of receivers.splice(0)) await each.close();
    await harness.db.prisma.webhook.deleteMany();
    await harness.db.prisma.webhookEvent.deleteMany();
    await harness.db.prisma.outboxEvent.deleteMany();
  };
});

async function receive(answer?: Answer): Promise<Receiver> {
  const made = await startReceiver(answer);
  receivers.push(made);
  return made;
}

const status =
  (code: number): Answer =>
  (response) =>
    response.writeHead(code).end();
const deliveries = () =>
  harness.db.prisma.webhookDelivery.findMany({ include: { log: { orderBy: { attempt: "asc" } } }, orderBy: { eventId: "asc" } });
const outbox = () => harness.db.prisma.outboxEvent.count();

describe("an event", () => {
  it("goes to the webhooks that ask for it, each under a message id of its own, and leaves the outbox", async () => {
    const surveyId = newId();
    const all = await harness.makeWebhook(`${receiver.url}/all`);
    const own = await harness.makeWebhook(`${receiver.url}/own`, { surveyIds: [newId(), surveyId] });
    await harness.makeWebhook(`${receiver.url}/other-survey`, { surveyIds: [newId()] });
    await harness.makeWebhook(`${receiver.url}/other-event`, { triggers: ["responseFinished", "responseUpdated"] });
    await harness.fire({ surveyId });
    expect(await harness.drain()).toBe(2);
    expect(receiver.received.map(({ path }) => path).sort()).toEqual(["/all", "/own"]);
    const ids = receiver.received.map(({ headers }) => headers["webhook-id"]);
    expect(new Set(ids).size).toBe(2);
    expect((await deliveries()).map(({ id }) => id).sort()).toEqual(ids.sort());
    const bodies = receiver.received.map(({ body }) => JSON.parse(body).webhookId);
    expect(bodies.sort()).toEqual([all.id, own.id].sort());
    expect(await outbox()).toBe(0);
  });

  it("of a neighbour's environment goes nowhere, and an event that nobody asks for is not kept", async () => {
    await harness.makeWebhook(receiver.url, { triggers: ["responseFinished"] });
    await harness.fire();
    expect(await harness.drain()).toBe(0);
    expect([await outbox(), await harness.db.prisma.webhookEvent.count()]).toEqual([0, 0]);
  });

  it("goes twice to a URL that is registered twice, and to a hundred webhooks", async () => {
    for (let made = 0; made < 100; made++) await harness.makeWebhook(receiver.url);
    await harness.fire();
    expect(await harness.drain()).toBe(100);
    expect(new Set(receiver.received.map(({ body }) => JSON.parse(body).webhookId)).size).toBe(100);
    expect((await deliveries()).every((delivery) => delivery.status === "delivered")).toBe(true);
  });

  it("that was created before another one of the same response is sent before it", async () => {
    await harness.makeWebhook(receiver.url, { triggers: ["responseCreated", "responseFinished"] });
    const responseIds = Array.from({ length: 10 }, newId);
    for (const responseId of responseIds) {
      await harness.fire({ responseId });
      await harness.fire({ responseId, type: "responseFinished" });
    }
    await harness.drain();
    const seen = receiver.received.map(({ body }) => JSON.parse(body));
    expect(seen).toHaveLength(20);
    for (const id of responseIds)
      expect(seen.filter(({ data }) => data.id === id).map(({ event }) => event)).toEqual([
        "responseCreated",
        "responseFinished",
      ]);
  });
});

describe("a message", () => {
  it("is signed as the reference library verifies, by both secrets while one is being replaced", async () => {
    const { id, secret } = await harness.makeWebhook(receiver.url);
    const previous = `whsec_${Buffer.from("the previous secret").toString("base64")}`;
    const verify = (by: string | null, at = 0) => {
      const { body = "", headers = {} } = receiver.received[at] ?? {};
      const text = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
      return new Webhook(by ?? "").verify(body, text);
    };
    const overlap = {
      previousSecret: harness.secretBox.seal(previous),
      previousSecretExpiresAt: new Date(harness.now() + HOUR_MS),
    };
    await harness.db.prisma.webhook.updateMany({ where: { id }, data: overlap });
    await harness.fire();
    await harness.drain();
    expect(receiver.received[0]?.headers["webhook-signature"]).toMatch(/^v1,\S{44} v1,\S{44}$/);
    expect(verify(secret)).toMatchObject({ webhookId: id, event: "responseCreated" });
    expect(verify(previous)).toMatchObject({ webhookId: id });

    await harness.db.prisma.webhook.updateMany({ where: { id }, data: { previousSecretExpiresAt: new Date(harness.now() - 1) } });
    await harness.fire();
    await harness.drain();
    expect(verify(secret, 1)).toMatchObject({ webhookId: id });
    expect(() => verify(previous, 1)).toThrow();
  });

  it("of a webhook without a secret is not signed", async () => {
    await harness.makeWebhook(receiver.url, { secret: null });
    await harness.fire();
    await harness.drain();
    const { headers } = receiver.received[0] ?? {};
    expect(headers).toMatchObject({ "webhook-id": expect.any(String), "webhook-timestamp": expect.any(String) });
    expect(headers).not.toHaveProperty("webhook-signature");
  });

  it("whose secret cannot be read is not sent unsigned", async () => {
    const { id } = await harness.makeWebhook(receiver.url);
    await harness.db.prisma.webhook.updateMany({ where: { id }, data: { secret: "v1.00000000.AAAA" } });
    await harness.fire();
    await harness.drain();
    expect(receiver.received).toEqual([]);
    expect(await deliveries()).toMatchObject([{ status: "pending", lastError: "secret_unreadable" }]);
  });
});

describe("a delivery that fails", () => {
  it("is tried again after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h and 10 h under the same id, and then given up", async () => {
    answer = status(500);
    await harness.makeWebhook(receiver.url);
    await harness.fire();
    expect(await harness.drain()).toBe(1);
    for (const [at, seconds] of [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000].entries()) {
      harness.clock.pass((seconds - 2) * 1_000);
      expect([at, await harness.drain()]).toEqual([at, 0]);
      harness.clock.pass(3_000);
      expect([at, await harness.drain()]).toEqual([at, 1]);
    }
    harness.clock.pass(1_000 * HOUR_MS);
    expect(await harness.drain()).toBe(0);
    expect(new Set(receiver.received.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
    expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1);
    expect(new Set(receiver.received.map(({ headers }) => headers["webhook-timestamp"])).size).toBe(8);
    const [delivery] = await deliveries();
    expect(delivery).toMatchObject({
      status: "failed",
      attempts: 8,
      lastStatus: 500,
      lastError: "http_status",
      nextAttemptAt: null,
    });
    expect(delivery?.log.map(({ attempt, status, error }) => [attempt, status, error])).toEqual(
      [1, 2, 3, 4, 5, 6, 7, 8].map((attempt) => [attempt, 500, "http_status"]),
    );
  });

  it("is delivered as soon as the endpoint is well again", async () => {
    answer = status(503);
    const { id } = await harness.makeWebhook(receiver.url);
    await harness.fire();
    await harness.drain();
    expect(await harness.db.prisma.webhook.findFirst({ where: { id } })).toMatchObject({ consecutiveFailures: 1 });
    answer = status(200);
    harness.clock.pass(10_000);
    expect(await harness.drain()).toBe(1);
    const [delivery] = await deliveries();
    expect(delivery).toMatchObject({ status: "delivered", attempts: 2, lastStatus: 200, lastError: null });
    expect(await harness.db.prisma.webhook.findFirst({ where: { id } })).toMatchObject({
      consecutiveFailures: 0,
      failingSince: null,
      lastDeliveredAt: expect.any(Date),
    });
  });

  it("with 410 is given up at once, and the webhook stays on", async () => {
    answer = status(410);
    await harness.makeWebhook(receiver.url);
    await harness.fire();
    await harness.drain();
    harness.clock.pass(100 * HOUR_MS);
    expect(await harness.drain()).toBe(0);
    expect(await deliveries()).toMatchObject([{ status: "failed", attempts: 1, lastStatus: 410, lastError: "gone" }]);
    answer = status(200);
    await harness.fire();
    expect(await harness.drain()).toBe(1);
  });

  it("for days, with all others, switches the webhook off; what comes then is there to be replayed", async () => {
    answer = status(500);
    const { id } = await harness.makeWebhook(receiver.url);
    const webhook = () => harness.db.prisma.webhook.findFirst({ where: { id } });
    await harness.fire();
    await harness.drain();
    harness.clock.pass(119 * HOUR_MS);
    await harness.drain();
    expect((await webhook())?.disabledAt).toBeNull();
    harness.clock.pass(2 * HOUR_MS);
    await harness.fire();
    await harness.drain();
    expect((await webhook())?.disabledAt).toEqual(expect.any(Date));
    const requests = receiver.received.length;
    await harness.fire();
    harness.clock.pass(HOUR_MS);
    expect(await harness.drain()).toBe(0);
    expect(receiver.received).toHaveLength(requests);
    expect((await deliveries()).at(-1)).toMatchObject({ status: "failed", attempts: 0, lastError: "webhook_off" });
  });
});

describe("a webhook", () => {
  it("gets two messages at a time, however many workers there are", async () => {
    answer = (response) => setTimeout(() => response.writeHead(204).end(), 20);
    await harness.makeWebhook(receiver.url);
    for (let fired = 0; fired < 30; fired++) await harness.fire();
    const workers = [harness.startWorker(), harness.startWorker(), harness.startWorker()];
    await receiver.waitFor(30);
    for (const worker of workers) await worker.stop();
    expect(receiver.busiest()).toBe(2);
    expect(receiver.received).toHaveLength(30);
    expect(new Set(receiver.received.map(({ headers }) => headers["webhook-id"])).size).toBe(30);
  });

  it("that hangs or is dead does not hold up another one", async () => {
    const hanging = await Promise.all(Array.from({ length: 10 }, () => receive(() => undefined)));
    const dead = await startReceiver();
    await dead.close();
    for (const { url } of hanging) await harness.makeWebhook(url);
    await harness.makeWebhook(dead.url);
    for (let fired = 0; fired < 20; fired++) await harness.fire();
    const worker = harness.startWorker({ maxSending: 16 });
    await expect.poll(() => hanging.filter(({ received }) => received.length > 0).length).toBeGreaterThan(5);
    await harness.makeWebhook(receiver.url);
    // Each hanging message takes a second, of which ten endpoints owe twenty each: 100 s for sixteen places.
    await expect
      .poll(async () => harness.db.prisma.webhook.count({ where: { failingSince: { not: null } } }), { timeout: 10_000 })
      .toBe(11);
    const startedAt = Date.now();
    for (let fired = 0; fired < 20; fired++) await harness.fire();
    await receiver.waitFor(20, 5_000);
    expect(Date.now() - startedAt).toBeLessThan(3_000);
    await worker.stop();
  });

  it("that fails again and again is tried twice a second, and at its old speed once it is well", async () => {
    answer = status(500);
    const { id } = await harness.makeWebhook(receiver.url);
    const webhook = () => harness.db.prisma.webhook.findFirstOrThrow({ where: { id } });
    for (let fired = 0; fired < 40; fired++) await harness.fire();
    const worker = harness.startWorker();
    await receiver.waitFor(21);
    const [before, startedAt] = [receiver.received.length, Date.now()];
    for (let fired = 0; fired < 3; fired++) {
      await harness.fire();
      worker.announce();
    }
    await receiver.waitFor(before + 8, 20_000);
    expect(Date.now() - startedAt).toBeGreaterThan(2_000);
    answer = status(204);
    await expect.poll(async () => (await webhook()).consecutiveFailures).toBe(0);
    await receiver.waitFor(before + 20, 5_000);
    await worker.stop();
  });

  it("that is deleted with deliveries under way gets no more, and harms nobody", async () => {
    const slow = await receive((response) => setTimeout(() => response.writeHead(204).end(), 300));
    const { id } = await harness.makeWebhook(slow.url);
    await harness.makeWebhook(receiver.url);
    for (let fired = 0; fired < 10; fired++) await harness.fire();
    const worker = harness.startWorker();
    await slow.waitFor(2);
    await harness.db.prisma.webhook.deleteMany({ where: { id } });
    await receiver.waitFor(10);
    await worker.stop();
    expect(slow.received).toHaveLength(2);
    expect((await deliveries()).map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => "delivered"));
  });

  it("whose deliveries nobody settled gets them again when the lease ends, and the late result does not count", async () => {
    await harness.makeWebhook(receiver.url);
    await harness.fire();
    await harness.queue.expand();
    const [lost] = await harness.queue.claim({ webhooks: 1, failing: 1, lanes: [] });
    if (lost === undefined) throw new Error("nothing was claimed");
    harness.clock.pass(59_000);
    expect(await harness.drain()).toBe(0);
    harness.clock.pass(2_000);
    expect(await harness.drain()).toBe(1);
    const late = { status: 500, error: "http_status" as const, durationMs: 1 };
    const sent = { delivery: lost, startedAt: new Date(), result: late, verdict: { status: "failed" as const } };
    expect(await harness.queue.settle(lost, [sent])).toBeNull();
    expect(await deliveries()).toMatchObject([{ status: "delivered", attempts: 2, log: [{ attempt: 2, status: 204 }] }]);
  });
});

describe("what was claimed", () => {
  const claim = () => harness.queue.claim({ webhooks: 1, failing: 1, lanes: [] });

  it("keeps other processes from the webhook, and may be added to by the one that has it", async () => {
    const { id: webhookId } = await harness.makeWebhook(receiver.url);
    for (let fired = 0; fired < 9; fired++) await harness.fire();
    await harness.queue.expand();
    const held = await claim();
    expect(held).toHaveLength(2);
    expect(await claim()).toEqual([]);
    await harness.fire();
    await harness.queue.expand(); // it is to be looked at again
    const lane = { environmentId: harness.environmentId, webhookId, held };
    expect(await harness.queue.claim({ webhooks: 1, failing: 1, lanes: [{ ...lane, room: 0 }] })).toEqual([]);
    const more = await harness.queue.claim({ webhooks: 1, failing: 1, lanes: [{ ...lane, room: 5 }] });
    const ids = [...held, ...more].map(({ id }) => id);
    expect(new Set(ids).size).toBe(7);
  });

  it("and given back, or lost with its process, is sent before what happened later", async () => {
    const { id: webhookId } = await harness.makeWebhook(receiver.url, { triggers: ["responseCreated", "responseFinished"] });
    const lane = { environmentId: harness.environmentId, webhookId };
    const { responseId } = await harness.fire();
    await harness.queue.expand();
    const created = await claim();
    await harness.fire({ responseId, type: "responseFinished" });
    await harness.queue.expand();
    harness.clock.pass(1_000);
    await harness.queue.release(lane, created);
    const again = await claim();
    expect(again).toMatchObject([{ id: created[0]?.id, attempts: 1 }]);
    harness.clock.pass(61_000);
    expect(await harness.drain()).toBe(2);
    expect(receiver.received.map(({ body }) => JSON.parse(body).event)).toEqual(["responseCreated", "responseFinished"]);
  });

  it("is settled together, in the order in which it ended", async () => {
    const { id: webhookId } = await harness.makeWebhook(receiver.url);
    const lane = { environmentId: harness.environmentId, webhookId };
    for (let fired = 0; fired < 5; fired++) await harness.fire();
    await harness.queue.expand();
    const held = await harness.queue.claim({ webhooks: 1, failing: 1, lanes: [{ ...lane, held: [], room: 5 }] });
    const at = harness.now();
    const sent = held.map((delivery, turn) => ({
      delivery: turn === 4 ? { ...delivery, attempts: 9 } : delivery, // another claim's
      startedAt: new Date(at + turn),
      result: { status: turn === 1 ? 204 : 500, error: turn === 1 ? null : ("http_status" as const), durationMs: turn },
      verdict: turn === 1 ? { status: "delivered" as const } : { status: "pending" as const, retryAt: new Date(at + 5_000) },
    }));
    const health = await harness.queue.settle(lane, sent);
    expect(health?.settled.sort()).toEqual(
      held
        .slice(0, 4)
        .map(({ id }) => id)
        .sort(),
    );
    expect(health?.failingSince).toEqual(new Date(at + 2));
    const webhook = await harness.db.prisma.webhook.findFirst({ where: { id: webhookId } });
    expect(webhook).toMatchObject({ consecutiveFailures: 2, lastDeliveredAt: expect.any(Date) });
    const rows = await deliveries();
    const of = (turn: number) => rows.find(({ id }) => id === held[turn]?.id);
    expect(of(1)).toMatchObject({ status: "delivered", lastStatus: 204, log: [{ attempt: 1, status: 204, durationMs: 1 }] });
    expect(of(3)).toMatchObject({ status: "pending", lastError: "http_status", nextAttemptAt: new Date(at + 5_000) });
    expect(of(4)).toMatchObject({ status: "sending", log: [] });
  });
});

describe("a worker", () => {
  /** Longer than the test. */
  const pollMs = 600_000;

  it("that is told of events sends them at once, and a burst of them without being told of each", async () => {
    await harness.makeWebhook(receiver.url);
    const worker = harness.startWorker({ pollMs });
    await harness.fire();
    worker.announce();
    await receiver.waitFor(1);
    for (let fired = 0; fired < 30; fired++) {
      await harness.fire();
      worker.announce();
    }
    await receiver.waitFor(31);
    await worker.stop();
    expect(await outbox()).toBe(0);
  });

  it("hears of events of another process by its notices", async () => {
    await harness.makeWebhook(receiver.url);
    const log = pino({ level: "silent" });
    const [here, there] = [await openChangeFeed({ url: harness.url, log }), await openChangeFeed({ url: harness.url, log })];
    const worker = harness.startWorker({ pollMs });
    createAnnouncer({ db: harness.db, changes: here, worker });
    const announce = createAnnouncer({
      db: harness.db,
      changes: there,
      worker: { isRunning: () => false, announce: () => undefined },
    });
    for (let fired = 1; fired <= 5; fired++) {
      await harness.fire();
      announce();
      announce();
      await receiver.waitFor(fired);
    }
    await worker.stop();
    await Promise.all([here.close(), there.close()]);
  });

  it("keeps what it is sending for longer than a lease", async () => {
    const leaseMs = 600;
    const short = await startHarness({ leaseMs, limits: { overallMs: 10_000, connectMs: 500 } });
    answer = (response) => setTimeout(() => response.writeHead(204).end(), 4 * leaseMs);
    await short.makeWebhook(receiver.url);
    await short.fire();
    const workers = [short.startWorker(), short.startWorker()];
    await expect
      .poll(() => short.db.prisma.webhookDelivery.findFirst())
      .toMatchObject({ status: "delivered", attempts: 1, lastStatus: 204 });
    expect(receiver.received).toHaveLength(1);
    for (const worker of workers) await worker.stop();
    await short.close();
  });
});

describe("the queue", () => {
  it("tells how much waits, and since when", async () => {
    answer = status(500);
    expect(await harness.queue.measure()).toEqual({ undistributed: 0, pending: 0, sending: 0, oldestDueSeconds: null });
    await harness.makeWebhook(receiver.url);
    const before = harness.deliverer.outcomes();
    await harness.fire();
    expect(await harness.queue.measure()).toMatchObject({ undistributed: 1, pending: 0 });
    await harness.drain();
    harness.clock.pass(65_000);
    const { oldestDueSeconds, ...depth } = await harness.queue.measure();
    expect(depth).toEqual({ undistributed: 0, pending: 1, sending: 0 });
    expect(oldestDueSeconds).toBeGreaterThan(59);
    expect(harness.deliverer.outcomes()).toEqual({ ...before, retried: before.retried + 1 });
  });

  it("forgets events with their log when they are old and nobody waits for them", async () => {
    await harness.makeWebhook(receiver.url);
    await harness.fire();
    await harness.drain();
    answer = status(500);
    await harness.fire();
    await harness.drain();
    expect(await harness.queue.sweep(new Date(harness.now() + HOUR_MS))).toBe(1);
    expect(await deliveries()).toMatchObject([{ status: "pending" }]);
    expect(await harness.db.prisma.webhookAttempt.count()).toBe(1);
  });
});
