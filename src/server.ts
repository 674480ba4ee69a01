/** What stands between the configuration and a listening socket; the process, the command line and the tests share it. */
import type { FastifyInstance } from "fastify";
import type { Logger } from "pino";
import { createApp } from "./app.ts";
import type { CompleteConfig } from "./config/env.ts";
import { type ChangeFeed, openChangeFeed } from "./db/change-feed.ts";
import { type Database, openDatabase } from "./db/database.ts";
import { createJobQueue, type JobQueue } from "./db/job-queue.ts";
import { pendingMigrations } from "./db/migrate.ts";
import { openReplicaReader, type ReplicaReader } from "./db/read-replica.ts";
import { traceDatabase, traceQueries } from "./db/traced-database.ts";
import type { MetricJson, Metrics } from "./http/metrics.ts";
import { createOverloadGuard } from "./http/overload.ts";
import type { RateStore } from "./http/rate-limit.ts";
import type { Tracing } from "./http/tracing.ts";
import { openRateLimiter } from "./open-rate-limiter.ts";
import { backgroundTasks, createServices, type Services } from "./services.ts";
import type { Trace } from "./shared/trace.ts";

export interface BackendOptions {
  config: CompleteConfig;
  /** Of a database that is migrated, or will be before the first call. */
  url: string;
  /** The same database past a transaction pooler. */
  directUrl?: string | undefined;
  log: Logger;
  /** Absent: nobody looks. */
  trace?: Trace | undefined;
}

/** What the processes of a server with several workers share. */
export interface SharedAmongWorkers {
  /** Counts for the rate limits. */
  store: RateStore;
  /** The metrics of all processes, this one's included. */
  gatherMetrics(): Promise<MetricJson[][]>;
  /** Says how the others get this process's metrics. */
  onCollect(collect: () => Promise<MetricJson[]>): void;
}

/** Everything below HTTP. */
export interface Backend {
  db: Database;
  /** Null without DATABASE_REPLICA_URL. */
  replica: ReplicaReader | null;
  changes: ChangeFeed;
  /** Tasks may be added; they run in processes that called `start`. */
  queue: JobQueue;
  services: Services;
  close(): Promise<void>;
}

export interface Server extends Backend {
  /** Built, not listening. */
  app: FastifyInstance;
  /** Delivers webhooks; called once the server listens. */
  startDelivering(): void;
  /** From now on `/ready` answers 503; requests are still served. */
  stopAccepting(): void;
  /** Waits for the requests that are being served, then closes the rest. */
  close(): Promise<void>;
}

export async function openBackend({ config, url, directUrl = url, log, trace }: BackendOptions): Promise<Backend> {
  const database = openDatabase({ url, poolSize: poolSizeOf(config), prepared: config.DATABASE_PREPARED_STATEMENTS, log });
  const db = trace ? traceDatabase(database, trace) : database;
  const replica = openReplica(config, { db, primaryUrl: url, log });
  const lists = replica && trace ? traceQueries(replica, trace) : (replica ?? db);
  const changes = await openChangeFeed({ url: directUrl, log });
  const queue = createJobQueue({ url: directUrl, log });
  const services = createServices({ config, db, lists, changes, queue, log, trace });
  return { db, replica, changes, queue, services, close };

  async function close(): Promise<void> {
    await Promise.all([queue.stop(), services.webhookWorker.stop()]);
    await changes.close();
    await replica?.close();
    await db.close();
  }
}

function openReplica(config: CompleteConfig, primary: { db: Database; primaryUrl: string; log: Logger }): ReplicaReader | null {
  const { DATABASE_REPLICA_URL: url, DATABASE_PREPARED_STATEMENTS: prepared } = config;
  return url === undefined ? null : openReplicaReader({ ...primary, url, poolSize: poolSizeOf(config), prepared });
}

/** Statements that may wait for each connection before requests are refused; of few connections so many in all. */
const WAITING_PER_CONNECTION = 5;
const MIN_WAITING = 100;

/** This process's share of the connections. */
const poolSizeOf = ({ DATABASE_POOL_SIZE, WORKERS }: CompleteConfig): number =>
  WORKERS === 1 ? DATABASE_POOL_SIZE : Math.max(2, Math.floor(DATABASE_POOL_SIZE / WORKERS));

/** @param shared absent when this process serves alone */
export async function createServer(options: BackendOptions & { shared?: SharedAmongWorkers }): Promise<Server> {
  const { config, log, shared } = options;
  const tracing = config.TRACING ? await openTracing() : null;
  const backend = await openBackend({ ...options, trace: tracing?.trace });
  const { db, changes, services } = backend;
  let isAccepting = true;
  let isMigrated = false;
  const limits = await openRateLimiter({ config, url: options.url, log, workersStore: shared?.store });
  const overload = createOverloadGuard({
    maxRunning: config.MAX_CONCURRENT_REQUESTS,
    waiting: () => db.connections().waiting,
    maxWaiting: Math.max(MIN_WAITING, WAITING_PER_CONNECTION * poolSizeOf(config)),
  });
  const uncounted = limits.uncounted;
  const metrics = config.METRICS ? await openMetrics(backend, { uncounted, overloaded: overload.refused }, shared) : null;
  const readiness = {
    isAccepting: () => isAccepting,
    isDatabaseReachable: db.isReachable,
    isCacheCurrent: changes.isListening,
    isMigrated: checkMigrated,
  };
  const app = await createApp({ config, services, log, limiter: limits.limiter, readiness, overload, metrics, tracing });
  backend.queue.start(backgroundTasks(services));
  return { ...backend, app, startDelivering, stopAccepting, close };

  function startDelivering(): void {
    if (config.WEBHOOK_WORKER) services.webhookWorker.start();
  }

  function stopAccepting(): void {
    isAccepting = false;
  }

  /** Asked until it is true: a release's migrations are not undone while it runs. */
  async function checkMigrated(): Promise<boolean> {
    isMigrated ||= await pendingMigrations(db).then(
      (names) => names.length === 0,
      () => false,
    );
    return isMigrated;
  }

  async function close(): Promise<void> {
    stopAccepting();
    // Node closes the connections that are idle when it is told to, not those that become so.
    const sweep = setInterval(() => app.server.closeIdleConnections(), 100);
    await app.close();
    clearInterval(sweep);
    await limits.close();
    await backend.close();
    await tracing?.close();
  }
}

async function openTracing(): Promise<Tracing> {
  const { createTracing } = await import("./http/tracing.ts");
  return createTracing();
}

async function openMetrics(
  { db, replica, services }: Backend,
  edge: { uncounted(): number; overloaded(): number },
  shared: SharedAmongWorkers | undefined,
): Promise<Metrics> {
  const { createMetrics } = await import("./http/metrics.ts");
  const metrics = await createMetrics({
    sources: {
      identifyQueue: services.contacts.load,
      connections: db.connections,
      replica: replica?.figures,
      uncountedRequests: edge.uncounted,
      refusedRequests: edge.overloaded,
      typeConflicts: services.typeConflicts.total,
      webhookDeliveries: services.webhookDeliveries.measure,
    },
    gather: shared?.gatherMetrics,
  });
  shared?.onCollect(metrics.collect);
  return metrics;
}
