/**
 * Sends answers one after the other and keeps them until they are accepted. What is added while something is on its way
 * or cannot be sent is merged into one update. Source: client-api §1, sdk-contract §5.
 */
import type { ResponseData } from "../../responses/answer-values.ts";

export interface ResponseUpdate {
  finished: boolean;
  data: ResponseData;
  /** Milliseconds by element id. */
  ttc: Record<string, number>;
  variables: Record<string, string | number>;
  language?: string | undefined;
  endingId?: string | undefined;
}

/** What became of an attempt: `retry` may help, `refused` is final. */
export type SendResult<Accepted> =
  | { outcome: "accepted"; accepted: Accepted }
  | { outcome: "retry" }
  | { outcome: "refused"; reason: Refusal };

export type Refusal = "finished" | "recaptcha" | "other";

export type QueueStatus = "idle" | "sending" | "failed" | Refusal;

export interface ResponseQueue {
  add(update: ResponseUpdate): void;
  /** Tries again what failed; nothing when something is on its way already. */
  retry(): void;
}

export interface ResponseQueueOptions<Accepted> {
  send: (update: ResponseUpdate) => Promise<SendResult<Accepted>>;
  sleep: (ms: number) => Promise<void>;
  onStatus: (status: QueueStatus) => void;
  onAccepted: (update: ResponseUpdate, accepted: Accepted) => void;
  /** Called with what is not accepted yet, null when all is; for keeping it beyond the page. */
  onPending?: (update: ResponseUpdate | null) => void;
}

/** After the first attempt. */
const PAUSES_MS = [1_000, 2_000, 4_000, 8_000];

export function createResponseQueue<Accepted>({
  send,
  sleep,
  onStatus,
  onAccepted,
  onPending = () => {},
}: ResponseQueueOptions<Accepted>): ResponseQueue {
  let pending: ResponseUpdate | null = null;
  let isSending = false;
  let onItsWay: ResponseUpdate | null = null;
  return { add, retry };

  function add(update: ResponseUpdate): void {
    pending = pending === null ? update : mergeUpdates(pending, update);
    onPending(onItsWay === null ? pending : mergeUpdates(onItsWay, pending));
    retry();
  }

  function retry(): void {
    if (!isSending && pending !== null) void drain();
  }

  async function drain(): Promise<void> {
    isSending = true;
    onStatus("sending");
    let status: QueueStatus = "idle";
    while (pending !== null && status === "idle") {
      const update: ResponseUpdate = pending;
      pending = null;
      onItsWay = update;
      status = await sendWithRetries(update);
      onItsWay = null;
      onPending(pending);
    }
    isSending = false;
    onStatus(status);
  }

  async function sendWithRetries(update: ResponseUpdate): Promise<QueueStatus> {
    for (const pauseMs of [...PAUSES_MS, null]) {
      const result = await send(update);
      if (result.outcome === "accepted") {
        onAccepted(update, result.accepted);
        return "idle";
      }
      if (result.outcome === "refused") return result.reason;
      if (pauseMs !== null) await sleep(pauseMs);
    }
    pending = pending === null ? update : mergeUpdates(update, pending);
    return "failed";
  }
}

/** Both as one update: the later one's values win, times add up. */
export function mergeUpdates(earlier: ResponseUpdate, later: ResponseUpdate): ResponseUpdate {
  const ttc = { ...earlier.ttc };
  for (const [id, ms] of Object.entries(later.ttc)) ttc[id] = (ttc[id] ?? 0) + ms;
  return {
    finished: earlier.finished || later.finished,
    data: { ...earlier.data, ...later.data },
    ttc,
    variables: { ...earlier.variables, ...later.variables },
    language: later.language ?? earlier.language,
    endingId: later.endingId ?? earlier.endingId,
  };
}
