/**
 * The environments of an organization's projects, which come and go with them. Formbricks has no such routes
 * (management-api-v2 §10.2).
 */
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Services } from "../../../services.ts";
import { ID_PATTERN } from "../../../shared/ids.ts";
import { QUERY_ERRORS, V2Error, v2Data, v2List } from "../envelope.ts";
import { listQuery } from "../list-query.ts";

const EnvironmentType = z.enum(["production", "development"]);

const Environment = z
  .object({
    id: z
      .string()
      .meta({ description: "What routes take as environmentId or workspaceId", example: "cm9x2k4v80001l5c8h2j4k6m8" }),
    createdAt: z.date(),
    updatedAt: z.date(),
    projectId: z.string(),
    projectName: z.string().meta({ example: "Checkout" }),
    type: EnvironmentType,
    legacyId: z.string().nullable().meta({ description: "A second id that older clients may know it by" }),
    appSetupCompleted: z.boolean().meta({ description: "Whether an SDK has asked for its configuration" }),
  })
  .meta({ id: "V2Environment" });

const Id = z.string().regex(ID_PATTERN, "Invalid cuid2");
const Path = z.object({ organizationId: Id });
const EnvironmentPath = z.object({ organizationId: Id, environmentId: Id });

const documentation = { tags: ["Organizations API - Environments"], security: [{ apiKey: [] }] };

export const environmentRoutes: FastifyPluginAsyncZod<{ services: Services }> = async (app, { services: { projects } }) => {
  app.get(
    "/environments",
    {
      schema: {
        ...documentation,
        operationId: "getEnvironments",
        summary: "Get environments",
        params: Path,
        querystring: listQuery({
          projectId: Id.optional().meta({ description: "Only this project's" }),
          workspaceId: Id.optional().meta({ description: "Another name for projectId, which wins" }),
          type: EnvironmentType.optional(),
        }),
        response: { 200: v2List(Environment), ...QUERY_ERRORS },
      },
    },
    async ({ principal, params, query }) => {
      const project = query.projectId ?? query.workspaceId;
      const { rows, total } = await projects.listEnvironments(principal, params.organizationId, { ...query, project });
      return { data: rows, meta: { total, limit: query.limit, offset: query.skip } };
    },
  );

  app.get(
    "/environments/:environmentId",
    {
      schema: {
        ...documentation,
        operationId: "getEnvironment",
        summary: "Get an environment",
        params: EnvironmentPath,
        response: { 200: v2Data(Environment), ...QUERY_ERRORS, 404: V2Error },
      },
    },
    async ({ principal, params }) => ({
      data: await projects.getEnvironment(principal, params.organizationId, params.environmentId),
    }),
  );
};
