/** Contact attributes, v1 management. Source: management-api-v1 §6. */
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Services } from "../../../services.ts";
import { ITEM_ERRORS, v1Data } from "../envelope.ts";
import { sendWhole } from "../whole-list.ts";
import { ListQuery, readPage } from "./requests.ts";

const ContactAttribute = z
  .object({
    id: z.string().meta({ description: "Derived from the contact and the key" }),
    createdAt: z.date().meta({ description: "The contact's" }),
    updatedAt: z.date().meta({ description: "The contact's" }),
    attributeKeyId: z.string(),
    contactId: z.string(),
    value: z.string().meta({ example: "gold" }),
    valueNumber: z.number().nullable().meta({ description: "The value of a key of type number" }),
    valueDate: z.date().nullable().meta({ description: "The value of a key of type date" }),
  })
  .meta({ id: "V1ContactAttribute" });

export const contactAttributeRoutes: FastifyPluginAsyncZod<{ services: Services }> = async (
  app,
  { services: { attributeRows } },
) => {
  app.get(
    "/contact-attributes",
    {
      schema: {
        tags: ["Management API - Contact Attributes"],
        operationId: "getContactAttributes",
        summary: "Get contact attributes",
        description: "All values of the contacts of every environment the key may use, the oldest contact's first.",
        querystring: ListQuery,
        response: { 200: v1Data(z.array(ContactAttribute)), ...ITEM_ERRORS },
      },
    },
    async ({ principal, query }, reply) => sendWhole(reply, ContactAttribute, attributeRows.read(principal, readPage(query))),
  );
};
