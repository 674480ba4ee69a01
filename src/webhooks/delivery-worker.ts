import type { Logger } from "pino";
import type { Deliverer } from "./deliverer.ts";
import { createDeliveryLane, type DeliveryLane } from "./delivery-lane.ts";
import type { ClaimedDelivery, DeliveryQueue, LaneRow } from "./delivery-queue.ts";

export type DeliveryWorker = ReturnType<typeof createDeliveryWorker>;

export interface DeliveryWorkerOptions {
  queue: Pick<DeliveryQueue, "expand" | "claim" | "renew" | "release" | "sweep" | "leaseMs" | "perWebhook">;
  deliverer: Pick<Deliverer, "send" | "record">;
  now: () => number;
  log: Logger;
  /** How long events are kept after they happened, for the log and for replays. */
  keepMs: number;
  /** How long an event that nobody announced may wait to be seen. */
  pollMs?: number;
  /** Messages under way at once in this process. */
  maxSending?: number;
}

const POLL_MS = 500;
const MAX_SENDING = 128;

/** Announced events are distributed at once, but no more often than this: those of a burst go together. */
const EXPAND_INTERVAL_MS = 20;

const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 10_000;

/** For how long it is remembered how fast an endpoint is that gets nothing. */
const IDLE_LANE_MS = 30_000;

const SWEEP_INTERVAL_MS = 600_000;

/** Messages under way get this long to arrive when the process ends; the others are left to the next one. */
const STOP_GRACE_MS = 5_000;

/**
 * Works on the queue of deliveries for as long as it runs. An endpoint that hangs costs its own places only: those whose
 * last delivery failed share one half of them, so that the other half stays for those that answer.
 */
export function createDeliveryWorker(options: DeliveryWorkerOptions) {
  const { queue, deliverer, now, log, keepMs, pollMs = POLL_MS, maxSending = MAX_SENDING } = options;
  const lanes = new Map<string, DeliveryLane>();
  const underWay = new Set<Promise<void>>();
  const abort = new AbortController();
  let running: Promise<void> | undefined;
  let renewal: NodeJS.Timeout | undefined;
  let isStopping = false;
  let isWoken = false;
  let wakeUp = (): void => undefined;
  let isAnnounced = false;
  let announcement: NodeJS.Timeout | undefined;
  let expandedAt = Number.NEGATIVE_INFINITY;
  let sweptAt = 0;
  return { start, stop, wake, announce, isRunning: () => running !== undefined && !isStopping };

  function start(): void {
    if (running !== undefined) return;
    renewal = setInterval(renew, queue.leaseMs / 3);
    running = run();
  }

  /** Says that there are new events. May be called however often. */
  function announce(): void {
    if (announcement !== undefined || isStopping) return;
    const waitMs = expandedAt + EXPAND_INTERVAL_MS - now();
    if (waitMs > 0) announcement = setTimeout(expandNow, Math.min(waitMs, EXPAND_INTERVAL_MS));
    else expandNow();
  }

  function expandNow(): void {
    announcement = undefined;
    isAnnounced = true;
    wake();
  }

  /** Looks at the queue at once: a delivery in it has become due. */
  function wake(): void {
    isWoken = true;
    wakeUp();
  }

  /** Takes nothing more, and waits a while for what is under way. */
  async function stop(): Promise<void> {
    isStopping = true;
    clearTimeout(announcement);
    wake();
    await running;
    for (const lane of lanes.values()) lane.stop();
    const timer = setTimeout(() => abort.abort(), STOP_GRACE_MS);
    while (underWay.size > 0) await Promise.all(underWay);
    clearTimeout(timer);
    clearInterval(renewal);
  }

  async function run(): Promise<void> {
    let failures = 0;
    while (!isStopping) {
      isWoken = false;
      try {
        await work();
        failures = 0;
      } catch (error) {
        failures++;
        log.warn({ err: error }, "webhook deliveries are interrupted");
      }
      await pause(failures === 0 ? pollMs : Math.min(RETRY_MIN_MS * 2 ** (failures - 1), RETRY_MAX_MS));
    }
  }

  /** Distributes and sends until nothing is due or there is no room. */
  async function work(): Promise<void> {
    for (let isMore = true; isMore && !isStopping; ) {
      isMore = await expand();
      isMore = (await send()) || isMore;
    }
    if (now() - sweptAt < SWEEP_INTERVAL_MS || isStopping) return;
    sweptAt = now();
    await queue.sweep(new Date(now() - keepMs));
  }

  /** Distributes events when there are new ones, or may be. Tells whether there may be more. */
  async function expand(): Promise<boolean> {
    if (!isAnnounced && now() - expandedAt < pollMs) return false;
    isAnnounced = false;
    expandedAt = now();
    try {
      const isMore = await queue.expand();
      isAnnounced ||= isMore; // events may have been announced meanwhile
      return isMore;
    } catch (error) {
      isAnnounced = true;
      throw error;
    }
  }

  /** Keeps what was claimed from being taken by others. */
  function renew(): void {
    for (const [key, lane] of lanes) if (lane.isIdleFor(IDLE_LANE_MS)) lanes.delete(key);
    const held = [...lanes.values()].flatMap((lane) => [...lane.held()]);
    if (held.length === 0) return;
    queue.renew(held).catch((error: unknown) => {
      log.warn({ err: error }, "webhook deliveries under way may be repeated: their leases cannot be renewed");
    });
  }

  function sending(): number {
    return [...lanes.values()].reduce((sum, lane) => sum + lane.sending(), 0);
  }

  /** Tells whether there may be more to send at once. */
  async function send(): Promise<boolean> {
    const free = maxSending - sending();
    if (free < queue.perWebhook) return false;
    const failing = [...lanes.values()].reduce((sum, lane) => sum + (lane.isFailing() ? lane.sending() : 0), 0);
    const places = Math.max(0, Math.floor(maxSending / 2) - failing);
    const webhooks = Math.floor(free / queue.perWebhook);
    const claimed = await queue.claim({
      webhooks,
      failing: Math.floor(Math.min(places, free) / queue.perWebhook),
      lanes: [...lanes.values()].map((lane) => ({ ...lane.id, held: [...lane.held()], room: lane.room() })),
    });
    const byLane = new Map<DeliveryLane, ClaimedDelivery[]>();
    for (const delivery of claimed) {
      const lane = laneOf(delivery);
      byLane.set(lane, [...(byLane.get(lane) ?? []), delivery]);
    }
    for (const [lane, deliveries] of byLane) lane.take(deliveries);
    return byLane.size === webhooks;
  }

  function laneOf({ environmentId, webhookId }: LaneRow): DeliveryLane {
    const key = `${environmentId} ${webhookId}`;
    const known = lanes.get(key);
    if (known !== undefined) return known;
    const id = { environmentId, webhookId };
    const lane = createDeliveryLane({ id, queue, deliverer, log, signal: abort.signal, onRoom: wake, track });
    lanes.set(key, lane);
    return lane;
  }

  function track(work: Promise<void>): void {
    const tracked = work.finally(() => underWay.delete(tracked));
    underWay.add(tracked);
  }

  function pause(ms: number): Promise<void> {
    if (isWoken || isStopping) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
