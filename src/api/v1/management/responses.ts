/** Responses, v1 management. Source: management-api-v1 §10. */
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Services } from "../../../services.ts";
import { BODY_ERRORS, CORS_HEADERS, ITEM_ERRORS, V1Error, v1Data } from "../envelope.ts";
import { presented, sendWhole } from "../whole-list.ts";
import { presentResponse, V1Response } from "./present-response.ts";
import {
  lastValue,
  listQuery,
  parseBody,
  parseFields,
  readCount,
  repeatable,
  requireRowId,
  requireWritableEnvironment,
} from "./requests.ts";
import { ResponseCreate, ResponseCreateBody, ResponseUpdate, readNewResponse } from "./response-body.ts";

const ListQuery = z.object({
  surveyId: repeatable.meta({ description: "Only this survey's, and 25 of them unless `limit` says otherwise" }),
  ...listQuery,
});

const Path = z.object({ responseId: z.string() });

const documentation = { tags: ["Management API - Responses"] };

export const responseRoutes: FastifyPluginAsyncZod<{ services: Services }> = async (
  app,
  { services: { environments, responseManagement: responses } },
) => {
  app.get(
    "/responses",
    {
      schema: {
        ...documentation,
        operationId: "getResponsesV1",
        summary: "Get responses",
        description: "Those of one survey, or of every environment the key may use, newest first.",
        querystring: ListQuery,
        response: { 200: v1Data(z.array(V1Response)), ...ITEM_ERRORS },
      },
      onSend: async (_request, reply) => {
        if (reply.statusCode === 404) reply.headers(CORS_HEADERS); // as the reference does with an unknown survey
      },
    },
    async ({ principal, query }, reply) => {
      const surveyId = lastValue(query.surveyId) || undefined;
      const limit = readCount("limit", lastValue(query.limit) || undefined);
      const skip = readCount("skip", query.skip ?? query.offset) ?? 0;
      if (surveyId !== undefined) requireRowId(surveyId);
      const parts = responses.readNewest(principal, { surveyId, limit, skip });
      return sendWhole(
        reply,
        V1Response,
        presented(parts, (rows) => rows.map(presentResponse)),
      );
    },
  );

  app.post(
    "/responses",
    {
      schema: {
        ...documentation,
        operationId: "createResponseV1",
        summary: "Create a response",
        description: "To a survey of any status. Its dates may be given, to bring in responses from elsewhere.",
        body: ResponseCreateBody,
        response: { 200: v1Data(V1Response), ...BODY_ERRORS, 404: V1Error, 409: V1Error },
      },
    },
    async ({ principal, body: bytes }, reply) => {
      const body = parseBody(bytes);
      const environmentId = await requireWritableEnvironment(environments, principal, body);
      reply.headers(CORS_HEADERS); // from here on, as the reference does
      const input = readNewResponse(parseFields(ResponseCreate, body));
      return { data: presentResponse(await responses.createIn(principal, environmentId, input)) };
    },
  );

  app.get(
    "/responses/:responseId",
    {
      schema: {
        ...documentation,
        operationId: "getResponseV1",
        summary: "Get a response",
        params: Path,
        response: { 200: v1Data(V1Response), ...ITEM_ERRORS },
      },
    },
    async ({ principal, params: { responseId } }) => {
      requireRowId(responseId);
      return { data: presentResponse(await responses.get(principal, responseId, "read")) };
    },
  );

  app.put(
    "/responses/:responseId",
    {
      schema: {
        ...documentation,
        operationId: "updateResponseV1",
        summary: "Change a response",
        description: "Data, variables and times are merged key by key; what else is given replaces what was there.",
        params: Path,
        body: ResponseUpdate,
        response: { 200: v1Data(V1Response), ...BODY_ERRORS, 404: V1Error },
      },
    },
    async ({ principal, params: { responseId }, body: bytes }) => {
      requireRowId(responseId);
      await responses.get(principal, responseId, "write");
      const change = parseFields(ResponseUpdate, parseBody(bytes));
      return { data: presentResponse(await responses.change(principal, responseId, change)) };
    },
  );

  app.delete(
    "/responses/:responseId",
    {
      schema: {
        ...documentation,
        operationId: "deleteResponseV1",
        summary: "Delete a response",
        description: "With its display and the files that were uploaded for it.",
        params: Path,
        response: { 200: v1Data(V1Response), ...ITEM_ERRORS },
      },
    },
    async ({ principal, params: { responseId } }) => {
      requireRowId(responseId);
      return { data: presentResponse(await responses.remove(principal, responseId)) };
    },
  );
};
