/** Displays: that a survey was shown. v1 names the viewer by user id, v2 by contact id. Source: client-api §8. */
import type { FastifyPluginAsync } from "fastify";
import { z } from "zod";
import { acceptAnything, parseJson } from "../../http/json-body.ts";
import { checkBody, objectOrEmpty, readIdempotencyKey } from "./checked-body.ts";
import { ClientError, ClientParams, clientData } from "./envelope.ts";
import { resolveEnvironment } from "./environment-id.ts";
import { type ClientApiOptions, countRequest } from "./options.ts";
import { requireUserSignature, SIGNATURE } from "./user-signature.ts";

const MAX_USER_ID_LENGTH = 255;

const shared = { surveyId: z.cuid2(), responseId: z.cuid2().optional().meta({ description: "Accepted and ignored" }) };

const V1DisplayBody = z
  .object({
    ...shared,
    userId: z.string().max(MAX_USER_ID_LENGTH, `User ID cannot exceed ${MAX_USER_ID_LENGTH} characters`).optional(),
    userIdSignature: z.string().optional().meta(SIGNATURE),
  })
  .meta({ id: "V1DisplayBody" });

const V2DisplayBody = z.object({ ...shared, contactId: z.cuid2().optional() }).meta({ id: "V2DisplayBody" });

const Display = z
  .object({ id: z.string(), contactId: z.string().nullable(), surveyId: z.string() })
  .meta({ id: "ClientDisplay" });

const ERRORS = { 400: ClientError, 404: ClientError, 429: ClientError, 500: ClientError, 503: ClientError };

/** By generation: the body, and what the reference says of one that is not JSON. */
const BODIES = { v1: V1DisplayBody, v2: V2DisplayBody };
const MALFORMED = { v1: undefined, v2: "Invalid JSON in request body" };

export const displayRoutes: FastifyPluginAsync<ClientApiOptions> = async (app, { generation, services, limiter }) => {
  app.post<{ Params: { environmentId: string } }>(
    "/:environmentId/displays",
    {
      schema: {
        operationId: `${generation}CreateDisplay`,
        summary: "Record that a survey was shown",
        description: "An `Idempotency-Key` header makes a request that is sent again answer the display it made first.",
        tags: ["Client API - Displays"],
        params: ClientParams,
        body: BODIES[generation],
        response: {
          200: clientData(Display),
          ...(generation === "v1" && { 401: ClientError }),
          403: ClientError,
          409: ClientError,
          413: ClientError,
          ...ERRORS,
        },
      },
      validatorCompiler: acceptAnything,
    },
    async (request) => {
      await countRequest(limiter, request);
      const environment = await resolveEnvironment(services, request.params.environmentId);
      const body = objectOrEmpty(parseJson(request.body, MALFORMED[generation]));
      const { surveyId, viewer } = generation === "v1" ? readV1(body) : readV2(body);
      if (viewer && "userId" in viewer) requireUserSignature(environment, viewer.userId, request, body);
      const idempotencyKey = readIdempotencyKey(request.headers["idempotency-key"]);
      return { data: await services.displays.create({ environment, surveyId, viewer, idempotencyKey }) };
    },
  );

  if (generation === "v2") return;

  app.get<{ Params: { environmentId: string; displayId: string } }>(
    "/:environmentId/displays/:displayId/response",
    {
      schema: {
        operationId: "v1FindResponseOfDisplay",
        summary: "Tell which response a display led to",
        tags: ["Client API - Displays"],
        params: ClientParams.extend({ displayId: z.string() }),
        response: { 200: clientData(z.object({ responseId: z.string().nullable() })), ...ERRORS },
      },
    },
    async (request) => {
      await countRequest(limiter, request);
      const environment = await resolveEnvironment(services, request.params.environmentId);
      return { data: { responseId: await services.displays.findResponseId(environment, request.params.displayId) } };
    },
  );
};

/** An empty user id names nobody, as in the reference. */
function readV1(body: object) {
  const { surveyId, userId = "" } = checkBody(V1DisplayBody, body);
  return { surveyId, viewer: userId === "" ? null : { userId } };
}

function readV2(body: object) {
  const { surveyId, contactId } = checkBody(V2DisplayBody, body);
  return { surveyId, viewer: contactId === undefined ? null : { contactId } };
}
