/** Responses: the answers to surveys. v1 and v2 differ in the respondent and in a few checks. Source: client-api §9, §10. */
import type { FastifyPluginAsync, FastifyRequest } from "fastify";
import { z } from "zod";
import { acceptAnything, parseJson } from "../../http/json-body.ts";
import type { ResponseRules, ResponseSender, SavedResponse } from "../../responses/service.ts";
import { readIdempotencyKey } from "./checked-body.ts";
import { ClientError, ClientParams, clientData } from "./envelope.ts";
import { resolveEnvironment } from "./environment-id.ts";
import { type ClientApiOptions, countRequest } from "./options.ts";
import { RESPONSE_BODIES, ResponseChangeBody, readResponse, readResponseChange } from "./response-body.ts";
import { requireUserSignature } from "./user-signature.ts";

const Saved = z
  .object({
    id: z.string(),
    quotaFull: z.boolean(),
    quota: z
      .object({ id: z.string(), action: z.enum(["endSurvey", "continueSurvey"]), endingCardId: z.string().optional() })
      .optional(),
  })
  .meta({ id: "ClientSavedResponse" });

const ANSWERS = {
  200: clientData(Saved),
  400: ClientError,
  403: ClientError,
  404: ClientError,
  413: ClientError,
  429: ClientError,
  500: ClientError,
  503: ClientError,
};

/** Source: client-api §9.2 and §13. The first generation does not limit respondents' own texts. */
const RULES: Record<ClientApiOptions["generation"], ResponseRules> = {
  v1: {
    gates: ["verifiedEmail", "recaptcha", "singleUse"],
    limitsOther: false,
    describeSingleUse: (_failure, surveyId, environmentId) => ({ surveyId, environmentId }),
  },
  v2: {
    gates: ["singleUse", "verifiedEmail", "recaptcha"],
    limitsOther: true,
    describeSingleUse: ({ error }, surveyId, environmentId) => ({
      surveyId,
      workspaceId: environmentId,
      ...(error !== undefined && { error }),
    }),
  },
};

const MALFORMED_V2 = "Invalid JSON in request body";
const MALFORMED_CHANGE = "Malformed JSON in request body";

export const responseRoutes: FastifyPluginAsync<ClientApiOptions> = async (app, { generation, services, limiter }) => {
  app.post<{ Params: { environmentId: string } }>(
    "/:environmentId/responses",
    {
      schema: {
        operationId: `${generation}CreateResponse`,
        summary: "Create a response",
        description:
          "A request that is sent again is answered as the first time: it is known by its display, or by an `Idempotency-Key` header.",
        tags: ["Client API - Responses"],
        params: ClientParams,
        body: RESPONSE_BODIES[generation],
        response: { ...ANSWERS, ...(generation === "v1" && { 401: ClientError }), 409: ClientError },
      },
      validatorCompiler: acceptAnything,
    },
    async (request) => {
      await countRequest(limiter, request);
      const { environment, json } = generation === "v1" ? await bodyFirst(request) : await environmentFirst(request);
      const input = readResponse(generation, json);
      const { respondent } = input;
      if (respondent && "userId" in respondent) requireUserSignature(environment, respondent.userId, request, json);
      const saved = await services.responses.create({ environment, input, sender: senderOf(request), rules: RULES[generation] });
      return { data: presentSaved(saved) };
    },
  );

  app.put<{ Params: { environmentId: string; responseId: string } }>(
    "/:environmentId/responses/:responseId",
    {
      schema: {
        operationId: `${generation}UpdateResponse`,
        summary: "Add answers to a response, or finish it",
        description: "Data, variables and times are merged key by key. The last change sent again is answered as before.",
        tags: ["Client API - Responses"],
        params: ClientParams.extend({ responseId: z.string() }),
        body: ResponseChangeBody,
        response: ANSWERS,
      },
      validatorCompiler: acceptAnything,
    },
    async (request) => {
      await countRequest(limiter, request);
      const { environmentId, responseId } = request.params;
      const environment = await resolveEnvironment(services, environmentId);
      const { change, pinAuthToken } = readResponseChange(parseJson(request.body, MALFORMED_CHANGE));
      return { data: presentSaved(await services.responses.change({ environment, responseId, change, pinAuthToken })) };
    },
  );

  /** Of two mistakes, v1 tells of the body's first. */
  async function bodyFirst(request: FastifyRequest<{ Params: { environmentId: string } }>) {
    const json = parseJson(request.body);
    return { environment: await resolveEnvironment(services, request.params.environmentId), json };
  }

  async function environmentFirst(request: FastifyRequest<{ Params: { environmentId: string } }>) {
    const environment = await resolveEnvironment(services, request.params.environmentId);
    return { environment, json: parseJson(request.body, MALFORMED_V2) };
  }
};

const senderOf = ({ headers, ip }: FastifyRequest): ResponseSender => ({
  idempotencyKey: readIdempotencyKey(headers["idempotency-key"]),
  ipAddress: ip,
  userAgent: headers["user-agent"],
  country: firstOf(headers["cf-ipcountry"]) ?? firstOf(headers["cloudfront-viewer-country"]),
});

const firstOf = (header: string | string[] | undefined): string | undefined =>
  (Array.isArray(header) ? header[0] : header) || undefined;

const presentSaved = ({ id, quota }: SavedResponse) => ({ id, ...quota });
