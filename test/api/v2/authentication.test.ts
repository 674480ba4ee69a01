import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newId } from "../../../src/shared/ids.ts";
import { buildTenant, type Tenant } from "../../support/build.ts";
import { startTestServer, type TestServer } from "../../support/server.ts";

let server: TestServer;
let tenant: Tenant;
beforeAll(async () => {
  server = await startTestServer();
  tenant = await buildTenant(server.db);
});
afterAll(() => server.close());

const V2 = "/api/v2/me";
const V1 = "/api/v1/management/me";
const V2_UNAUTHORIZED = { error: { code: 401, message: "Unauthorized" } };
const V1_UNAUTHORIZED = {
  code: "not_authenticated",
  message: "Not authenticated",
  details: { "x-Api-Key": "Header not provided or API Key invalid" },
};

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

/** A key of the first years: any text, with a hash of the whole. Grants one environment. */
async function buildLegacyKey(): Promise<string> {
  const key = sha256(newId()).slice(0, 32);
  await server.db.prisma.apiKey.create({
    data: {
      id: newId(),
      organizationId: tenant.organizationId,
      label: "legacy",
      lookupHash: sha256(key),
      isLegacy: true,
      permissions: { [tenant.environmentId]: "read" },
      organizationAccess: { accessControl: { read: true, write: false } },
    },
  });
  return key;
}

const statusOf = async (path: string, headers: Record<string, string>) => (await server.request.get(path).set(headers)).status;

describe("the API key", () => {
  it.each<[string, Record<string, string>]>([
    ["no header", {}],
    ["an empty key", { "x-api-key": "" }],
    ["a blank key", { "x-api-key": "   " }],
    ["an unknown key", { "x-api-key": "fbk_doesnotexist" }],
    ["garbage", { "x-api-key": "garbage" }],
    ["characters that no key has", { "x-api-key": "fbk_bad key!" }],
    ["a bearer token that is no key", { authorization: "Bearer garbage" }],
    ["an unknown bearer key", { authorization: "Bearer fbk_doesnotexist" }],
  ])("is refused with 401 in either envelope: %s", async (_title, headers) => {
    const [v2, v1] = [await server.request.get(V2).set(headers), await server.request.get(V1).set(headers)];
    expect([v2.status, v2.body]).toEqual([401, V2_UNAUTHORIZED]);
    expect([v1.status, v1.body]).toEqual([401, V1_UNAUTHORIZED]);
    for (const { headers: answered } of [v1, v2]) expect(answered["cache-control"]).toBe("private, no-store");
    expect(v2.headers).not.toHaveProperty("access-control-allow-origin");
  });

  it("is taken from x-api-key, trimmed, in any spelling of the name", async () => {
    expect(await statusOf(V2, { "X-API-KEY": ` ${tenant.apiKey} ` })).toBe(200);
  });

  it("is taken from a bearer token by v2, but not by v1 /me", async () => {
    const headers = { authorization: `Bearer ${tenant.apiKey}` };
    expect(await statusOf(V2, headers)).toBe(200);
    expect(await statusOf(V1, headers)).toBe(401);
  });

  it("in x-api-key wins over a bearer token", async () => {
    expect(await statusOf(V2, { "x-api-key": "garbage", authorization: `Bearer ${tenant.apiKey}` })).toBe(401);
    expect(await statusOf(V2, { "x-api-key": tenant.apiKey, authorization: "Bearer fbk_garbage" })).toBe(200);
  });

  it("of the legacy format counts in x-api-key, not as a bearer token", async () => {
    const key = await buildLegacyKey();
    expect(await statusOf(V2, { "x-api-key": key })).toBe(200);
    expect(await statusOf(V1, { "x-api-key": key })).toBe(200);
    expect(await statusOf(V2, { authorization: `Bearer ${key}` })).toBe(401);
  });

  it("of one format does not authenticate as the other", async () => {
    const legacy = await buildLegacyKey();
    expect(await statusOf(V2, { "x-api-key": `fbk_${legacy}` })).toBe(401);
    expect(await statusOf(V2, { "x-api-key": tenant.apiKey.slice("fbk_".length) })).toBe(401);
    // …nor when the right one was used, and is remembered, a moment ago
    expect(await statusOf(V2, { "x-api-key": legacy })).toBe(200);
    expect(await statusOf(V2, { "x-api-key": `fbk_${legacy}` })).toBe(401);
    expect(await statusOf(V2, { "x-api-key": tenant.apiKey })).toBe(200);
    expect(await statusOf(V2, { "x-api-key": tenant.apiKey.slice("fbk_".length) })).toBe(401);
  });

  it("is demanded before anything else about the request is looked at", async () => {
    const response = await server.request.post("/api/v2/organizations/BAD-1/users?limit=0").send("{");
    expect([response.status, response.body]).toEqual([401, V2_UNAUTHORIZED]);
  });
});

describe("without a database", () => {
  it("a key is answered 503, not 401", async () => {
    const cutOff = await startTestServer({ DATABASE_URL: "postgresql://nobody@127.0.0.1:1/none" });
    try {
      const response = await cutOff.request.get(V2).set("x-api-key", tenant.apiKey).expect(503);
      expect(response.body).toEqual({
        error: {
          code: 503,
          message: "Service Unavailable",
          details: [{ field: "error", issue: "The database cannot be reached" }],
        },
      });
      expect(response.headers["retry-after"]).toBe("5");
    } finally {
      await cutOff.close();
    }
  });
});

describe("a revoked key", () => {
  it("is refused at once, by other processes too", async () => {
    const replica = await startTestServer();
    try {
      const { organizationId } = tenant;
      const { apiKey, secret } = await server.services.apiKeys.create({
        organizationId,
        label: "to be revoked",
        organizationAccess: { read: true, write: true },
      });
      const status = async (on: TestServer) => (await on.request.get(V2).set("x-api-key", secret)).status;
      expect([await status(server), await status(replica)]).toEqual([200, 200]);
      await server.services.apiKeys.revoke({ id: apiKey.id, organizationId });
      expect(await status(server)).toBe(401);
      await expect.poll(() => status(replica), { timeout: 2_000, interval: 20 }).toBe(401);
    } finally {
      await replica.close();
    }
  });
});
