import { performance } from "node:perf_hooks";
import type { Logger } from "pino";
import type { Deliverer } from "./deliverer.ts";
import type { ClaimedDelivery, DeliveryQueue, LaneRow, Sent } from "./delivery-queue.ts";

export type DeliveryLane = ReturnType<typeof createDeliveryLane>;

export interface DeliveryLaneOptions {
  id: LaneRow;
  queue: Pick<DeliveryQueue, "release" | "leaseMs" | "perWebhook">;
  deliverer: Pick<Deliverer, "send" | "record">;
  log: Logger;
  /** Aborted when what is being sent is to be given back. */
  signal: AbortSignal;
  /** Called whenever the lane could take more. */
  onRoom: () => void;
  /** Told of everything that goes on by itself. It never rejects. */
  track: (work: Promise<void>) => void;
}

/** What an endpoint gets done in this time is claimed at once. */
const AHEAD_MS = 250;
const MAX_HELD = 50;

/** What has waited longer is given back: the endpoint is not as fast as it was, or this process was suspended. */
const MAX_WAIT_MS = 1_000;

/** How much the latest message counts in the average. */
const WEIGHT = 0.3;

/**
 * What a process has claimed of one webhook: it is sent in order, so many at a time, and what came of it is written down
 * together as soon as what came before is. A fast endpoint is claimed a quarter of a second ahead for; one that is slow,
 * fails or is not known gets no more than is sent at once, so that little waits here that may be deleted meanwhile.
 */
export function createDeliveryLane({ id, queue, deliverer, log, signal, onRoom, track }: DeliveryLaneOptions) {
  const maxWaitMs = Math.min(MAX_WAIT_MS, queue.leaseMs / 3);
  /** Everything that is claimed and not settled. */
  const held = new Set<ClaimedDelivery>();
  let waiting: { delivery: ClaimedDelivery; since: number }[] = [];
  let sent: Sent[] = [];
  let sending = 0;
  let isRecording = false;
  let isFailing = false;
  let isStopped = false;
  let averageMs: number | undefined;
  let usedAt = performance.now();
  return { id, take, room, stop, isIdleFor, held: () => [...held], sending: () => sending, isFailing: () => isFailing };

  /** Sends what was claimed, in its order. */
  function take(claimed: readonly ClaimedDelivery[]): void {
    const since = performance.now();
    isFailing = claimed.some((delivery) => delivery.isFailing);
    for (const delivery of claimed) {
      held.add(delivery);
      waiting.push({ delivery, since });
    }
    fill();
  }

  /** How many more may be claimed; 0 while it is not worth a look. */
  function room(): number {
    const size = isFailing || averageMs === undefined ? queue.perWebhook : sizeFor(averageMs);
    const free = isStopped ? 0 : size - held.size;
    return free >= size / 2 ? free : 0;
  }

  function sizeFor(durationMs: number): number {
    return Math.max(queue.perWebhook, Math.min(MAX_HELD, Math.floor((queue.perWebhook * AHEAD_MS) / durationMs)));
  }

  /** Gives back what is not being sent. */
  function stop(): void {
    isStopped = true;
    giveBackWaiting();
  }

  function isIdleFor(ms: number): boolean {
    return held.size === 0 && performance.now() - usedAt > ms;
  }

  function fill(): void {
    usedAt = performance.now();
    const [first] = waiting;
    if (first !== undefined && (isStopped || usedAt - first.since > maxWaitMs)) giveBackWaiting();
    while (sending < queue.perWebhook) {
      const next = waiting.shift();
      if (next === undefined) return;
      track(send(next.delivery));
    }
  }

  async function send(delivery: ClaimedDelivery): Promise<void> {
    sending++;
    const startedAt = performance.now();
    try {
      const done = await deliverer.send(delivery, signal);
      sent.push(done);
      note(performance.now() - startedAt, done.result.error !== null);
    } catch (error) {
      if (signal.aborted) track(giveBack([delivery]));
      else {
        log.warn({ err: error, deliveryId: delivery.id }, "webhook delivery is left to be repeated");
        held.delete(delivery);
      }
    }
    sending--;
    if (!isRecording) track(record());
    fill();
  }

  /** After a failure nothing waits here: retries have their own pace, and what follows may be better off in the queue. */
  function note(durationMs: number, hasFailed: boolean): void {
    averageMs = averageMs === undefined ? durationMs : averageMs + WEIGHT * (durationMs - averageMs);
    isFailing = hasFailed;
    if (hasFailed) giveBackWaiting();
  }

  async function record(): Promise<void> {
    isRecording = true;
    while (sent.length > 0) {
      const batch = sent;
      sent = [];
      await deliverer.record(id, batch).catch((error: unknown) => {
        log.warn({ err: error, ...id, count: batch.length }, "webhook deliveries are left to be repeated");
      });
      for (const { delivery } of batch) held.delete(delivery);
      if (room() > 0) onRoom();
    }
    isRecording = false;
  }

  function giveBackWaiting(): void {
    if (waiting.length === 0) return;
    const back = waiting.map(({ delivery }) => delivery);
    waiting = [];
    track(giveBack(back));
  }

  async function giveBack(back: readonly ClaimedDelivery[]): Promise<void> {
    await queue.release(id, back).catch((error: unknown) => {
      log.warn({ err: error, ...id, count: back.length }, "webhook deliveries wait for their leases to end");
    });
    for (const delivery of back) held.delete(delivery);
    if (room() > 0) onRoom();
  }
}
