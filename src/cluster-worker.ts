/** A worker's side of its primary process: see {@link startFleet}. */
import cluster from "node:cluster";
import { createAnswers } from "./cluster-answers.ts";
import { createRemoteStore } from "./cluster-counting.ts";
import { type MetricJson, type ToPrimary, ToWorker } from "./cluster-messages.ts";
import type { RateStore } from "./http/rate-limit.ts";

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
  const counts = createRemoteStore((batch, requests) => tell({ kind: "count", batch, requests }));
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
    store: counts.store,
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

/** Without effect when the primary is gone. */
function tell(message: ToPrimary): void {
  if (process.connected) process.send?.(message, undefined, {}, () => undefined);
}
