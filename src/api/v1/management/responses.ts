/** Responses, v1 management. Source: management-api-v1 §10. */
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Services } from "../../../services.ts";
import { CORS_HEADERS, ITEM_ERRORS, v1Data } from "../envelope.ts";
import { presentResponse, V1Response } from "./present-response.ts";
import { lastValue, listQuery, readCount, repeatable, requireRowId } from "./requests.ts";

const ListQuery = z.object({
  surveyId: repeatable.meta({ description: "Only this survey's, and 25 of them unless `limit` says otherwise" }),
  ...listQuery,
});

const Path = z.object({ responseId: z.string() });

const documentation = { tags: ["Management API - Responses"], security: [{ apiKey: [] }] };

export const responseRoutes: FastifyPluginAsyncZod<{ services: Services }> = async (app, { services: { responseReading } }) => {
  app.get(
    "/responses",
    {
      schema: {
        ...documentation,
        operationId: "getResponses",
        summary: "Get responses",
        description: "Those of one survey, or of every environment the key may use, newest first.",
        querystring: ListQuery,
        response: { 200: v1Data(z.array(V1Response)), ...ITEM_ERRORS },
      },
      onSend: async (_request, reply) => {
        if (reply.statusCode === 404) reply.headers(CORS_HEADERS); // as the reference does with an unknown survey
      },
    },
    async ({ principal, query }) => {
      const surveyId = lastValue(query.surveyId) || undefined;
      const limit = readCount("limit", lastValue(query.limit) || undefined);
      const skip = readCount("skip", query.skip ?? query.offset) ?? 0;
      if (surveyId !== undefined) requireRowId(surveyId);
      return { data: (await responseReading.list(principal, { surveyId, limit, skip })).map(presentResponse) };
    },
  );

  app.get(
    "/responses/:responseId",
    {
      schema: {
        ...documentation,
        operationId: "getResponse",
        summary: "Get a response",
        params: Path,
        response: { 200: v1Data(V1Response), ...ITEM_ERRORS },
      },
    },
    async ({ principal, params: { responseId } }) => {
      requireRowId(responseId);
      return { data: presentResponse(await responseReading.get(principal, responseId, "read")) };
    },
  );
};
