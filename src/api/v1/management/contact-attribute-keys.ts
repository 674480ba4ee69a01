/**
 * Contact attribute keys, v1 management, and attribute classes, as the same were called before. Source:
 * management-api-v1 §4, §5.
 */
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { type AttributeKey, RESERVED_KEYS, reservedKeysIssue, SAFE_KEY } from "../../../attribute-keys/service.ts";
import type { Services } from "../../../services.ts";
import { ATTRIBUTE_DATA_TYPES } from "../../../shared/attributes.ts";
import { invalid, Problem } from "../../../shared/problem.ts";
import { BODY_ERRORS, forbiddenToAll, ITEM_ERRORS, V1Error, v1Data } from "../envelope.ts";
import { ListQuery, parseBody, parseFields, readPage, requireWritableEnvironment, reworded } from "./requests.ts";
import { type Tenant, tenantFields, tenantInput, withTenant, withTenants } from "./tenant.ts";

const V1AttributeKey = z
  .object({
    id: z.string(),
    createdAt: z.date(),
    updatedAt: z.date(),
    isUnique: z.boolean(),
    key: z.string().meta({ example: "plan_tier" }),
    name: z.string().nullable(),
    description: z.string().nullable(),
    type: z.enum(["default", "custom"]),
    dataType: z.enum(ATTRIBUTE_DATA_TYPES),
    ...tenantFields,
  })
  .meta({ id: "V1ContactAttributeKey" });

const V1AttributeClass = V1AttributeKey.extend({ archived: z.literal(false) }).meta({ id: "V1AttributeClass" });

const UNSAFE_KEY =
  "Key must be a safe identifier: only lowercase letters, numbers, and underscores, and must start with a letter";

/** The bound keeps it within what the database can index. */
const Key = z
  .string()
  .max(255)
  .regex(SAFE_KEY, UNSAFE_KEY)
  .refine((key) => !RESERVED_KEYS.includes(key), { error: ({ input }) => reservedKeysIssue([String(input)]) });

// Booleans are ours; whoever gives something else is told what the contract knows.
const DataType = z.enum(ATTRIBUTE_DATA_TYPES, 'Invalid option: expected one of "string"|"number"|"date"');

const KeyCreate = z.object({
  key: Key,
  type: z.literal("custom"),
  name: z.string().optional().meta({ description: "Made from the key when absent" }),
  description: z.string().optional(),
  dataType: DataType.optional(),
});

const KeyUpdate = z.object({
  key: Key.optional(),
  name: z.string().optional(),
  description: z.string().optional(),
  dataType: DataType.optional(),
});

const Path = z.object({ attributeKeyId: z.string() });

type PresentedKey = AttributeKey & Tenant;

/** The two names of one thing, and how each shows it. */
const KINDS = {
  "contact-attribute-keys": {
    schema: V1AttributeKey,
    present: (key: PresentedKey): z.input<typeof V1AttributeKey> => key,
    names: {
      list: "getContactAttributeKeysV1",
      create: "createContactAttributeKeyV1",
      get: "getContactAttributeKeyV1",
      update: "updateContactAttributeKeyV1",
      remove: "deleteContactAttributeKeyV1",
    },
    documentation: { tags: ["Management API - Contact Attribute Keys"] },
  },
  "attribute-classes": {
    schema: V1AttributeClass,
    present: (key: PresentedKey): z.input<typeof V1AttributeClass> => ({ ...key, archived: false }),
    names: {
      list: "getAttributeClasses",
      create: "createAttributeClass",
      get: "getAttributeClass",
      update: "updateAttributeClass",
      remove: "deleteAttributeClass",
    },
    documentation: { tags: ["Management API - Attribute Classes"], deprecated: true },
  },
} as const;

export const attributeKeyRoutes: FastifyPluginAsyncZod<{ services: Services; kind: keyof typeof KINDS }> = async (
  app,
  { services: { attributeKeys, environments }, kind },
) => {
  const { schema, present, names, documentation } = KINDS[kind];

  app.get(
    `/${kind}`,
    {
      schema: {
        ...documentation,
        operationId: names.list,
        summary: "Get contact attribute keys",
        description: "Those of every environment the key may use, oldest first.",
        querystring: ListQuery,
        response: { 200: v1Data(z.array(schema)), ...ITEM_ERRORS },
      },
    },
    async ({ principal, query }) => {
      const { rows } = await attributeKeys.list(principal, readPage(query));
      return { data: (await withTenants(environments, rows)).map((row) => present(row)) };
    },
  );

  app.post(
    `/${kind}`,
    {
      schema: {
        ...documentation,
        operationId: names.create,
        summary: "Create a contact attribute key",
        body: KeyCreate.extend(tenantInput),
        response: { 200: v1Data(schema), ...BODY_ERRORS, 403: V1Error, 404: V1Error },
      },
    },
    async ({ principal, body: bytes }) => {
      const body = parseBody(bytes);
      const environmentId = await requireWritableEnvironment(environments, principal, body);
      const { name = null, description = "", ...input } = parseFields(KeyCreate, body);
      const created = await reworded(attributeKeys.create(principal, { ...input, environmentId, name, description }), {
        conflict: () => invalid("Attribute key already exists"),
        malformed: () => forbiddenToAll(limitReached(attributeKeys.maxAttributeKeys, environmentId)),
      });
      return { data: present(await withTenant(environments, created)) };
    },
  );

  app.get(
    `/${kind}/:attributeKeyId`,
    {
      schema: {
        ...documentation,
        operationId: names.get,
        summary: "Get a contact attribute key",
        params: Path,
        response: { 200: v1Data(schema), ...ITEM_ERRORS },
      },
    },
    async ({ principal, params: { attributeKeyId } }) => ({
      data: present(await withTenant(environments, await attributeKeys.get(principal, attributeKeyId))),
    }),
  );

  app.put(
    `/${kind}/:attributeKeyId`,
    {
      schema: {
        ...documentation,
        operationId: names.update,
        summary: "Change a contact attribute key",
        description: "Key and type stay as they are when it is a default key or contacts have values of it.",
        params: Path,
        body: KeyUpdate,
        response: { 200: v1Data(schema), ...BODY_ERRORS, 404: V1Error, 409: V1Error },
      },
    },
    async ({ principal, params: { attributeKeyId }, body: bytes }) => {
      await attributeKeys.get(principal, attributeKeyId, "write");
      const amendment = parseFields(KeyUpdate, parseBody(bytes));
      const amended = await reworded(attributeKeys.amend(principal, attributeKeyId, amendment), {
        conflict: () => new Problem("conflict", "Attribute key already exists"),
      });
      return { data: present(await withTenant(environments, amended)) };
    },
  );

  app.delete(
    `/${kind}/:attributeKeyId`,
    {
      schema: {
        ...documentation,
        operationId: names.remove,
        summary: "Delete a contact attribute key",
        description: "With every contact's value.",
        params: Path,
        response: { 200: v1Data(schema), ...ITEM_ERRORS },
      },
    },
    async ({ principal, params: { attributeKeyId } }) => {
      const removed = await reworded(attributeKeys.remove(principal, attributeKeyId), {
        malformed: () => invalid("Default Contact Attribute Keys cannot be deleted"),
      });
      return { data: present(await withTenant(environments, removed)) };
    },
  );
};

const limitReached = (limit: number, environmentId: string): string =>
  `Maximum number of attribute classes (${limit}) reached for workspace ${environmentId}`;
