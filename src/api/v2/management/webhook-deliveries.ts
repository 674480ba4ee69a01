/**
 * What became of webhooks' deliveries, and the ways to have them again. Ours: the published API has none of it; envelope,
 * lists and permissions are those of the other webhook routes.
 */
import type { preValidationHookHandler } from "fastify";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Services } from "../../../services.ts";
import { ID_PATTERN } from "../../../shared/ids.ts";
import { DELIVERY_STATUSES, MAX_OVERLAP_SECONDS, REPLAYABLE_STATUSES, WEBHOOK_TRIGGERS } from "../../../webhooks/service.ts";
import { BODY_ERRORS, QUERY_ERRORS, V2Error, v2Data, v2List } from "../envelope.ts";
import { listQuery } from "../list-query.ts";
import { OWNER_IN_ANSWER, presentOwner } from "./owner.ts";

const HttpStatus = z.int().nullable().meta({ description: "HTTP status; null when there was no answer" });
const ErrorClass = z.string().nullable().meta({ description: "Class of failure; null when it arrived", example: "timeout" });

const Delivery = z
  .object({
    id: z.string().meta({ description: "The message id, as in the header webhook-id" }),
    webhookId: z.string(),
    ...OWNER_IN_ANSWER,
    event: z.string().meta({ example: "responseFinished" }),
    surveyId: z.string().nullable(),
    subjectId: z.string().meta({ description: "What the event is about: a response, a contact, or a display of nobody" }),
    responseId: z.string().nullable().meta({ description: "Null when the event is about something else" }),
    status: z.enum(DELIVERY_STATUSES),
    attempts: z.int().meta({ description: "How often it was tried, attempts that were cut off included" }),
    createdAt: z.date(),
    updatedAt: z.date(),
    nextAttemptAt: z.date().nullable().meta({ description: "Null unless it is pending" }),
    lastStatus: HttpStatus,
    lastDurationMs: z.int().nullable(),
    lastError: ErrorClass,
    log: z.array(z.object({ attempt: z.int(), startedAt: z.date(), durationMs: z.int(), status: HttpStatus, error: ErrorClass })),
  })
  .meta({ id: "V2WebhookDelivery" });

const Status = z
  .object({
    webhookId: z.string(),
    ...OWNER_IN_ANSWER,
    isEnabled: z.boolean(),
    disabledAt: z.date().nullable().meta({ description: "Since when it is switched off, because it had only failed for days" }),
    failingSince: z.date().nullable().meta({ description: "Since when it has done nothing but fail" }),
    consecutiveFailures: z.int(),
    lastDeliveredAt: z.date().nullable(),
    waiting: z.int().meta({ description: "Deliveries that are not done" }),
    previousSecretExpiresAt: z.date().nullable().meta({ description: "Until when the secret before this one signs, too" }),
  })
  .meta({ id: "V2WebhookStatus" });

const TestDelivery = z
  .object({
    id: z.string().meta({ description: "The message id, as in the header webhook-id" }),
    event: z.enum(WEBHOOK_TRIGGERS),
    isDelivered: z.boolean(),
    status: HttpStatus,
    error: ErrorClass,
    durationMs: z.int(),
  })
  .meta({ id: "V2WebhookTestDelivery" });

const RotatedSecret = z
  .object({
    secret: z.string().meta({ description: "Signs deliveries; shown this once", example: "whsec_…" }),
    previousSecretExpiresAt: z.date().nullable(),
  })
  .meta({ id: "V2WebhookSecret" });

const Id = z.string().regex(ID_PATTERN, "Invalid cuid2");
const WebhookPath = z.object({ webhookId: Id });
const DeliveryPath = z.object({ webhookId: Id, deliveryId: z.string().regex(/^[0-9a-f]{64}$/, "Invalid message id") });

const Moment = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text))
  .meta({ type: "string", format: "date-time" });

const ReplayRange = z
  .object({
    startDate: Moment,
    endDate: Moment,
    statuses: z.array(z.enum(REPLAYABLE_STATUSES)).min(1).default(["failed"]),
  })
  .refine(({ startDate, endDate }) => startDate <= endDate, { error: "startDate must be before endDate" });

const documentation = { tags: ["Management API - Webhooks"] };

/** Who may not see a webhook that exists is answered 401, as by the other webhook routes. */
const config = { problems: { forbidden: "unauthenticated" } } as const;

export const webhookDeliveryRoutes: FastifyPluginAsyncZod<{ services: Services }> = async (
  app,
  { services: { webhookDeliveries } },
) => {
  app.get(
    "/webhooks/:webhookId/deliveries",
    {
      config,
      schema: {
        ...documentation,
        operationId: "getWebhookDeliveries",
        summary: "Get a webhook's deliveries with their attempts",
        params: WebhookPath,
        querystring: listQuery({ status: z.enum(DELIVERY_STATUSES).optional(), event: z.string().optional() }),
        response: { 200: v2List(Delivery), ...QUERY_ERRORS, 404: V2Error },
      },
    },
    async ({ principal, params, query }) => {
      const { rows, total } = await webhookDeliveries.list(principal, params.webhookId, query);
      return { data: rows.map(presentOwner), meta: { total, limit: query.limit, offset: query.skip } };
    },
  );

  app.get(
    "/webhooks/:webhookId/deliveries/:deliveryId",
    {
      config,
      schema: {
        ...documentation,
        operationId: "getWebhookDelivery",
        summary: "Get a delivery with its attempts",
        params: DeliveryPath,
        response: { 200: v2Data(Delivery), ...QUERY_ERRORS, 404: V2Error },
      },
    },
    async ({ principal, params }) => ({
      data: presentOwner(await webhookDeliveries.get(principal, params.webhookId, params.deliveryId)),
    }),
  );

  app.post(
    "/webhooks/:webhookId/deliveries/:deliveryId/replay",
    {
      config,
      schema: {
        ...documentation,
        operationId: "replayWebhookDelivery",
        summary: "Deliver once more",
        params: DeliveryPath,
        response: { 202: v2Data(Delivery), ...QUERY_ERRORS, 404: V2Error, 409: V2Error },
      },
    },
    async ({ principal, params }, reply) =>
      reply
        .status(202)
        .send({ data: presentOwner(await webhookDeliveries.replay(principal, params.webhookId, params.deliveryId)) }),
  );

  app.post(
    "/webhooks/:webhookId/replay",
    {
      config,
      schema: {
        ...documentation,
        operationId: "replayWebhookDeliveries",
        summary: "Deliver once more what was to be delivered in a time",
        description:
          "Takes the deliveries that were made from startDate to endDate and have failed, unless statuses says otherwise.",
        params: WebhookPath,
        body: ReplayRange,
        response: { 202: v2Data(z.object({ replayed: z.int() })), ...BODY_ERRORS, 404: V2Error, 409: V2Error },
      },
    },
    async ({ principal, params, body }, reply) =>
      reply.status(202).send({ data: { replayed: await webhookDeliveries.replayRange(principal, params.webhookId, body) } }),
  );

  app.post(
    "/webhooks/:webhookId/test",
    {
      config,
      preValidation: acceptNoBody,
      schema: {
        ...documentation,
        operationId: "testWebhook",
        summary: "Send a test delivery",
        description: "Signed and shaped like a real one, sent at once and only once; the answer tells what came of it.",
        params: WebhookPath,
        body: z.object({ event: z.enum(WEBHOOK_TRIGGERS).optional() }),
        response: { 200: v2Data(TestDelivery), ...BODY_ERRORS, 404: V2Error },
      },
    },
    async ({ principal, params, body }) => ({ data: await webhookDeliveries.test(principal, params.webhookId, body.event) }),
  );

  app.get(
    "/webhooks/:webhookId/status",
    {
      config,
      schema: {
        ...documentation,
        operationId: "getWebhookStatus",
        summary: "Get how a webhook fares",
        params: WebhookPath,
        response: { 200: v2Data(Status), ...QUERY_ERRORS, 404: V2Error },
      },
    },
    async ({ principal, params }) => ({ data: presentOwner(await webhookDeliveries.status(principal, params.webhookId)) }),
  );

  app.post(
    "/webhooks/:webhookId/enable",
    {
      config,
      schema: {
        ...documentation,
        operationId: "enableWebhook",
        summary: "Switch a webhook on again",
        params: WebhookPath,
        response: { 200: v2Data(Status), ...QUERY_ERRORS, 404: V2Error },
      },
    },
    async ({ principal, params }) => ({ data: presentOwner(await webhookDeliveries.enable(principal, params.webhookId)) }),
  );

  app.post(
    "/webhooks/:webhookId/rotate-secret",
    {
      config,
      preValidation: acceptNoBody,
      schema: {
        ...documentation,
        operationId: "rotateWebhookSecret",
        summary: "Give a webhook a new secret",
        description: "Deliveries carry the signatures of both secrets until overlapSeconds have passed.",
        params: WebhookPath,
        body: z.object({ overlapSeconds: z.int().min(0).max(MAX_OVERLAP_SECONDS).default(86_400) }),
        response: { 200: v2Data(RotatedSecret), ...BODY_ERRORS, 404: V2Error },
      },
    },
    async ({ principal, params, body }) => ({
      data: await webhookDeliveries.rotateSecret(principal, params.webhookId, body),
    }),
  );
};

/** No body at all is as good as one that leaves everything open. */
const acceptNoBody: preValidationHookHandler = async (request) => {
  const { body } = request;
  if (body === undefined || body === null || (Buffer.isBuffer(body) && body.length === 0)) request.body = {};
};
