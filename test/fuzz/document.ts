/** The committed OpenAPI document, as far as requests are made from it and answers are held against it. */
import { readFileSync } from "node:fs";
import { z } from "zod";
import { type OperationId, PERMISSIONS, type Permission } from "../../src/http/permissions.ts";

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** What is read of a JSON schema. What is not, is generated more freely than the document says: the server has to bear it. */
export interface Schema {
  $ref?: string | undefined;
  type?: string | string[] | undefined;
  const?: Json | undefined;
  enum?: Json[] | undefined;
  anyOf?: Schema[] | undefined;
  oneOf?: Schema[] | undefined;
  allOf?: Schema[] | undefined;
  properties?: Record<string, Schema> | undefined;
  required?: string[] | undefined;
  additionalProperties?: boolean | Schema | undefined;
  propertyNames?: Schema | undefined;
  items?: boolean | Schema | undefined;
  prefixItems?: Schema[] | undefined;
  format?: string | undefined;
  pattern?: string | undefined;
}

export interface Operation {
  id: OperationId;
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  path: string;
  permission: Permission;
  parameters: { in: "path" | "query" | "header"; name: string; schema: Schema }[];
  /** Null when no JSON is asked for. */
  body: { schema: Schema; example: Json } | null;
  /** Statuses, and the types of the bodies that they come with. */
  responses: Record<string, string[]>;
}

const schema: z.ZodType<Schema> = z.looseObject({
  $ref: z.string().optional(),
  type: z.union([z.string(), z.array(z.string())]).optional(),
  const: z.json().optional(),
  enum: z.array(z.json()).optional(),
  required: z.array(z.string()).optional(),
  format: z.string().optional(),
  pattern: z.string().optional(),
  get anyOf() {
    return z.array(schema).optional();
  },
  get oneOf() {
    return z.array(schema).optional();
  },
  get allOf() {
    return z.array(schema).optional();
  },
  get properties() {
    return z.record(z.string(), schema).optional();
  },
  get additionalProperties() {
    return z.union([z.boolean(), schema]).optional();
  },
  get propertyNames() {
    return schema.optional();
  },
  get items() {
    return z.union([z.boolean(), schema]).optional();
  },
  get prefixItems() {
    return z.array(schema).optional();
  },
});

const content = z.record(z.string(), z.object({ schema: schema.optional(), example: z.json().optional() }));

const operation = z.object({
  operationId: z.string(),
  parameters: z.array(z.object({ in: z.enum(["path", "query", "header"]), name: z.string(), schema })).default([]),
  requestBody: z.object({ content }).optional(),
  responses: z.record(z.string(), z.object({ content: content.optional() })),
});

const methods = z.enum(["get", "post", "put", "patch", "delete"]);

const document = z.object({
  paths: z.record(z.string(), z.partialRecord(methods, operation)),
  components: z.object({ schemas: z.record(z.string(), schema) }),
});

/** As it stands in the file, for the validator. */
export const rawDocument: object = JSON.parse(readFileSync("openapi/mortar.json", "utf8"));

const { paths, components } = document.parse(rawDocument);

/** Follows references to the end. */
export function resolve(given: Schema): Schema {
  const name = given.$ref?.replace("#/components/schemas/", "");
  const target = name === undefined ? given : components.schemas[name];
  if (target === undefined) throw new Error(`There is no schema ${name}`);
  return target === given ? given : resolve(target);
}

const METHODS = { get: "GET", post: "POST", put: "PUT", patch: "PATCH", delete: "DELETE" } as const;

export const operations: readonly Operation[] = Object.entries(paths).flatMap(([path, all]) =>
  Object.entries(all).map(([method, { operationId, parameters, requestBody, responses }]): Operation => {
    if (!isKnown(operationId)) throw new Error(`${operationId} is not in the table of permissions`);
    const json = requestBody?.content["application/json"];
    return {
      id: operationId,
      method: METHODS[methods.parse(method)],
      path,
      permission: PERMISSIONS[operationId],
      parameters,
      body: json?.schema ? { schema: json.schema, example: json.example ?? null } : null,
      responses: Object.fromEntries(
        Object.entries(responses).map(([status, { content: types }]) => [status, Object.keys(types ?? {})]),
      ),
    };
  }),
);

function isKnown(id: string): id is OperationId {
  return Object.hasOwn(PERMISSIONS, id);
}
