/** Webhooks. Source: management-api-v2 §5.12. */
import type { preValidationHookHandler } from "fastify";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Services } from "../../../services.ts";
import { ID_PATTERN } from "../../../shared/ids.ts";
import { WebhookTriggerInput } from "../../../webhooks/service.ts";
import { BODY_ERRORS, QUERY_ERRORS, V2Error, v2Data, v2List } from "../envelope.ts";
import { listQuery } from "../list-query.ts";
import { listedOwner, OWNER_IN_ANSWER, OWNER_IN_BODY, OWNER_IN_QUERY, presentOwner, resolveOwner } from "./owner.ts";

const WEBHOOK = {
  id: z.string(),
  name: z.string().nullable(),
  createdAt: z.date(),
  updatedAt: z.date(),
  url: z.string(),
  source: z.string().meta({ example: "user" }),
  ...OWNER_IN_ANSWER,
  triggers: z.array(z.string()),
  surveyIds: z.array(z.string()).meta({ description: "Empty: every survey of the environment" }),
};
const Webhook = z.object(WEBHOOK).meta({ id: "V2Webhook" });

const NewWebhook = z
  .object({ ...WEBHOOK, secret: z.string().meta({ description: "Signs deliveries; shown this once", example: "whsec_…" }) })
  .meta({ id: "V2NewWebhook" });

const Id = z.string().regex(ID_PATTERN, "Invalid cuid2");

const WebhookWrite = z.object({
  name: z.string().nullable(),
  url: z.url(),
  source: z.enum(["user", "zapier", "make", "n8n"]),
  triggers: z.array(WebhookTriggerInput).min(1, "At least one trigger is required"),
  surveyIds: z.array(Id),
});
const WebhookCreate = z.object({ ...OWNER_IN_BODY, ...WebhookWrite.shape });

const SurveyIds = z
  .string()
  .transform((text) => text.split(","))
  .pipe(z.array(Id))
  .optional()
  .meta({ type: "string", description: "Webhooks that name one of these surveys; separated by commas, or repeated" });

const Path = z.object({ webhookId: Id });

const documentation = { tags: ["Management API - Webhooks"] };

/** Who may not see a webhook that exists is answered 401 (§2.3). */
const config = { problems: { forbidden: "unauthenticated" } } as const;

export const webhookRoutes: FastifyPluginAsyncZod<{ services: Services }> = async (
  app,
  { services: { environments, webhooks } },
) => {
  app.get(
    "/webhooks",
    {
      preValidation: joinSurveyIds,
      schema: {
        ...documentation,
        operationId: "getWebhooks",
        summary: "Get webhooks",
        querystring: listQuery({ ...OWNER_IN_QUERY, surveyIds: SurveyIds }),
        response: { 200: v2List(Webhook), ...QUERY_ERRORS },
      },
    },
    async ({ principal, query }) => {
      const environmentId = await listedOwner(environments, principal, query);
      const { rows, total } = await webhooks.list(principal, { ...query, environmentId });
      return { data: rows.map(presentOwner), meta: { total, limit: query.limit, offset: query.skip } };
    },
  );

  app.post(
    "/webhooks",
    {
      preValidation: resolveOwner(environments),
      schema: {
        ...documentation,
        operationId: "createWebhook",
        summary: "Create a webhook",
        body: WebhookCreate,
        response: { 201: v2Data(NewWebhook), ...BODY_ERRORS, 403: V2Error, 404: V2Error },
      },
    },
    async ({ principal, body }, reply) => reply.status(201).send({ data: presentOwner(await webhooks.create(principal, body)) }),
  );

  app.get(
    "/webhooks/:webhookId",
    {
      config,
      schema: {
        ...documentation,
        operationId: "getWebhook",
        summary: "Get a webhook",
        params: Path,
        response: { 200: v2Data(Webhook), ...QUERY_ERRORS, 404: V2Error },
      },
    },
    async ({ principal, params }) => ({ data: presentOwner(await webhooks.get(principal, params.webhookId)) }),
  );

  app.put(
    "/webhooks/:webhookId",
    {
      config,
      schema: {
        ...documentation,
        operationId: "updateWebhook",
        summary: "Update a webhook",
        params: Path,
        body: WebhookWrite,
        response: { 200: v2Data(Webhook), ...BODY_ERRORS, 404: V2Error },
      },
    },
    async ({ principal, params, body }) => ({ data: presentOwner(await webhooks.replace(principal, params.webhookId, body)) }),
  );

  app.delete(
    "/webhooks/:webhookId",
    {
      config,
      schema: {
        ...documentation,
        operationId: "deleteWebhook",
        summary: "Delete a webhook",
        params: Path,
        response: { 200: v2Data(Webhook), ...QUERY_ERRORS, 404: V2Error },
      },
    },
    async ({ principal, params }) => ({ data: presentOwner(await webhooks.remove(principal, params.webhookId)) }),
  );
};

/** The one query name that may be repeated; of all others the last counts. */
const joinSurveyIds: preValidationHookHandler = async (request) => {
  if (typeof request.query !== "object" || request.query === null || !("surveyIds" in request.query)) return;
  request.query = { ...request.query, surveyIds: [request.query.surveyIds].flat().join(",") };
};
