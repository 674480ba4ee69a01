/** What the calling key may do. Source: management-api-v2 §5.2, §5.3. */
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Grant } from "../../api-keys/service.ts";
import { requireOrganizationAccess } from "../../http/permission-check.ts";
import type { Services } from "../../services.ts";
import { PERMISSION_LEVELS, type Principal } from "../../shared/principal.ts";
import { KEYED_ERRORS, v2Data } from "./envelope.ts";

const Level = z.enum(PERMISSION_LEVELS);

const Me = z
  .object({
    workspacePermissions: z.array(z.object({ permissions: Level, workspaceId: z.string(), workspaceName: z.string() })),
    environmentPermissions: z.array(
      z.object({
        environmentId: z.string(),
        environmentType: z.enum(["production", "development"]),
        permissions: Level,
        projectId: z.string(),
        projectName: z.string(),
      }),
    ),
    organizationId: z.string(),
    organizationAccess: z.object({ accessControl: z.object({ read: z.boolean(), write: z.boolean() }) }),
  })
  .meta({ id: "V2Me" });

export const meRoutes: FastifyPluginAsyncZod<{ services: Services }> = async (app, { services: { apiKeys } }) => {
  app.get(
    "/me",
    {
      preHandler: requireOrganizationAccess,
      schema: {
        operationId: "me",
        summary: "What the API key may do",
        tags: ["Me"],
        response: { 200: v2Data(Me), ...KEYED_ERRORS },
      },
    },
    async ({ principal }) => ({ data: presentMe(principal, await apiKeys.grants(principal)) }),
  );

  app.get(
    "/roles",
    {
      schema: {
        operationId: "getRoles",
        summary: "The roles a user may be given",
        tags: ["Roles"],
        response: { 200: v2Data(z.array(z.string())), ...KEYED_ERRORS },
      },
    },
    async () => ({ data: ["owner", "manager", "member"] }),
  );
};

/**
 * Both generations' lists. The newer one has workspaces only; the older one leaves out what was born a workspace,
 * that is, an environment without an older id which shares its own with its project.
 */
function presentMe({ organizationId, organizationAccess }: Principal, grants: Grant[]): z.output<typeof Me> {
  return {
    workspacePermissions: grants.map(({ level, environment, project }) => ({
      permissions: level,
      workspaceId: environment.id,
      workspaceName: project.name,
    })),
    environmentPermissions: grants
      .filter(({ environment, project }) => environment.legacyId !== null || environment.id !== project.id)
      .map(({ level, environment, project }) => ({
        environmentId: environment.legacyId ?? environment.id,
        environmentType: environment.type,
        permissions: level,
        projectId: project.id,
        projectName: project.name,
      })),
    organizationId,
    organizationAccess: { accessControl: organizationAccess },
  };
}
