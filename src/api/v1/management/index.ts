/** The management routes of the v1 API, except `/me`. Source: management-api-v1. */
import type { FastifyPluginAsync } from "fastify";
import { authenticate } from "../../../http/authentication.ts";
import { acceptAnything } from "../../../http/json-body.ts";
import type { RateBucket, RateLimiter } from "../../../http/rate-limit.ts";
import { guardWrites } from "../../../http/writes.ts";
import type { Services } from "../../../services.ts";
import { V1Error } from "../envelope.ts";
import { actionClassRoutes } from "./action-classes.ts";
import { attributeKeyRoutes } from "./contact-attribute-keys.ts";
import { contactAttributeRoutes } from "./contact-attributes.ts";
import { contactRoutes } from "./contacts.ts";
import { responseRoutes } from "./responses.ts";
import { storageRoutes } from "./storage.ts";
import { surveyRoutes } from "./surveys.ts";
import { webhookRoutes } from "./webhooks.ts";

interface ManagementApiOptions {
  services: Services;
  limiter: RateLimiter;
  /** What a key may ask for, over all routes of the contract. */
  budget: RateBucket;
}

export const managementApi: FastifyPluginAsync<ManagementApiOptions> = async (app, { services, limiter, budget }) => {
  authenticate(app, services.apiKeys);
  app.addHook("onRequest", async ({ principal }) => limiter.count(budget, principal.apiKeyId));
  // The routes check their input themselves: what it is checked for depends on what was looked up before (§2.6).
  app.setValidatorCompiler(acceptAnything);
  guardWrites(app, { services, error: V1Error });
  await app.register(webhookRoutes, { services });
  await app.register(belowManagement, { services, limiter, budget, prefix: "/management" });
};

const belowManagement: FastifyPluginAsync<ManagementApiOptions> = async (app, { services, limiter }) => {
  await app.register(actionClassRoutes, { services });
  await app.register(contactRoutes, { services, kind: "contacts" });
  await app.register(contactRoutes, { services, kind: "people" });
  await app.register(contactAttributeRoutes, { services });
  await app.register(attributeKeyRoutes, { services, kind: "contact-attribute-keys" });
  await app.register(attributeKeyRoutes, { services, kind: "attribute-classes" });
  await app.register(responseRoutes, { services });
  await app.register(storageRoutes, { services, limiter });
  await app.register(surveyRoutes, { services });
};
