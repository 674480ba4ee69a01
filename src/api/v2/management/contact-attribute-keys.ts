/** Contact attribute keys. Source: management-api-v2 §5.10. */
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { RESERVED_KEYS, reservedKeysIssue, SAFE_KEY } from "../../../attribute-keys/service.ts";
import type { Services } from "../../../services.ts";
import { ATTRIBUTE_DATA_TYPES } from "../../../shared/attributes.ts";
import { ID_PATTERN } from "../../../shared/ids.ts";
import { BODY_ERRORS, QUERY_ERRORS, V2Error, v2Data, v2List } from "../envelope.ts";
import { listQuery } from "../list-query.ts";
import { listedOwner, OWNER_IN_ANSWER, OWNER_IN_BODY, OWNER_IN_QUERY, presentOwner, resolveOwner } from "./owner.ts";

const AttributeKey = z
  .object({
    id: z.string(),
    createdAt: z.date(),
    updatedAt: z.date(),
    isUnique: z.boolean(),
    key: z.string().meta({ example: "plan" }),
    name: z.string().nullable(),
    description: z.string().nullable(),
    type: z.enum(["default", "custom"]),
    dataType: z.enum(ATTRIBUTE_DATA_TYPES),
    ...OWNER_IN_ANSWER,
  })
  .meta({ id: "V2ContactAttributeKey" });

const UNSAFE_KEY =
  "Key must be a safe identifier: only lowercase letters, numbers, and underscores, and must start with a letter";

/** The bound keeps it within what the database can index. */
const Key = z
  .string()
  .max(255)
  .regex(SAFE_KEY, UNSAFE_KEY)
  .refine((key) => !RESERVED_KEYS.includes(key), {
    error: ({ input }) => reservedKeysIssue([String(input)]),
  });

const AttributeKeyCreate = z.object({
  ...OWNER_IN_BODY,
  key: Key,
  name: z.string().nullable(),
  description: z.string().nullable(),
  // Booleans are ours; whoever gives something else is told what the contract knows.
  dataType: z.enum(ATTRIBUTE_DATA_TYPES, 'Invalid option: expected one of "string"|"number"|"date"').optional(),
});

/** A `key` may be sent along and stays as it is, as in the newer generation. */
const AttributeKeyUpdate = z.object({ name: z.string().nullable(), description: z.string().nullable() });

const Path = z.object({ contactAttributeKeyId: z.string().regex(ID_PATTERN, "Invalid cuid2") });

const documentation = { tags: ["Management API - Contact Attribute Keys"] };

/** Who may not see a key that exists is answered 401 (§2.3). */
const config = { problems: { forbidden: "unauthenticated" } } as const;

export const attributeKeyRoutes: FastifyPluginAsyncZod<{ services: Services }> = async (
  app,
  { services: { attributeKeys, environments } },
) => {
  app.get(
    "/contact-attribute-keys",
    {
      schema: {
        ...documentation,
        operationId: "getContactAttributeKeys",
        summary: "Get contact attribute keys",
        querystring: listQuery(OWNER_IN_QUERY),
        response: { 200: v2List(AttributeKey), ...QUERY_ERRORS },
      },
    },
    async ({ principal, query }) => {
      const environmentId = await listedOwner(environments, principal, query);
      const { rows, total } = await attributeKeys.list(principal, { ...query, environmentId });
      return { data: rows.map(presentOwner), meta: { total, limit: query.limit, offset: query.skip } };
    },
  );

  app.post(
    "/contact-attribute-keys",
    {
      preValidation: resolveOwner(environments),
      schema: {
        ...documentation,
        operationId: "createContactAttributeKey",
        summary: "Create a contact attribute key",
        body: AttributeKeyCreate,
        response: { 201: v2Data(AttributeKey), ...BODY_ERRORS, 403: V2Error, 404: V2Error, 409: V2Error },
      },
    },
    async ({ principal, body }, reply) =>
      reply.status(201).send({ data: presentOwner(await attributeKeys.create(principal, body)) }),
  );

  app.get(
    "/contact-attribute-keys/:contactAttributeKeyId",
    {
      config,
      schema: {
        ...documentation,
        operationId: "getContactAttributeKey",
        summary: "Get a contact attribute key",
        params: Path,
        response: { 200: v2Data(AttributeKey), ...QUERY_ERRORS, 404: V2Error },
      },
    },
    async ({ principal, params }) => ({
      data: presentOwner(await attributeKeys.get(principal, params.contactAttributeKeyId)),
    }),
  );

  app.put(
    "/contact-attribute-keys/:contactAttributeKeyId",
    {
      config,
      schema: {
        ...documentation,
        operationId: "updateContactAttributeKey",
        summary: "Update a contact attribute key",
        params: Path,
        body: AttributeKeyUpdate,
        response: { 200: v2Data(AttributeKey), ...BODY_ERRORS, 404: V2Error },
      },
    },
    async ({ principal, params, body }) => ({
      data: presentOwner(await attributeKeys.update(principal, params.contactAttributeKeyId, body)),
    }),
  );

  app.delete(
    "/contact-attribute-keys/:contactAttributeKeyId",
    {
      config,
      schema: {
        ...documentation,
        operationId: "deleteContactAttributeKey",
        summary: "Delete a contact attribute key and its values",
        params: Path,
        response: { 200: v2Data(AttributeKey), ...QUERY_ERRORS, 400: V2Error, 404: V2Error },
      },
    },
    async ({ principal, params }) => ({
      data: presentOwner(await attributeKeys.remove(principal, params.contactAttributeKeyId)),
    }),
  );
};
