/**
 * Quotas of surveys. Formbricks has no such routes (management-api-v2 §10.2); these follow the conventions of its other
 * management routes (§1, §2). The quota itself: survey-model §15.2.
 */
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Services } from "../../../services.ts";
import { ID_PATTERN } from "../../../shared/ids.ts";
import { QuotaFields } from "../../../surveys/quota-management.ts";
import { BODY_ERRORS, QUERY_ERRORS, V2Error, v2Data, v2List } from "../envelope.ts";
import { listQuery } from "../list-query.ts";
import { OWNER_IN_ANSWER, presentOwner } from "./owner.ts";

const LOGIC = {
  connector: "and",
  conditions: [
    {
      id: "cm9x2k4v80003l5c8a1b2c3d4",
      leftOperand: { type: "element", value: "plan" },
      operator: "equals",
      rightOperand: { type: "static", value: "pro" },
    },
  ],
};

const Quota = z
  .object({
    id: z.string(),
    createdAt: z.date(),
    updatedAt: z.date(),
    surveyId: z.string(),
    name: z.string().meta({ example: "Customers" }),
    limit: z.int().meta({ example: 100 }),
    logic: z.unknown().meta({ description: "As written", example: LOGIC }),
    action: z.enum(["endSurvey", "continueSurvey"]),
    endingCardId: z.string().nullable(),
    countPartialSubmissions: z.boolean(),
    screenedIn: z.int().meta({ description: "How many responses were let in so far, counted to the limit", example: 42 }),
    ...OWNER_IN_ANSWER,
  })
  .meta({ id: "V2Quota" });

const EXAMPLE = { name: "Customers", limit: 100, logic: LOGIC, action: "continueSurvey" };
const QuotaCreate = QuotaFields.meta({ example: EXAMPLE });
const QuotaUpdate = QuotaFields.partial().meta({ example: { limit: 200 } });

const Id = z.string().regex(ID_PATTERN, "Invalid cuid2");
const Path = z.object({ surveyId: Id });
const QuotaPath = z.object({ surveyId: Id, quotaId: Id });

const documentation = { tags: ["Management API - Surveys"] };

/** Who may not see a survey that exists is answered 401 (§2.3). */
const config = { problems: { forbidden: "unauthenticated" } } as const;

export const quotaRoutes: FastifyPluginAsyncZod<{ services: Services }> = async (app, { services: { quotas } }) => {
  app.get(
    "/surveys/:surveyId/quotas",
    {
      config,
      schema: {
        ...documentation,
        operationId: "getQuotas",
        summary: "Get the quotas of a survey",
        params: Path,
        querystring: listQuery({}),
        response: { 200: v2List(Quota), ...QUERY_ERRORS, 404: V2Error },
      },
    },
    async ({ principal, params, query }) => {
      const { rows, total } = await quotas.list(principal, params.surveyId, query);
      return { data: rows.map(presentOwner), meta: { total, limit: query.limit, offset: query.skip } };
    },
  );

  app.post(
    "/surveys/:surveyId/quotas",
    {
      config,
      schema: {
        ...documentation,
        operationId: "createQuota",
        summary: "Create a quota of a survey",
        description:
          "It counts responses that are given from then on. Conditions are those of the survey's logic, without groups; " +
          "choices are named by their ids.",
        params: Path,
        body: QuotaCreate,
        response: { 201: v2Data(Quota), ...BODY_ERRORS, 404: V2Error, 409: V2Error },
      },
    },
    async ({ principal, params, body }, reply) =>
      reply.status(201).send({ data: presentOwner(await quotas.create(principal, params.surveyId, body)) }),
  );

  app.get(
    "/surveys/:surveyId/quotas/:quotaId",
    {
      config,
      schema: {
        ...documentation,
        operationId: "getQuota",
        summary: "Get a quota",
        params: QuotaPath,
        response: { 200: v2Data(Quota), ...QUERY_ERRORS, 404: V2Error },
      },
    },
    async ({ principal, params }) => ({
      data: presentOwner(await quotas.get(principal, params.surveyId, params.quotaId)),
    }),
  );

  app.patch(
    "/surveys/:surveyId/quotas/:quotaId",
    {
      config,
      schema: {
        ...documentation,
        operationId: "updateQuota",
        summary: "Change a quota",
        description: "What is absent stays. Responses that were counted stay counted.",
        params: QuotaPath,
        body: QuotaUpdate,
        response: { 200: v2Data(Quota), ...BODY_ERRORS, 404: V2Error, 409: V2Error },
      },
    },
    async ({ principal, params, body }) => ({
      data: presentOwner(await quotas.update(principal, params.surveyId, params.quotaId, body)),
    }),
  );

  app.delete(
    "/surveys/:surveyId/quotas/:quotaId",
    {
      config,
      schema: {
        ...documentation,
        operationId: "deleteQuota",
        summary: "Delete a quota",
        description: "Responses that it ended stay as they are.",
        params: QuotaPath,
        response: { 200: v2Data(Quota), ...QUERY_ERRORS, 404: V2Error },
      },
    },
    async ({ principal, params }) => ({
      data: presentOwner(await quotas.remove(principal, params.surveyId, params.quotaId)),
    }),
  );
};
