import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildTenant } from "../../support/build.ts";
import { startTestServer, type TestServer } from "../../support/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ RATE_LIMIT: true });
});
afterAll(() => server.close());

/** Sends requests until one is refused. A window may end meanwhile, so up to two budgets are served. */
async function exhaust(path: string, apiKey: string) {
  for (let served = 0; served <= 200; served++) {
    const response = await server.request.get(path).set("x-api-key", apiKey);
    if (response.status === 429) return { served, response };
    expect(response.status).toBe(200);
  }
  throw new Error("nothing was refused");
}

describe("the rate limit", () => {
  it("answers 429 to the 101st request of a key in a minute, and counts each key by itself", async () => {
    const [tenant, neighbour] = [await buildTenant(server.db), await buildTenant(server.db)];
    const users = `/api/v2/organizations/${tenant.organizationId}/users`;
    // A request that is refused by a schema is not counted.
    for (let i = 0; i < 5; i++) await server.request.get(`${users}?limit=0`).set("x-api-key", tenant.apiKey).expect(422);
    const { served, response } = await exhaust("/api/v2/roles", tenant.apiKey);
    expect(served).toBeGreaterThanOrEqual(100);
    expect(response.body).toEqual({ error: { code: 429, message: "Too Many Requests" } });
    expect(response.headers["cache-control"]).toBe("private, no-store");
    expect(Number(response.headers["retry-after"])).toBeGreaterThanOrEqual(1);
    expect(Number(response.headers["retry-after"])).toBeLessThanOrEqual(60);
    await server.request.get("/api/v2/roles").set("x-api-key", neighbour.apiKey).expect(200);
    await server.request.get("/api/v2/health").expect(200);
  });

  it("answers 429 in v1's envelope", async () => {
    const { organizationId, environmentId } = await buildTenant(server.db);
    const permissions = { [environmentId]: "read" } as const;
    const { secret } = await server.services.apiKeys.create({ organizationId, label: "single", permissions });
    const { served, response } = await exhaust("/api/v1/management/me", secret);
    expect(served).toBeGreaterThanOrEqual(100);
    expect(response.body).toEqual({
      code: "too_many_requests",
      message: "Maximum number of requests reached. Please try again later.",
      details: {},
    });
    expect(response.headers["retry-after"]).toMatch(/^\d+$/);
  });
});
