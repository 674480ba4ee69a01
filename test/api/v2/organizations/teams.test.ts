import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newId } from "../../../../src/shared/ids.ts";
import { buildApiKey, buildTenant, type Tenant } from "../../../support/build.ts";
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
const UNAUTHORIZED = { error: { code: 401, message: "Unauthorized" } };
const FORBIDDEN = { error: { code: 403, message: "Forbidden" } };
const MESSAGES: Record<number, string> = { 400: "Bad Request", 404: "Not Found", 409: "Conflict", 422: "Unprocessable Entity" };
const problem = (code: number, ...details: [field: string, issue: string][]) => ({
  error: { code, message: MESSAGES[code], details: details.map(([field, issue]) => ({ field, issue })) },
});
const MALFORMED = problem(400, ["error", "Malformed JSON input, please check your request body"]);
const TEAM_NOT_FOUND = problem(404, ["team", "not found"]);
const NAME_TAKEN = problem(409, ["name", "A team with this name already exists"]);

type Method = "get" | "post" | "put" | "delete";
type Caller = Pick<Tenant, "apiKey">;
const send = (method: Method, path: string, body?: unknown, { apiKey }: Caller = tenant) => {
  const request = server.request[method](path).set("x-api-key", apiKey);
  return body === undefined ? request : request.send(typeof body === "string" ? body : JSON.stringify(body));
};
const teamsOf = ({ organizationId }: Tenant = tenant) => `/api/v2/organizations/${organizationId}/teams`;

const createTeam = async (owner: Tenant = tenant, name = `Team ${newId()}`) =>
  (await send("post", teamsOf(owner), { name }, owner).expect(201)).body.data;

/** A key of the tenant's organization made by a member with this role; null: by nobody. */
async function keyOf(role: "owner" | "manager" | "member" | null, write = true): Promise<Caller> {
  const { organizationId } = tenant;
  let ownerId: string | null = null;
  if (role !== null) {
    ownerId = newId();
    const email = `${ownerId}@example.com`;
    const user = { create: { id: ownerId, name: role, email, emailKey: email } };
    await server.db.prisma.membership.create({
      data: { role, accepted: true, user, organization: { connect: { id: organizationId } } },
    });
  }
  const organizationAccess = { read: true, write };
  return { apiKey: await buildApiKey(server.db, { organizationId, ownerId, permissions: {}, organizationAccess }) };
}

describe("/api/v2/organizations/{organizationId}/teams", () => {
  it("GET answers 200 with the organization's teams, newest first, page by page", async () => {
    const owner = await buildTenant(server.db);
    const [first, second] = [await createTeam(owner), await createTeam(owner)];
    const all = await send("get", teamsOf(owner), undefined, owner).expect(200);
    expect(all.body).toEqual({ data: [second, first], meta: { total: 2, limit: 50, offset: 0 } });
    const page = await send("get", `${teamsOf(owner)}?limit=1&skip=1&order=asc`, undefined, owner).expect(200);
    expect(page.body).toEqual({ data: [second], meta: { total: 2, limit: 1, offset: 1 } });
    expect((await send("get", `${teamsOf(owner)}?endDate=2001-01-01`, undefined, owner)).body.data).toEqual([]);
  });

  it.each(["limit=1.5", "limit=0", "skip=-1", "sortBy=name", "startDate=never"])("GET answers 422 to ?%s", async (query) => {
    const response = await send("get", `${teamsOf()}?${query}`).expect(422);
    expect(response.body.error.details).toMatchObject([{ field: query.split("=")[0] }]);
  });

  it("POST answers 201 with the team; an empty name passes, other fields are dropped", async () => {
    const body = { name: "", id: "x", organizationId: neighbour.organizationId };
    const response = await send("post", teamsOf(), body).expect(201);
    const { organizationId } = tenant;
    expect(response.body).toEqual({ data: { id: ID, createdAt: ISO, updatedAt: ISO, name: "", organizationId } });
  });

  it("POST answers 409 to a name the organization has, and takes one that another has", async () => {
    const { name } = await createTeam();
    expect((await send("post", teamsOf(), { name }).expect(409)).body).toEqual(NAME_TAKEN);
    await createTeam(neighbour, name);
  });

  it.each(["{", "", "\u00ff"])("POST answers 400 to the body %j", async (body) => {
    expect((await send("post", teamsOf(), body).expect(400)).body).toEqual(MALFORMED);
  });

  it.each<[unknown, string, string]>([
    [{}, "name", "Invalid input: expected string, received undefined"],
    [{ name: 5 }, "name", "Invalid input: expected string, received number"],
    [{ name: "x".repeat(256) }, "name", "Too big: expected string to have <=255 characters"],
    [{ name: "a\u0000" }, "name", "Contains characters that cannot be stored"],
    [[], "", "Invalid input: expected object, received array"],
    [null, "", "Invalid input: expected object, received null"],
  ])("POST answers 422 to %j, also to a key without access", async (body, field, issue) => {
    for (const caller of [tenant, await keyOf(null, false)])
      expect((await send("post", teamsOf(), JSON.stringify(body), caller).expect(422)).body).toEqual(
        problem(422, [field, issue]),
      );
  });

  it("PUT answers 200 with the team under its new name and the projects it may use", async () => {
    const team = await createTeam();
    const { projectId } = tenant;
    await server.db.prisma.projectTeam.create({ data: { projectId, teamId: team.id } });
    const name = `Renamed ${newId()}`;
    const { body } = await send("put", `${teamsOf()}/${team.id}`, { name }).expect(200);
    const links = { workspaceTeams: [{ workspaceId: projectId }], projectTeams: [{ projectId }] };
    expect(body).toEqual({ data: { ...team, name, updatedAt: ISO, ...links } });
    const got = await send("get", `${teamsOf()}/${team.id}`).expect(200);
    expect(got.body).toEqual({ data: { ...team, name, updatedAt: body.data.updatedAt } });
  });

  it("PUT answers 409 to another team's name and takes its own", async () => {
    const [one, other] = [await createTeam(), await createTeam()];
    expect((await send("put", `${teamsOf()}/${one.id}`, { name: other.name }).expect(409)).body).toEqual(NAME_TAKEN);
    await send("put", `${teamsOf()}/${one.id}`, { name: one.name }).expect(200);
  });

  it("DELETE answers 200 with the team that was, its members and projects freed", async () => {
    const team = await createTeam();
    const { projectId, ownerId } = tenant;
    await server.db.prisma.projectTeam.create({ data: { projectId, teamId: team.id } });
    await server.db.prisma.teamMember.create({ data: { userId: ownerId, teamId: team.id } });
    const { body } = await send("delete", `${teamsOf()}/${team.id}`).expect(200);
    expect(body).toEqual({
      data: { ...team, workspaceTeams: [{ workspaceId: projectId }], projectTeams: [{ projectId }] },
    });
    expect((await send("delete", `${teamsOf()}/${team.id}`).expect(404)).body).toEqual(TEAM_NOT_FOUND);
  });

  it.each<[Method, unknown]>([
    ["get", undefined],
    ["put", { name: "x" }],
    ["delete", undefined],
  ])("%s answers 404 to an unknown team and to a neighbour's, 422 to what is no id", async (method, body) => {
    const foreign = await createTeam(neighbour);
    for (const id of [newId(), foreign.id])
      expect((await send(method, `${teamsOf()}/${id}`, body).expect(404)).body).toEqual(TEAM_NOT_FOUND);
    expect((await send(method, `${teamsOf()}/Not-A-Cuid`, body).expect(422)).body).toEqual(
      problem(422, ["teamId", "Invalid cuid2"]),
    );
    expect((await send("get", teamsOf(neighbour), undefined, neighbour)).body.data).toContainEqual(foreign);
  });

  it("answer 401 for another organization, and to a key that may not write or read", async () => {
    const { id } = await createTeam();
    const [readOnly, none] = [
      await keyOf(null, false),
      await buildTenant(server.db, { organizationAccess: { read: false, write: false } }),
    ];
    const writes: [Method, string, unknown][] = [
      ["post", teamsOf(), { name: "x" }],
      ["put", `${teamsOf()}/${id}`, { name: "x" }],
      ["delete", `${teamsOf()}/${id}`, undefined],
    ];
    for (const [method, path, body] of writes)
      for (const caller of [readOnly, neighbour, none])
        expect((await send(method, path, body, caller).expect(401)).body).toEqual(UNAUTHORIZED);
    await send("get", teamsOf(), undefined, readOnly).expect(200);
    await send("get", `${teamsOf()}/${id}`, undefined, readOnly).expect(200);
    for (const path of [teamsOf(), `${teamsOf()}/${id}`])
      for (const caller of [neighbour, { apiKey: "" }])
        expect((await send("get", path, undefined, caller).expect(401)).body).toEqual(UNAUTHORIZED);
    expect((await send("get", teamsOf(none), undefined, none).expect(401)).body).toEqual(UNAUTHORIZED);
  });

  it("writes answer 403 to a key whose creator may not manage teams", async () => {
    const { id } = await createTeam();
    const member = await keyOf("member");
    expect((await send("post", teamsOf(), { name: newId() }, member).expect(403)).body).toEqual(FORBIDDEN);
    expect((await send("put", `${teamsOf()}/${id}`, { name: newId() }, member).expect(403)).body).toEqual(FORBIDDEN);
    expect((await send("delete", `${teamsOf()}/${id}`, undefined, member).expect(403)).body).toEqual(FORBIDDEN);
    for (const role of ["manager", "owner", null] as const)
      await send("post", teamsOf(), { name: newId() }, await keyOf(role)).expect(201);
  });
});

describe.each(["workspace-teams", "project-teams"])("/api/v2/organizations/{organizationId}/%s", (path) => {
  const linksOf = ({ organizationId }: Tenant = tenant) => `/api/v2/organizations/${organizationId}/${path}`;
  const NOT_FOUND = problem(404, ["teamId/workspaceId", "not_found"]);
  const NO_PROJECT = problem(400, ["workspaceId", "Either workspaceId or projectId must be provided"]);

  it("POST answers 200 with the link under both names, then 409", async () => {
    const { id: teamId } = await createTeam();
    const { projectId } = tenant;
    const body = { teamId, projectId, permission: "readWrite" };
    const response = await send("post", linksOf(), body).expect(200);
    const data = { createdAt: ISO, updatedAt: ISO, workspaceId: projectId, teamId, permission: "readWrite", projectId };
    expect(response.body).toEqual({ data });
    expect((await send("post", linksOf(), body).expect(409)).body).toEqual(
      problem(409, ["workspaceTeam", "Workspace team already exists"]),
    );
  });

  it("take one of the project's environments by either id, and workspaceId before projectId", async () => {
    const legacyId = newId();
    const { projectId, developmentId, environmentId } = tenant;
    await server.db.prisma.environment.update({ where: { id: developmentId }, data: { legacyId } });
    for (const workspaceId of [environmentId, legacyId]) {
      const { id: teamId } = await createTeam();
      const body = { teamId, workspaceId, projectId: neighbour.projectId, permission: "read" };
      expect((await send("post", linksOf(), body).expect(200)).body.data).toMatchObject({ projectId, workspaceId: projectId });
    }
  });

  it("GET answers 200 with the links, filtered by team and project", async () => {
    const owner = await buildTenant(server.db);
    const [one, other] = [await createTeam(owner), await createTeam(owner)];
    const { projectId, environmentId } = owner;
    const links = [];
    for (const { id: teamId } of [one, other])
      links.unshift((await send("post", linksOf(owner), { teamId, projectId, permission: "read" }, owner)).body.data);
    const get = async (query = "") => (await send("get", linksOf(owner) + query, undefined, owner).expect(200)).body;
    expect(await get()).toEqual({ data: links, meta: { total: 2, limit: 50, offset: 0 } });
    expect(await get(`?teamId=${one.id}`)).toMatchObject({ data: [{ teamId: one.id }], meta: { total: 1 } });
    for (const name of ["projectId", "workspaceId"]) {
      expect((await get(`?${name}=${projectId}`)).data).toEqual(links);
      expect((await get(`?${name}=${environmentId}`)).data).toEqual(links);
      expect((await get(`?${name}=${neighbour.projectId}`)).data).toEqual([]);
    }
    expect((await get(`?teamId=${newId()}`)).data).toEqual([]);
    expect((await get("?limit=1&skip=1")).data).toEqual([links[1]]);
  });

  it("GET answers 422 to what is no id and to a limit that is no whole number", async () => {
    for (const field of ["teamId", "workspaceId", "projectId"])
      expect((await send("get", `${linksOf()}?${field}=Nope!`).expect(422)).body).toEqual(problem(422, [field, "Invalid cuid2"]));
    await send("get", `${linksOf()}?limit=1.5`).expect(422);
  });

  it("PUT answers 200 with the new permission, DELETE with the link that was, then 404", async () => {
    const { id: teamId } = await createTeam();
    const { projectId } = tenant;
    const query = `?teamId=${teamId}&projectId=${projectId}`;
    const missing = problem(404, ["workspaceTeam", "not found"]);
    const body = { teamId, workspaceId: projectId, permission: "manage" };
    expect((await send("put", linksOf(), body).expect(404)).body).toEqual(missing);
    await send("post", linksOf(), { ...body, permission: "read" }).expect(200);
    const updated = await send("put", linksOf(), body).expect(200);
    expect(updated.body.data).toMatchObject({ teamId, projectId, permission: "manage" });
    expect((await send("delete", linksOf() + query).expect(200)).body).toEqual(updated.body);
    expect((await send("delete", linksOf() + query).expect(404)).body).toEqual(missing);
  });

  it("writes answer 404 unless the organization has both, and link nothing", async () => {
    const { id: teamId } = await createTeam();
    const foreign = await createTeam(neighbour);
    const { projectId } = tenant;
    const pairs = [
      { teamId: foreign.id, projectId },
      { teamId: newId(), projectId },
      { teamId, projectId: neighbour.projectId },
      { teamId, projectId: neighbour.environmentId },
      { teamId, projectId: newId() },
    ];
    for (const pair of pairs) {
      for (const method of ["post", "put"] as const)
        expect((await send(method, linksOf(), { ...pair, permission: "read" }).expect(404)).body).toEqual(NOT_FOUND);
      const query = `?teamId=${pair.teamId}&workspaceId=${pair.projectId}`;
      expect((await send("delete", linksOf() + query).expect(404)).body).toEqual(NOT_FOUND);
    }
    const links = await server.db.prisma.projectTeam.count({ where: { teamId: { in: [teamId, foreign.id] } } });
    expect(links).toBe(0);
  });

  it("writes answer 400 when no project is named, before the key's access is looked at", async () => {
    const teamId = newId();
    for (const caller of [tenant, neighbour, await keyOf(null, false)]) {
      for (const method of ["post", "put"] as const)
        expect((await send(method, linksOf(), { teamId, permission: "read" }, caller).expect(400)).body).toEqual(NO_PROJECT);
      expect((await send("delete", `${linksOf()}?teamId=${teamId}`, undefined, caller).expect(400)).body).toEqual(NO_PROJECT);
    }
    expect((await send("post", linksOf(), "{").expect(400)).body).toEqual(MALFORMED);
  });

  it("writes answer 422 with what is missing or wrong", async () => {
    const PERMISSION = 'Invalid option: expected one of "read"|"readWrite"|"manage"';
    const body = { teamId: "Nope!", workspaceId: "Nope!", permission: "write" };
    for (const method of ["post", "put"] as const) {
      expect((await send(method, linksOf(), body).expect(422)).body).toEqual(
        problem(422, ["teamId", "Invalid cuid2"], ["workspaceId", "Invalid cuid2"], ["permission", PERMISSION]),
      );
      expect((await send(method, linksOf(), {}).expect(422)).body).toEqual(
        problem(422, ["teamId", "Invalid input: expected string, received undefined"], ["permission", PERMISSION]),
      );
    }
    expect((await send("delete", `${linksOf()}?workspaceId=${newId()}`).expect(422)).body).toEqual(
      problem(422, ["teamId", "Invalid input: expected string, received undefined"]),
    );
  });

  it("answer 401 for another organization and to a key without the access", async () => {
    const { id: teamId } = await createTeam();
    const { projectId } = tenant;
    const body = { teamId, projectId, permission: "read" };
    const query = `?teamId=${teamId}&projectId=${projectId}`;
    for (const caller of [neighbour, await keyOf(null, false)]) {
      for (const method of ["post", "put"] as const)
        expect((await send(method, linksOf(), body, caller).expect(401)).body).toEqual(UNAUTHORIZED);
      expect((await send("delete", linksOf() + query, undefined, caller).expect(401)).body).toEqual(UNAUTHORIZED);
    }
    expect((await send("get", linksOf(), undefined, neighbour).expect(401)).body).toEqual(UNAUTHORIZED);
    await send("get", linksOf(), undefined, await keyOf(null, false)).expect(200);
    await send("post", linksOf(), body, await keyOf("member")).expect(200);
  });
});
