/** Responses. Source: management-api-v2 §5.7. */
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { storedObject } from "../../../http/stored-object.ts";
import type { Services } from "../../../services.ts";
import { ID_PATTERN } from "../../../shared/ids.ts";
import { BODY_ERRORS, QUERY_ERRORS, V2Error, v2Data } from "../envelope.ts";
import { listQuery } from "../list-query.ts";

/** Stored JSON is shown as it is: an import may have brought anything. */
const Stored = storedObject(z.record(z.string(), z.unknown()));

const Response = z
  .object({
    id: z.string(),
    createdAt: z.date(),
    updatedAt: z.date(),
    finished: z.boolean(),
    surveyId: z.string(),
    contactId: z.string().nullable(),
    endingId: z.string().nullable(),
    data: Stored.meta({ description: "Answers by element id: text, number, list of texts, or texts by row" }),
    variables: Stored,
    ttc: Stored.meta({ description: "Milliseconds by element id" }),
    meta: Stored,
    contactAttributes: Stored.nullable(),
    singleUseId: z.string().nullable(),
    language: z.string().nullable(),
    displayId: z.string().nullable(),
  })
  .meta({ id: "V2Response" });

const Id = z.string().regex(ID_PATTERN, "Invalid cuid2");

/** Within the years that the database knows. */
const ResponseDate = z.coerce
  .date()
  .min(new Date("0001-01-01T00:00:00.000Z"))
  .max(new Date("9999-12-31T23:59:59.999Z"))
  .meta({ type: "string", format: "date-time" });

/** The bound keeps it within what the database can index. */
const SingleUseId = z.string().max(255);

const Answers = z.record(z.string(), z.union([z.string(), z.number(), z.array(z.string()), z.record(z.string(), z.string())]));
const Variables = z.record(z.string(), z.union([z.string(), z.number()]));
const Times = z.record(z.string(), z.number());
const Meta = z.object({
  source: z.string().optional(),
  url: z.string().optional(),
  userAgent: z.object({ browser: z.string().optional(), os: z.string().optional(), device: z.string().optional() }).optional(),
  country: z.string().optional(),
  action: z.string().optional(),
});

const ResponseCreate = z.object({
  createdAt: ResponseDate.optional(),
  updatedAt: ResponseDate.optional(),
  surveyId: Id,
  displayId: z.string().nullish(),
  singleUseId: SingleUseId.nullish(),
  finished: z.boolean(),
  endingId: Id.nullish(),
  data: Answers,
  language: z.string().nullish(),
  variables: Variables.optional(),
  ttc: Times.optional(),
  meta: Meta.optional(),
  userId: z.string().optional().meta({ description: "Of the contact who answered" }),
});

/** All of it: what is left out is not kept but refused. */
const ResponseReplace = z.object({
  createdAt: ResponseDate,
  updatedAt: ResponseDate,
  finished: z.boolean(),
  contactId: z.string().nullable(),
  endingId: Id.nullable(),
  data: Answers,
  variables: Variables,
  ttc: Times,
  meta: Meta,
  contactAttributes: z.record(z.string(), z.string()).nullable(),
  singleUseId: SingleUseId.nullable(),
  language: z.string().nullable(),
  displayId: z.string().nullable(),
});

const Path = z.object({ responseId: Id });

const documentation = { tags: ["Management API - Responses"] };

/** Who may not see a response or survey that exists is answered 401 (§2.3). */
const config = { problems: { forbidden: "unauthenticated" } } as const;

export const responseRoutes: FastifyPluginAsyncZod<{ services: Services }> = async (
  app,
  { services: { responseManagement: responses } },
) => {
  app.get(
    "/responses",
    {
      schema: {
        ...documentation,
        operationId: "getResponses",
        summary: "Get responses",
        querystring: listQuery({ surveyId: Id.optional(), contactId: z.string().optional() }),
        // The one list of this generation that says nothing of its page (§1.1).
        response: { 200: v2Data(z.array(Response)), ...QUERY_ERRORS },
      },
    },
    async ({ principal, query }) => ({ data: await responses.list(principal, query) }),
  );

  app.post(
    "/responses",
    {
      config,
      schema: {
        ...documentation,
        operationId: "createResponse",
        summary: "Create a response",
        body: ResponseCreate,
        response: { 201: v2Data(Response), ...BODY_ERRORS, 404: V2Error, 409: V2Error },
      },
    },
    async ({ principal, body }, reply) => reply.status(201).send({ data: await responses.create(principal, body) }),
  );

  app.get(
    "/responses/:responseId",
    {
      config,
      schema: {
        ...documentation,
        operationId: "getResponse",
        summary: "Get a response",
        params: Path,
        response: { 200: v2Data(Response), ...QUERY_ERRORS, 404: V2Error },
      },
    },
    async ({ principal, params }) => ({ data: await responses.get(principal, params.responseId) }),
  );

  app.put(
    "/responses/:responseId",
    {
      config,
      schema: {
        ...documentation,
        operationId: "updateResponse",
        summary: "Replace a response",
        params: Path,
        body: ResponseReplace,
        response: { 200: v2Data(Response), ...BODY_ERRORS, 404: V2Error, 409: V2Error },
      },
    },
    async ({ principal, params, body }) => ({ data: await responses.replace(principal, params.responseId, body) }),
  );

  app.delete(
    "/responses/:responseId",
    {
      config,
      schema: {
        ...documentation,
        operationId: "deleteResponse",
        summary: "Delete a response",
        params: Path,
        response: { 200: v2Data(Response), ...QUERY_ERRORS, 404: V2Error },
      },
    },
    async ({ principal, params }) => ({ data: await responses.remove(principal, params.responseId) }),
  );
};
