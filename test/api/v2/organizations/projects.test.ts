import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newId } from "../../../../src/shared/ids.ts";
import { buildApiKey, buildContact, buildTenant, type Tenant } from "../../../support/build.ts";
import { startTestServer, type TestServer } from "../../../support/server.ts";

let server: TestServer;
let tenant: Tenant;
let neighbour: Tenant;
beforeAll(async () => {
  server = await startTestServer();
  [tenant, neighbour] = [await buildTenant(server.db), await buildTenant(server.db)];
});
afterAll(() => server.close());

const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const ID = expect.stringMatching(/^c[a-z0-9]{24}$/);
const MESSAGES: Record<number, string> = { 404: "Not Found", 409: "Conflict", 422: "Unprocessable Entity" };
const problem = (code: number, field: string, issue: string) => ({
  error: { code, message: MESSAGES[code], details: [{ field, issue }] },
});
const UNAUTHORIZED = { error: { code: 401, message: "Unauthorized" } };
const FORBIDDEN = { error: { code: 403, message: "Forbidden" } };

type Method = "get" | "post" | "put" | "delete";
type Caller = Pick<Tenant, "apiKey">;
const send = (method: Method, path: string, body?: unknown, { apiKey }: Caller = tenant) => {
  const request = server.request[method](path).set("x-api-key", apiKey);
  return body === undefined ? request : request.send(JSON.stringify(body));
};
const below = ({ organizationId }: Pick<Tenant, "organizationId">, path: string) =>
  `/api/v2/organizations/${organizationId}/${path}`;

interface Project {
  id: string;
  name: string;
  environments: { id: string; type: string }[];
}
const create = async (owner: Tenant = tenant, name = `Project ${newId()}`): Promise<Project> =>
  (await send("post", below(owner, "projects"), { name }, owner).expect(201)).body.data;

describe.each(["projects", "workspaces"])("/api/v2/organizations/{organizationId}/%s", (path) => {
  it("POST answers 201 with a project and its two environments, which the key may manage", async () => {
    const owner = await buildTenant(server.db);
    const { organizationId } = owner;
    const body = { name: " Checkout ", placement: "center", recontactDays: 3, id: "mine" };
    const response = await send("post", below(owner, path), body, owner).expect(201);
    expect(response.body).toEqual({
      data: {
        id: ID,
        createdAt: ISO,
        updatedAt: ISO,
        organizationId,
        name: "Checkout",
        recontactDays: 3,
        clickOutsideClose: true,
        overlay: "none",
        placement: "center",
        inAppSurveyBranding: true,
        linkSurveyBranding: true,
        styling: { allowStyleOverwrite: true },
        logo: null,
        environments: [
          { id: ID, type: "production", legacyId: null },
          { id: ID, type: "development", legacyId: null },
        ],
      },
    });
    const me = (await send("get", "/api/v2/me", undefined, owner).expect(200)).body.data;
    const { environments }: Project = response.body.data;
    for (const { id } of environments) {
      expect(me.environmentPermissions).toContainEqual(expect.objectContaining({ environmentId: id, permissions: "manage" }));
      const keys = await send("get", `/api/v2/management/contact-attribute-keys?environmentId=${id}`, undefined, owner).expect(
        200,
      );
      expect(keys.body.meta.total).toBe(5);
      await server.request.post(`/api/v2/client/${id}/user`).send({ userId: "ada" }).expect(200);
    }
  });

  it("POST answers 409 to a name the organization has, and takes one that another has", async () => {
    const { name } = await create();
    const response = await send("post", below(tenant, path), { name }).expect(409);
    expect(response.body).toEqual(problem(409, "name", "A project with this name already exists"));
    await create(neighbour, name);
  });

  it.each<[unknown, string]>([
    [{}, "name"],
    [{ name: " " }, "name"],
    [{ name: "x".repeat(256) }, "name"],
    [{ name: "x", recontactDays: -1 }, "recontactDays"],
    [{ name: "x", placement: "middle" }, "placement"],
    [{ name: "x", overlay: "pink" }, "overlay"],
    [{ name: "x", darkOverlay: "yes" }, "darkOverlay"],
    [{ name: "x", styling: null }, "styling"],
    [{ name: "x", styling: { brandColor: { light: "#fff" } } }, "styling.allowStyleOverwrite"],
    [{ name: "x", styling: { allowStyleOverwrite: true, brandColor: { light: "red" } } }, "styling.brandColor.light"],
    [{ name: "x", styling: { allowStyleOverwrite: true, background: { bgType: "upload" } } }, "styling.background.bg"],
    [{ name: "x", logo: { url: "javascript:alert(1)" } }, "logo.url"],
    [{ name: "x", logo: { bgColor: 5 } }, "logo.bgColor"],
  ])("POST answers 422 to %j", async (body, field) => {
    const response = await send("post", below(tenant, path), body).expect(422);
    expect(response.body.error.details).toMatchObject([{ field }]);
  });

  it("POST answers 400 to what is no JSON", async () => {
    await server.request.post(below(tenant, path)).set("x-api-key", tenant.apiKey).send("{").expect(400);
  });

  it("GET answers 200 with the organization's projects, page by page", async () => {
    const owner = await buildTenant(server.db);
    const [first, second] = [await create(owner), await create(owner)];
    const all = await send("get", `${below(owner, path)}?limit=2`, undefined, owner).expect(200);
    expect(all.body).toEqual({ data: [second, first], meta: { total: 3, limit: 2, offset: 0 } });
    expect((await send("get", `${below(owner, path)}?endDate=2001-01-01`, undefined, owner)).body.data).toEqual([]);
    await send("get", `${below(owner, path)}?limit=0`, undefined, owner).expect(422);
  });

  it("GET answers 200 with one, by its id or that of an environment, and 404 to a neighbour's", async () => {
    const project = await create();
    for (const id of [project.id, ...project.environments.map((environment) => environment.id)])
      expect((await send("get", below(tenant, `${path}/${id}`)).expect(200)).body).toEqual({ data: project });
    for (const id of [newId(), neighbour.projectId, neighbour.environmentId]) {
      const response = await send("get", below(tenant, `${path}/${id}`)).expect(404);
      expect(response.body).toEqual(problem(404, "project", "not found"));
    }
    await send("get", below(tenant, `${path}/A-1`)).expect(422);
  });

  it("PUT answers 200 with what was changed, and SDKs are told at once", async () => {
    const project = await create();
    const id = project.environments[0]?.id;
    const settings = async () => (await server.request.get(`/api/v2/client/${id}/environment`).expect(200)).body.data.data;
    expect((await settings()).project.placement).toBe("bottomRight");
    const change = { placement: "topLeft", overlay: "dark", recontactDays: 0, clickOutsideClose: false };
    const response = await send("put", below(tenant, `${path}/${project.id}`), change).expect(200);
    expect(response.body.data).toEqual({ ...project, ...change, updatedAt: ISO });
    expect((await settings()).project.placement).toBe("topLeft");
  });

  it("PUT answers 200 with another styling, which SDKs and pages of link surveys have at once", async () => {
    const project = await create();
    const environmentId = project.environments[0]?.id;
    const at = below(tenant, `${path}/${project.id}`);
    const state = async () =>
      (await server.request.get(`/api/v2/client/${environmentId}/environment`).expect(200)).body.data.data.project;
    const questions = [{ id: "q1", type: "openText", headline: { default: "Hi?" }, required: true }];
    const survey = { environmentId, name: "Pulse", type: "link", status: "inProgress", questions };
    const { id } = (await send("post", "/api/v2/management/surveys", survey).expect(201)).body.data;
    const page = async () => (await server.request.get(`/s/${id}`).expect(200)).text;
    expect((await state()).styling).toEqual({ allowStyleOverwrite: true });
    expect(await page()).not.toContain("#0a0b0c");

    const styling = {
      allowStyleOverwrite: false,
      brandColor: { light: "#0a0b0c", dark: null },
      roundness: "8",
      fontFamily: null,
    };
    const logo = { url: "https://cdn.example/logo.png", bgColor: "#0d0e0f" };
    const response = await send("put", at, { styling, logo }).expect(200);
    expect(response.body.data).toEqual({ ...project, styling, logo, updatedAt: ISO });
    expect((await state()).styling).toEqual({ ...styling, roundness: 8 });
    expect(await page()).toContain("#0a0b0c");
    expect(await page()).toContain("https://cdn.example/logo.png");

    const read = (await send("get", at).expect(200)).body.data;
    expect((await send("put", at, read).expect(200)).body.data).toEqual({ ...read, updatedAt: ISO });
    expect((await send("put", at, { logo: null }).expect(200)).body.data).toMatchObject({ logo: null, styling });
    expect(await page()).not.toContain("logo.png");
    const replaced = await send("put", at, { styling: { allowStyleOverwrite: true } }).expect(200);
    expect(replaced.body.data.styling).toEqual({ allowStyleOverwrite: true });
  });

  it("PUT answers 200 to the words of 2025: darkOverlay in the centre, questionColor and inputColor", async () => {
    const project = await create();
    const put = async (body: unknown) => (await send("put", below(tenant, `${path}/${project.id}`), body).expect(200)).body.data;
    expect(await put({ darkOverlay: true })).toMatchObject({ overlay: "none" });
    expect(await put({ darkOverlay: true, placement: "center" })).toMatchObject({ overlay: "dark" });
    expect(await put({ darkOverlay: false })).toMatchObject({ overlay: "light" });
    expect(await put({ darkOverlay: true, overlay: "none" })).toMatchObject({ overlay: "none" });
    const { styling } = await put({ styling: { allowStyleOverwrite: true, questionColor: { light: "#111" } } });
    expect(styling).toMatchObject({ elementHeadlineColor: { light: "#111" }, inputTextColor: { light: "#111" } });
    expect(styling).not.toHaveProperty("questionColor");
  });

  it("PUT answers 409 to a taken name, 422 to a bad value and 404 to a neighbour's", async () => {
    const [{ id }, { name }] = [await create(), await create()];
    await send("put", below(tenant, `${path}/${id}`), { name }).expect(409);
    await send("put", below(tenant, `${path}/${id}`), { recontactDays: 1.5 }).expect(422);
    await send("put", below(tenant, `${path}/${neighbour.projectId}`), { name: "mine" }).expect(404);
  });

  it("DELETE answers 200 and takes everything along; no key keeps a permission on it", async () => {
    const project = await create();
    const environmentId = project.environments[0]?.id ?? "";
    await server.request.post(`/api/v2/client/${environmentId}/user`).send({ userId: "ada" }).expect(200);
    const response = await send("delete", below(tenant, `${path}/${project.id}`)).expect(200);
    expect(response.body).toEqual({ data: project });
    await send("get", below(tenant, `${path}/${project.id}`)).expect(404);
    await server.request.post(`/api/v2/client/${environmentId}/user`).send({ userId: "ada" }).expect(404);
    await expect.poll(() => server.db.prisma.contact.count({ where: { environmentId } })).toBe(0);
    await expect.poll(() => server.db.prisma.environment.count({ where: { id: environmentId } })).toBe(0);
    const keys = await server.services.apiKeys.list({ organizationId: tenant.organizationId });
    expect(keys.some(({ permissions }) => environmentId in permissions)).toBe(false);
  });

  it("DELETE answers 403 to a key that may not manage each of its environments, and 404 to a neighbour's", async () => {
    const owner = await buildTenant(server.db);
    const { organizationId, ownerId, environmentId, projectId } = owner;
    await buildContact(server.db, { environmentId, userId: "u" });
    const organizationAccess = { read: true, write: true };
    const permissions = { [environmentId]: "manage" } as const;
    const apiKey = await buildApiKey(server.db, { organizationId, ownerId, permissions, organizationAccess });
    const response = await send("delete", below(owner, `${path}/${projectId}`), undefined, { apiKey }).expect(403);
    expect(response.body).toEqual(FORBIDDEN);
    expect(await server.db.prisma.contact.count({ where: { environmentId } })).toBe(1);
    await send("delete", below(tenant, `${path}/${projectId}`)).expect(404);
  });

  it("answers 401 to reads without read access, to writes without write access, and to neighbours", async () => {
    const { organizationId, ownerId, environmentId, projectId } = tenant;
    const keyWith = async (organizationAccess: { read: boolean; write: boolean }) => ({
      apiKey: await buildApiKey(server.db, {
        ...{ organizationId, ownerId, organizationAccess },
        permissions: { [environmentId]: "manage" },
      }),
    });
    const [none, reader] = [await keyWith({ read: false, write: false }), await keyWith({ read: true, write: false })];
    const one = below(tenant, `${path}/${projectId}`);
    for (const caller of [none, neighbour]) {
      expect((await send("get", below(tenant, path), undefined, caller).expect(401)).body).toEqual(UNAUTHORIZED);
      await send("get", one, undefined, caller).expect(401);
    }
    for (const caller of [none, reader, neighbour]) {
      await send("post", below(tenant, path), { name: "x" }, caller).expect(401);
      await send("put", one, { name: "x" }, caller).expect(401);
      await send("delete", one, undefined, caller).expect(401);
    }
    await send("get", one, undefined, reader).expect(200);
    await server.request.get(one).expect(401);
  });

  it("answers 403 to writes of a key whose creator is a mere member", async () => {
    const { organizationId, projectId } = tenant;
    const userId = newId();
    const email = `${userId}@example.com`;
    const user = { create: { id: userId, name: "M", email, emailKey: email } };
    await server.db.prisma.membership.create({
      data: { role: "member", accepted: true, user, organization: { connect: { id: organizationId } } },
    });
    const organizationAccess = { read: true, write: true };
    const apiKey = await buildApiKey(server.db, { organizationId, ownerId: userId, permissions: {}, organizationAccess });
    await send("post", below(tenant, path), { name: newId() }, { apiKey }).expect(403);
    await send("put", below(tenant, `${path}/${projectId}`), { name: newId() }, { apiKey }).expect(403);
    await send("delete", below(tenant, `${path}/${projectId}`), undefined, { apiKey }).expect(403);
    await send("get", below(tenant, `${path}/${projectId}`), undefined, { apiKey }).expect(200);
  });
});

describe("/api/v2/organizations/{organizationId}/environments", () => {
  it("GET answers 200 with all environments, or those of one project or type", async () => {
    const owner = await buildTenant(server.db);
    const { id, name, environments } = await create(owner);
    const list = async (query: string) =>
      (await send("get", below(owner, `environments${query}`), undefined, owner).expect(200)).body;
    expect((await list("")).meta).toEqual({ total: 4, limit: 50, offset: 0 });
    const [production] = environments;
    const shown = {
      id: production?.id,
      createdAt: ISO,
      updatedAt: ISO,
      projectId: id,
      projectName: name,
      type: "production",
      legacyId: null,
      appSetupCompleted: false,
    };
    for (const query of [`?projectId=${id}`, `?workspaceId=${production?.id}`])
      expect((await list(`${query}&type=production`)).data).toEqual([shown]);
    expect((await list(`?projectId=${neighbour.projectId}`)).data).toEqual([]);
    expect((await list("?type=development")).meta.total).toBe(2);
    const one = await send("get", below(owner, `environments/${production?.id}`), undefined, owner).expect(200);
    expect(one.body).toEqual({ data: shown });
  });

  it("GET answers 404 to a neighbour's, 422 to a bad type or id, 401 to a neighbour", async () => {
    const response = await send("get", below(tenant, `environments/${neighbour.environmentId}`)).expect(404);
    expect(response.body).toEqual(problem(404, "environment", "not found"));
    await send("get", below(tenant, "environments/A-1")).expect(422);
    await send("get", below(tenant, "environments?type=staging")).expect(422);
    await send("get", below(tenant, "environments"), undefined, neighbour).expect(401);
    await send("get", below(tenant, `environments/${tenant.environmentId}`), undefined, neighbour).expect(401);
  });

  it("GET finds an environment by its legacy id", async () => {
    const legacyId = newId();
    await server.db.prisma.environment.update({ where: { id: tenant.environmentId }, data: { legacyId } });
    const response = await send("get", below(tenant, `environments/${legacyId}`)).expect(200);
    expect(response.body.data).toMatchObject({ id: tenant.environmentId, legacyId });
  });
});
