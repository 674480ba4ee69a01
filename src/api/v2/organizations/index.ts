/**
 * What belongs to one organization. A key of another one, or without access to its own, is as good as none here: 401.
 * What the services call `forbidden` is about the key's creator and is 403 (§2.4). Source: management-api-v2 §5.4–§5.6.
 */
import type { FastifyPluginAsync } from "fastify";
import { requireOrganizationAccess } from "../../../http/permission-check.ts";
import type { Services } from "../../../services.ts";
import { apiKeyRoutes } from "./api-keys.ts";
import { auditLogRoutes } from "./audit-log.ts";
import { environmentRoutes } from "./environments.ts";
import { identifySecretRoutes } from "./identify-secret.ts";
import { projectRoutes } from "./projects.ts";
import { teamRoutes } from "./teams.ts";
import { userRoutes } from "./users.ts";
import { workspaceTeamRoutes } from "./workspace-teams.ts";

export const organizationApi: FastifyPluginAsync<{ services: Services }> = async (app, { services }) => {
  await app.register(workspaceTeamRoutes, { services, path: "workspace-teams" });
  await app.register(workspaceTeamRoutes, { services, path: "project-teams" });
  await app.register(async (guarded) => {
    guarded.addHook("preHandler", requireOrganizationAccess);
    await guarded.register(projectRoutes, { services, path: "projects" });
    await guarded.register(projectRoutes, { services, path: "workspaces" });
    await guarded.register(environmentRoutes, { services });
    await guarded.register(identifySecretRoutes, { services });
    await guarded.register(apiKeyRoutes, { services });
    await guarded.register(auditLogRoutes, { services });
    await guarded.register(userRoutes, { services });
    await guarded.register(teamRoutes, { services });
  });
};
