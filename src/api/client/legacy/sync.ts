/**
 * `GET /app/sync/{userId}`: identify and the environment state in one, for React Native before 2.0, which shows every
 * survey it is given. Source: client-api §16.5, sdk-contract §10.
 */
import type { FastifyPluginAsync } from "fastify";
import { z } from "zod";
import type { IdentifiedContact } from "../../../contacts/service.ts";
import type { EnvironmentState, LiveSurvey } from "../../../environments/service.ts";
import type { AttributeValue } from "../../../shared/attributes.ts";
import { echoLanguage } from "../../../shared/language-tag.ts";
import { deviceOf } from "../../../shared/user-agent.ts";
import { questionsFromBlocks, surveyElements } from "../../../surveys/model/generation.ts";
import { ClientError, clientData } from "../envelope.ts";
import { presentEnvironment } from "../environment-body.ts";
import { ATTRIBUTE_RULES, parseUserId } from "../identify.ts";
import { type ClientApiOptions, countRequest } from "../options.ts";
import { requireUserSignature } from "../user-signature.ts";
import { replaceRecallMarks } from "./recall.ts";
import { LegacyParams, type LegacyRoute } from "./route.ts";
import { visibleSurveys } from "./visible-surveys.ts";

/** What is read of the environment state's body; the rest goes through as it is. */
const StateBody = z.object({
  surveys: z.array(z.looseObject({ id: z.string() })),
  actionClasses: z.array(z.unknown()),
  project: z.looseObject({ styling: z.record(z.string(), z.unknown()) }),
});
type StateBody = z.output<typeof StateBody>;

const anyObject = z.record(z.string(), z.unknown());

const SyncAnswer = z
  .object({
    surveys: z.array(anyObject).meta({ description: "Those that the contact is to see now" }),
    actionClasses: z.array(anyObject),
    language: z.string().optional(),
    project: anyObject,
    product: anyObject.meta({ description: "The project, as the first versions call it" }),
  })
  .meta({ id: "LegacySync" });

export const legacySyncRoute: FastifyPluginAsync<ClientApiOptions> = async (app, { services, limiter }) => {
  const { contacts, environments } = services;
  /** What was made of a state lives as long as the state. */
  const bodies = new WeakMap<EnvironmentState, StateBody>();

  app.get<LegacyRoute>(
    "/:environmentId/app/sync/:userId",
    {
      schema: {
        operationId: "v1Sync",
        summary: "Identify, and get the surveys to show (older SDKs)",
        tags: ["Client API - older SDKs"],
        deprecated: true,
        params: LegacyParams,
        response: {
          200: clientData(SyncAnswer),
          400: ClientError,
          401: ClientError,
          403: ClientError,
          404: ClientError,
          429: ClientError,
          500: ClientError,
          503: ClientError,
        },
      },
    },
    async (request) => {
      await countRequest(limiter, request);
      const environment = await environments.configuration(request.params.environmentId);
      const userId = parseUserId(request.params.userId);
      requireUserSignature(environment, userId, request);
      const contact = await contacts.identify({
        environment,
        userId,
        attributes: new Map(),
        rules: ATTRIBUTE_RULES,
        device: deviceOf(request.headers["user-agent"]),
      });
      const state = await environments.state(environment.id);
      const visible = visibleSurveys(state, contact, Date.now());
      const attributes = attributesForRecall(contact, [...environment.attributeKeys.keys()]);
      return { data: presentSync(bodyOf(state), { contact, visible, attributes }) };
    },
  );

  function bodyOf(state: EnvironmentState): StateBody {
    const known = bodies.get(state);
    if (known) return known;
    const body = StateBody.parse(JSON.parse(presentEnvironment(state)));
    bodies.set(state, body);
    return body;
  }
};

interface Synced {
  contact: IdentifiedContact;
  visible: readonly LiveSurvey[];
  attributes: ReadonlyMap<string, AttributeValue | undefined>;
}

function presentSync({ surveys, actionClasses, project }: StateBody, { contact, visible, attributes }: Synced) {
  const bodies = new Map(surveys.map((survey) => [survey.id, survey]));
  const { brandColor, highlightBorderColor } = project.styling;
  const flat = { ...project, brandColor: lightOf(brandColor), highlightBorderColor: lightOf(highlightBorderColor) };
  const { language } = contact.attributes;
  return {
    surveys: visible.map((survey) => {
      // Renderers of that time know questions only.
      const questions = survey.blocks.length > 0 ? questionsFromBlocks(survey.blocks) : survey.questions;
      return replaceRecallMarks({ ...bodies.get(survey.id), questions }, attributes, ownIds(survey));
    }),
    actionClasses,
    ...(typeof language === "string" && { language: echoLanguage(language) }),
    project: flat,
    product: flat,
  };
}

function attributesForRecall({ userId, email, attributes }: IdentifiedContact, keys: string[]): Synced["attributes"] {
  const values = new Map<string, AttributeValue | undefined>(keys.map((key) => [key, undefined]));
  for (const [key, value] of Object.entries({ ...attributes, userId, ...(email !== null && { email }) })) values.set(key, value);
  return values;
}

/** Ids of what a recall mark in the survey may name within it. */
function ownIds(survey: LiveSurvey): Set<string> {
  const ids: unknown[] = surveyElements(survey).map(({ id }) => id);
  const { fieldIds } = survey.hiddenFields;
  if (Array.isArray(fieldIds)) ids.push(...fieldIds);
  for (const variable of survey.variables) if (hasId(variable)) ids.push(variable.id);
  return new Set(ids.filter((id) => typeof id === "string"));
}

const hasId = (value: unknown): value is { id: unknown } => typeof value === "object" && value !== null && "id" in value;

/** A colour is `{ light, dark }` today and was a text. */
function lightOf(colour: unknown): string | null {
  if (typeof colour !== "object" || colour === null || !("light" in colour)) return null;
  return typeof colour.light === "string" ? colour.light : null;
}
