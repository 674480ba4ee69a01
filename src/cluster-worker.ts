/** A worker's side of its primary process: see {@link startFleet}. */
import cluster from "node:cluster";
import { createAnswers } from "./cluster-answers.ts";
import { type CountRequest, type MetricJson, type ToPrimary, ToWorker } from "./cluster-messages.ts";
import type { RateStore } from "./http/rate-limit.ts";

/** A request is served uncounted when the primary does not answer in this time: limits protect, they must not stop us. */
const COUNT_TIMEOUT_MS = 50;

/** Clients known to be over their limit are remembered here, up to this many. */
const MAX_REFUSED = 100_000;

const GATHER_TIMEOUT_MS = 2_000;

export interface Primary {
  settings: { url: string; directUrl: string; port: number };
  /** Counts in the primary, so that a limit holds over all workers. */
  store: RateStore;
  /** The metrics of all workers, this one's included. */
  gatherMetrics(): Promise<MetricJson[][]>;
  /** Says how the primary gets this worker's metrics. */
  onCollect(collect: () => Promise<MetricJson[]>): void;
  /** Tells that this worker serves the port. */
  listens(): void;
}

export interface PrimaryOptions {
  /** Called when the primary says so, or is gone: then nobody would restart or end this process. */
  stop: (reason: string) => void;
}

/** Tells the primary why this worker cannot start. */
export function reportFailure(reason: string): Promise<void> {
  return new Promise((resolve) => {
    if (process.send) process.send({ kind: "failed", reason } satisfies ToPrimary, undefined, {}, () => resolve());
    else resolve();
  });
}

/** Asks the primary for this worker's settings. */
export async function joinPrimary({ stop }: PrimaryOptions): Promise<Primary> {
  const settings = createAnswers<Primary["settings"]>();
  const counts = createAnswers<number[]>();
  const gathered = createAnswers<MetricJson[][]>();
  let collect: () => Promise<MetricJson[]> = async () => [];
  process.on("message", (message) => receive(ToWorker.parse(message)));
  cluster.worker?.on("disconnect", () => {
    // Node ends a worker at once whose primary is gone, and cuts its requests off, unless it believes that was meant.
    if (cluster.worker) cluster.worker.exitedAfterDisconnect = true;
    stop("the primary process is gone");
  });
  const asked = settings.expect(60_000);
  tell({ kind: "hello" });
  const given = await asked.answer;
  if (given === null) throw new Error("the primary process gave no settings");
  return {
    settings: given,
    store: createPrimaryStore(counts),
    gatherMetrics,
    onCollect: (answer) => {
      collect = answer;
    },
    listens: () => tell({ kind: "listening" }),
  };

  function receive(message: ToWorker): void {
    switch (message.kind) {
      case "settings":
        settings.settle(1, message);
        break;
      case "counted":
        counts.settle(message.batch, message.waits);
        break;
      case "collect":
        void collect().then((metrics) => tell({ kind: "metrics", id: message.id, metrics }));
        break;
      case "gathered":
        gathered.settle(message.id, message.processes);
        break;
      case "stop":
        stop("the primary process stops");
        break;
    }
  }

  async function gatherMetrics(): Promise<MetricJson[][]> {
    const { id, answer } = gathered.expect(GATHER_TIMEOUT_MS);
    tell({ kind: "gather", id });
    return (await answer) ?? [await collect()];
  }
}

/** Sends what is counted in one turn of the event loop as one message. */
function createPrimaryStore(counts: ReturnType<typeof createAnswers<number[]>>): RateStore {
  let batch: { requests: CountRequest[]; waits: Promise<number[] | null> } | undefined;
  /** Bucket and client → when the client may come again. Saves asking, so that a flood costs the primary nothing. */
  const refusedUntil = new Map<string, number>();
  return { count };

  function count(bucket: { name: string; limit: number; windowMs: number }, client: string): number | Promise<number> {
    const key = `${bucket.name} ${client}`;
    const until = refusedUntil.get(key);
    if (until !== undefined) {
      const wait = until - Date.now();
      if (wait > 0) return wait;
      refusedUntil.delete(key);
    }
    return ask({ ...bucket, client }).then((wait) => {
      if (wait > 0) {
        if (refusedUntil.size >= MAX_REFUSED) refusedUntil.clear();
        refusedUntil.set(key, Date.now() + wait);
      }
      return wait;
    });
  }

  async function ask(request: CountRequest): Promise<number> {
    batch ??= startBatch();
    const at = batch.requests.push(request) - 1;
    return (await batch.waits)?.[at] ?? 0;
  }

  function startBatch(): { requests: CountRequest[]; waits: Promise<number[] | null> } {
    const { id, answer } = counts.expect(COUNT_TIMEOUT_MS);
    const requests: CountRequest[] = [];
    setImmediate(() => {
      batch = undefined;
      tell({ kind: "count", batch: id, requests });
    });
    return { requests, waits: answer };
  }
}

/** Without effect when the primary is gone. */
function tell(message: ToPrimary): void {
  if (process.connected) process.send?.(message, undefined, {}, () => undefined);
}
