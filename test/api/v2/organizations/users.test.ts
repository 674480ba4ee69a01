import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newId } from "../../../../src/shared/ids.ts";
import { type BuiltOrganization, buildApiKey, buildOrganization, buildTenant, type Tenant } from "../../../support/build.ts";
import { startTestServer, type TestServer } from "../../../support/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const ID = expect.stringMatching(/^c[a-z0-9]{24}$/);
const UNAUTHORIZED = { error: { code: 401, message: "Unauthorized" } };
const FORBIDDEN = { error: { code: 403, message: "Forbidden" } };
const NOT_FOUND = { error: { code: 404, message: "Not Found", details: [{ field: "user", issue: "not found" }] } };
const EMAIL_TAKEN = {
  error: { code: 409, message: "Conflict", details: [{ field: "email", issue: "A user with this email already exists" }] },
};
const UNSTORABLE = "Contains characters that cannot be stored";

const unprocessable = (...details: [field: string, issue: string][]) => ({
  error: { code: 422, message: "Unprocessable Entity", details: details.map(([field, issue]) => ({ field, issue })) },
});

const path = ({ organizationId }: { organizationId: string }) => `/api/v2/organizations/${organizationId}/users`;
const uniqueEmail = (name = "user") => `${name}-${newId()}@example.com`;

const list = (tenant: Tenant, query = "") => server.request.get(path(tenant) + query).set("x-api-key", tenant.apiKey);
const create = (tenant: Tenant, body: unknown) =>
  server.request
    .post(path(tenant))
    .set("x-api-key", tenant.apiKey)
    .send(JSON.stringify(body) ?? "");
const update = (tenant: Tenant, body: unknown) =>
  server.request
    .patch(path(tenant))
    .set("x-api-key", tenant.apiKey)
    .send(JSON.stringify(body) ?? "");

const buildTeam = ({ organizationId }: BuiltOrganization, name: string) =>
  server.db.prisma.team.create({ data: { id: newId(), organizationId, name } });

const ALL_ACCESS = { ownerId: null, permissions: {}, organizationAccess: { read: true, write: true } };

/** A key of the organization made by a new member with this role. */
async function buildKeyOf(tenant: Tenant, role: "owner" | "manager" | "member"): Promise<Tenant> {
  const email = uniqueEmail(role);
  const { body } = await create(tenant, { name: "Creator", email, role }).expect(201);
  const organizationAccess = { read: true, write: true };
  return {
    ...tenant,
    apiKey: await buildApiKey(server.db, { ...tenant, ownerId: body.data.id, permissions: {}, organizationAccess }),
  };
}

describe("GET /api/v2/organizations/{organizationId}/users", () => {
  it("answers 200 with the organization's users, newest first, and the page", async () => {
    const tenant = await buildTenant(server.db);
    await buildTeam(tenant, "Support");
    const jane = await create(tenant, { name: "Jane Roe", email: uniqueEmail(), role: "member", teams: ["Support"] }).expect(201);
    const joe = await create(tenant, { name: "Joe", email: uniqueEmail(), role: "manager", isActive: false }).expect(201);
    const response = await list(tenant).expect(200);
    expect(response.body).toEqual({
      data: [joe.body.data, jane.body.data, expect.objectContaining({ id: tenant.ownerId, role: "owner", teams: [] })],
      meta: { total: 3, limit: 50, offset: 0 },
    });
    expect(response.headers).toMatchObject({
      "cache-control": "private, no-store",
      "access-control-allow-origin": "*",
      "access-control-allow-methods": "GET, POST, PUT, DELETE, OPTIONS",
      "access-control-allow-headers": "Content-Type, Authorization",
    });
  });

  it("answers 200 to a key that may only read, and page by page", async () => {
    const tenant = await buildTenant(server.db, { permission: null, organizationAccess: { read: true, write: false } });
    const response = await list(tenant, "?limit=1&skip=1&order=asc&unknown=1").expect(200);
    expect(response.body).toEqual({ data: [], meta: { total: 1, limit: 1, offset: 1 } });
  });

  it("finds a user by id, and by part of the address in any letter case, taking % and _ as they are", async () => {
    const tenant = await buildTenant(server.db);
    const { body } = await create(tenant, { name: "John", email: uniqueEmail("John"), role: "member" });
    const { id, email } = body.data;
    const found = { data: [body.data], meta: { total: 1, limit: 50, offset: 0 } };
    expect((await list(tenant, `?id=${id}`)).body).toEqual(found);
    expect((await list(tenant, "?email=JOHN-")).body).toEqual(found);
    expect((await list(tenant, `?email=john&id=${id}`)).body).toEqual(found);
    expect((await list(tenant, `?email=${encodeURIComponent(email)}&id=${tenant.ownerId}`)).body.data).toEqual([]);
    expect((await list(tenant, "?email=%25")).body.data).toEqual([]);
    expect((await list(tenant, "?email=_")).body.data).toEqual([]);
  });

  it("filters by dates, both inclusive, however far away they are", async () => {
    const tenant = await buildTenant(server.db);
    const { createdAt } = (await list(tenant)).body.data[0];
    const total = async (query: string) => (await list(tenant, query).expect(200)).body.meta.total;
    expect(await total(`?startDate=${createdAt}&endDate=${createdAt}`)).toBe(1);
    expect(await total("?startDate=2999-01-01")).toBe(0);
    expect(await total("?endDate=2001-01-01&filterDateField=updatedAt")).toBe(0);
    expect(await total("?startDate=-200000-01-01T00:00:00Z&endDate=%2B200000-01-01T00:00:00Z")).toBe(1);
  });

  it("does not list another organization's users", async () => {
    const [tenant, neighbour] = [await buildTenant(server.db), await buildTenant(server.db)];
    expect((await list(tenant, `?id=${neighbour.ownerId}`)).body.data).toEqual([]);
  });

  it("names only this organization's teams", async () => {
    const [tenant, neighbour] = [await buildTenant(server.db), await buildTenant(server.db)];
    const team = await buildTeam(neighbour, "Foreign");
    await server.db.prisma.teamMember.create({ data: { teamId: team.id, userId: tenant.ownerId } });
    expect((await list(tenant)).body.data).toMatchObject([{ id: tenant.ownerId, teams: [] }]);
  });

  it.each([
    ["limit=0", "limit", "Too small: expected number to be >=1"],
    ["limit=", "limit", "Too small: expected number to be >=1"],
    ["limit=251", "limit", "Too big: expected number to be <=250"],
    ["limit=abc", "limit", "Invalid input: expected number, received NaN"],
    ["limit=1.5", "limit", "Invalid input: expected int, received number"],
    ["skip=-1", "skip", "Too small: expected number to be >=0"],
    ["order=up", "order", 'Invalid option: expected one of "asc"|"desc"'],
    ["sortBy=name", "sortBy", 'Invalid option: expected one of "createdAt"|"updatedAt"'],
    ["startDate=never", "startDate", "Invalid input: expected date, received Date"],
    ["startDate=2025-02-01&endDate=2025-01-01", "", "startDate must be before endDate"],
    ["email=%00", "email", UNSTORABLE],
    ["id=a%00", "id", UNSTORABLE],
  ])("answers 422 to ?%s", async (query, field, issue) => {
    const tenant = await buildTenant(server.db);
    const response = await list(tenant, `?${query}`).expect(422);
    expect(response.body).toEqual(unprocessable([field, issue]));
    expect(response.headers["cache-control"]).toBe("private, no-store");
    expect(response.headers).not.toHaveProperty("access-control-allow-origin");
  });

  it("takes the largest skip", async () => {
    const tenant = await buildTenant(server.db);
    expect((await list(tenant, `?skip=${Number.MAX_SAFE_INTEGER}`).expect(200)).body.data).toEqual([]);
  });

  it("answers 422 to a malformed organization id", async () => {
    const tenant = await buildTenant(server.db);
    const response = await list({ ...tenant, organizationId: "BAD-1" }).expect(422);
    expect(response.body).toEqual(unprocessable(["organizationId", "Invalid cuid2"]));
  });

  it("answers 401 for another organization and for one that does not exist", async () => {
    const [tenant, neighbour] = [await buildTenant(server.db), await buildTenant(server.db)];
    expect((await list({ ...tenant, organizationId: neighbour.organizationId }).expect(401)).body).toEqual(UNAUTHORIZED);
    expect((await list({ ...tenant, organizationId: newId() }).expect(401)).body).toEqual(UNAUTHORIZED);
  });

  it("answers 401 to a key without organization access", async () => {
    const tenant = await buildTenant(server.db, { organizationAccess: { read: false, write: false } });
    expect((await list(tenant).expect(401)).body).toEqual(UNAUTHORIZED);
  });
});

describe("POST /api/v2/organizations/{organizationId}/users", () => {
  it("answers 201 with the user, active by default, and the teams that exist", async () => {
    const tenant = await buildTenant(server.db);
    await buildTeam(tenant, "Known");
    const email = uniqueEmail("Jane");
    const input = {
      name: " Jane O'Roe, Dr. (Ü) & Co-2 ",
      email,
      role: "manager",
      teams: ["Known", "Nope", "Known"],
      password: "x",
      id: "x",
    };
    const response = await create(tenant, input).expect(201);
    expect(response.body).toEqual({
      data: {
        id: ID,
        createdAt: ISO,
        updatedAt: ISO,
        email,
        name: "Jane O'Roe, Dr. (Ü) & Co-2",
        lastLoginAt: null,
        isActive: true,
        role: "manager",
        teams: ["Known"],
      },
    });
    expect(Object.keys(response.body.data)).toEqual([
      "id",
      "createdAt",
      "updatedAt",
      "email",
      "name",
      "lastLoginAt",
      "isActive",
      "role",
      "teams",
    ]);
    expect(response.headers["cache-control"]).toBe("private, no-store");
    expect(response.headers).not.toHaveProperty("access-control-allow-origin");
    const { id } = response.body.data;
    expect(await server.db.prisma.membership.findMany({ where: { userId: id } })).toEqual([
      { organizationId: tenant.organizationId, userId: id, accepted: true, role: "manager" },
    ]);
    expect(await server.db.prisma.teamMember.findMany({ where: { userId: id } })).toMatchObject([{ role: "contributor" }]);
  });

  it("ignores teams of another organization", async () => {
    const [tenant, neighbour] = [await buildTenant(server.db), await buildTenant(server.db)];
    await buildTeam(neighbour, "Theirs");
    const { body } = await create(tenant, { name: "A", email: uniqueEmail(), role: "member", teams: ["Theirs"] }).expect(201);
    expect(body.data.teams).toEqual([]);
    expect(await server.db.prisma.teamMember.count({ where: { userId: body.data.id } })).toBe(0);
  });

  it("answers 409 when the address is taken, in this organization or another, in any letter case", async () => {
    const [tenant, neighbour] = [await buildTenant(server.db), await buildTenant(server.db)];
    const email = uniqueEmail();
    await create(tenant, { name: "A", email, role: "member" }).expect(201);
    for (const [caller, address] of [
      [tenant, email],
      [neighbour, email],
      [tenant, email.toUpperCase()],
    ] as const)
      expect((await create(caller, { name: "A", email: address, role: "member" }).expect(409)).body).toEqual(EMAIL_TAKEN);
    expect((await list(neighbour)).body.meta.total).toBe(1);
  });

  it("answers 201 once and 409 otherwise to twenty creates of one address at the same time", async () => {
    const tenant = await buildTenant(server.db);
    const email = uniqueEmail();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        create(tenant, { name: `A${i}`, email: i % 2 ? email : email.toUpperCase(), role: "member" }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array.from({ length: 19 }, () => 409)]);
    for (const { body } of answers.filter(({ status }) => status === 409)) expect(body).toEqual(EMAIL_TAKEN);
    expect((await list(tenant)).body.meta.total).toBe(2);
  });

  const ROLES = 'Invalid option: expected one of "owner"|"manager"|"member"';
  it.each<[string, Record<string, unknown> | unknown[] | null, [string, string][]]>([
    [
      "nothing",
      {},
      [
        ["name", "Invalid input: expected string, received undefined"],
        ["email", "Invalid email"],
        ["role", ROLES],
      ],
    ],
    [
      "an empty name, no address and another role",
      { name: "", email: "x", role: "admin" },
      [
        ["name", "Name should be at least 1 character long"],
        ["name", "Invalid name format"],
        ["email", "Invalid email"],
        ["role", ROLES],
      ],
    ],
    ["the role billing", { name: "A", email: "a@example.com", role: "billing" }, [["role", ROLES]]],
    ["the role Owner", { name: "A", email: "a@example.com", role: "Owner" }, [["role", ROLES]]],
    ["an underscore in the name", { name: "A_B", email: "a@example.com", role: "member" }, [["name", "Invalid name format"]]],
    ["a padded address", { name: "A", email: " a@example.com", role: "member" }, [["email", "Invalid email"]]],
    [
      "a long address",
      { name: "A", email: `${"e".repeat(300)}@example.com`, role: "member" },
      [["email", "Too big: expected string to have <=255 characters"]],
    ],
    [
      "null for teams and isActive",
      { name: "A", email: "a@example.com", role: "member", teams: null, isActive: null },
      [
        ["teams", "Invalid input: expected array, received null"],
        ["isActive", "Invalid input: expected boolean, received null"],
      ],
    ],
    ["a NUL in a team", { name: "A", email: "a@example.com", role: "member", teams: ["ok", "\0"] }, [["teams.1", UNSTORABLE]]],
    [
      "half a surrogate pair",
      { name: "A", email: "a@example.com", role: "member", teams: ["\ud800"] },
      [["teams.0", UNSTORABLE]],
    ],
    ["a list", [], [["", "Invalid input: expected object, received array"]]],
    ["null", null, [["", "Invalid input: expected object, received null"]]],
  ])("answers 422 to %s", async (_title, body, details) => {
    const tenant = await buildTenant(server.db);
    expect((await create(tenant, body).expect(422)).body).toEqual(unprocessable(...details));
  });

  it.each(["{", ""])("answers 400 to the body %j, whatever else is wrong", async (body) => {
    const tenant = await buildTenant(server.db);
    const response = await server.request.post("/api/v2/organizations/BAD-1/users").set("x-api-key", tenant.apiKey).send(body);
    expect(response.status).toBe(400);
    expect(response.body).toEqual({
      error: {
        code: 400,
        message: "Bad Request",
        details: [{ field: "error", issue: "Malformed JSON input, please check your request body" }],
      },
    });
  });

  it("answers 413 to a body of more than 2 MiB, and 401 before that without a key", async () => {
    const tenant = await buildTenant(server.db);
    const body = { name: "x".repeat(2_097_152) };
    expect((await create(tenant, body).expect(413)).body).toEqual({
      error: {
        code: 413,
        message: "Payload Too Large",
        details: [{ field: "body", issue: "Request body must not exceed 2097152 bytes" }],
      },
    });
    await create({ ...tenant, apiKey: "nope" }, { name: "x" }).expect(401);
  });

  it("answers 401 to a key that may only read, and for another organization", async () => {
    const [tenant, neighbour] = [await buildTenant(server.db), await buildTenant(server.db)];
    const input = { name: "A", email: uniqueEmail(), role: "member" };
    const reader = await buildApiKey(server.db, { ...tenant, permissions: {}, organizationAccess: { read: true, write: false } });
    expect((await create({ ...tenant, apiKey: reader }, input).expect(401)).body).toEqual(UNAUTHORIZED);
    expect((await create({ ...tenant, organizationId: neighbour.organizationId }, input).expect(401)).body).toEqual(UNAUTHORIZED);
    expect((await list(neighbour)).body.meta.total).toBe(1);
  });

  it("lets a key do no more than the user who made it", async () => {
    const tenant = await buildTenant(server.db);
    const [manager, member] = [await buildKeyOf(tenant, "manager"), await buildKeyOf(tenant, "member")];
    const input = (role: string) => ({ name: "A", email: uniqueEmail(), role });
    await create(manager, input("member")).expect(201);
    expect((await create(manager, input("manager")).expect(403)).body).toEqual(FORBIDDEN);
    await create(manager, input("owner")).expect(403);
    await create(member, input("member")).expect(403);
    const organizationAccess = { read: true, write: true };
    const stranger = await buildApiKey(server.db, { ...tenant, ownerId: newId(), permissions: {}, organizationAccess });
    await create({ ...tenant, apiKey: stranger }, input("member")).expect(403);
    const nobodys = await buildApiKey(server.db, { ...tenant, ownerId: null, permissions: {}, organizationAccess });
    await create({ ...tenant, apiKey: nobodys }, input("owner")).expect(201);
  });
});

describe("PATCH /api/v2/organizations/{organizationId}/users", () => {
  async function buildUser(tenant: Tenant, input: Record<string, unknown> = {}) {
    const { body } = await create(tenant, { name: "Jane", email: uniqueEmail("Jane"), role: "member", ...input }).expect(201);
    return body.data;
  }

  it("answers 200 with the changed user and leaves the rest as it was", async () => {
    const tenant = await buildTenant(server.db);
    await buildTeam(tenant, "Support");
    const user = await buildUser(tenant, { teams: ["Support"] });
    const named = await update(tenant, { email: user.email, name: "Jane Roe" }).expect(200);
    expect(named.body).toEqual({ data: { ...user, name: "Jane Roe", updatedAt: ISO } });
    expect(Date.parse(named.body.data.updatedAt)).toBeGreaterThanOrEqual(Date.parse(user.updatedAt));
    const changed = await update(tenant, { email: user.email, role: "owner", isActive: false }).expect(200);
    expect(changed.body).toEqual({ data: { ...user, name: "Jane Roe", role: "owner", isActive: false, updatedAt: ISO } });
    const same = await update(tenant, { email: user.email }).expect(200);
    expect(same.body).toEqual({ data: { ...changed.body.data, updatedAt: ISO } });
  });

  it("finds the user by any spelling of the address and keeps the stored one", async () => {
    const tenant = await buildTenant(server.db);
    const user = await buildUser(tenant);
    const { body } = await update(tenant, { email: user.email.toUpperCase(), name: "New" }).expect(200);
    expect(body.data).toMatchObject({ id: user.id, email: user.email, name: "New" });
  });

  it("replaces the teams of this organization and keeps the role in those that stay", async () => {
    const [tenant, neighbour] = [await buildTenant(server.db), await buildTenant(server.db)];
    const red = await buildTeam(tenant, "Red");
    await buildTeam(tenant, "Blue");
    await buildTeam(tenant, "Green");
    const foreign = await buildTeam(neighbour, "Foreign");
    const user = await buildUser(tenant, { teams: ["Red", "Blue"] });
    await server.db.prisma.teamMember.create({ data: { teamId: foreign.id, userId: user.id } });
    await server.db.prisma.teamMember.updateMany({ where: { teamId: red.id, userId: user.id }, data: { role: "admin" } });

    const replaced = await update(tenant, { email: user.email, teams: ["Green", "Red", "Nope"] }).expect(200);
    expect(replaced.body.data.teams).toEqual(["Green", "Red"]);
    const kept = await server.db.prisma.teamMember.findFirst({ where: { teamId: red.id, userId: user.id } });
    expect(kept?.role).toBe("admin");

    const none = await update(tenant, { email: user.email, teams: [] }).expect(200);
    expect(none.body.data.teams).toEqual([]);
    expect(await server.db.prisma.teamMember.count({ where: { userId: user.id, teamId: foreign.id } })).toBe(1);
  });

  it("answers 200 to twenty changes of one user at the same time, of which one counts as a whole", async () => {
    const tenant = await buildTenant(server.db);
    for (const name of ["A", "B", "C"]) await buildTeam(tenant, name);
    const user = await buildUser(tenant);
    const changes = [
      { name: "First", role: "owner", teams: ["A", "B"] },
      { name: "Second", role: "manager", teams: ["B", "C"] },
    ];
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => update(tenant, { email: user.email, ...changes[i % 2] })),
    );
    for (const [i, { status, body }] of answers.entries()) {
      expect(status).toBe(200);
      expect(body.data).toMatchObject({ ...changes[i % 2] });
    }
    const [stored] = (await list(tenant, `?id=${user.id}`)).body.data;
    expect(changes).toContainEqual({ name: stored.name, role: stored.role, teams: stored.teams });
  });

  it("answers 404 for an unknown address and for a user of another organization, who stays as they were", async () => {
    const [tenant, neighbour] = [await buildTenant(server.db), await buildTenant(server.db)];
    const foreign = await buildUser(neighbour);
    expect((await update(tenant, { email: uniqueEmail(), name: "A" }).expect(404)).body).toEqual(NOT_FOUND);
    expect((await update(tenant, { email: foreign.email, name: "Stolen" }).expect(404)).body).toEqual(NOT_FOUND);
    expect((await list(neighbour, `?id=${foreign.id}`)).body.data).toEqual([foreign]);
  });

  it("answers 422 without an address", async () => {
    const tenant = await buildTenant(server.db);
    expect((await update(tenant, { name: "X" }).expect(422)).body).toEqual(unprocessable(["email", "Invalid email"]));
  });

  it("answers 400 to a body that is not JSON", async () => {
    const tenant = await buildTenant(server.db);
    await server.request.patch(path(tenant)).set("x-api-key", tenant.apiKey).send("{").expect(400);
  });

  it("answers 401 to a key that may only read, and for another organization", async () => {
    const [tenant, neighbour] = [await buildTenant(server.db), await buildTenant(server.db)];
    const user = await buildUser(neighbour);
    const reader = await buildTenant(server.db, { organizationAccess: { read: true, write: false } });
    expect((await update(reader, { email: user.email }).expect(401)).body).toEqual(UNAUTHORIZED);
    expect(
      (await update({ ...tenant, organizationId: neighbour.organizationId }, { email: user.email }).expect(401)).body,
    ).toEqual(UNAUTHORIZED);
  });

  it("answers 403 when a manager's key touches an owner or promotes, and 200 otherwise", async () => {
    const tenant = await buildTenant(server.db);
    const manager = await buildKeyOf(tenant, "manager");
    const [owner, user] = [await buildUser(tenant, { role: "owner" }), await buildUser(tenant)];
    expect((await update(manager, { email: owner.email, name: "Hacked" }).expect(403)).body).toEqual(FORBIDDEN);
    await update(manager, { email: user.email, role: "owner" }).expect(403);
    await update(manager, { email: user.email, role: "manager" }).expect(403);
    await update(manager, { email: user.email, name: "Fine", role: "member" }).expect(200);
    expect((await list(tenant, `?id=${owner.id}`)).body.data[0].name).toBe("Jane");
  });

  it("answers 400 to whoever would demote or deactivate the last active owner, and 200 while there is another", async () => {
    const tenant = await buildTenant(server.db);
    const [first] = (await list(tenant)).body.data;
    const refusal = (field: string) => ({
      error: { code: 400, message: "Bad Request", details: [{ field, issue: "The organization must keep an active owner" }] },
    });
    await buildUser(tenant, { role: "owner", isActive: false });
    expect((await update(tenant, { email: first.email, role: "member" }).expect(400)).body).toEqual(refusal("role"));
    expect((await update(tenant, { email: first.email, isActive: false }).expect(400)).body).toEqual(refusal("isActive"));
    await update(tenant, { email: first.email, role: "owner", name: "Still Owner" }).expect(200);
    expect((await list(tenant, `?id=${first.id}`)).body.data).toMatchObject([{ role: "owner", isActive: true }]);

    const second = await buildUser(tenant, { role: "owner" });
    await update(tenant, { email: second.email, isActive: false }).expect(200);
    await update(tenant, { email: second.email, isActive: true }).expect(200);
    await update(tenant, { email: second.email, role: "member" }).expect(200);
  });

  it("keeps one of two owners who are demoted at the same time", async () => {
    const tenant = await buildTenant(server.db);
    const [first] = (await list(tenant)).body.data;
    const second = await buildUser(tenant, { role: "owner" });
    const { organizationId } = tenant;
    const organizationAccess = { read: true, write: true };
    const apiKey = await buildApiKey(server.db, { organizationId, permissions: {}, organizationAccess });
    const demoted = [first, second].map(({ email }) => update({ ...tenant, apiKey }, { email, role: "member" }));
    const statuses = (await Promise.all(demoted)).map(({ status }) => status);
    expect(statuses.sort()).toEqual([200, 400]);
    const roles = (await list({ ...tenant, apiKey })).body.data.map(({ role }: { role: string }) => role);
    expect(roles.sort()).toEqual(["member", "owner"]);
  });
});

describe("DELETE /api/v2/organizations/{organizationId}/users/{userId}", () => {
  const remove = (tenant: Pick<Tenant, "organizationId" | "apiKey">, userId: string) =>
    server.request.delete(`${path(tenant)}/${userId}`).set("x-api-key", tenant.apiKey);
  const LAST_OWNER = {
    error: { code: 409, message: "Conflict", details: [{ field: "role", issue: "The organization must keep an active owner" }] },
  };
  const person = (role: string, rest: Record<string, unknown> = {}) => ({
    name: "Jane Roe",
    email: uniqueEmail(),
    role,
    ...rest,
  });

  it("answers 200 with who it was; teams and address are free, and 404 from then on", async () => {
    const tenant = await buildTenant(server.db);
    const team = await buildTeam(tenant, "Support");
    const body = person("member", { teams: ["Support"] });
    const user = (await create(tenant, body).expect(201)).body.data;
    const response = await remove(tenant, user.id).expect(200);
    expect(response.body).toEqual({ data: user });
    expect(user.teams).toEqual(["Support"]);
    expect((await list(tenant, `?id=${user.id}`).expect(200)).body.data).toEqual([]);
    expect(await server.db.prisma.teamMember.count({ where: { teamId: team.id } })).toBe(0);
    expect((await remove(tenant, user.id).expect(404)).body).toEqual(NOT_FOUND);
    const again = (await create(tenant, body).expect(201)).body.data;
    expect(again.id).not.toBe(user.id);
  });

  it("leaves who is in another organization there, with the role and the teams that they have there", async () => {
    const [tenant, other] = [await buildTenant(server.db), await buildTenant(server.db)];
    const { id } = (await create(tenant, person("owner")).expect(201)).body.data;
    const team = await buildTeam(other, "Others");
    await server.db.prisma.membership.create({
      data: { organizationId: other.organizationId, userId: id, role: "manager", accepted: true },
    });
    await server.db.prisma.teamMember.create({ data: { teamId: team.id, userId: id } });
    await remove(tenant, id).expect(200);
    await remove(tenant, id).expect(404);
    expect((await list(other, `?id=${id}`).expect(200)).body.data).toMatchObject([{ id, role: "manager", teams: ["Others"] }]);
  });

  it("leaves API keys that they made, which use environments as before and administer nothing any more", async () => {
    const tenant = await buildTenant(server.db);
    const { id } = (await create(tenant, person("owner")).expect(201)).body.data;
    const apiKey = await buildApiKey(server.db, {
      ...tenant,
      ownerId: id,
      permissions: { [tenant.environmentId]: "write" },
      organizationAccess: { read: true, write: true },
    });
    await create({ ...tenant, apiKey }, person("member")).expect(201);
    await remove(tenant, id).expect(200);
    await server.request.get("/api/v2/management/contacts").set("x-api-key", apiKey).expect(200);
    await list({ ...tenant, apiKey }).expect(200);
    expect((await create({ ...tenant, apiKey }, person("member")).expect(403)).body).toEqual(FORBIDDEN);
  });

  it("answers 409 for the last active owner, and 200 while there is another", async () => {
    const tenant = await buildTenant(server.db);
    const second = (await create(tenant, person("owner", { isActive: false })).expect(201)).body.data;
    expect((await remove(tenant, tenant.ownerId).expect(409)).body).toEqual(LAST_OWNER);
    await update(tenant, { email: second.email, isActive: true }).expect(200);
    await remove(tenant, tenant.ownerId).expect(200);
  });

  it("keeps one of two owners who are removed at the same time", async () => {
    const tenant = await buildTenant(server.db);
    const nobodys = { ...tenant, apiKey: await buildApiKey(server.db, { ...tenant, ...ALL_ACCESS }) };
    const second = (await create(nobodys, person("owner")).expect(201)).body.data;
    const answers = await Promise.all([tenant.ownerId, second.id].map((id) => remove(nobodys, id)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect((await list(nobodys).expect(200)).body.data).toMatchObject([{ role: "owner" }]);
  });

  it("answers 404 for a user of another organization, who stays, and 422 to what is no id", async () => {
    const [tenant, other] = [await buildTenant(server.db), await buildTenant(server.db)];
    expect((await remove(tenant, other.ownerId).expect(404)).body).toEqual(NOT_FOUND);
    expect((await list(other).expect(200)).body.meta.total).toBe(1);
    expect((await remove(tenant, "A-1").expect(422)).body).toEqual(unprocessable(["userId", "Invalid cuid2"]));
  });

  it("answers 401 to a key that may only read, without a key, and for another organization", async () => {
    const [tenant, other] = [await buildTenant(server.db), await buildTenant(server.db)];
    const { id } = (await create(tenant, person("member")).expect(201)).body.data;
    const organizationAccess = { read: true, write: false };
    const reader = await buildApiKey(server.db, { ...tenant, permissions: {}, organizationAccess });
    for (const apiKey of [reader, other.apiKey, "fbk_garbage"])
      expect((await remove({ ...tenant, apiKey }, id).expect(401)).body).toEqual(UNAUTHORIZED);
    expect((await list(tenant, `?id=${id}`).expect(200)).body.meta.total).toBe(1);
  });

  it("answers 403 to a member's key, and when a manager's key touches an owner", async () => {
    const tenant = await buildTenant(server.db);
    await create(tenant, person("owner")).expect(201);
    const { id } = (await create(tenant, person("member")).expect(201)).body.data;
    const [manager, member] = [await buildKeyOf(tenant, "manager"), await buildKeyOf(tenant, "member")];
    expect((await remove(member, id).expect(403)).body).toEqual(FORBIDDEN);
    expect((await remove(manager, tenant.ownerId).expect(403)).body).toEqual(FORBIDDEN);
    await remove(manager, id).expect(200);
  });

  it("is noted in the audit log, without name and address", async () => {
    const tenant = await buildTenant(server.db);
    await buildTeam(tenant, "Support");
    const user = (await create(tenant, person("manager", { teams: ["Support"] })).expect(201)).body.data;
    await remove(tenant, user.id).expect(200);
    const log = await server.request
      .get(`/api/v2/organizations/${tenant.organizationId}/audit-log?targetId=${user.id}&limit=3`)
      .set("x-api-key", tenant.apiKey)
      .expect(200);
    const { organizationId } = tenant;
    expect(log.body.data).toMatchObject([
      { operation: "deleteUser", action: "deleted", targetType: "user" },
      { action: "updated", changedFields: ["role"], before: { userId: user.id, organizationId, role: "manager" }, after: null },
      { action: "updated", changedFields: ["teams"] },
    ]);
    expect(log.text).not.toContain(user.email);
    expect(log.text).not.toContain(user.name);
  });
});

describe("the minimum role of user management", () => {
  it("answers 403 to every key when user management is disabled", async () => {
    const strict = await startTestServer({ USER_MANAGEMENT_MINIMUM_ROLE: "disabled" });
    try {
      const tenant = await buildTenant(strict.db);
      const nobodys = await buildApiKey(strict.db, {
        organizationId: tenant.organizationId,
        permissions: {},
        organizationAccess: { read: true, write: true },
      });
      for (const key of [tenant.apiKey, nobodys])
        await strict.request
          .post(path(tenant))
          .set("x-api-key", key)
          .send({ name: "A", email: uniqueEmail(), role: "member" })
          .expect(403);
    } finally {
      await strict.close();
    }
  });
});

describe("other methods of /api/v2/organizations/{organizationId}/users", () => {
  it.each(["put", "delete"] as const)("%s answers 405 without a body, before asking for a key", async (method) => {
    const { organizationId } = await buildOrganization(server.db);
    const response = await server.request[method](path({ organizationId })).expect(405);
    expect(response.text).toBe("");
  });

  it("OPTIONS answers 204 with the methods that are served", async () => {
    const response = await server.request.options(path({ organizationId: "x1" })).expect(204);
    expect(response.headers.allow?.split(", ").sort()).toEqual(["GET", "HEAD", "OPTIONS", "PATCH", "POST"]);
  });

  it("HEAD answers 200 like GET", async () => {
    const tenant = await buildTenant(server.db);
    await server.request.head(path(tenant)).set("x-api-key", tenant.apiKey).expect(200);
  });
});
