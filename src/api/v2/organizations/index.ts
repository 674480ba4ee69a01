/** What belongs to one organization. Source: management-api-v2 §5.4. */
import type { FastifyPluginAsync } from "fastify";
import type { Services } from "../../../services.ts";
import { mayUseOrganization } from "../../../shared/principal.ts";
import { unauthenticated } from "../../../shared/problem.ts";
import { userRoutes } from "./users.ts";

export const organizationApi: FastifyPluginAsync<{ services: Services }> = async (app, { services }) => {
  // A key of another organization, or without access to its own, is as good as none here: 401. What the services
  // call `forbidden` is about the key's creator and is 403 (§2.4).
  app.addHook<{ Params: { organizationId: string } }>("preHandler", async (request) => {
    const access = request.method === "GET" || request.method === "HEAD" ? "read" : "write";
    if (!mayUseOrganization(request.principal, request.params.organizationId, access)) throw unauthenticated();
  });
  await app.register(userRoutes, { services });
};
