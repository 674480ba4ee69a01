import type { Database, Transaction } from "../db/database.ts";
import { findOwnedRow } from "../db/owned-row.ts";
import { type Page, queryPage } from "../db/page.ts";
import type { PermissionLevel, Principal } from "../shared/principal.ts";
import { notFound, Problem } from "../shared/problem.ts";
import type { SecretBox } from "../shared/secret-box.ts";
import type { Deliverer, Endpoint, Outcomes } from "./deliverer.ts";
import type { DeliveryQueue, QueueDepth } from "./delivery-queue.ts";
import { WEBHOOK_TRIGGERS, type WebhookTrigger } from "./payload.ts";
import { buildSample, type SampleGround } from "./sample.ts";
import type { AttemptError } from "./sender.ts";

export const DELIVERY_STATUSES = ["pending", "sending", "delivered", "failed"] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

/** Statuses that a replay of a time range may start from. */
export const REPLAYABLE_STATUSES = ["failed", "delivered"] as const;
export type ReplayableStatus = (typeof REPLAYABLE_STATUSES)[number];

/** What came of one attempt to deliver. */
export interface LoggedAttempt {
  attempt: number;
  startedAt: Date;
  durationMs: number;
  /** HTTP status; null when there was no answer. */
  status: number | null;
  /** Null when it arrived. */
  error: AttemptError | null;
}

/** An event for a webhook, with what became of it. */
export interface Delivery {
  /** The message id that the receiver sees. */
  id: string;
  webhookId: string;
  environmentId: string;
  event: string;
  surveyId: string | null;
  /** What the event is about: a response, a contact, or the display of nobody that is known. */
  subjectId: string;
  /** Null when it is about something else. */
  responseId: string | null;
  status: DeliveryStatus;
  /** How often it was tried, attempts that a process did not survive included. */
  attempts: number;
  createdAt: Date;
  updatedAt: Date;
  /** Null unless it is pending. */
  nextAttemptAt: Date | null;
  lastStatus: number | null;
  lastDurationMs: number | null;
  /** Null when it arrived; `webhook_off` when it was given up because the webhook was switched off. */
  lastError: AttemptError | "webhook_off" | null;
  log: LoggedAttempt[];
}

/** How a webhook fares. */
export interface WebhookStatus {
  webhookId: string;
  environmentId: string;
  isEnabled: boolean;
  /** Since when it is switched off, because it had only failed for days. */
  disabledAt: Date | null;
  /** Since when it has done nothing but fail. */
  failingSince: Date | null;
  consecutiveFailures: number;
  lastDeliveredAt: Date | null;
  /** Deliveries that are not done. */
  waiting: number;
  /** Until when the secret before the present one signs, too. */
  previousSecretExpiresAt: Date | null;
}

export interface TestDelivery {
  id: string;
  event: WebhookTrigger;
  isDelivered: boolean;
  status: number | null;
  error: AttemptError | null;
  durationMs: number;
}

export interface DeliveryMeasure extends QueueDepth {
  /** Of this process. */
  outcomes: Outcomes;
}

export type DeliveryLog = ReturnType<typeof createDeliveryLog>;

interface OwnedWebhook extends Endpoint {
  environmentId: string;
  id: string;
  triggers: string[];
  surveyIds: string[];
  disabledAt: Date | null;
}

const WEBHOOK = `t."environmentId", t.id, t.url, t.triggers, t."surveyIds", t.secret, t."previousSecret", t."previousSecretExpiresAt",
  t."disabledAt"`;

const DELIVERY = `t.id, t."webhookId", t."environmentId", e.type as event, e."surveyId", t."subjectId",
  case when e.type like 'response%' then t."subjectId" end as "responseId", t.status,
  t.attempts, t."createdAt", t."updatedAt", case when t.status = 'pending' then t."nextAttemptAt" end as "nextAttemptAt",
  t."lastStatus", t."lastDurationMs", t."lastError"`;

const FROM = `from webhook_deliveries t join webhook_events e on e."environmentId" = t."environmentId" and e.id = t."eventId"
  where t."environmentId" = $1 and t."webhookId" = $2`;

/** Makes deliveries due. Follows a CTE `chosen` of their keys; parameter $1 is now. */
const REPLAY = `
, replayed as (
  update webhook_deliveries d set status = 'pending', "attemptsBefore" = d.attempts, "nextAttemptAt" = $1, "updatedAt" = $1
  from chosen where d."environmentId" = chosen."environmentId" and d.id = chosen.id and d.status <> 'sending'
  returning d."environmentId", d."webhookId", d.id
), due as (
  update webhooks w set "dueAt" = least(w."dueAt", $1::timestamptz)
  from (select distinct "environmentId", "webhookId" from replayed) r
  where w."environmentId" = r."environmentId" and w.id = r."webhookId"
)
select id from replayed`;

const REPLAY_BATCH = 1_000;

/** How long two secrets of a webhook may sign side by side. */
export const MAX_OVERLAP_SECONDS = 30 * 86_400;

/** What became of webhooks' deliveries, and the ways to have them again. */
export function createDeliveryLog({
  db,
  queue,
  deliverer,
  wake,
  now,
  newId,
  newMessageId,
  newSecret,
  secretBox,
}: {
  db: Database;
  queue: DeliveryQueue;
  deliverer: Deliverer;
  /** Tells this process's worker that something has become due. */
  wake: () => void;
  now: () => number;
  newId: () => string;
  newMessageId: () => string;
  newSecret: () => string;
  secretBox: SecretBox;
}) {
  return { list, get, replay, replayRange, test, status, enable, rotateSecret, measure };

  /** Throws `not_found` (webhook), `forbidden`, as all that follow. */
  async function list(
    caller: Principal,
    webhookId: string,
    { status, event, ...page }: Page & { status?: DeliveryStatus | undefined; event?: string | undefined },
  ): Promise<{ rows: Delivery[]; total: number }> {
    const { environmentId } = await find(caller, webhookId, "read");
    const from = `${FROM} and ($3::text is null or t.status::text = $3) and ($4::text is null or e.type = $4)`;
    const values = [environmentId, webhookId, status ?? null, event ?? null];
    const { rows, total } = await queryPage<Omit<Delivery, "log">>(db, { columns: DELIVERY, from, values }, page);
    return { rows: await withLog(environmentId, rows), total };
  }

  /** Throws `not_found` (webhook, delivery). */
  async function get(caller: Principal, webhookId: string, id: string): Promise<Delivery> {
    const { environmentId } = await find(caller, webhookId, "read");
    return await read(environmentId, webhookId, id);
  }

  /**
   * Delivers once more, at once, under the same message id and with the same retries as the first time.
   * Throws `not_found` (webhook, delivery); `conflict` while it is being sent, and when the webhook is switched off.
   */
  async function replay(caller: Principal, webhookId: string, id: string): Promise<Delivery> {
    const { environmentId } = await findEnabled(caller, webhookId);
    await read(environmentId, webhookId, id);
    const replayed = await db.query(`with chosen as (select $2::text as "environmentId", $3::text as id)${REPLAY}`, [
      new Date(now()),
      environmentId,
      id,
    ]);
    if (replayed.length === 0) throw new Problem("conflict", "The delivery is being sent at this moment");
    wake();
    return await read(environmentId, webhookId, id);
  }

  /**
   * Replays what was to be delivered in a time (both ends included) and has ended in one of the statuses; tells how many.
   * Throws `conflict` when the webhook is switched off.
   */
  async function replayRange(
    caller: Principal,
    webhookId: string,
    { startDate, endDate, statuses }: { startDate: Date; endDate: Date; statuses: readonly ReplayableStatus[] },
  ): Promise<number> {
    const { environmentId } = await findEnabled(caller, webhookId);
    const at = new Date(now());
    const chosen = `with chosen as (
      select "environmentId", id from webhook_deliveries
      where "environmentId" = $2 and "webhookId" = $3 and "createdAt" between $4 and $5 and status::text = any($6)
        and "updatedAt" < $1 limit ${REPLAY_BATCH} for update skip locked)`;
    for (let replayed = 0; ; wake()) {
      const batch = await db.query(chosen + REPLAY, [at, environmentId, webhookId, startDate, endDate, statuses]);
      replayed += batch.length;
      if (batch.length === 0) return replayed;
    }
  }

  /** Sends a message that looks like a real one of the event, now and only once. It is not logged. */
  async function test(caller: Principal, webhookId: string, event?: WebhookTrigger): Promise<TestDelivery> {
    const webhook = await find(caller, webhookId, "write");
    const chosen = event ?? WEBHOOK_TRIGGERS.find((trigger) => webhook.triggers.includes(trigger)) ?? "responseFinished";
    const [survey, segment] = await Promise.all([findSampleSurvey(webhook), findSampleSegment(webhook)]);
    const payload = buildSample(chosen, { now: new Date(now()), newId, survey, segment });
    const id = newMessageId();
    const content = { webhookId, environmentId: webhook.environmentId, event: chosen, payload };
    const result = await deliverer.attempt(webhook, id, content, new AbortController().signal);
    return { id, event: chosen, isDelivered: result.error === null, ...result };
  }

  async function status(caller: Principal, webhookId: string): Promise<WebhookStatus> {
    const { environmentId } = await find(caller, webhookId, "read");
    const [found] = await db.query<WebhookStatus>(
      `select t.id as "webhookId", t."environmentId", t."disabledAt" is null as "isEnabled", t."disabledAt", t."failingSince",
         t."consecutiveFailures", t."lastDeliveredAt",
         (select count(*) from webhook_deliveries d where d."environmentId" = t."environmentId" and d."webhookId" = t.id
           and d.status in ('pending', 'sending'))::int as waiting,
         case when t."previousSecretExpiresAt" > $3 then t."previousSecretExpiresAt" end as "previousSecretExpiresAt"
       from webhooks t where t."environmentId" = $1 and t.id = $2`,
      [environmentId, webhookId, new Date(now())],
    );
    if (found === undefined) throw notFound("webhook", webhookId);
    return found;
  }

  /** Switches a webhook on again. What was given up meanwhile waits for a replay. */
  async function enable(caller: Principal, webhookId: string): Promise<WebhookStatus> {
    const { environmentId } = await find(caller, webhookId, "write");
    await db.query(
      `update webhooks set "disabledAt" = null, "failingSince" = null, "consecutiveFailures" = 0, "dueAt" = $3
       where "environmentId" = $1 and id = $2 and "disabledAt" is not null`,
      [environmentId, webhookId, new Date(now())],
    );
    wake();
    return await status(caller, webhookId);
  }

  /**
   * Gives the webhook a new secret, which is shown this once. The one before signs beside it for a while, so that the
   * receiver can change over without losing a message.
   */
  async function rotateSecret(
    caller: Principal,
    webhookId: string,
    { overlapSeconds }: { overlapSeconds: number },
  ): Promise<{ secret: string; previousSecretExpiresAt: Date | null }> {
    const { environmentId } = await find(caller, webhookId, "write");
    const secret = newSecret();
    const at = now();
    const [rotated] = await db.query<{ previousSecretExpiresAt: Date | null }>(
      `update webhooks set secret = $3, "previousSecret" = secret, "updatedAt" = $4,
         "previousSecretExpiresAt" = case when secret is not null then $5::timestamptz end
       where "environmentId" = $1 and id = $2 returning "previousSecretExpiresAt"`,
      [environmentId, webhookId, secretBox.seal(secret), new Date(at), new Date(at + overlapSeconds * 1000)],
    );
    if (rotated === undefined) throw notFound("webhook", webhookId);
    return { secret, ...rotated };
  }

  /** For monitoring: how much waits for how long, and how this process's deliveries ended. */
  async function measure(): Promise<DeliveryMeasure> {
    return { ...(await queue.measure()), outcomes: deliverer.outcomes() };
  }

  async function findEnabled(caller: Principal, webhookId: string): Promise<OwnedWebhook> {
    const webhook = await find(caller, webhookId, "write");
    if (webhook.disabledAt !== null) throw new Problem("conflict", "The webhook is switched off; switch it on first");
    return webhook;
  }

  async function read(environmentId: string, webhookId: string, id: string): Promise<Delivery> {
    const rows = await db.query<Omit<Delivery, "log">>(`select ${DELIVERY} ${FROM} and t.id = $3`, [
      environmentId,
      webhookId,
      id,
    ]);
    const [delivery] = await withLog(environmentId, rows);
    if (delivery === undefined) throw notFound("delivery", id);
    return delivery;
  }

  async function withLog(environmentId: string, rows: Omit<Delivery, "log">[]): Promise<Delivery[]> {
    const attempts = await db.query<LoggedAttempt & { deliveryId: string }>(
      `select "deliveryId", attempt, "startedAt", "durationMs", status, error from webhook_attempts
       where "environmentId" = $1 and "deliveryId" = any($2) order by attempt`,
      [environmentId, rows.map(({ id }) => id)],
    );
    return rows.map((row) => ({
      ...row,
      log: attempts.filter(({ deliveryId }) => deliveryId === row.id).map(({ deliveryId: _, ...attempt }) => attempt),
    }));
  }

  /** One that the webhook listens to; without any, one that might be. */
  async function findSampleSurvey({ environmentId, surveyIds }: OwnedWebhook): Promise<SampleGround["survey"]> {
    const [survey] = await db.query<{
      id: string;
      title: string;
      type: string;
      status: string;
      createdAt: Date;
      updatedAt: Date;
    }>(
      `select id, name as title, type, status, "createdAt", "updatedAt" from surveys
       where "environmentId" = $1 and ($2::text[] = '{}' or id = any($2)) order by "updatedAt" desc limit 1`,
      [environmentId, surveyIds],
    );
    const at = new Date(now());
    const { createdAt, updatedAt, ...told } = survey ?? {
      id: newId(),
      title: "Test survey",
      type: "link",
      status: "inProgress",
      createdAt: at,
      updatedAt: at,
    };
    return { ...told, createdAt: createdAt.toISOString(), updatedAt: updatedAt.toISOString() };
  }

  async function findSampleSegment({ environmentId }: OwnedWebhook): Promise<SampleGround["segment"]> {
    const [segment] = await db.query<SampleGround["segment"]>(
      `select id, title from segments where "environmentId" = $1 order by "updatedAt" desc limit 1`,
      [environmentId],
    );
    return segment ?? { id: newId(), title: "Test segment" };
  }

  function find(caller: Principal, id: string, level: PermissionLevel, from: Pick<Transaction, "query"> = db) {
    return findOwnedRow<OwnedWebhook>(from, caller, { columns: WEBHOOK, table: "webhooks", id, resource: "webhook", level });
  }
}
