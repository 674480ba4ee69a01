/**
 * Who wrote what. Formbricks keeps such entries as lines of its process's output (management-api-v2 §7) and serves no
 * route for them; this one follows the conventions of the others (§1), with a cursor instead of `skip`, because entries
 * are added while one reads.
 */
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { AUDIT_ACTIONS } from "../../../audit-log/service.ts";
import type { Services } from "../../../services.ts";
import { ID_PATTERN } from "../../../shared/ids.ts";
import { QUERY_ERRORS } from "../envelope.ts";
import { LIST_PAGE, QueryDate } from "../list-query.ts";

const Ids = z.record(z.string(), z.unknown()).nullable();

const AuditEntry = z
  .object({
    id: z.string().meta({ example: "4711" }),
    createdAt: z.date(),
    apiKeyId: z.string().meta({ description: "Who", example: "cm9x2k4v80000l5c8d3f7g1h2" }),
    requestId: z.string().meta({ description: "All entries of one request have the same" }),
    operation: z.string().meta({ description: "What was called, by its operationId here", example: "updateSurvey" }),
    action: z.enum(AUDIT_ACTIONS),
    targetType: z.string().meta({ example: "survey" }),
    targetId: z.string().meta({ example: "cm9x2k4v80001l5c8h2j4k6m8" }),
    environmentId: z.string().nullable().meta({ description: "Null for what belongs to the organization" }),
    workspaceId: z.string().nullable().meta({ description: "The same as environmentId" }),
    changedFields: z.array(z.string()).meta({ description: "Of an update: names, never values", example: ["name", "status"] }),
    before: Ids.meta({
      description: "Ids and permissions before; null when it was created",
      example: { id: "…", segmentId: null },
    }),
    after: Ids.meta({ description: "Ids and permissions after; null when it was deleted" }),
  })
  .meta({ id: "V2AuditEntry" });

const AuditPage = z.object({
  data: z.array(AuditEntry),
  meta: z.object({
    limit: z.int(),
    nextCursor: z.string().nullable().meta({ description: "The `cursor` of the next page; null on the last" }),
  }),
});

const Query = z
  .object({
    limit: LIST_PAGE.limit,
    cursor: z.string().optional().meta({ description: "The `nextCursor` of the page before" }),
    targetType: z.string().optional().meta({ example: "survey" }),
    targetId: z.string().optional(),
    apiKeyId: z.string().optional().meta({ description: "Only what this key wrote" }),
    action: z.enum(AUDIT_ACTIONS).optional(),
    operation: z.string().optional(),
    environmentId: z.string().optional(),
    workspaceId: z.string().optional().meta({ description: "The same as environmentId" }),
    startDate: QueryDate,
    endDate: QueryDate,
  })
  .refine(({ startDate, endDate }) => startDate === undefined || endDate === undefined || startDate <= endDate, {
    error: "startDate must be before endDate",
  });

const Path = z.object({ organizationId: z.string().regex(ID_PATTERN, "Invalid cuid2") });

export const auditLogRoutes: FastifyPluginAsyncZod<{ services: Services }> = async (app, { services: { auditLog } }) => {
  app.get(
    "/audit-log",
    {
      schema: {
        tags: ["Organizations API - Audit Log"],
        security: [{ apiKey: [] }],
        operationId: "getAuditLog",
        summary: "Who wrote what, newest first",
        description: "Of all writes of API keys through the management APIs, as long as entries are kept.",
        params: Path,
        querystring: Query,
        response: { 200: AuditPage, ...QUERY_ERRORS },
      },
    },
    async ({ principal, params, query }) => {
      const { workspaceId, environmentId, ...filter } = query;
      const { entries, nextCursor } = await auditLog.list(principal, params.organizationId, {
        ...filter,
        environmentId: workspaceId ?? environmentId,
      });
      const data = entries.map((entry) => ({ ...entry, workspaceId: entry.environmentId }));
      return { data, meta: { limit: query.limit, nextCursor } };
    },
  );
};
