/** `OPTIONS` of the client routes. Source: client-api §16.1, §2.6. */
import type { FastifyPluginAsync } from "fastify";
import type { ClientApiOptions } from "./options.ts";

/** Paths whose preflight a browser and the caches on the way may keep for an hour. */
const CACHED = ["/:environmentId/environment", "/:environmentId/user", "/:environmentId/displays", "/:environmentId/responses"];

/** Paths with the id of somebody's row. */
const UNCACHED = ["/:environmentId/responses/:responseId"];
const UNCACHED_V1 = ["/:environmentId/displays/:displayId/response"];

export const preflightRoutes: FastifyPluginAsync<Pick<ClientApiOptions, "generation">> = async (app, { generation }) => {
  for (const url of CACHED)
    app.options(url, { schema: { hide: true, operationId: "clientPreflight" } }, async (_request, reply) => {
      reply.header("cache-control", "public, s-maxage=3600, max-age=3600");
      return { data: {} };
    });
  for (const url of generation === "v1" ? [...UNCACHED, ...UNCACHED_V1] : UNCACHED)
    app.options(url, { schema: { hide: true, operationId: "clientPreflight" } }, async () => ({ data: {} }));
};
