/** What belongs to environments. Source: management-api-v2 §5.7–§5.12. */
import type { FastifyPluginAsync } from "fastify";
import type { Services } from "../../../services.ts";
import { companyRoutes } from "./companies.ts";
import { attributeKeyRoutes } from "./contact-attribute-keys.ts";
import { contactLinkRoutes } from "./contact-links.ts";
import { contactRoutes } from "./contacts.ts";
import { contactChangeRoutes } from "./contacts-change.ts";
import { contactReadRoutes } from "./contacts-read.ts";
import { eventRoutes } from "./events.ts";
import { languageRoutes } from "./languages.ts";
import { quotaRoutes } from "./quotas.ts";
import { responseRoutes } from "./responses.ts";
import { segmentRoutes } from "./segments.ts";
import { surveyRoutes } from "./surveys.ts";
import { tagRoutes } from "./tags.ts";
import { webhookDeliveryRoutes } from "./webhook-deliveries.ts";
import { webhookRoutes } from "./webhooks.ts";

export const managementApi: FastifyPluginAsync<{ services: Services }> = async (app, { services }) => {
  await app.register(responseRoutes, { services });
  await app.register(contactRoutes, { services });
  await app.register(contactReadRoutes, { services });
  await app.register(contactChangeRoutes, { services });
  await app.register(companyRoutes, { services });
  await app.register(eventRoutes, { services });
  await app.register(attributeKeyRoutes, { services });
  await app.register(contactLinkRoutes, { services });
  await app.register(segmentRoutes, { services });
  await app.register(languageRoutes, { services });
  await app.register(surveyRoutes, { services });
  await app.register(quotaRoutes, { services });
  await app.register(tagRoutes, { services });
  await app.register(webhookRoutes, { services });
  await app.register(webhookDeliveryRoutes, { services });
};
