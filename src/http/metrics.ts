/** Figures for Prometheus. Their labels are patterns, methods and states, never ids, so their number is bounded. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { FastifyInstance } from "fastify";

/** One metric of one process, as prom-client writes and reads it. */
export interface MetricJson {
  name: string;
}

/** What is asked when the figures are read. */
export interface MetricSources {
  identifyQueue(): { waiting: number; running: number };
  /** Values stored as text since the process started, because they did not have their attribute key's type. */
  typeConflicts(): number;
  connections(): { total: number; idle: number; waiting: number };
  /** Absent without a read replica. `lagMs` is null while it is not known. */
  replica?: (() => { reads: { replica: number; primary: number }; lagMs: number | null }) | undefined;
  /** Requests that no rate limit was applied to because its store was away. */
  uncountedRequests(): number;
  /** Requests that were refused because the server had too much to do. */
  refusedRequests(): number;
  webhookDeliveries(): Promise<DeliveryFigures>;
}

/** What waits is the same for all processes that share the database; outcomes are those of this process. */
export interface DeliveryFigures {
  undistributed: number;
  pending: number;
  sending: number;
  oldestDueSeconds: number | null;
  outcomes: { delivered: number; retried: number; failed: number };
}

export interface Metrics {
  /** Measures every request of the app, and serves `GET /metrics`. Call it before the routes are registered. */
  measure(app: FastifyInstance): void;
  /** This process's figures. */
  collect(): Promise<MetricJson[]>;
}

const SAMPLING_MS = 10;

/** How long a reading waits for the figures that the database knows; without them it has those of the reading before. */
const FIGURES_TIMEOUT_MS = 500;

const DURATION_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** @param gather the figures of all processes of the server; absent when this one is alone */
export async function createMetrics({
  sources,
  gather,
}: {
  sources: MetricSources;
  gather?: (() => Promise<MetricJson[][]>) | undefined;
}): Promise<Metrics> {
  const { AggregatorRegistry, Counter, Gauge, Histogram, Registry } = await import("prom-client"); // loaded by those who want it
  const registry = new Registry();
  const registers = [registry];
  const eventLoopDelay = monitorEventLoopDelay({ resolution: SAMPLING_MS });
  eventLoopDelay.enable();
  let inFlight = 0;
  const duration = new Histogram({
    name: "mortar_http_request_duration_seconds",
    help: "Time from a request's first byte to its answer's last, by route pattern, method and status class",
    labelNames: ["route", "method", "status"],
    buckets: DURATION_BUCKETS_S,
    registers,
  });
  const rateLimited = new Counter({
    name: "mortar_http_rate_limited_total",
    help: "Requests that a rate limit refused",
    registers,
  });
  addGauge("mortar_http_requests_in_flight", "Requests that are being answered", () => inFlight);
  addGauge("mortar_identify_queue_waiting", "Identify calls that wait to be sent", () => sources.identifyQueue().waiting);
  addGauge("mortar_identify_queue_running", "Identify batches under way", () => sources.identifyQueue().running);
  new Counter({
    name: "mortar_type_conflicts_total",
    help: "Attribute values that did not have their key's type and were stored as text",
    registers,
    collect() {
      this.reset();
      this.inc(sources.typeConflicts());
    },
  });
  for (const state of ["total", "idle", "waiting"] as const)
    addGauge(`mortar_database_connections_${state}`, CONNECTIONS_HELP[state], () => sources.connections()[state]);
  addGauge(
    "mortar_event_loop_delay_p99_seconds",
    "How late the event loop was, 99th percentile since the last reading; of the worst process",
    () => {
      const p99 = eventLoopDelay.percentile(99) / 1e9 - SAMPLING_MS / 1e3; // Node counts the time between two samples
      eventLoopDelay.reset();
      return Math.max(0, p99);
    },
    "max",
  );
  addGauge("mortar_process_resident_memory_bytes", "Resident memory of the processes that serve", () =>
    process.memoryUsage.rss(),
  );
  addCounter(
    "mortar_rate_limit_uncounted_total",
    "Requests that were served uncounted because the store of the rate limits was away",
    sources.uncountedRequests,
  );
  addCounter(
    "mortar_overload_refused_total",
    "Requests that were refused because there was too much to do",
    sources.refusedRequests,
  );
  addReplicaFigures();
  addWebhookFigures();
  return { measure, collect: () => registry.getMetricsAsJSON() };

  /** Without a replica they stay at nought. */
  function addReplicaFigures(): void {
    new Counter({
      name: "mortar_database_replica_reads_total",
      help: "Lists that the read replica answered, and those that the primary did because the replica was away or lagged",
      labelNames: ["source"],
      registers,
      collect() {
        const { reads } = sources.replica?.() ?? NO_REPLICA;
        this.reset();
        for (const source of ["replica", "primary"] as const) this.inc({ source }, reads[source]);
      },
    });
    new Gauge({
      name: "mortar_database_replica_lag_seconds",
      help: "By how much the read replica lags at most; missing while nobody knows",
      registers,
      aggregator: "max",
      collect() {
        const { lagMs } = sources.replica?.() ?? NO_REPLICA;
        if (lagMs === null) this.remove();
        else this.set(lagMs / 1000);
      },
    });
  }

  /** One look into the database for all of them. */
  function addWebhookFigures(): void {
    const read = readTogether(sources.webhookDeliveries);
    new Gauge({
      name: "mortar_webhook_queue",
      help: "Events that no delivery was made of yet, deliveries that wait, and deliveries under way",
      labelNames: ["state"],
      registers,
      aggregator: "max",
      async collect() {
        const figures = await read();
        for (const state of ["undistributed", "pending", "sending"] as const) if (figures) this.set({ state }, figures[state]);
      },
    });
    new Gauge({
      name: "mortar_webhook_oldest_due_seconds",
      help: "For how long the oldest event or delivery that is due has been so",
      registers,
      aggregator: "max",
      async collect() {
        const figures = await read();
        if (figures) this.set(figures.oldestDueSeconds ?? 0);
      },
    });
    new Counter({
      name: "mortar_webhook_attempts_total",
      help: "Attempts to deliver by what came of them: delivered, to be retried, given up",
      labelNames: ["outcome"],
      registers,
      async collect() {
        const figures = await read();
        if (!figures) return;
        this.reset();
        for (const outcome of ["delivered", "retried", "failed"] as const) this.inc({ outcome }, figures.outcomes[outcome]);
      },
    });
  }

  function addCounter(name: string, help: string, read: () => number): void {
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  }

  /** @param aggregator how the values of several processes become one */
  function addGauge(name: string, help: string, read: () => number, aggregator: "sum" | "max" = "sum"): void {
    new Gauge({
      name,
      help,
      registers,
      aggregator,
      collect() {
        this.set(read());
      },
    });
  }

  function leave(): void {
    inFlight--;
  }

  function measure(app: FastifyInstance): void {
    app.addHook("onRequest", (_request, reply, done) => {
      inFlight++;
      reply.raw.on("close", leave); // unlike the answer's end it comes also when the client has gone
      done();
    });
    app.addHook("onResponse", (request, reply, done) => {
      const route = request.routeOptions.url ?? "none";
      const status = `${Math.floor(reply.statusCode / 100)}xx`;
      duration.observe({ route, method: request.method, status }, reply.elapsedTime / 1000);
      if (reply.statusCode === 429) rateLimited.inc();
      done();
    });
    app.get(
      "/metrics",
      { logLevel: "warn", config: { servedAlways: true }, schema: { hide: true, operationId: "getMetrics" } },
      async (_request, reply) => {
        reply.header("cache-control", "no-store").type(registry.contentType);
        return await (gather ? AggregatorRegistry.aggregate(await gather()) : registry).metrics();
      },
    );
  }
}

/** Those who ask during one reading share an answer; null when there is none in time. */
function readTogether<Figures>(read: () => Promise<Figures>): () => Promise<Figures | null> {
  let shared: Promise<Figures | null> | undefined;
  return () => {
    shared ??= Promise.race([
      read().catch(() => null),
      new Promise<null>((resolve) => setTimeout(resolve, FIGURES_TIMEOUT_MS, null).unref()),
    ]).finally(() => {
      shared = undefined;
    });
    return shared;
  };
}

const NO_REPLICA = { reads: { replica: 0, primary: 0 }, lagMs: 0 };

const CONNECTIONS_HELP = {
  total: "Open database connections",
  idle: "Database connections that nobody uses",
  waiting: "Statements that wait for a database connection",
};
