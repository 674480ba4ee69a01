import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import type { SecretBox } from "../shared/secret-box.ts";
import type { ClaimedDelivery, DeliveryQueue, LaneRow, Sent, Verdict, WebhookHealth } from "./delivery-queue.ts";
import { buildBody, type MessageContent } from "./payload.ts";
import { RETRY_DELAYS_MS, retryDelayMs } from "./schedule.ts";
import type { AttemptResult, Sender } from "./sender.ts";
import { signMessage } from "./signature.ts";

export type Deliverer = ReturnType<typeof createDeliverer>;

/** Where a message goes and with what it is signed; the secrets are sealed. */
export interface Endpoint {
  url: string;
  secret: string | null;
  previousSecret: string | null;
  previousSecretExpiresAt: Date | null;
}

/** How deliveries of this process ended so far. */
export interface Outcomes {
  delivered: number;
  /** Attempts that failed and are followed by another. */
  retried: number;
  /** Deliveries that were given up. */
  failed: number;
}

const DAY_MS = 86_400_000;

/** How long an endpoint may do nothing but fail before it is switched off. */
const SWITCH_OFF_AFTER_MS = 5 * DAY_MS;

/** Sends messages and decides what becomes of their deliveries. Source: webhooks §3–§6. */
export function createDeliverer({
  queue,
  sender,
  secretBox,
  publicUrl,
  now,
  random,
  log,
  delaysMs = RETRY_DELAYS_MS,
  settleWaitsMs = [200, 1_000, 3_000, 8_000],
}: {
  queue: DeliveryQueue;
  sender: Sender;
  secretBox: SecretBox;
  publicUrl: string;
  now: () => number;
  random: () => number;
  log: Logger;
  delaysMs?: readonly number[];
  /** Pauses between attempts to write down a result. */
  settleWaitsMs?: readonly number[];
}) {
  const outcomes: Outcomes = { delivered: 0, retried: 0, failed: 0 };
  return { send, record, attempt, outcomes: (): Outcomes => ({ ...outcomes }) };

  /** Makes an attempt, of which nothing is written down yet. Throws only when `signal` is aborted. */
  async function send(delivery: ClaimedDelivery, signal: AbortSignal): Promise<Sent> {
    const { webhookId, environmentId, event, payload } = delivery;
    const startedAt = new Date(now());
    const result = await attempt(delivery, delivery.id, { webhookId, environmentId, event, payload }, signal);
    return { delivery, startedAt, result, verdict: judge(delivery, result) };
  }

  /**
   * Writes down what came of attempts at one webhook. Throws when the database cannot be reached: then they are made again
   * after their lease.
   */
  async function record(lane: LaneRow, sent: readonly Sent[]): Promise<void> {
    const health = await settle(lane, sent);
    if (health === null) return; // the webhook was deleted, or the leases had ended
    const settled = new Set(health.settled);
    for (const { delivery, verdict } of sent)
      if (settled.has(delivery.id)) outcomes[verdict.status === "pending" ? "retried" : verdict.status]++;
    const { failingSince, disabledAt } = health;
    if (failingSince === null || disabledAt !== null || now() - failingSince.getTime() < SWITCH_OFF_AFTER_MS) return;
    if (await queue.switchOff(lane)) log.warn({ ...lane, failingSince }, "webhook switched off, it has only failed for days");
  }

  /** A result that is lost means that the receiver gets the message again, so a database that is away is waited for. */
  async function settle(lane: LaneRow, sent: readonly Sent[]): Promise<WebhookHealth | null> {
    for (const waitMs of settleWaitsMs) {
      try {
        return await queue.settle(lane, sent);
      } catch (error) {
        log.warn({ err: error, ...lane, count: sent.length }, "webhook deliveries cannot be written down yet");
        await sleep(waitMs);
      }
    }
    return await queue.settle(lane, sent);
  }

  /** Sends one message. Throws only when `signal` is aborted. */
  async function attempt(
    endpoint: Endpoint,
    messageId: string,
    content: Omit<MessageContent, "publicUrl">,
    signal: AbortSignal,
  ): Promise<AttemptResult> {
    const body = buildBody({ ...content, publicUrl });
    const timestamp = Math.floor(now() / 1000);
    const secrets = openSecrets(endpoint);
    if (secrets === null) return { status: null, error: "secret_unreadable", durationMs: 0 };
    const headers: Record<string, string> = {
      "content-type": "application/json",
      "user-agent": "Mortar-Webhooks",
      "webhook-id": messageId,
      "webhook-timestamp": String(timestamp),
    };
    if (secrets.length > 0) headers["webhook-signature"] = signMessage({ id: messageId, timestamp, body }, secrets);
    return await sender.send({ url: endpoint.url, headers, body }, signal);
  }

  /** Null when they were sealed with another encryption key. An unsigned message would be mistaken for a forged one. */
  function openSecrets({ secret, previousSecret, previousSecretExpiresAt }: Endpoint): string[] | null {
    const isOverlap = previousSecretExpiresAt !== null && previousSecretExpiresAt.getTime() > now();
    const sealed = [secret, isOverlap ? previousSecret : null].filter((each) => each !== null);
    try {
      return sealed.map(secretBox.open);
    } catch (error) {
      log.error({ err: error }, "a webhook's secret cannot be read; was ENCRYPTION_KEY changed?");
      return null;
    }
  }

  function judge({ attempts, attemptsBefore }: ClaimedDelivery, { error }: AttemptResult): Verdict {
    if (error === null) return { status: "delivered" };
    const delayMs = error === "gone" ? null : retryDelayMs(attempts - attemptsBefore, random(), delaysMs);
    return delayMs === null ? { status: "failed" } : { status: "pending", retryAt: new Date(now() + delayMs) };
  }
}
