import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import plugin from "fastify-plugin";
import { jsonSchemaTransform, jsonSchemaTransformObject } from "fastify-type-provider-zod";
import { z } from "zod";

/** The OpenAPI document at `/openapi.json` and, to be read in a browser, at `/docs`. */
export const openApiDocument = plugin<{
  /** What the server sends to webhooks, by event. */
  webhooks: ReadonlyMap<string, z.ZodType>;
}>(async (app, { webhooks }) => {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: { title: "Mortar", version: "1", description: "A self-hostable server that speaks Formbricks' API." },
      components: { securitySchemes: { apiKey: { type: "apiKey", in: "header", name: "x-api-key" } } },
    },
    transform: jsonSchemaTransform,
    transformObject: (input) => withWebhooks(jsonSchemaTransformObject(input)),
  });
  await app.register(swaggerUi, { routePrefix: "/docs" });
  app.get("/openapi.json", { schema: { hide: true } }, async () => app.swagger());

  function withWebhooks<Document extends object>(document: Document): Document {
    return { ...document, webhooks: Object.fromEntries([...webhooks].map(([event, body]) => [event, describeWebhook(event, body)])) };
  }
});

function describeWebhook(event: string, body: z.ZodType) {
  const { $schema: _, ...schema } = z.toJSONSchema(body);
  return {
    post: {
      summary: `Sent to webhooks that ask for ${event}`,
      tags: ["Webhooks"],
      requestBody: { required: true, content: { "application/json": { schema } } },
      responses: { "2XX": { description: "It has arrived" }, "410": { description: "It is not to be sent again" } },
    },
  };
}
