import type { FastifyPluginAsync } from "fastify";

/** What `/ready` and the health route of a contract ask. */
export interface ReadinessProbe {
  isDatabaseReachable(): Promise<boolean>;
  /** Whether this process hears at once of changes that other processes make to what it caches. */
  isCacheCurrent(): boolean;
  /** False from the moment the process was told to stop. */
  isAccepting(): boolean;
}

/**
 * `GET /health`: the process lives; restart it when this fails. `GET /ready`: it can serve (database reachable, not
 * shutting down); send it traffic while this is 200. Source of `/health`: client-api §16.2.
 */
export const healthRoutes: FastifyPluginAsync<{ readiness: ReadinessProbe }> = async (app, { readiness }) => {
  app.get("/health", { logLevel: "warn", schema: { tags: ["Health"], summary: "Is the process alive?" } }, async () => ({
    status: "ok",
  }));

  app.get(
    "/ready",
    { logLevel: "warn", schema: { tags: ["Health"], summary: "Can it serve requests?" } },
    async (_request, reply) => {
      const accepting = readiness.isAccepting();
      const database = accepting && (await readiness.isDatabaseReachable());
      if (!database) reply.status(503).header("retry-after", "5");
      return { status: database ? "ready" : accepting ? "database unreachable" : "shutting down" };
    },
  );
};
