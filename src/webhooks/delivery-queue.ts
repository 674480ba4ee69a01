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

export type { ClaimedDelivery, LaneRow, QueueDepth, WebhookHealth } from "./delivery-statements.ts";

export type DeliveryQueue = ReturnType<typeof createDeliveryQueue>;

/** What becomes of a delivery after an attempt. */
export type Verdict = { status: "delivered" | "failed" } | { status: "pending"; retryAt: Date };

export interface ClaimOptions {
  /** How many webhooks at most. */
  webhooks: number;
  /** How many of them at most may be such whose last delivery failed. */
  failing: number;
  /** Webhooks that this process serves, with what it has of them. */
  lanes: readonly ServedLane[];
}

/** A webhook that a process serves. */
export interface ServedLane extends LaneRow {
  /** What it has claimed and not yet settled. */
  held: readonly ClaimedDelivery[];
  /** How many more it takes; 0: it is not to be looked at. */
  room: number;
}

/** What came of an attempt, and what becomes of the delivery. */
export interface Sent {
  delivery: ClaimedDelivery;
  startedAt: Date;
  result: AttemptResult;
  verdict: Verdict;
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
  /** How many deliveries a webhook gets at a time. */
  perWebhook?: number;
}) {
  return { leaseMs, perWebhook, expand, claim, renew, settle, release, switchOff, sweep, measure };

  /** Turns events of the outbox into deliveries. Tells whether there may be more. */
  async function expand(): Promise<boolean> {
    const [result] = await db.transaction((tx) => tx.query<{ events: number }>(EXPAND, [EXPAND_BATCH, new Date(now())]));
    return result !== undefined && result.events === EXPAND_BATCH;
  }

  /**
   * Takes deliveries that are due, of each webhook in the order in which they are to be sent. What is taken is this process's
   * until the lease ends, which it has to renew before; until then another process gets of the webhook only what may be sent beside it.
   */
  async function claim({ webhooks, failing, lanes }: ClaimOptions): Promise<ClaimedDelivery[]> {
    const at = now();
    const full = lanes.filter(({ room }) => room === 0);
    const served = [full.map(({ environmentId }) => environmentId), full.map(({ webhookId }) => webhookId)];
    return await db.transaction(async (tx) => {
      const due = await tx.query<LaneRow>(LOCK_DUE, [new Date(at), webhooks, failing, ...served]);
      if (due.length === 0) return [];
      const ids = [due.map(({ environmentId }) => environmentId), due.map(({ webhookId }) => webhookId), new Date(at)];
      const own = due.map((lane) => lanes.find((each) => isSameLane(each, lane)));
      const rooms = own.map((lane) => lane?.room ?? perWebhook);
      const held = own.flatMap((lane) => lane?.held ?? []);
      const claimed = await tx.query<ClaimedDelivery>(CLAIM, [
        ...ids,
        new Date(at + leaseMs),
        rooms,
        ...keysOf(held),
        perWebhook,
      ]);
      await tx.query(RESCHEDULE, ids);
      return claimed;
    });
  }

  /** Keeps what was claimed and is still being sent. */
  async function renew(claimed: readonly ClaimedDelivery[]): Promise<void> {
    await db.query(RENEW, [...keysOf(claimed), new Date(now() + leaseMs)]);
  }

  /** Writes down attempts at one webhook. Null when neither they nor the webhook are this process's business any more. */
  async function settle({ environmentId, webhookId }: LaneRow, sent: readonly Sent[]): Promise<WebhookHealth | null> {
    const [health] = await db.query<WebhookHealth>(SETTLE, [
      environmentId,
      webhookId,
      new Date(now()),
      sent.map(({ delivery }) => delivery.id),
      sent.map(({ delivery }) => delivery.attempts),
      sent.map(({ startedAt }) => startedAt),
      sent.map(({ result }) => result.durationMs),
      sent.map(({ result }) => result.status),
      sent.map(({ result }) => result.error),
      sent.map(({ verdict }) => verdict.status),
      sent.map(({ verdict }) => (verdict.status === "pending" ? verdict.retryAt : null)),
    ]);
    return health ?? null;
  }

  /** Gives back what was claimed of a webhook and not sent; the attempts do not count. */
  async function release({ environmentId, webhookId }: LaneRow, claimed: readonly ClaimedDelivery[]): Promise<void> {
    await db.query(RELEASE, [
      environmentId,
      webhookId,
      new Date(now()),
      claimed.map(({ id }) => id),
      claimed.map(({ attempts }) => attempts),
      claimed.map(({ dueAt }) => dueAt),
    ]);
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

const isSameLane = (a: LaneRow, b: LaneRow): boolean => a.webhookId === b.webhookId && a.environmentId === b.environmentId;

const keysOf = (claimed: readonly ClaimedDelivery[]): unknown[] => [
  claimed.map(({ environmentId }) => environmentId),
  claimed.map(({ id }) => id),
  claimed.map(({ attempts }) => attempts),
];
