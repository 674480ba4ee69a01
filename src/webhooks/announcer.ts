import type { ChangeFeed } from "../db/change-feed.ts";
import { notifyChange } from "../db/change-feed.ts";
import type { Database } from "../db/database.ts";
import type { DeliveryWorker } from "./delivery-worker.ts";

/** A burst of events is announced to other processes this often (ms). */
const NOTICE_INTERVAL_MS = 50;

/**
 * Says that events are committed: to this process's worker, and where none runs, to those of other processes, by a notice
 * of its own. It is not sent in the writing transaction, since transactions with notices commit one after another; one
 * that is lost costs what a worker's next look takes.
 */
export function createAnnouncer({
  db,
  changes,
  worker,
}: {
  db: Pick<Database, "query">;
  changes: Pick<ChangeFeed, "subscribe">;
  worker: Pick<DeliveryWorker, "announce" | "isRunning">;
}): () => void {
  let timer: NodeJS.Timeout | undefined;
  let noticedAt = Number.NEGATIVE_INFINITY;
  changes.subscribe("webhook_event", worker.announce, worker.announce);
  return function announce(): void {
    if (worker.isRunning()) worker.announce();
    else if (timer === undefined) {
      const waitMs = noticedAt + NOTICE_INTERVAL_MS - performance.now();
      if (waitMs > 0) timer = setTimeout(notice, waitMs).unref();
      else notice();
    }
  };

  function notice(): void {
    timer = undefined;
    noticedAt = performance.now();
    notifyChange(db, "webhook_event", "").catch(() => undefined); // a worker finds the events at its next look
  }
}
