/** `POST /user`: creates or identifies a contact, merges its attributes and returns its state. Source: client-api §5, §6. */
import type { FastifyPluginAsync } from "fastify";
import { z } from "zod";
import type { AttributeNote, AttributeRules, IdentifiedContact, SubmittedAttributes } from "../../contacts/service.ts";
import { SDK_PATIENCE_MS } from "../../http/answer-in-time.ts";
import { acceptAnything, parseJson } from "../../http/json-body.ts";
import type { AttributeDataType, AttributeValue } from "../../shared/attributes.ts";
import { ID_PATTERN } from "../../shared/ids.ts";
import { isoTime } from "../../shared/iso-date.ts";
import { echoLanguage } from "../../shared/language-tag.ts";
import { invalid } from "../../shared/problem.ts";
import { isStorableText } from "../../shared/storable-text.ts";
import { deviceOf } from "../../shared/user-agent.ts";
import { ClientError, ClientParams, clientData } from "./envelope.ts";
import { type ClientApiOptions, countRequest } from "./options.ts";
import { requireUserSignature, SIGNATURE } from "./user-signature.ts";

/** How long an SDK may use the state before it asks again. */
const STATE_LIFETIME_MS = 30 * 60_000;

const MAX_USER_ID_LENGTH = 255;
const MAX_EMAIL_LENGTH = 255;

/** More than an environment can have keys, less than would make a notable answer. */
const MAX_ATTRIBUTES = 1_000;

const KEY_PATTERN = /^[a-z][a-z0-9_]*$/;
const RESERVED_KEYS = new Set(["user_id", "first_name", "last_name"]);
const EMAIL_PATTERN = z.regexes.email;

/** What attributes this contract takes. */
export const ATTRIBUTE_RULES: AttributeRules = {
  booleanKeysAre: "string",
  judgeNewKey: (key) => {
    if (RESERVED_KEYS.has(key.trim().toLowerCase())) return "reserved";
    return KEY_PATTERN.test(key) ? "allowed" : "invalid";
  },
};

const IdentifyBody = z
  .object({
    userId: z.string().min(1).max(MAX_USER_ID_LENGTH).meta({ example: "user-42" }),
    attributes: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))
      .optional()
      .meta({ description: "Merged into the contact's attributes; null removes one", example: { plan: "pro", seats: 3 } }),
    userIdSignature: z.string().optional().meta(SIGNATURE),
  })
  .meta({ id: "IdentifyBody" });

const IdentifyState = z
  .object({
    state: z.object({
      data: z.object({
        contactId: z.string(),
        userId: z.string(),
        segments: z.array(z.string()).meta({ description: "Ids of all segments the contact is in" }),
        displays: z.array(z.object({ surveyId: z.string(), createdAt: z.iso.datetime() })).meta({ description: "Newest first" }),
        responses: z.array(z.string()).meta({ description: "Survey ids, one per response" }),
        lastDisplayAt: z.iso.datetime().nullable(),
        language: z.string().optional(),
      }),
      expiresAt: z.iso.datetime(),
    }),
    messages: z.array(z.string()).optional().meta({ description: "What was not written as submitted, for debugging" }),
    errors: z.array(z.string()).optional().meta({ description: "Attribute keys that could not be created" }),
  })
  .meta({ id: "IdentifyState" });

export const identifyRoute: FastifyPluginAsync<ClientApiOptions> = async (app, { generation, services, limiter }) => {
  app.post<{ Params: { environmentId: string } }>(
    "/:environmentId/user",
    {
      schema: {
        operationId: `${generation}Identify`,
        summary: "Create or identify a contact",
        description: "Creates the contact when the user id is new, merges the attributes and returns the contact's state.",
        tags: ["Client API - User"],
        params: ClientParams,
        body: IdentifyBody,
        response: {
          200: clientData(IdentifyState),
          400: ClientError,
          401: ClientError,
          403: ClientError,
          404: ClientError,
          413: ClientError,
          429: ClientError,
          500: ClientError,
          503: ClientError,
        },
      },
      config: { answerWithinMs: SDK_PATIENCE_MS },
      // The schema documents; what is checked, in which order and in which words, is below: this is the busiest route.
      validatorCompiler: acceptAnything,
    },
    async (request, reply) => {
      const counted = countRequest(limiter, request);
      if (counted) await counted;
      const environmentId = request.params.environmentId.trim();
      if (!ID_PATTERN.test(environmentId)) throw invalid("Invalid workspace ID format");
      const environment =
        services.environments.knownConfiguration(environmentId) ?? (await services.environments.configuration(environmentId));
      const json = parseJson(request.body);
      const body = parseBody(json);
      requireUserSignature(environment, body.userId, request, json);
      const contact = await services.contacts.identify({
        environment,
        ...body,
        rules: ATTRIBUTE_RULES,
        device: deviceOf(request.headers["user-agent"]),
      });
      reply.type("application/json; charset=utf-8");
      return presentState(contact, Date.now());
    },
  );
};

function parseBody(body: unknown): { userId: string; attributes: SubmittedAttributes } {
  const { userId, attributes } = isObject(body) ? body : {};
  return { userId: parseUserId(userId), attributes: isObject(attributes) ? parseAttributes(attributes) : new Map() };
}

/** Throws `invalid` in this contract's words. */
export function parseUserId(userId: unknown): string {
  if (typeof userId !== "string" || userId === "") throw invalid("userId is required and must be a string");
  if (userId.length > MAX_USER_ID_LENGTH) throw invalid(`userId must not exceed ${MAX_USER_ID_LENGTH} characters`);
  if (!isStorableText(userId)) throw invalid("userId must not contain NUL characters or unpaired surrogates");
  return userId;
}

/** A list counts as an object with the keys 0, 1, …, as in the reference. */
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

/** Throws `invalid` in this contract's words. */
export function parseAttributes(given: Record<string, unknown>): SubmittedAttributes {
  const keys = Object.keys(given);
  if (keys.length > MAX_ATTRIBUTES) throw invalid(`attributes must not have more than ${MAX_ATTRIBUTES} keys`);
  if (Object.hasOwn(given, "email")) requireEmail(given.email);
  const attributes = new Map<string, AttributeValue | null>();
  const broken: string[] = [];
  for (const key of keys) {
    const value = given[key];
    if (isAttributeValue(value)) attributes.set(key, value);
    else broken.push(`${key}Invalid input`);
  }
  if (broken.length > 0) throw invalid(`Validation failed: ${broken.join("; ")}`);
  return attributes;
}

const isAttributeValue = (value: unknown): value is AttributeValue | null =>
  value === null ||
  typeof value === "boolean" ||
  (typeof value === "string" && isStorableText(value)) ||
  (typeof value === "number" && Number.isFinite(value));

function requireEmail(email: unknown): void {
  if (typeof email !== "string" || email.length < 3 || !email.includes("@")) throw invalid("Invalid email format");
  if (email.length > MAX_EMAIL_LENGTH)
    throw invalid(`Validation failed: emailToo big: expected string to have <=${MAX_EMAIL_LENGTH} characters`);
  if (!EMAIL_PATTERN.test(email)) throw invalid("Validation failed: Invalid email");
}

/** The answer, put together as text: `JSON.stringify` of the same takes several times as long. */
function presentState(contact: IdentifiedContact, now: number): string {
  const { id, userId, segmentIds, displays, responses, attributes, notes } = contact;
  const { language } = attributes;
  const last = displays[0] ? `"${isoTime(displays[0].createdAt)}"` : "null";
  const spoken = typeof language === "string" ? `,"language":${JSON.stringify(echoLanguage(language))}` : "";
  return (
    `{"data":{"state":{"data":{"contactId":${JSON.stringify(id)},"userId":${JSON.stringify(userId)},` +
    `"segments":${JSON.stringify(segmentIds)},"displays":${listOf(displays, displayOf)},` +
    `"responses":${listOf(responses, surveyOf)},"lastDisplayAt":${last}${spoken}},` +
    `"expiresAt":"${isoTime(now + STATE_LIFETIME_MS)}"}${presentNotes(notes)}}}`
  );
}

const listOf = <Item>(items: readonly Item[], write: (item: Item) => string): string =>
  items.length === 0 ? "[]" : `[${items.map(write).join()}]`;

type Interaction = IdentifiedContact["displays"][number];
const displayOf = ({ surveyId, createdAt }: Interaction): string =>
  `{"surveyId":${JSON.stringify(surveyId)},"createdAt":"${isoTime(createdAt)}"}`;
const surveyOf = ({ surveyId }: Interaction): string => JSON.stringify(surveyId);

function presentNotes(notes: readonly AttributeNote[]): string {
  if (notes.length === 0) return "";
  const { messages, errors } = describeNotes(notes);
  const messagesText = messages.length > 0 ? `,"messages":${JSON.stringify(messages)}` : "";
  return errors.length > 0 ? `${messagesText},"errors":${JSON.stringify(errors)}` : messagesText;
}

/** What is told of attributes that were not written as submitted, and of keys that could not be created. */
export function describeNotes(notes: readonly AttributeNote[]): { messages: string[]; errors: string[] } {
  return {
    messages: notes.map(messageOf).filter((text) => text !== undefined),
    errors: notes.map(errorOf).filter((text) => text !== undefined),
  };
}

function messageOf(note: AttributeNote): string | undefined {
  switch (note.kind) {
    case "type_mismatch":
      return `${mismatchOf(note.key, note.dataType, note.value)} (attribute '${note.key}' has dataType: ${note.dataType})`;
    case "key_created":
      return `Created new attribute '${note.key}' with type '${note.dataType}'`;
    case "key_limit_reached":
      return `Could not create ${note.keys.length} new attribute(s) (${note.keys.join(", ")}): the limit of ${note.limit} attribute keys is reached.`;
    case "language_ignored":
      return `Ignored invalid language code '${note.value}'. The existing value was preserved.`;
    case "keys_refused":
    case "email_invalid":
      return undefined;
  }
}

function errorOf(note: AttributeNote): string | undefined {
  if (note.kind !== "keys_refused") return undefined;
  const keys = note.keys.join(", ");
  return note.reason === "reserved"
    ? `Reserved attribute key(s): ${keys}. These keys are reserved for the v5.1 safe-identifier default attribute migration and cannot be created as custom attributes.`
    : `Skipped creating attribute(s) with invalid key(s): ${keys}. Keys must only contain lowercase letters, numbers, and underscores, and must start with a letter.`;
}

/** This contract knows no booleans: one that does not fit is described as the text it would be stored as. */
function mismatchOf(key: string, dataType: AttributeDataType, value: AttributeValue): string {
  switch (dataType) {
    case "string":
      return `Attribute '${key}' expects a string but received a number. Pass an actual string value.`;
    case "number":
      return `Attribute '${key}' expects a number but received a string. Pass an actual number value (e.g., 123 instead of "123").`;
    case "date":
      return typeof value === "number"
        ? `Attribute '${key}' expects a valid date. Received: number value '${value}'`
        : `Attribute '${key}' expects a date in ISO 8601 format (e.g., "2024-01-15" or "2024-01-15T10:30:00.000Z") or a Date object. Received: "${value}"`;
    case "boolean":
      return `Attribute '${key}' expects a boolean but received a ${typeof value}. Pass true or false.`;
  }
}
