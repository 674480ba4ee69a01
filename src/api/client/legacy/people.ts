/**
 * Identify as SDKs of 2024 and 2025 called it: `GET /identify/contacts/{userId}`, `GET /identify/people/{userId}`,
 * `GET /app/people/{userId}` and `POST /people`. All create the contact. Source: client-api §16.5.
 */
import type { FastifyPluginAsync, FastifyRequest } from "fastify";
import { z } from "zod";
import type { IdentifiedContact } from "../../../contacts/service.ts";
import { acceptAnything, parseJson } from "../../../http/json-body.ts";
import { invalid } from "../../../shared/problem.ts";
import { deviceOf } from "../../../shared/user-agent.ts";
import { ClientError, ClientParams, clientData } from "../envelope.ts";
import { ATTRIBUTE_RULES, parseUserId } from "../identify.ts";
import { type ClientApiOptions, countRequest } from "../options.ts";
import { requireUserSignature } from "../user-signature.ts";
import { LegacyParams, type LegacyRoute } from "./route.ts";

const PersonState = z
  .object({
    contactId: z.string().optional().meta({ description: "Absent where contacts are called people" }),
    userId: z.string(),
    segments: z.array(z.string()),
    displays: z.array(z.object({ surveyId: z.string(), createdAt: z.date() })),
    responses: z.array(z.string()),
    lastDisplayAt: z.date().nullable(),
  })
  .meta({ id: "LegacyPersonState" });

const PersonBody = z.object({ userId: z.string().min(1) }).meta({ id: "LegacyPerson" });

const ERRORS = {
  400: ClientError,
  401: ClientError,
  403: ClientError,
  404: ClientError,
  429: ClientError,
  500: ClientError,
  503: ClientError,
};

export const legacyPeopleRoutes: FastifyPluginAsync<ClientApiOptions> = async (app, { generation, services, limiter }) => {
  const { contacts, environments } = services;
  registerIdentify("identify/contacts", `${generation}IdentifyContact`, { hasContactId: true });
  registerIdentify("identify/people", `${generation}IdentifyPerson`, { hasContactId: false });
  registerIdentify("app/people", `${generation}IdentifyAppPerson`, { hasContactId: false });
  if (generation === "v1") registerCreate();

  function registerIdentify(path: string, operationId: string, { hasContactId }: { hasContactId: boolean }): void {
    app.get<LegacyRoute>(
      `/:environmentId/${path}/:userId`,
      {
        schema: {
          operationId,
          summary: "Create or identify a contact (older SDKs)",
          tags: ["Client API - older SDKs"],
          deprecated: true,
          params: LegacyParams,
          response: { 200: clientData(PersonState), ...ERRORS },
        },
      },
      async (request) => {
        const contact = await identify(request, request.params.environmentId, () => ({ userId: request.params.userId }));
        return { data: presentPerson(contact, hasContactId) };
      },
    );
  }

  function registerCreate(): void {
    app.post<{ Params: { environmentId: string } }>(
      "/:environmentId/people",
      {
        schema: {
          operationId: "v1CreatePerson",
          summary: "Create a contact (older SDKs)",
          tags: ["Client API - older SDKs"],
          deprecated: true,
          params: ClientParams,
          body: PersonBody,
          response: { 200: clientData(z.object({ userId: z.string() })), 413: ClientError, ...ERRORS },
        },
        validatorCompiler: acceptAnything,
      },
      async (request) => {
        const { userId } = await identify(request, request.params.environmentId, () => {
          const body = parseJson(request.body);
          return { userId: parsePerson(body), body };
        });
        return { data: { userId } };
      },
    );
  }

  /** The environment is looked up before the user id is judged. */
  async function identify(
    request: FastifyRequest,
    environmentId: string,
    read: () => { userId: string; body?: unknown },
  ): Promise<IdentifiedContact> {
    await countRequest(limiter, { params: { environmentId }, ip: request.ip });
    const environment = await environments.configuration(environmentId);
    const { userId: named, body } = read();
    const userId = parseUserId(named);
    requireUserSignature(environment, userId, request, body);
    return contacts.identify({
      environment,
      userId,
      attributes: new Map(),
      rules: ATTRIBUTE_RULES,
      device: deviceOf(request.headers["user-agent"]),
    });
  }
};

function parsePerson(body: unknown): string {
  const { success, data, error } = PersonBody.safeParse(body);
  if (success) return data.userId;
  const issues = error.issues.map(({ path, message }) => ({ field: path.join("."), issue: message }));
  throw invalid("Fields are missing or incorrectly formatted", { issues });
}

function presentPerson(contact: IdentifiedContact, hasContactId: boolean): z.input<typeof PersonState> {
  const { id, userId, segmentIds, displays, responses } = contact;
  return {
    ...(hasContactId && { contactId: id }),
    userId,
    segments: segmentIds,
    displays: displays.map(({ surveyId, createdAt }) => ({ surveyId, createdAt: new Date(createdAt) })),
    responses: responses.map(({ surveyId }) => surveyId),
    lastDisplayAt: displays[0] ? new Date(displays[0].createdAt) : null,
  };
}
