import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newId } from "../../../../src/shared/ids.ts";
import { buildApiKey, buildTenant } from "../../../support/build.ts";
import { startTestServer, type TestServer } from "../../../support/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const PATH = "/api/v1/management/me";

const NOT_SINGLE = {
  code: "bad_request",
  message:
    "This endpoint only supports API keys that are scoped to a single workspace. Use GET /api/v2/me to inspect organization-level API keys or keys with access to multiple workspaces.",
  details: {},
};

const get = (apiKey: string) => server.request.get(PATH).set("x-api-key", apiKey);

describe("GET /api/v1/management/me", () => {
  it("answers 200 with the one environment of the key, without an envelope", async () => {
    const tenant = await buildTenant(server.db);
    const { developmentId, projectId } = tenant;
    const apiKey = await buildApiKey(server.db, { ...tenant, permissions: { [developmentId]: "read" } });
    const response = await get(apiKey).expect(200);
    expect(response.body).toEqual({
      id: developmentId,
      type: "development",
      createdAt: ISO,
      updatedAt: ISO,
      appSetupCompleted: false,
      workspace: { id: developmentId, name: `Project ${projectId}` },
      project: { id: projectId, name: `Project ${projectId}` },
    });
  });

  it("shows the older id of an environment that has two", async () => {
    const tenant = await buildTenant(server.db);
    const { environmentId } = tenant;
    const legacyId = newId();
    await server.db.prisma.environment.update({ where: { id: environmentId }, data: { legacyId, appSetupCompleted: true } });
    const apiKey = await buildApiKey(server.db, { ...tenant, permissions: { [environmentId]: "manage" } });
    expect((await get(apiKey).expect(200)).body).toMatchObject({
      id: legacyId,
      type: "production",
      appSetupCompleted: true,
      workspace: { id: environmentId },
    });
  });

  it("answers 400 to a key with several environments, and to one with none", async () => {
    const several = await buildTenant(server.db);
    const none = await buildTenant(server.db, { permission: null });
    for (const { apiKey } of [several, none]) expect((await get(apiKey).expect(400)).body).toEqual(NOT_SINGLE);
  });

  it("answers 400 to a key whose only environment is another organization's", async () => {
    const [tenant, neighbour] = [await buildTenant(server.db), await buildTenant(server.db)];
    const apiKey = await buildApiKey(server.db, { ...tenant, permissions: { [neighbour.environmentId]: "read" } });
    expect((await get(apiKey).expect(400)).body).toEqual(NOT_SINGLE);
  });

  it("answers 405 without a body to other methods, and OPTIONS with 204", async () => {
    expect((await server.request.delete(PATH).expect(405)).text).toBe("");
    expect((await server.request.options(PATH).expect(204)).headers.allow?.split(", ").sort()).toEqual([
      "GET",
      "HEAD",
      "OPTIONS",
    ]);
  });
});

describe("paths of the oldest clients", () => {
  it.each(["surveys", "responses", "me"])(
    "/api/v1/%s answers 308 to the path below /management, with the query",
    async (name) => {
      const location = `/api/v1/management/${name}`;
      for (const method of ["get", "post", "put", "delete"] as const) {
        const response = await server.request[method](`/api/v1/${name}?limit=1&a=%20`).redirects(0);
        expect([response.status, response.headers.location]).toEqual([308, `${location}?limit=1&a=%20`]);
      }
      const bare = await server.request.get(`/api/v1/${name}`).redirects(0);
      expect([bare.headers.location, bare.text]).toEqual([location, location]);
    },
  );

  it("answers 404 below them", async () => {
    expect((await server.request.get("/api/v1/me/x").expect(404)).body).toEqual({
      code: "not_found",
      message: "Route not found",
      details: { resource_id: "/api/v1/me/x", resource_type: "Route" },
    });
  });
});
