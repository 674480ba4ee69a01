import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newId } from "../../../src/shared/ids.ts";
import { buildApiKey, buildOrganization, buildTenant } from "../../support/build.ts";
import { startTestServer, type TestServer } from "../../support/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const UNAUTHORIZED = { error: { code: 401, message: "Unauthorized" } };

const get = (path: string, apiKey: string) => server.request.get(path).set("x-api-key", apiKey);

describe("GET /api/v2/me", () => {
  it("answers 200 with both generations' lists of what the key may do", async () => {
    const tenant = await buildTenant(server.db);
    const { organizationId, projectId, environmentId, developmentId } = tenant;
    const apiKey = await buildApiKey(server.db, {
      ...tenant,
      permissions: { [developmentId]: "read", [environmentId]: "manage" },
      organizationAccess: { read: true, write: false },
    });
    const response = await get("/api/v2/me", apiKey).expect(200);
    const projectName = `Project ${projectId}`;
    const listed = [
      { id: environmentId, type: "production", level: "manage" },
      { id: developmentId, type: "development", level: "read" },
    ];
    expect(response.body).toEqual({
      data: {
        workspacePermissions: listed.map(({ id, level }) => ({
          permissions: level,
          workspaceId: id,
          workspaceName: projectName,
        })),
        environmentPermissions: listed.map(({ id, type, level }) => ({
          environmentId: id,
          environmentType: type,
          permissions: level,
          projectId,
          projectName,
        })),
        organizationId,
        organizationAccess: { accessControl: { read: true, write: false } },
      },
    });
    expect(response.headers).toMatchObject({ "cache-control": "private, no-store", "access-control-allow-origin": "*" });
  });

  it("lists a workspace of the newer generation as an environment only if it has an older id", async () => {
    const { organizationId } = await buildOrganization(server.db);
    const [migrated, born, legacyId] = [newId(), newId(), newId()];
    for (const [id, legacy] of [
      [migrated, legacyId],
      [born, null],
    ] as const)
      await server.db.prisma.project.create({
        data: { id, organizationId, name: id, environments: { create: { id, type: "production", legacyId: legacy } } },
      });
    const apiKey = await buildApiKey(server.db, {
      organizationId,
      permissions: { [born]: "write", [migrated]: "read" },
      organizationAccess: { read: true, write: true },
    });
    const { data } = (await get("/api/v2/me", apiKey).expect(200)).body;
    expect(data.workspacePermissions).toEqual([
      { permissions: "read", workspaceId: migrated, workspaceName: migrated },
      { permissions: "write", workspaceId: born, workspaceName: born },
    ]);
    expect(data.environmentPermissions).toEqual([
      {
        environmentId: legacyId,
        environmentType: "production",
        permissions: "read",
        projectId: migrated,
        projectName: migrated,
      },
    ]);
  });

  it("leaves out environments of another organization and unknown levels that a key's row names", async () => {
    const [tenant, neighbour] = [await buildTenant(server.db), await buildTenant(server.db)];
    const apiKey = await buildApiKey(server.db, {
      ...tenant,
      permissions: { [neighbour.environmentId]: "manage" },
      organizationAccess: { read: true, write: true },
    });
    expect((await get("/api/v2/me", apiKey)).body.data).toMatchObject({ workspacePermissions: [], environmentPermissions: [] });
  });

  it("answers 401 to a key without organization access", async () => {
    const { apiKey } = await buildTenant(server.db, { organizationAccess: { read: false, write: false } });
    expect((await get("/api/v2/me", apiKey).expect(401)).body).toEqual(UNAUTHORIZED);
  });

  it("answers 200 to a key that may write to the organization, which includes reading", async () => {
    const { apiKey } = await buildTenant(server.db, { organizationAccess: { read: false, write: true } });
    const { data } = (await get("/api/v2/me", apiKey).expect(200)).body;
    expect(data.organizationAccess).toEqual({ accessControl: { read: false, write: true } });
  });

  it("answers 405 without a body to POST, before asking for a key", async () => {
    const response = await server.request.post("/api/v2/me").send("{").expect(405);
    expect(response.text).toBe("");
  });
});

describe("GET /api/v2/roles", () => {
  it("answers 200 with three roles to any key", async () => {
    const { apiKey } = await buildTenant(server.db, { organizationAccess: { read: false, write: false } });
    expect((await get("/api/v2/roles", apiKey).expect(200)).body).toEqual({ data: ["owner", "manager", "member"] });
  });

  it("answers 401 without a key", async () => {
    expect((await server.request.get("/api/v2/roles").expect(401)).body).toEqual(UNAUTHORIZED);
  });
});

describe("GET /api/v2/health", () => {
  it("answers 200 without a key", async () => {
    const response = await server.request.get("/api/v2/health").expect(200);
    expect(response.body).toEqual({ data: { main_database: true, cache_database: true } });
    expect(response.headers["cache-control"]).toBe("private, no-store");
  });

  it("answers 200 and tells when the database is away", async () => {
    const cutOff = await startTestServer({ DATABASE_URL: "postgresql://nobody@127.0.0.1:1/none" });
    try {
      const response = await cutOff.request.get("/api/v2/health").expect(200);
      expect(response.body).toEqual({ data: { main_database: false, cache_database: false } });
    } finally {
      await cutOff.close();
    }
  });

  it("answers 405 without a body to POST", async () => {
    expect((await server.request.post("/api/v2/health").send({}).expect(405)).text).toBe("");
  });
});

describe("paths of /api/v2 that do not exist", () => {
  it("answers 404 in the envelope, with or without a key", async () => {
    const body = { error: { code: 404, message: "Not Found", details: [{ field: "route", issue: "not found" }] } };
    expect((await server.request.get("/api/v2/nope").expect(404)).body).toEqual(body);
    const { apiKey } = await buildTenant(server.db);
    expect((await get("/api/v2/organizations/x1/nope", apiKey).expect(404)).body).toEqual(body);
  });

  it("answers 308 to a trailing slash", async () => {
    const response = await server.request.get("/api/v2/me/?a=b").expect(308);
    expect(response.headers.location).toBe("/api/v2/me?a=b");
  });
});
