import type { Database } from "../db/database.ts";
import {
  CLAIM,
  type ClaimedDelivery,
  EXPAND,
  type LaneRow,
  LOCK_DUE,
  MEASURE,
  type QueueDepth,
  RELEASE,
  RENEW,
  RESCHEDULE,
  SETTLE,
  SWEEP,
  SWITCH_OFF,
  type WebhookHealth,
} from "./delivery-statements.ts";
import type { AttemptResult } from "./sender.ts";

export type { ClaimedDelivery, QueueDepth, WebhookHealth } from "./delivery-statements.ts";

export type DeliveryQueue = ReturnType<typeof createDeliveryQueue>;

/** What becomes of a delivery after an attempt. */
export type Verdict = { status: "delivered" | "failed" } | { status: "pending"; retryAt: Date };

export interface ClaimOptions {
  /** How many webhooks at most. */
  webhooks: number;
  /** How many of them at most may be such whose last delivery failed. */
  failing: number;
}

const EXPAND_BATCH = 200;
const SWEEP_BATCH = 500;

/**
 * The queue of deliveries in the database. Any number of processes work on it at once; what one of them took and did not
 * settle before its lease ended is taken again. Source of the order of things: src/decisions/0023.
 */
export function createDeliveryQueue({
  db,
  now,
  leaseMs = 5_000,
  perWebhook = 2,
}: {
  db: Database;
  now: () => number;
  /** How long what a process took is left to it after its last sign of life; see `renew`. */
  leaseMs?: number;
  /** How many deliveries a webhook gets at a time, over all processes. */
  perWebhook?: number;
}) {
  return { leaseMs, expand, claim, renew, settle, release, switchOff, sweep, measure };

  /** Turns events of the outbox into deliveries. Tells whether there may be more. */
  async function expand(): Promise<boolean> {
    const [result] = await db.transaction((tx) => tx.query<{ events: number }>(EXPAND, [EXPAND_BATCH, new Date(now())]));
    return result !== undefined && result.events === EXPAND_BATCH;
  }

  /** Takes deliveries that are due. What is taken is this process's until the lease ends, which it has to renew before. */
  async function claim({ webhooks, failing }: ClaimOptions): Promise<ClaimedDelivery[]> {
    const at = now();
    return await db.transaction(async (tx) => {
      const lanes = await tx.query<LaneRow>(LOCK_DUE, [new Date(at), webhooks, failing]);
      if (lanes.length === 0) return [];
      const ids = [lanes.map(({ environmentId }) => environmentId), lanes.map(({ webhookId }) => webhookId), new Date(at)];
      const claimed = await tx.query<ClaimedDelivery>(CLAIM, [...ids, new Date(at + leaseMs), perWebhook]);
      await tx.query(RESCHEDULE, [...ids, perWebhook]);
      return claimed;
    });
  }

  /** Keeps what was claimed and is still being sent. */
  async function renew(claimed: readonly ClaimedDelivery[]): Promise<void> {
    const keys = [claimed.map(({ environmentId }) => environmentId), claimed.map(({ id }) => id)];
    await db.query(RENEW, [...keys, claimed.map(({ attempts }) => attempts), new Date(now() + leaseMs)]);
  }

  /** Null when the delivery, or its webhook, is no longer this claim's business. */
  async function settle(
    { environmentId, id, attempts }: ClaimedDelivery,
    startedAt: Date,
    { status, error, durationMs }: AttemptResult,
    verdict: Verdict,
  ): Promise<WebhookHealth | null> {
    const retryAt = verdict.status === "pending" ? verdict.retryAt : null;
    const values = [attempts, startedAt, durationMs, status, error, verdict.status, retryAt, new Date(now())];
    const [health] = await db.query<WebhookHealth>(SETTLE, [environmentId, id, ...values]);
    return health ?? null;
  }

  /** Gives back what was claimed and not sent; the attempt does not count. */
  async function release({ environmentId, id, attempts }: ClaimedDelivery): Promise<void> {
    await db.query(RELEASE, [environmentId, id, attempts, new Date(now())]);
  }

  /** Tells whether the webhook was on. */
  async function switchOff({ environmentId, webhookId }: LaneRow): Promise<boolean> {
    return (await db.query(SWITCH_OFF, [environmentId, webhookId, new Date(now())])).length > 0;
  }

  /** Deletes events of before `before` with their log, in pieces. Tells how many. */
  async function sweep(before: Date): Promise<number> {
    for (let deleted = 0; ; ) {
      const rows = await db.query(SWEEP, [before, SWEEP_BATCH]);
      deleted += rows.length;
      if (rows.length < SWEEP_BATCH) return deleted;
    }
  }

  async function measure(): Promise<QueueDepth> {
    const [depth] = await db.query<QueueDepth>(MEASURE, [new Date(now())]);
    if (depth === undefined) throw new Error("the statement answers a row");
    return depth;
  }
}
