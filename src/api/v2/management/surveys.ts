/**
 * Surveys. Formbricks has them in v1 only (management-api-v2 §10.2); the survey itself is the same here and there
 * (survey-model §3), the envelope, the permissions and the lists are those of this contract (§1, §2).
 */
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Services } from "../../../services.ts";
import { ID_PATTERN } from "../../../shared/ids.ts";
import { SurveyFields, type SurveyRecord, saysNothingNew, surveyShape, viewSurvey } from "../../../surveys/service.ts";
import { BODY_ERRORS, QUERY_ERRORS, V2Error, v2Data, v2List } from "../envelope.ts";
import { listQuery } from "../list-query.ts";
import { listedOwner, OWNER_IN_ANSWER, OWNER_IN_BODY, OWNER_IN_QUERY, resolveOwner } from "./owner.ts";

const ActionClass = z
  .object({
    id: z.string(),
    createdAt: z.date(),
    updatedAt: z.date(),
    name: z.string().meta({ example: "Pricing viewed" }),
    description: z.string().nullable(),
    type: z.enum(["code", "noCode"]),
    key: z.string().nullable().meta({ description: "How code names it; unique in its environment" }),
    noCodeConfig: z.unknown().meta({ description: "Where and how it is recognised without code, or null" }),
    ...OWNER_IN_ANSWER,
  })
  .meta({ id: "V2ActionClass" });

const SHAPE = surveyShape(OWNER_IN_ANSWER, ActionClass);
const Survey = z.object(SHAPE).meta({ id: "V2Survey" });

const EXAMPLE = {
  name: "Pulse",
  type: "link",
  status: "inProgress",
  questions: [{ id: "q1", type: "openText", headline: { default: "How are you?" }, required: true }],
};

const SurveyUpdate = SurveyFields.partial().meta({ example: { status: "paused" } });
const SurveyCreate = z
  .object({ ...SurveyFields.shape, ...OWNER_IN_BODY })
  .meta({ example: { environmentId: "cm9x2k4v80001l5c8h2j4k6m8", ...EXAMPLE } });

const ListQuery = listQuery({
  ...OWNER_IN_QUERY,
  type: SHAPE.type.optional(),
  status: SHAPE.status.optional(),
  name: z.string().optional().meta({ description: "Part of the name, in any letter case" }),
  archived: z
    .enum(["true", "false"])
    .default("false")
    .meta({ description: "Whether to list the archived ones, in the place of the others" }),
});

const Path = z.object({ surveyId: z.string().regex(ID_PATTERN, "Invalid cuid2") });

const documentation = { tags: ["Management API - Surveys"], security: [{ apiKey: [] }] };

/** Who may not see a survey that exists is answered 401 (§2.3). */
const config = { problems: { forbidden: "unauthenticated" } } as const;

export const surveyRoutes: FastifyPluginAsyncZod<{ services: Services }> = async (
  app,
  { services: { environments, surveys } },
) => {
  app.get(
    "/surveys",
    {
      schema: {
        ...documentation,
        operationId: "getManagedSurveys",
        summary: "Get surveys",
        querystring: ListQuery,
        response: { 200: v2List(Survey), ...QUERY_ERRORS },
      },
    },
    async ({ principal, query }) => {
      const environmentId = await listedOwner(environments, principal, query);
      const filter = { ...query, environmentId, archived: query.archived === "true" };
      const { surveys: rows, total } = await surveys.search(principal, filter);
      return { data: rows.map(presentSurvey), meta: { total, limit: query.limit, offset: query.skip } };
    },
  );

  app.post(
    "/surveys",
    {
      preValidation: resolveOwner(environments),
      config: { checksOwnBody: true },
      schema: {
        ...documentation,
        operationId: "createManagedSurvey",
        summary: "Create a survey",
        description: "With either `questions` or `blocks`. A survey of type `app` gets a private segment.",
        body: SurveyCreate,
        response: { 201: v2Data(Survey), ...BODY_ERRORS, 403: V2Error, 404: V2Error, 409: V2Error },
      },
    },
    async ({ principal, body }, reply) =>
      reply.status(201).send({ data: presentSurvey(await surveys.create(principal, body.environmentId, body)) }),
  );

  app.get(
    "/surveys/:surveyId",
    {
      config,
      schema: {
        ...documentation,
        operationId: "getManagedSurvey",
        summary: "Get a survey",
        params: Path,
        response: { 200: v2Data(Survey), ...QUERY_ERRORS, 404: V2Error },
      },
    },
    async ({ principal, params }) => ({ data: presentSurvey(await surveys.get(principal, params.surveyId, "read")) }),
  );

  app.put(
    "/surveys/:surveyId",
    {
      config: { ...config, checksOwnBody: true },
      schema: {
        ...documentation,
        operationId: "updateManagedSurvey",
        summary: "Change a survey",
        description:
          "Members that are absent stay; those that are given replace theirs whole. What was read may be written back.",
        params: Path,
        body: SurveyUpdate,
        response: { 200: v2Data(Survey), ...BODY_ERRORS, 404: V2Error, 409: V2Error },
      },
    },
    async ({ principal, params: { surveyId }, body }) => {
      const existing = await surveys.get(principal, surveyId, "write");
      const isUnchanged = existing.archivedAt === null && saysNothingNew(body, presentSurvey(existing));
      const survey = isUnchanged ? await surveys.touch(principal, surveyId) : await surveys.update(principal, surveyId, body);
      return { data: presentSurvey(survey) };
    },
  );

  app.delete(
    "/surveys/:surveyId",
    {
      config,
      schema: {
        ...documentation,
        operationId: "deleteManagedSurvey",
        summary: "Delete a survey",
        description: "With its responses, its displays and its private segment.",
        params: Path,
        response: { 200: v2Data(Survey), ...QUERY_ERRORS, 404: V2Error },
      },
    },
    async ({ principal, params }) => ({ data: presentSurvey(await surveys.remove(principal, params.surveyId)) }),
  );
};

/** Both names of the environment hold its own id, as everywhere in this contract. */
const presentSurvey = (survey: SurveyRecord) =>
  viewSurvey(survey, { workspaceId: survey.environmentId, environmentId: survey.environmentId });
