/**
 * An organization's API keys. Formbricks makes them in its application only (management-api-v2 §2.1, §10.2); these routes
 * follow the conventions of its others (§1, §2).
 */
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import type { ApiKey } from "../../../api-keys/service.ts";
import type { Services } from "../../../services.ts";
import { ID_PATTERN } from "../../../shared/ids.ts";
import { PERMISSION_LEVELS } from "../../../shared/principal.ts";
import { BODY_ERRORS, QUERY_ERRORS, V2Error, v2Data, v2List } from "../envelope.ts";
import { listQuery } from "../list-query.ts";

const Level = z.enum(PERMISSION_LEVELS);

const API_KEY = {
  id: z.string().meta({ example: "cm9x2k4v80000l5c8d3f7g1h2" }),
  createdAt: z.date(),
  createdBy: z.string().nullable().meta({ description: "The user behind the key, whose role limits it" }),
  lastUsedAt: z.date().nullable(),
  label: z.string().meta({ example: "nightly export" }),
  organizationId: z.string(),
  organizationAccess: z.object({ accessControl: z.object({ read: z.boolean(), write: z.boolean() }) }),
  environmentPermissions: z.array(z.object({ environmentId: z.string(), workspaceId: z.string(), permission: Level })),
};
const ApiKeyShown = z.object(API_KEY).meta({ id: "V2ApiKey" });
const ApiKeyWithSecret = z
  .object({ ...API_KEY, secret: z.string().meta({ description: "The key itself, shown this once", example: "fbk_…" }) })
  .meta({ id: "V2ApiKeyWithSecret" });

const Id = z.string().regex(ID_PATTERN, "Invalid cuid2");

const Permission = z
  .object({
    environmentId: Id.optional().meta({ description: "Id or legacy id" }),
    workspaceId: Id.optional().meta({ description: "Another name for environmentId; wins" }),
    permission: Level,
  })
  .transform(({ environmentId, workspaceId, permission }, context) => {
    const id = workspaceId ?? environmentId;
    if (id !== undefined) return { id, permission };
    context.addIssue({ code: "custom", message: "Either environmentId or workspaceId must be provided" });
    return z.NEVER;
  });

const ApiKeyCreate = z
  .object({
    label: z.string().trim().min(1).max(255).meta({ example: "nightly export" }),
    environmentPermissions: z.array(Permission).max(1_000).default([]),
    organizationAccess: z
      .object({ accessControl: z.object({ read: z.boolean().default(false), write: z.boolean().default(false) }) })
      .default({ accessControl: { read: false, write: false } }),
  })
  .superRefine(({ environmentPermissions, organizationAccess: { accessControl } }, context) => {
    const ids = environmentPermissions.map(({ id }) => id);
    const issue = (message: string) => context.addIssue({ code: "custom", path: ["environmentPermissions"], message });
    if (new Set(ids).size < ids.length) issue("Each environment may be named once");
    if (ids.length === 0 && !accessControl.read && !accessControl.write) issue("The key could do nothing");
  });

const Path = z.object({ organizationId: Id });
const ApiKeyPath = z.object({ organizationId: Id, apiKeyId: Id });

/** Keys have no time of a change. */
const CREATED_ONLY = {
  sortBy: z.enum(["createdAt"]).default("createdAt"),
  filterDateField: z.enum(["createdAt"]).default("createdAt"),
};

const documentation = { tags: ["Organizations API - API Keys"], security: [{ apiKey: [] }] };

export const apiKeyRoutes: FastifyPluginAsyncZod<{ services: Services }> = async (
  app,
  { services: { apiKeyManagement: apiKeys } },
) => {
  app.get(
    "/api-keys",
    {
      schema: {
        ...documentation,
        operationId: "getApiKeys",
        summary: "Get API keys, without their secrets",
        params: Path,
        querystring: listQuery(CREATED_ONLY),
        response: { 200: v2List(ApiKeyShown), ...QUERY_ERRORS },
      },
    },
    async ({ principal, params, query }) => {
      const { rows, total } = await apiKeys.list(principal, params.organizationId, query);
      return { data: rows.map(presentKey), meta: { total, limit: query.limit, offset: query.skip } };
    },
  );

  app.post(
    "/api-keys",
    {
      schema: {
        ...documentation,
        operationId: "createApiKey",
        summary: "Create an API key",
        description: "403 when it would hold more than the calling key. The secret is shown this once.",
        params: Path,
        body: ApiKeyCreate,
        response: { 201: v2Data(ApiKeyWithSecret), ...BODY_ERRORS, 403: V2Error },
      },
    },
    async ({ principal, params, body }, reply) => {
      const { secret, ...apiKey } = await apiKeys.create(principal, params.organizationId, {
        label: body.label,
        organizationAccess: body.organizationAccess.accessControl,
        permissions: Object.fromEntries(body.environmentPermissions.map(({ id, permission }) => [id, permission])),
      });
      return reply.status(201).send({ data: { ...presentKey(apiKey), secret } });
    },
  );

  app.get(
    "/api-keys/:apiKeyId",
    {
      schema: {
        ...documentation,
        operationId: "getApiKey",
        summary: "Get an API key, without its secret",
        params: ApiKeyPath,
        response: { 200: v2Data(ApiKeyShown), ...QUERY_ERRORS, 404: V2Error },
      },
    },
    async ({ principal, params }) => ({
      data: presentKey(await apiKeys.get(principal, params.organizationId, params.apiKeyId)),
    }),
  );

  app.post(
    "/api-keys/:apiKeyId/rotate",
    {
      schema: {
        ...documentation,
        operationId: "rotateApiKey",
        summary: "Give an API key a new secret",
        description: "The old one is void at once. 403 when the key may do more than the calling one.",
        params: ApiKeyPath,
        response: { 200: v2Data(ApiKeyWithSecret), ...QUERY_ERRORS, 403: V2Error, 404: V2Error },
      },
    },
    async ({ principal, params }) => {
      const { secret, ...apiKey } = await apiKeys.rotate(principal, params.organizationId, params.apiKeyId);
      return { data: { ...presentKey(apiKey), secret } };
    },
  );

  app.delete(
    "/api-keys/:apiKeyId",
    {
      schema: {
        ...documentation,
        operationId: "deleteApiKey",
        summary: "Revoke an API key, at once",
        params: ApiKeyPath,
        response: { 200: v2Data(ApiKeyShown), ...QUERY_ERRORS, 403: V2Error, 404: V2Error },
      },
    },
    async ({ principal, params }) => ({
      data: presentKey(await apiKeys.revoke(principal, params.organizationId, params.apiKeyId)),
    }),
  );
};

const presentKey = ({ organizationAccess, permissions, ...apiKey }: ApiKey): z.output<typeof ApiKeyShown> => ({
  ...apiKey,
  organizationAccess: { accessControl: organizationAccess },
  environmentPermissions: Object.entries(permissions).map(([environmentId, permission]) => ({
    environmentId,
    workspaceId: environmentId,
    permission,
  })),
});
