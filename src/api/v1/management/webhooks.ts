/** Webhooks, v1: not below `/management`, and without a way to change one. Source: management-api-v1 §13. */
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Services } from "../../../services.ts";
import { ID_PATTERN } from "../../../shared/ids.ts";
import { WebhookTriggerInput } from "../../../webhooks/service.ts";
import { BODY_ERRORS, ITEM_ERRORS, V1Error, v1Data } from "../envelope.ts";
import {
  invalidFields,
  ListQuery,
  parseBody,
  parseFields,
  readPage,
  requireRowId,
  requireWritableEnvironment,
  reworded,
} from "./requests.ts";
import { tenantFields, tenantInput, withTenant, withTenants } from "./tenant.ts";

const WEBHOOK = {
  id: z.string(),
  name: z.string().nullable(),
  createdAt: z.date(),
  updatedAt: z.date(),
  url: z.string(),
  source: z.string().meta({ example: "user" }),
  triggers: z.array(z.string()),
  surveyIds: z.array(z.string()).meta({ description: "Empty: every survey of the environment" }),
  ...tenantFields,
};
const V1Webhook = z.object(WEBHOOK).meta({ id: "V1Webhook" });

const V1NewWebhook = z
  .object({ ...WEBHOOK, secret: z.string().meta({ description: "Signs deliveries; shown this once", example: "whsec_…" }) })
  .meta({ id: "V1NewWebhook" });

const WebhookCreate = z.object({
  url: z.url(),
  triggers: z.array(WebhookTriggerInput).min(1, "At least one trigger is required"),
  name: z.string().nullish(),
  source: z.enum(["user", "zapier", "make", "n8n", "activepieces"]).optional(),
  surveyIds: z.array(z.string().regex(ID_PATTERN, "Invalid cuid2")).optional(),
});

const Path = z.object({ webhookId: z.string() });

const documentation = { tags: ["Webhooks"] };

export const webhookRoutes: FastifyPluginAsyncZod<{ services: Services }> = async (
  app,
  { services: { environments, webhooks } },
) => {
  app.get(
    "/webhooks",
    {
      schema: {
        ...documentation,
        operationId: "getWebhooksV1",
        summary: "Get webhooks",
        description: "Those of every environment the key may use, oldest first.",
        querystring: ListQuery,
        response: { 200: v1Data(z.array(V1Webhook)), ...ITEM_ERRORS },
      },
    },
    async ({ principal, query }) => {
      const { rows } = await webhooks.list(principal, readPage(query));
      return { data: await withTenants(environments, rows) };
    },
  );

  app.post(
    "/webhooks",
    {
      schema: {
        ...documentation,
        operationId: "createWebhookV1",
        summary: "Create a webhook",
        description: "The address must be one of the public internet, and the surveys the environment's.",
        body: WebhookCreate.extend(tenantInput),
        response: { 200: v1Data(V1NewWebhook), ...BODY_ERRORS, 404: V1Error },
      },
    },
    async ({ principal, body: bytes }) => {
      const body = parseBody(bytes);
      const environmentId = await requireWritableEnvironment(environments, principal, body);
      const { name = null, source = "user", surveyIds = [], ...input } = parseFields(WebhookCreate, body);
      const webhook = await reworded(
        webhooks.create(principal, { ...input, environmentId, name, source, surveyIds: [...new Set(surveyIds)] }),
        {
          not_found: () => foreignSurveys(),
          malformed: (problem) => (problem.issues?.[0]?.field === "surveyIds" ? foreignSurveys() : problem),
        },
      );
      return { data: await withTenant(environments, webhook) };
    },
  );

  app.get(
    "/webhooks/:webhookId",
    {
      schema: {
        ...documentation,
        operationId: "getWebhookV1",
        summary: "Get a webhook",
        params: Path,
        response: { 200: v1Data(V1Webhook), ...ITEM_ERRORS },
      },
    },
    async ({ principal, params: { webhookId } }) => {
      requireRowId(webhookId);
      return { data: await withTenant(environments, await webhooks.get(principal, webhookId)) };
    },
  );

  app.delete(
    "/webhooks/:webhookId",
    {
      schema: {
        ...documentation,
        operationId: "deleteWebhookV1",
        summary: "Delete a webhook",
        params: Path,
        response: { 200: v1Data(V1Webhook), ...ITEM_ERRORS },
      },
    },
    async ({ principal, params: { webhookId } }) => {
      requireRowId(webhookId);
      return { data: await withTenant(environments, await webhooks.remove(principal, webhookId)) };
    },
  );
};

/** A webhook that waits for surveys it will never hear of. */
const foreignSurveys = () => invalidFields([{ field: "surveyIds", issue: "Not all are surveys of this workspace" }]);
