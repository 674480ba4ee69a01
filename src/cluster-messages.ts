/** What the primary process and its workers say to each other. */
import { z } from "zod";

/** A request that a worker wants counted. */
const Counted = z.object({ name: z.string(), limit: z.number(), windowMs: z.number(), client: z.string() });

/** One metric of prom-client as JSON, read by its own aggregation. */
const Metric = z.looseObject({ name: z.string() });

export const ToPrimary = z.discriminatedUnion("kind", [
  /** The worker runs and waits for its settings. */
  z.object({ kind: z.literal("hello") }),
  z.object({ kind: z.literal("listening") }),
  /** The worker cannot start, for a reason that its operator can do something about. */
  z.object({ kind: z.literal("failed"), reason: z.string() }),
  z.object({ kind: z.literal("count"), batch: z.int(), requests: z.array(Counted) }),
  /** Asks for the metrics of all workers. */
  z.object({ kind: z.literal("gather"), id: z.int() }),
  z.object({ kind: z.literal("metrics"), id: z.int(), metrics: z.array(Metric) }),
]);

export const ToWorker = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("settings"), url: z.string(), directUrl: z.string(), port: z.int() }),
  /** How long (ms) each client of the batch has to wait, 0 when it need not. */
  z.object({ kind: z.literal("counted"), batch: z.int(), waits: z.array(z.number()) }),
  /** Asks for the worker's own metrics. */
  z.object({ kind: z.literal("collect"), id: z.int() }),
  z.object({ kind: z.literal("gathered"), id: z.int(), processes: z.array(z.array(Metric)) }),
  /** Finish what is under way and end. */
  z.object({ kind: z.literal("stop") }),
]);

export type ToPrimary = z.infer<typeof ToPrimary>;
export type ToWorker = z.infer<typeof ToWorker>;
export type MetricJson = z.infer<typeof Metric>;
export type CountRequest = z.infer<typeof Counted>;
