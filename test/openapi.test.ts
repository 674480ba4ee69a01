/** The served OpenAPI document is committed, so that a change of a contract is seen as a change of a file. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestServer, type TestServer } from "./support/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

test("the served document equals openapi/mortar.json (after a change: npm run mortar -- openapi --output openapi/mortar.json)", async () => {
  const { body } = await server.request.get("/openapi.json").expect(200);
  expect(body).toEqual(JSON.parse(readFileSync("openapi/mortar.json", "utf8")));
});

test("every operation has an id of its own, a summary, a tag and an answer for each outcome", async () => {
  const { body } = await server.request.get("/openapi.json").expect(200);
  const operations = Object.entries<Record<string, Operation>>(body.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, operation })),
  );
  const ids = operations.map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { name, operation } of operations) {
    expect([name, operation.summary]).toEqual([name, expect.any(String)]);
    expect([name, operation.tags]).toEqual([name, [expect.any(String)]]);
    expect([name, Object.keys(operation.responses).length]).toEqual([name, expect.any(Number)]);
  }
});

test("every operation names the errors that its permission, its inputs and the server's state can bring", async () => {
  const { body } = await server.request.get("/openapi.json").expect(200);
  for (const [path, methods] of Object.entries<Record<string, Operation>>(body.paths))
    for (const [method, operation] of Object.entries(methods)) {
      if (["health", "ready", "healthCheck"].includes(operation.operationId)) continue;
      const answered = Object.keys(operation.responses);
      expect([method, path, answered]).toEqual([method, path, expect.arrayContaining(errorsOf(path, operation))]);
    }
});

test("every JSON body that is asked for, and every one of a success, has an example", async () => {
  const { body } = await server.request.get("/openapi.json").expect(200);
  for (const [path, methods] of Object.entries<Record<string, Operation>>(body.paths))
    for (const [method, { requestBody, responses }] of Object.entries(methods)) {
      const successes = Object.entries(responses).flatMap(([status, response]) => (/^2/.test(status) ? [response] : []));
      for (const { content } of [requestBody ?? {}, ...successes])
        expect([method, path, content?.["application/json"] ?? { example: {} }]).toMatchObject([
          method,
          path,
          { example: expect.anything() },
        ]);
    }
});

/** Files are counted by nobody. */
function errorsOf(path: string, { parameters = [], requestBody, security, ...operation }: Operation): string[] {
  const isKeyed = security.length > 0;
  const hasId = parameters.some((parameter) => parameter.in === "path" && parameter.name !== "organizationId");
  const isChecked = parameters.length > 0 || requestBody !== undefined;
  return [
    "500",
    "503",
    ...(path.startsWith("/storage") ? [] : ["429"]),
    ...(isKeyed ? [operation.tags.includes("Sprig") ? "403" : "401"] : []),
    ...(requestBody ? ["400", "413"] : []),
    ...(/^\/api\/v2\/(management|organizations)/.test(path) && isChecked ? ["422"] : []),
    ...(hasId ? ["404"] : []),
  ];
}

test("every reference leads to a schema of the document", async () => {
  const { body, text } = await server.request.get("/openapi.json").expect(200);
  const names = [...text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name);
  expect(names.length).toBeGreaterThan(0);
  expect(names.filter((name) => name === undefined || !(name in body.components.schemas))).toEqual([]);
});

test("the document can be read in a browser", async () => {
  const { text } = await server.request.get("/docs/").expect(200);
  expect(text).toContain("swagger-ui");
});

interface Operation {
  operationId: string;
  summary: string;
  tags: string[];
  security: Record<string, string[]>[];
  parameters?: { in: string; name: string }[];
  requestBody?: Body;
  responses: Record<string, Body>;
}

interface Body {
  content?: Record<string, { example?: unknown }>;
}
