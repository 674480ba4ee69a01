import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import plugin from "fastify-plugin";
import { jsonSchemaTransform, jsonSchemaTransformObject } from "fastify-type-provider-zod";
import type { OpenAPIV3_1 } from "openapi-types";
import { z } from "zod";
import { finishDocument } from "./openapi-finish.ts";
import type { Permission } from "./permissions.ts";

/** The OpenAPI document at `/openapi.json` and, to be read in a browser, at `/docs`. */
export const openApiDocument = plugin<{
  /** What the server sends to webhooks, by event. */
  webhooks: ReadonlyMap<string, z.ZodType>;
}>(async (app, { webhooks }) => {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Mortar",
        version: "1",
        description: "A self-hostable server that speaks Formbricks' API.",
        license: { name: "MIT", identifier: "MIT" },
      },
      servers: [{ url: "/", description: "This server" }],
      components: { securitySchemes: SECURITY_SCHEMES },
    },
    transform: (route) => {
      const { schema, url } = jsonSchemaTransform(route);
      const { permission } = route.route.config ?? {};
      // A wildcard has no name of its own.
      return {
        url: url.replace(/\*$/, ":filePath"),
        schema: permission === undefined || schema?.hide ? schema : { ...schema, ...describe(permission, schema) },
      };
    },
    transformObject: (document) => withWebhooks(finishDocument(jsonSchemaTransformObject(document))),
  });
  await app.register(swaggerUi, { routePrefix: "/docs" });
  app.get("/openapi.json", { schema: { hide: true, operationId: "getOpenApiDocument" } }, async () => app.swagger());

  function withWebhooks<Document extends object>(document: Document): Document {
    return {
      ...document,
      webhooks: Object.fromEntries([...webhooks].map(([event, body]) => [event, describeWebhook(event, body)])),
    };
  }
});

function describeWebhook(event: string, body: z.ZodType) {
  const { $schema: _, ...schema } = z.toJSONSchema(body);
  return {
    post: {
      operationId: `${event}Webhook`,
      summary: `Sent to webhooks that ask for ${event}`,
      tags: ["Webhooks"],
      security: [],
      requestBody: { required: true, content: { "application/json": { schema } } },
      responses: { "2XX": { description: "It has arrived" }, "410": { description: "It is not to be sent again" } },
    },
  };
}

const SECURITY_SCHEMES = {
  apiKey: { type: "apiKey", in: "header", name: "x-api-key", description: "An API key" },
  bearerKey: { type: "http", scheme: "bearer", description: "An API key of the form `fbk_…`, in place of `x-api-key`" },
  userpilotKey: {
    type: "apiKey",
    in: "header",
    name: "Authorization",
    description: "An API key that may write to one environment: `Token <key>` or `Bearer <key>`",
  },
  sprigKey: {
    type: "apiKey",
    in: "header",
    name: "Authorization",
    description: "An API key that may write to one environment: `API-Key <key>` or `Bearer <key>`",
  },
} as const satisfies Record<string, OpenAPIV3_1.SecuritySchemeObject>;

/** What the document says of an operation's permission. */
function describe(permission: Permission, { description }: { description?: string | undefined } = {}) {
  const sentence = sentenceOf(permission);
  return {
    description: description === undefined ? sentence : `${description}\n\n${sentence}`,
    security: securityOf(permission),
    "x-permission": { audience: permission.audience, scope: permission.scope, level: permission.level },
  };
}

function securityOf(permission: Permission): { [Name in keyof typeof SECURITY_SCHEMES]?: [] }[] {
  switch (permission.audience) {
    case "public":
    case "operator":
    case "client":
      return [];
    case "vendor":
      return permission.vendor === "sprig" ? [{ sprigKey: [] }] : [{ userpilotKey: [] }];
    default:
      return permission.bearer === false ? [{ apiKey: [] }] : [{ apiKey: [] }, { bearerKey: [] }];
  }
}

function sentenceOf({ audience, scope, level }: Permission): string {
  if (audience === "vendor") return `Needs an API key with \`${level}\` on one environment, the one that is meant.`;
  if (audience === "client") return "Needs no key: the environment's id is public.";
  if (scope === "environment") return `Needs an API key with \`${level}\` on the environment.`;
  if (scope === "organization") return `Needs an API key with \`${level}\` access to the organization.`;
  return audience === "management" ? "Needs any API key." : "Needs no key.";
}
