/** Surveys, v1 management. Source: management-api-v1 §12, survey-model. */
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Services } from "../../../services.ts";
import { SurveyFields, saysNothingNew, surveyShape } from "../../../surveys/service.ts";
import { BODY_ERRORS, ITEM_ERRORS, LIST_ERRORS, V1Error, v1Data } from "../envelope.ts";
import { V1ActionClass } from "./present-action-class.ts";
import { presentSurvey } from "./present-survey.ts";
import { ListQuery, lastValue, parseBody, readCount, repeatable, requireRowId, requireWritableEnvironment } from "./requests.ts";
import { tenantFields, tenantInput } from "./tenant.ts";

const Survey = z.object({ ...surveyShape(tenantFields, V1ActionClass) }).meta({ id: "V1Survey" });

const Deleted = Survey.extend({ segmentId: z.string().nullable() });

const Create = z.object({ ...SurveyFields.shape, ...tenantInput });
const Update = SurveyFields.partial();

const Path = z.object({ surveyId: z.string() });
const LinkQuery = z.object({ limit: repeatable.meta({ description: "How many, 1 to 5000; default 10" }) });

const DEFAULT_LINKS = 10;

const documentation = { tags: ["Management API - Surveys"] };

export const surveyRoutes: FastifyPluginAsyncZod<{ services: Services }> = async (
  app,
  { services: { surveys, environments } },
) => {
  app.get(
    "/surveys",
    {
      schema: {
        ...documentation,
        operationId: "getSurveys",
        summary: "Get surveys",
        description: "Those of every environment the key may use, last changed first, without archived ones.",
        querystring: ListQuery,
        response: { 200: v1Data(z.array(Survey)), ...LIST_ERRORS, 400: V1Error },
      },
    },
    async ({ principal, query }) => {
      const offset = readCount("offset", query.offset ?? query.skip) ?? 0;
      const list = await surveys.list(principal, { limit: readCount("limit", query.limit), offset });
      return { data: list.map(presentSurvey) };
    },
  );

  app.post(
    "/surveys",
    {
      schema: {
        ...documentation,
        operationId: "createSurvey",
        summary: "Create a survey",
        description: "With either `questions` or `blocks`. A survey of type `app` gets a private segment.",
        body: Create,
        response: { 200: v1Data(Survey), ...BODY_ERRORS, 404: V1Error, 409: V1Error },
      },
    },
    async ({ principal, body: bytes }) => {
      const body = parseBody(bytes);
      const environmentId = await requireWritableEnvironment(environments, principal, body);
      const survey = await surveys.create(principal, environmentId, body);
      // The reference makes the private segment after it read the survey: it is shown from the next read on (§12.3).
      return { data: presentSurvey(survey.segment?.isPrivate ? { ...survey, segment: null } : survey) };
    },
  );

  app.get(
    "/surveys/:surveyId",
    {
      schema: {
        ...documentation,
        operationId: "getSurvey",
        summary: "Get a survey",
        params: Path,
        response: { 200: v1Data(Survey), ...ITEM_ERRORS },
      },
    },
    async ({ principal, params: { surveyId } }) => {
      requireRowId(surveyId);
      return { data: presentSurvey(await surveys.get(principal, surveyId, "read")) };
    },
  );

  app.put(
    "/surveys/:surveyId",
    {
      schema: {
        ...documentation,
        operationId: "updateSurvey",
        summary: "Change a survey",
        description:
          "Members that are absent stay; those that are given replace theirs whole. What was read may be written back.",
        params: Path,
        body: Update,
        response: { 200: v1Data(Survey), ...BODY_ERRORS, 404: V1Error, 409: V1Error },
      },
    },
    async ({ principal, params: { surveyId }, body: bytes }) => {
      requireRowId(surveyId);
      const existing = await surveys.get(principal, surveyId, "write");
      const body = parseBody(bytes);
      const isUnchanged = existing.archivedAt === null && saysNothingNew(body, presentSurvey(existing));
      const survey = isUnchanged ? await surveys.touch(principal, surveyId) : await surveys.update(principal, surveyId, body);
      return { data: presentSurvey(survey) };
    },
  );

  app.delete(
    "/surveys/:surveyId",
    {
      schema: {
        ...documentation,
        operationId: "deleteSurvey",
        summary: "Delete a survey",
        description: "With its responses, its displays and its private segment.",
        params: Path,
        response: { 200: v1Data(Deleted), ...ITEM_ERRORS },
      },
    },
    async ({ principal, params: { surveyId } }) => {
      requireRowId(surveyId);
      const survey = await surveys.remove(principal, surveyId);
      return { data: { ...presentSurvey(survey), segmentId: survey.segment?.id ?? null } };
    },
  );

  app.get(
    "/surveys/:surveyId/singleUseIds",
    {
      schema: {
        ...documentation,
        operationId: "getSurveySingleUseIds",
        summary: "Make single-use links",
        description: "Each takes one response. Needs the permission to write, since links are made.",
        params: Path,
        querystring: LinkQuery,
        response: { 200: v1Data(z.array(z.url())), ...ITEM_ERRORS },
      },
    },
    async ({ principal, params: { surveyId }, query }) => {
      requireRowId(surveyId);
      const limit = Number(lastValue(query.limit) || DEFAULT_LINKS);
      return { data: await surveys.makeSingleUseUrls(principal, surveyId, limit) };
    },
  );
};
