/** Health, for monitors without a key. Source: management-api-v2 §5.1. */
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import type { ReadinessProbe } from "../../http/health.ts";
import { V2Error, v2Data } from "./envelope.ts";

const Health = z
  .object({
    main_database: z.boolean(),
    cache_database: z.boolean().meta({ description: "Whether this process hears of changes that empty its caches" }),
  })
  .meta({ id: "V2Health" });

export const healthRoutes: FastifyPluginAsyncZod<{ readiness: ReadinessProbe }> = async (app, { readiness }) => {
  app.get(
    "/health",
    {
      logLevel: "warn",
      schema: {
        operationId: "healthCheck",
        summary: "Are the database and the caches in order?",
        tags: ["Health"],
        response: { 200: v2Data(Health), 500: V2Error },
      },
    },
    async () => ({
      data: { main_database: await readiness.isDatabaseReachable(), cache_database: readiness.isCacheCurrent() },
    }),
  );
};
