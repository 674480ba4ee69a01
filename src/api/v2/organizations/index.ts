/** What belongs to one organization. Source: management-api-v2 §5.4–§5.6. */
import type { FastifyPluginAsync, FastifyRequest } from "fastify";
import { z } from "zod";
import type { Services } from "../../../services.ts";
import { mayUseOrganization } from "../../../shared/principal.ts";
import { unauthenticated } from "../../../shared/problem.ts";
import { apiKeyRoutes } from "./api-keys.ts";
import { auditLogRoutes } from "./audit-log.ts";
import { environmentRoutes } from "./environments.ts";
import { projectRoutes } from "./projects.ts";
import { teamRoutes } from "./teams.ts";
import { userRoutes } from "./users.ts";
import { workspaceTeamRoutes } from "./workspace-teams.ts";

export const organizationApi: FastifyPluginAsync<{ services: Services }> = async (app, { services }) => {
  await app.register(workspaceTeamRoutes, { services, path: "workspace-teams", requireAccess });
  await app.register(workspaceTeamRoutes, { services, path: "project-teams", requireAccess });
  await app.register(async (guarded) => {
    guarded.addHook("preHandler", requireAccess);
    await guarded.register(projectRoutes, { services, path: "projects" });
    await guarded.register(projectRoutes, { services, path: "workspaces" });
    await guarded.register(environmentRoutes, { services });
    await guarded.register(apiKeyRoutes, { services });
    await guarded.register(auditLogRoutes, { services });
    await guarded.register(userRoutes, { services });
    await guarded.register(teamRoutes, { services });
  });
};

/**
 * A key of another organization, or without access to its own, is as good as none here: 401. What the services call
 * `forbidden` is about the key's creator and is 403 (§2.4).
 */
async function requireAccess({ method, params, principal }: FastifyRequest): Promise<void> {
  const access = method === "GET" || method === "HEAD" ? "read" : "write";
  const { organizationId } = Path.parse(params);
  if (!mayUseOrganization(principal, organizationId, access)) throw unauthenticated();
}

const Path = z.object({ organizationId: z.string() });
