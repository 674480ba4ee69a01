import { describe, expect, it } from "vitest";
import { finishDocument } from "./openapi-finish.ts";

const operation = (schema: object, response: object = { type: "null" }) => ({
  paths: {
    "/things": {
      post: {
        requestBody: { content: { "application/json": { schema } } },
        responses: {
          200: { content: { "application/json": { schema: response } } },
          400: { content: { "application/json": {} } },
        },
      },
    },
  },
});

const exampleFor = (schema: object, components: object = {}) =>
  finishDocument({ ...operation(schema), components: { schemas: components } }).paths["/things"].post.requestBody.content[
    "application/json"
  ];

describe("finishDocument", () => {
  it("drops schemas that nothing refers to, and those that only they referred to", () => {
    const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
    const schemas = { Used: { type: "string" }, Unused: { items: ref("Inner") }, Inner: { type: "string" } };
    expect(finishDocument({ ...operation(ref("Used")), components: { schemas } }).components).toEqual({
      schemas: { Used: { type: "string" } },
    });
  });

  it("writes an alternative of one as that one", () => {
    expect(exampleFor({ anyOf: [{ type: "string", enum: ["a"] }] })).toEqual({
      schema: { type: "string", enum: ["a"] },
      example: "a",
    });
  });

  it("gives bodies of requests and successes an example that the schema allows", () => {
    const schema = {
      type: "object",
      required: ["id", "tags"],
      properties: {
        id: { type: "string" },
        surveyId: { $ref: "#/components/schemas/Id" },
        tags: { type: "array", items: { type: "string", example: "new" } },
        at: { anyOf: [{ type: "null" }, { type: "string", format: "date-time" }] },
        none: { type: "array", items: { not: {} } },
        count: { type: "integer", minimum: 3 },
      },
    };
    const id = "cmf3k2q9a0001v1x8h2m7d4tz";
    expect(exampleFor(schema, { Id: { type: "string", examples: ["an id"] } })).toMatchObject({
      example: { id, surveyId: "an id", tags: ["new"], at: "2026-01-15T12:00:00.000Z", none: [], count: 3 },
    });
  });

  it("leaves an example that is there", () => {
    const document = {
      paths: { "/a": { get: { responses: { 200: { content: { "application/json": { schema: {}, example: 7 } } } } } } },
    };
    expect(finishDocument(structuredClone(document))).toEqual(document);
  });

  it("ends where a schema contains itself", () => {
    const Tree = {
      type: "object",
      required: ["children"],
      properties: { children: { type: "array", items: { $ref: "#/components/schemas/Tree" } } },
    };
    expect(JSON.stringify(exampleFor({ $ref: "#/components/schemas/Tree" }, { Tree })).length).toBeLessThan(1_000);
  });
});
