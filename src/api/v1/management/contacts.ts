/**
 * Contacts, v1 management, and people, as the same were called before. Source: management-api-v1 §7, §8.
 */
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Contact } from "../../../contacts/management.ts";
import { storedObject } from "../../../http/stored-object.ts";
import type { Services } from "../../../services.ts";
import { ITEM_ERRORS, v1Data } from "../envelope.ts";
import { presented, sendWhole } from "../whole-list.ts";
import { ListQuery, readPage, requireRowId } from "./requests.ts";
import { type Tenant, tenantFields, withTenant, withTenants } from "./tenant.ts";

const ContactFields = z.object({ id: z.string(), createdAt: z.date(), updatedAt: z.date(), ...tenantFields });

const V1Contact = ContactFields.extend({
  userId: z.null().meta({ description: "Not shown here; see people" }),
}).meta({ id: "V1Contact" });

const V1Person = ContactFields.extend({
  userId: z.string().nullable().meta({ description: "The customer's id for them" }),
  attributes: storedObject(z.record(z.string(), z.string())).meta({ example: { plan: "gold" } }),
}).meta({ id: "V1Person" });

const Deleted = z.object({ success: z.literal("Contact deleted successfully") });

const Path = z.object({ contactId: z.string() });

type PresentedContact = Contact & Tenant;

/** The two names of one thing, and how each shows it. */
const KINDS = {
  contacts: {
    schema: V1Contact,
    present: (contact: PresentedContact): z.input<typeof V1Contact> => ({ ...contact, userId: null }),
    names: { list: "getContactsV1", get: "getContactV1", remove: "deleteContactV1" },
    documentation: { tags: ["Management API - Contacts"] },
  },
  people: {
    schema: V1Person,
    present: ({ attributes, ...contact }: PresentedContact): z.input<typeof V1Person> => ({
      ...contact,
      attributes: attributeTexts({ ...attributes, userId: contact.userId, email: contact.email }),
    }),
    names: { list: "getPeople", get: "getPerson", remove: "deletePerson" },
    documentation: { tags: ["Management API - People"], deprecated: true },
  },
} as const;

export const contactRoutes: FastifyPluginAsyncZod<{ services: Services; kind: keyof typeof KINDS }> = async (
  app,
  { services: { contactManagement: contacts, environments }, kind },
) => {
  const { schema, present, names, documentation } = KINDS[kind];

  app.get(
    `/${kind}`,
    {
      schema: {
        ...documentation,
        operationId: names.list,
        summary: `Get ${kind}`,
        description: "Those of every environment the key may use, oldest first.",
        querystring: ListQuery,
        response: { 200: v1Data(z.array(schema)), ...ITEM_ERRORS },
      },
    },
    async ({ principal, query }, reply) => {
      const parts = contacts.read(principal, readPage(query));
      const wire = presented(parts, async (rows) => (await withTenants(environments, rows)).map((row) => present(row)));
      return sendWhole(reply, schema, wire);
    },
  );

  app.get(
    `/${kind}/:contactId`,
    {
      schema: {
        ...documentation,
        operationId: names.get,
        summary: "Get a contact",
        params: Path,
        response: { 200: v1Data(schema), ...ITEM_ERRORS },
      },
    },
    async ({ principal, params: { contactId } }) => {
      requireRowId(contactId);
      return { data: present(await withTenant(environments, await contacts.get(principal, contactId))) };
    },
  );

  app.delete(
    `/${kind}/:contactId`,
    {
      schema: {
        ...documentation,
        operationId: names.remove,
        summary: "Delete a contact",
        description: "With its attributes, its displays and its responses.",
        params: Path,
        response: { 200: v1Data(Deleted), ...ITEM_ERRORS },
      },
    },
    async ({ principal, params: { contactId } }) => {
      requireRowId(contactId);
      await contacts.remove(principal, contactId);
      return { data: { success: "Contact deleted successfully" as const } };
    },
  );
};

function attributeTexts(attributes: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(attributes).flatMap(([key, value]) => (value === null ? [] : [[key, String(value)]])));
}
