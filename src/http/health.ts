import type { FastifyPluginAsync } from "fastify";
import { z } from "zod";

/** What `/ready` and the health route of a contract ask. */
export interface ReadinessProbe {
  isDatabaseReachable(): Promise<boolean>;
  /** Whether this process hears at once of changes that other processes make to what it caches. */
  isCacheCurrent(): boolean;
  /** Whether the database has every migration of this release. */
  isMigrated(): Promise<boolean>;
  /** False from the moment the process was told to stop. */
  isAccepting(): boolean;
}

/**
 * `GET /health`: the process lives; restart it when this fails. `GET /ready`: it can serve (database reachable
 * and migrated, not shutting down); send it traffic while this is 200. Source of `/health`: client-api §16.2.
 */
export const healthRoutes: FastifyPluginAsync<{ readiness: ReadinessProbe }> = async (app, { readiness }) => {
  app.get(
    "/health",
    {
      logLevel: "warn",
      config: { servedAlways: true },
      schema: {
        operationId: "health",
        tags: ["Health"],
        summary: "Is the process alive?",
        response: { 200: z.object({ status: z.literal("ok") }) },
      },
    },
    async (): Promise<{ status: "ok" }> => ({ status: "ok" }),
  );

  app.get(
    "/ready",
    {
      logLevel: "warn",
      config: { servedAlways: true },
      schema: {
        operationId: "ready",
        tags: ["Health"],
        summary: "Can it serve requests?",
        response: {
          200: z.object({ status: z.literal("ready") }),
          503: z.object({ status: z.string().meta({ description: "What it waits for", example: "migrations pending" }) }),
        },
      },
    },
    async (_request, reply) => {
      const obstacle = await findObstacle(readiness);
      if (obstacle !== null) reply.status(503).header("retry-after", "5");
      return { status: obstacle ?? "ready" };
    },
  );
};

async function findObstacle(readiness: ReadinessProbe): Promise<string | null> {
  if (!readiness.isAccepting()) return "shutting down";
  if (!(await readiness.isDatabaseReachable())) return "database unreachable";
  return (await readiness.isMigrated()) ? null : "migrations pending";
}
