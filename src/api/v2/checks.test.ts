import fastify from "fastify";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { createErrorHandler } from "../../http/errors.ts";
import { acceptAnyBody } from "../../http/json-body.ts";
import { checkInputs } from "./checks.ts";
import { presentV2Error } from "./envelope.ts";

const routes: FastifyPluginAsyncZod = async (app) => {
  app.post(
    "/things/:id",
    {
      schema: {
        body: z.object({ name: z.string(), tags: z.array(z.string()).optional(), at: z.coerce.date().optional() }),
        querystring: z.object({ limit: z.coerce.number().int().min(1).default(5), text: z.string().optional() }),
        params: z.object({ id: z.string().regex(/^[0-9a-z]+$/, "Invalid cuid2") }),
      },
    },
    async ({ body, query, params }) => ({ body, query, params }),
  );
};

async function post(url: string, payload?: string) {
  const app = fastify();
  app.setErrorHandler(createErrorHandler(presentV2Error));
  acceptAnyBody(app);
  checkInputs(app);
  await app.register(routes);
  const response = await app.inject({ method: "POST", url, ...(payload !== undefined && { payload }) });
  return { status: response.statusCode, body: response.json() };
}

const details = (status: number, message: string, list: { field: string; issue: string }[]) => ({
  status,
  body: { error: { code: status, message, details: list } },
});

describe("checkInputs", () => {
  it("hands the parsed body, query and path to the handler, whatever the content type", async () => {
    expect(await post("/things/a1?limit=7&x=1", '{"name":"n","other":1}')).toEqual({
      status: 200,
      body: { body: { name: "n" }, query: { limit: 7 }, params: { id: "a1" } },
    });
  });

  it.each([undefined, "", "{", "\u00ff"])("answers 400 to the body %j, before any schema", async (payload) => {
    expect(await post("/things/A?limit=0", payload)).toEqual(
      details(400, "Bad Request", [{ field: "error", issue: "Malformed JSON input, please check your request body" }]),
    );
  });

  it("answers 422 with the issues of the body only, then of the query only, then of the path", async () => {
    expect(await post("/things/A?limit=0", "{}")).toEqual(
      details(422, "Unprocessable Entity", [{ field: "name", issue: "Invalid input: expected string, received undefined" }]),
    );
    expect(await post("/things/A?limit=0", '{"name":"n"}')).toEqual(
      details(422, "Unprocessable Entity", [{ field: "limit", issue: "Too small: expected number to be >=1" }]),
    );
    expect(await post("/things/A", '{"name":"n"}')).toEqual(
      details(422, "Unprocessable Entity", [{ field: "id", issue: "Invalid cuid2" }]),
    );
  });

  it("answers 422 with the field of a NUL character or half a surrogate pair", async () => {
    const issue = "Contains characters that cannot be stored";
    expect(await post("/things/a1", '{"name":"a\\u0000","tags":["b","\\ud800"]}')).toEqual(
      details(422, "Unprocessable Entity", [
        { field: "name", issue },
        { field: "tags.1", issue },
      ]),
    );
    expect(await post("/things/a1?text=%00", '{"name":"n"}')).toEqual(
      details(422, "Unprocessable Entity", [{ field: "text", issue }]),
    );
  });

  it("takes the last of a repeated query name", async () => {
    expect(await post("/things/a1?limit=0&limit=9", '{"name":"n"}')).toMatchObject({ body: { query: { limit: 9 } } });
  });

  it("names the whole body by an empty field", async () => {
    expect(await post("/things/a1", "[]")).toEqual(
      details(422, "Unprocessable Entity", [{ field: "", issue: "Invalid input: expected object, received array" }]),
    );
    expect(await post("/things/a1", "null")).toEqual(
      details(422, "Unprocessable Entity", [{ field: "", issue: "Invalid input: expected object, received null" }]),
    );
  });
});
