/** Addresses that the router gives up on before a contract has them, and the id that every answer has. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../support/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const CODED = { code: "bad_request", message: "The address cannot be decoded", details: {} };

test.each([
  ["/api/v1/client/%/user", {}, 400, CODED],
  ["/api/v2/client/%ff/user", {}, 400, CODED],
  ["//api/v2/client/%ff/user", {}, 400, CODED],
  ["/api/v1/management/surveys/%", {}, 400, CODED],
  ["/api/v2/management/surveys/%", {}, 400, { error: { code: 400, message: "Bad Request" } }],
  ["/v1/users/%", {}, 400, { errors: [{ error_code: "400", details: "The address cannot be decoded" }] }],
  ["/v1/users/%", { authorization: "API-Key x" }, 400, { error: "The address cannot be decoded" }],
  ["/v2/users/%", {}, 400, { error: "The address cannot be decoded" }],
  ["/health%", {}, 400, CODED],
])("GET %s answers a broken escape in the contract's shape", async (path, headers, status, body) => {
  const answer = await server.app.inject({ url: path, headers });
  expect([answer.statusCode, answer.json()]).toEqual([status, expect.objectContaining(shapeOf(body))]);
  expect(answer.headers).toMatchObject({ "x-request-id": expect.any(String), "x-content-type-options": "nosniff" });
});

const shapeOf = (body: object): object => Object.fromEntries(Object.entries(body).map(([name, value]) => [name, partly(value)]));

const partly = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(partly);
  return typeof value === "object" && value !== null ? expect.objectContaining(value) : value;
};

const LONG = "x".repeat(501);

test.each([
  [`/api/v2/client/${LONG}/environment`, { code: "not_found", message: "Route not found" }],
  [`/api/v1/management/surveys/${LONG}`, { code: "not_found", message: "Route not found" }],
  [`/api/v2/management/surveys/${LONG}`, { error: { code: 404, message: "Not Found" } }],
])("GET %s answers 404 in the contract's shape, and does not repeat the address", async (path, body) => {
  const answer = await server.app.inject(path);
  expect([answer.statusCode, answer.json()]).toEqual([404, expect.objectContaining(shapeOf(body))]);
  expect(answer.body).not.toContain(LONG);
});

test.each(["/health", "/nowhere", "/api/v2/me", "/api/v2/client/none/environment", "/v2/users/x"])(
  "GET %s carries a request id, the caller's own when it is harmless",
  async (path) => {
    const [own, harmful] = ["my-request.1", "a b\n"];
    const { headers } = await server.app.inject({ url: path, headers: { "x-request-id": own } });
    expect(headers["x-request-id"]).toBe(own);
    const other = await server.app.inject({ url: path, headers: { "x-request-id": harmful.trim() } });
    expect(other.headers["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
  },
);
