/** Deliveries over a database of their own, with a clock that the test turns. */
import { randomBytes } from "node:crypto";
import { type Logger, pino } from "pino";
import { type Database, openDatabase } from "../../src/db/database.ts";
import { migrate } from "../../src/db/migrate.ts";
import { newId } from "../../src/shared/ids.ts";
import { createSecretBox, type SecretBox } from "../../src/shared/secret-box.ts";
import { createAddressRules } from "../../src/webhooks/address-rules.ts";
import { createDeliverer } from "../../src/webhooks/deliverer.ts";
import { type ClaimedDelivery, createDeliveryQueue } from "../../src/webhooks/delivery-queue.ts";
import { createDeliveryWorker } from "../../src/webhooks/delivery-worker.ts";
import { createSender, type SenderLimits } from "../../src/webhooks/sender.ts";
import { buildTenant } from "../support/build.ts";
import { createEmptyDatabase } from "../support/empty-database.ts";

export const ENCRYPTION_KEY = "an encryption key for deliveries only, 0123456789";

export interface HarnessOptions {
  limits?: SenderLimits;
  delaysMs?: readonly number[];
  leaseMs?: number;
}

export type Harness = Awaited<ReturnType<typeof startHarness>>;

export async function startHarness({
  limits = { overallMs: 1_000, connectMs: 500 },
  delaysMs,
  leaseMs = 60_000,
}: HarnessOptions = {}) {
  const database = await createEmptyDatabase();
  const log = pino({ level: "silent" });
  await migrate({ url: database.url, log });
  const db = openDatabase({ url: database.url, poolSize: 8, log });
  const { environmentId } = await buildTenant(db);
  const secretBox = createSecretBox(ENCRYPTION_KEY);
  const clock = { offsetMs: 0, pass: (ms: number) => (clock.offsetMs += ms) };
  const now = () => Date.now() + clock.offsetMs;
  const parts = makeParts(db, now, secretBox, log, { limits, delaysMs, leaseMs });
  return { ...parts, db, url: database.url, environmentId, clock, now, secretBox, makeWebhook, fire, drain, startWorker, close };

  /** Asks for responseCreated of every survey unless told otherwise. */
  async function makeWebhook(url: string, values: { triggers?: string[]; surveyIds?: string[]; secret?: string | null } = {}) {
    const { secret = `whsec_${randomBytes(32).toString("base64")}`, ...rest } = values;
    const sealed = secret === null ? null : secretBox.seal(secret);
    const data = { id: newId(), environmentId, url, triggers: ["responseCreated"], surveyIds: [], ...rest, secret: sealed };
    const { id } = await db.prisma.webhook.create({ data });
    return { id, secret };
  }

  /** Puts an event into the outbox as the statement of a response does. */
  async function fire(
    values: { type?: "responseCreated" | "responseUpdated" | "responseFinished"; surveyId?: string; responseId?: string } = {},
  ) {
    const { type = "responseCreated", surveyId = newId(), responseId = newId() } = values;
    const at = new Date(now()).toISOString();
    const payload = {
      id: responseId,
      createdAt: at,
      updatedAt: at,
      surveyId,
      finished: false,
      endingId: null,
      data: { q1: "Great" },
      variables: {},
      ttc: {},
      meta: {},
      contact: null,
      contactAttributes: null,
      singleUseId: null,
      language: null,
      displayId: null,
      tags: [],
      survey: { title: "Survey", type: "app", status: "inProgress", createdAt: at, updatedAt: at },
    };
    const id = newId();
    await db.prisma.outboxEvent.create({ data: { environmentId, id, createdAt: at, type, surveyId, responseId, payload } });
    return { id, responseId };
  }

  /** Distributes and sends, one after another, until nothing is due by the test's clock. Tells how many were sent. */
  async function drain(): Promise<number> {
    while (await parts.queue.expand());
    for (let sent = 0; ; ) {
      const claimed = await parts.queue.claim({ webhooks: 50, failing: 50, lanes: [] });
      if (claimed.length === 0) return sent;
      await Promise.all(claimed.map(deliver));
      sent += claimed.length;
    }
  }

  async function deliver(delivery: ClaimedDelivery): Promise<void> {
    await parts.deliverer.record(delivery, [await parts.deliverer.send(delivery, new AbortController().signal)]);
  }

  function startWorker(options: { maxSending?: number; pollMs?: number } = {}) {
    const worker = createDeliveryWorker({ ...parts, now, log, keepMs: 86_400_000, pollMs: 20, ...options });
    worker.start();
    return worker;
  }

  async function close(): Promise<void> {
    await db.close();
    await database.drop();
  }
}

function makeParts(
  db: Database,
  now: () => number,
  secretBox: SecretBox,
  log: Logger,
  { limits, delaysMs, leaseMs }: { limits: SenderLimits; delaysMs: readonly number[] | undefined; leaseMs: number },
) {
  const queue = createDeliveryQueue({ db, now, leaseMs });
  const addresses = createAddressRules({ allowInternal: false, allowedNetworks: ["127.0.0.0/8"] });
  const sender = createSender({ addresses, resolve: () => Promise.reject(new Error("no names here")), limits });
  const deliverer = createDeliverer({
    queue,
    sender,
    secretBox,
    publicUrl: "https://mortar.example",
    now,
    random: () => 0.5,
    log,
    ...(delaysMs && { delaysMs }),
    settleWaitsMs: [50, 200, 1_000],
  });
  return { queue, deliverer };
}

export const HOUR_MS = 3_600_000;
