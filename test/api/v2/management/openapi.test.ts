import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestServer, type TestServer } from "../../../support/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

it("The OpenAPI document describes every management route with its own id, its answers and the key.", async () => {
  const { body } = await server.request.get("/openapi.json").expect(200);
  const paths: [string, Record<string, Operation>][] = Object.entries(body.paths);
  const operations = paths.filter(([path]) => path.startsWith("/api/v2/management/")).flatMap(([, item]) => Object.values(item));
  expect(operations.length).toBeGreaterThan(0);
  for (const { operationId, security, responses } of operations) {
    expect(operationId).toBeTruthy();
    expect(security).toEqual([{ apiKey: [] }, { bearerKey: [] }]);
    expect(Object.keys(responses)).toEqual(expect.arrayContaining(["401", "422", "429", "500"]));
  }
  expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
});

interface Operation {
  operationId: string;
  security: unknown;
  responses: Record<string, unknown>;
}
