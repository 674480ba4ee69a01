/**
 * The primary process of a server with several workers: it owns the database, the port and the counts of the rate
 * limits, and keeps the workers running. It serves no request itself.
 */
import cluster, { type Worker } from "node:cluster";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { type MetricJson, ToPrimary, type ToWorker } from "./cluster-messages.ts";
import { createRateStore } from "./http/rate-limit.ts";
import { StartError } from "./shared/start-error.ts";

/** A worker that lived shorter is started again after a pause, which doubles each time. */
const STABLE_MS = 10_000;
const RESTART_MIN_MS = 100;
const RESTART_MAX_MS = 5_000;

/** How long a scrape waits for the slowest worker; one that does not answer is left out. */
const GATHER_TIMEOUT_MS = 1_000;

export interface FleetOptions {
  /** The program that the workers run. */
  file: string;
  size: number;
  /** Where a worker finds the database. */
  url: string;
  directUrl: string;
  host: string;
  /** 0: any free one. */
  port: number;
  log: Logger;
}

export interface Fleet {
  /** The port that all workers serve. */
  port: number;
  /** Lets every worker finish what is under way, and resolves when all have ended. */
  stop(): Promise<void>;
}

/**
 * Starts the workers; resolves when all of them listen. Throws {@link StartError} when one cannot. From then on a
 * worker that ends is replaced.
 */
export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const { file, size, url, directUrl, host, log } = options;
  const port = options.port === 0 ? await findFreePort(host) : options.port;
  let listening = 0;
  let phase: "starting" | "running" | "stopping" = "starting";
  const pauses = new AbortController();
  const counts = createRateStore();
  const gathering = createGathering();
  const workers = new Set<Worker>();
  const started = deferred();
  cluster.setupPrimary({ exec: file });
  for (let n = 0; n < size; n++) startWorker(RESTART_MIN_MS);
  // Forced ends (a second signal, a stop that takes too long) leave nobody behind.
  process.on("exit", () => {
    for (const worker of workers) worker.process.kill("SIGKILL");
  });
  try {
    await started.promise;
  } catch (error) {
    await stop();
    throw error;
  }
  phase = "running";
  return { port, stop };

  /** @param pauseMs before the next start, if this one does not last */
  function startWorker(pauseMs: number): void {
    const startedAt = Date.now();
    const worker = cluster.fork();
    const { pid } = worker.process;
    workers.add(worker);
    worker.on("error", (error) => log.warn({ err: error, worker: pid }, "worker cannot be reached"));
    worker.on("message", (message) => receive(worker, ToPrimary.parse(message)));
    worker.on("exit", (status, signal) => {
      workers.delete(worker);
      gathering.leave(worker);
      if (phase === "starting") started.reject(new Error(`a worker ended while it started (${signal ?? status})`));
      if (phase !== "running") return;
      const lasted = Date.now() - startedAt >= STABLE_MS;
      log.error({ worker: pid, status, signal, restartInMs: lasted ? 0 : pauseMs }, "worker ended, starting another one");
      if (lasted) startWorker(RESTART_MIN_MS);
      else void restart(pauseMs);
    });
  }

  async function restart(pauseMs: number): Promise<void> {
    await sleep(pauseMs, undefined, { signal: pauses.signal, ref: false }).catch(() => undefined);
    if (phase === "running") startWorker(Math.min(2 * pauseMs, RESTART_MAX_MS));
  }

  function receive(worker: Worker, message: ToPrimary): void {
    switch (message.kind) {
      case "hello":
        tell(worker, phase === "stopping" ? { kind: "stop" } : { kind: "settings", url, directUrl, port });
        break;
      case "listening":
        if (++listening === size) started.resolve();
        break;
      case "failed":
        if (phase === "starting") started.reject(new StartError(message.reason));
        else log.error({ worker: worker.process.pid, reason: message.reason }, "worker cannot start");
        break;
      case "count": {
        const waits = message.requests.map(({ client, ...bucket }) => counts.count(bucket, client));
        tell(worker, { kind: "counted", batch: message.batch, waits });
        break;
      }
      case "gather":
        void gathering.begin([...workers]).then((processes) => tell(worker, { kind: "gathered", id: message.id, processes }));
        break;
      case "metrics":
        gathering.add(message.id, worker, message.metrics);
        break;
    }
  }

  async function stop(): Promise<void> {
    phase = "stopping";
    pauses.abort();
    await Promise.all(
      [...workers].map(async (worker) => {
        const ended = new Promise((resolve) => worker.once("exit", resolve));
        tell(worker, { kind: "stop" });
        await ended;
      }),
    );
  }
}

/** A promise and what settles it. */
function deferred(): { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } {
  let resolve: () => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

/** Chosen here and not by a worker, so that workers come back on the same port after all of them have ended. */
function findFreePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", () => reject(new StartError(`HOST: ${host} is not an address of this machine`)));
    probe.listen(0, host, () => {
      const bound = probe.address();
      probe.close(() => resolve(typeof bound === "object" && bound !== null ? bound.port : 0));
    });
  });
}

/** A worker that is ending does not hear it, which its end tells soon enough. */
function tell(worker: Worker, message: ToWorker): void {
  if (worker.isConnected()) worker.send(message, () => undefined);
}

/** Asks all workers for their metrics at once and waits for their answers. */
function createGathering() {
  interface Round {
    missing: Set<Worker>;
    processes: MetricJson[][];
    finish: () => void;
  }
  const rounds = new Map<number, Round>();
  let lastId = 0;
  return { begin, add, leave };

  async function begin(asked: Worker[]): Promise<MetricJson[][]> {
    const id = ++lastId;
    const done = deferred();
    const round: Round = { missing: new Set(asked), processes: [], finish: done.resolve };
    rounds.set(id, round);
    const timer = setTimeout(done.resolve, GATHER_TIMEOUT_MS);
    for (const worker of asked) tell(worker, { kind: "collect", id });
    await done.promise;
    clearTimeout(timer);
    rounds.delete(id);
    return round.processes;
  }

  function add(id: number, worker: Worker, metrics: MetricJson[]): void {
    const round = rounds.get(id);
    if (!round?.missing.delete(worker)) return;
    round.processes.push(metrics);
    if (round.missing.size === 0) round.finish();
  }

  /** A worker that ended answers nothing any more. */
  function leave(worker: Worker): void {
    for (const round of rounds.values()) if (round.missing.delete(worker) && round.missing.size === 0) round.finish();
  }
}
