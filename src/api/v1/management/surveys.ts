/** Surveys, v1 management. Source: management-api-v1 §12, survey-model. */
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Services } from "../../../services.ts";
import { SurveyFields } from "../../../surveys/service.ts";
import { BODY_ERRORS, ITEM_ERRORS, LIST_ERRORS, V1Error, v1Data } from "../envelope.ts";
import { V1ActionClass } from "./present-action-class.ts";
import { presentSurvey, saysNothingNew } from "./present-survey.ts";
import { ListQuery, lastValue, parseBody, readCount, repeatable, requireRowId, requireWritableEnvironment } from "./requests.ts";
import { tenantFields, tenantInput } from "./tenant.ts";

/** JSON that is shown as it is stored, since an imported survey may have it in any shape. */
const asStored = (description: string) => z.unknown().meta({ description });

const Language = z.object({
  id: z.string(),
  createdAt: z.date(),
  updatedAt: z.date(),
  code: z.string(),
  alias: z.string().nullable(),
  workspaceId: z.string(),
});

const Segment = z.object({
  id: z.string(),
  createdAt: z.date(),
  updatedAt: z.date(),
  title: z.string(),
  description: z.string().nullable(),
  isPrivate: z.boolean().meta({ description: "Whether it belongs to this survey alone" }),
  filters: asStored("Whom the survey is shown to"),
  surveys: z.array(z.string()).meta({ description: "Ids of all surveys aimed at it" }),
  workspaceId: z.string(),
});

const FollowUp = z.object({
  id: z.string(),
  createdAt: z.date(),
  updatedAt: z.date(),
  surveyId: z.string(),
  name: z.string(),
  trigger: asStored("After which responses"),
  action: asStored("The e-mail"),
});

const Survey = z
  .object({
    id: z.string(),
    createdAt: z.date(),
    updatedAt: z.date(),
    name: z.string(),
    type: z.enum(["link", "app"]),
    workspaceId: tenantFields.workspaceId,
    createdBy: z.string().nullable().meta({ description: "Id of a user" }),
    status: z.enum(["draft", "inProgress", "paused", "completed"]),
    welcomeCard: asStored("The card before the first block"),
    questions: asStored("The older form of the content, derived from the blocks: one question per element"),
    blocks: asStored("The content: pages with one or more elements and the logic that follows each"),
    endings: asStored("The cards and redirects after the last block"),
    hiddenFields: asStored("Values that come with the link or the SDK call"),
    variables: asStored("What logic computes with"),
    displayOption: asStored("displayOnce, displayMultiple, displaySome or respondMultiple"),
    recontactDays: asStored("Days without any other survey before this one; null: as in the project"),
    displayLimit: asStored("How often it is shown with displaySome"),
    autoClose: asStored("Seconds without interaction until it closes"),
    delay: asStored("Seconds between trigger and display"),
    displayPercentage: asStored("The share of eligible loads it is shown to, 0.01 to 100"),
    autoComplete: asStored("Number of finished responses that complete it"),
    publishOn: asStored("When it goes from paused to inProgress"),
    closeOn: asStored("When it goes from inProgress to completed"),
    archivedAt: z.date().nullable(),
    isVerifyEmailEnabled: asStored("Whether a link needs a verified address"),
    isSingleResponsePerEmailEnabled: asStored("Whether an address may answer once only"),
    isBackButtonHidden: asStored("Whether one cannot go back"),
    isAutoProgressingEnabled: asStored("Whether an answer leads on by itself"),
    isCaptureIpEnabled: asStored("Whether responses keep the IP address"),
    redirectUrl: asStored("Of surveys of a time before endings"),
    workspaceOverwrites: asStored("What it sets differently from its project"),
    styling: asStored("Colours, sizes and the like"),
    surveyClosedMessage: asStored("What a closed link survey says"),
    singleUse: asStored("Whether links are for one response each"),
    pin: asStored("Four digits that a link survey asks for"),
    showLanguageSwitch: asStored("Whether respondents may choose the language"),
    recaptcha: asStored("Protection from spam"),
    metadata: asStored("Title, description and image of the link"),
    customHeadScripts: asStored("HTML for the head of the link's page"),
    customHeadScriptsMode: asStored("add or replace"),
    languages: z.array(z.object({ default: z.boolean(), enabled: z.boolean(), language: Language })),
    triggers: z.array(z.object({ actionClass: V1ActionClass })),
    segment: Segment.nullable(),
    followUps: z.array(FollowUp),
    slug: z.string().nullable(),
    projectOverwrites: asStored("The same as workspaceOverwrites"),
    environmentId: tenantFields.environmentId,
  })
  .meta({ id: "V1Survey" });

const Deleted = Survey.extend({ segmentId: z.string().nullable() });

const Create = z.object({ ...SurveyFields.shape, ...tenantInput });
const Update = SurveyFields.partial();

const Path = z.object({ surveyId: z.string() });
const LinkQuery = z.object({ limit: repeatable.meta({ description: "How many, 1 to 5000; default 10" }) });

const DEFAULT_LINKS = 10;

const documentation = { tags: ["Management API - Surveys"], security: [{ apiKey: [] }] };

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
      const isUnchanged = existing.archivedAt === null && saysNothingNew(body, existing);
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
