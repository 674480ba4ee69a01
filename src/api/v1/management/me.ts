/** The environment of a key that has just one. Source: management-api-v1 §9. */
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Services } from "../../../services.ts";
import { invalid } from "../../../shared/problem.ts";
import { V1Error } from "../envelope.ts";

const Named = z.object({ id: z.string(), name: z.string() });

const Me = z
  .object({
    id: z.string().meta({ description: "The environment's id, the older one where it has two" }),
    type: z.enum(["production", "development"]),
    createdAt: z.date(),
    updatedAt: z.date(),
    appSetupCompleted: z.boolean(),
    workspace: Named,
    project: Named,
  })
  .meta({ id: "V1Me" });

export const meRoutes: FastifyPluginAsyncZod<{ services: Services }> = async (app, { services: { apiKeys } }) => {
  app.get(
    "/me",
    {
      schema: {
        operationId: "getMe",
        summary: "The environment of the API key",
        tags: ["Management API - Me"],
        response: { 200: Me, 400: V1Error, 401: V1Error, 429: V1Error, 500: V1Error, 503: V1Error },
      },
    },
    async ({ principal }) => {
      const [grant, ...others] = await apiKeys.grants(principal);
      if (grant === undefined || others.length > 0)
        throw invalid(
          "This endpoint only supports API keys that are scoped to a single workspace. Use GET /api/v2/me to inspect organization-level API keys or keys with access to multiple workspaces.",
        );
      const { environment, project } = grant;
      const { id, legacyId, type, createdAt, updatedAt, appSetupCompleted } = environment;
      const workspace = { id, name: project.name };
      return { id: legacyId ?? id, type, createdAt, updatedAt, appSetupCompleted, workspace, project };
    },
  );
};
