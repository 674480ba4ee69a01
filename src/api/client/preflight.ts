/** `OPTIONS` of the client routes. Source: client-api §16.1, §2.6. */
import type { FastifyPluginAsync } from "fastify";

/** Paths whose preflight a browser and the caches on the way may keep for an hour. */
const CACHED = ["/:environmentId/environment", "/:environmentId/user"];

export const preflightRoutes: FastifyPluginAsync = async (app) => {
  for (const url of CACHED)
    app.options(url, { schema: { hide: true } }, async (_request, reply) => {
      reply.header("cache-control", "public, s-maxage=3600, max-age=3600");
      return { data: {} };
    });
};
