import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newId } from "../../../../src/shared/ids.ts";
import { buildApiKey, buildContact, buildTenant, type Tenant } from "../../../support/build.ts";
import { startTestServer, type TestServer } from "../../../support/server.ts";

let server: TestServer;
let tenant: Tenant;
beforeAll(async () => {
  server = await startTestServer({ DANGEROUSLY_ALLOW_WEBHOOK_INTERNAL_URLS: true, AUDIT_RETENTION_DAYS: 30 });
  tenant = await buildTenant(server.db);
});
afterAll(() => server.close());

const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const QUESTION = { id: "q1", type: "openText", headline: { default: "Hi?" }, required: true };

type Method = "get" | "post" | "put" | "patch" | "delete";
const send = (method: Method, path: string, body?: unknown, { apiKey }: Pick<Tenant, "apiKey"> = tenant) => {
  const request = server.request[method](path).set("x-api-key", apiKey);
  return body === undefined ? request : request.send(JSON.stringify(body));
};
const logOf = ({ organizationId }: Pick<Tenant, "organizationId">) => `/api/v2/organizations/${organizationId}/audit-log`;

interface Entry {
  id: string;
  action: string;
  targetType: string;
  targetId: string;
  changedFields: string[];
  operation: string;
  [field: string]: unknown;
}
const read = async (query = "", owner: Tenant = tenant): Promise<Entry[]> =>
  (await send("get", `${logOf(owner)}${query}`, undefined, owner).expect(200)).body.data;
const brief = ({ operation, action, targetType, changedFields }: Entry) => [operation, action, targetType, changedFields];

describe("GET /api/v2/organizations/{organizationId}/audit-log", () => {
  it("answers 200 with who wrote what, newest first", async () => {
    const owner = await buildTenant(server.db);
    const { id: apiKeyId } = await server.db.prisma.apiKey.findFirstOrThrow({ where: { organizationId: owner.organizationId } });
    const teams = `/api/v2/organizations/${owner.organizationId}/teams`;
    const { id } = (await send("post", teams, { name: "Secret plans" }, owner).expect(201)).body.data;
    await send("put", `${teams}/${id}`, { name: "Other plans" }, owner).expect(200);
    await send("delete", `${teams}/${id}`, undefined, owner).expect(200);
    const response = await send("get", logOf(owner), undefined, owner).expect(200);
    const entry = {
      id: expect.stringMatching(/^\d+$/),
      createdAt: ISO,
      apiKeyId,
      requestId: expect.any(String),
      targetType: "team",
      targetId: id,
      environmentId: null,
      workspaceId: null,
      changedFields: [],
    };
    expect(response.body).toEqual({
      data: [
        { ...entry, operation: "deleteTeam", action: "deleted", before: { id }, after: null },
        { ...entry, operation: "updateTeam", action: "updated", changedFields: ["name"], before: { id }, after: { id } },
        { ...entry, operation: "createTeam", action: "created", before: null, after: { id } },
      ],
      meta: { limit: 50, nextCursor: null },
    });
    expect(response.text).not.toContain("plans");
  });

  it("names the fields of a survey, its triggers and its segment, and no text of it", async () => {
    const owner = await buildTenant(server.db);
    const { environmentId } = owner;
    const survey = { environmentId, name: "Pulse", type: "app", questions: [QUESTION] };
    const { id } = (await send("post", "/api/v1/management/surveys", survey, owner).expect(200)).body.data;
    const actionClass = { environmentId, name: "Clicked", type: "code", key: "clicked" };
    const { data } = (await send("post", "/api/v1/management/action-classes", actionClass, owner).expect(200)).body;
    const triggers = [{ actionClass: { id: data.id } }];
    const change = { name: "Pulse 2", autoClose: 5, triggers };
    await send("put", `/api/v1/management/surveys/${id}`, change, owner).expect(200);
    const log = await read("", owner);
    expect(log.map(brief).reverse()).toEqual([
      ["createSurvey", "created", "segment", []],
      ["createSurvey", "created", "survey", []],
      ["createActionClass", "created", "actionClass", []],
      ["updateSurvey", "updated", "survey", ["autoClose", "name"]],
      ["updateSurvey", "updated", "survey", ["triggers"]],
    ]);
    expect(log[0]).toMatchObject({ targetId: id, after: { surveyId: id, actionClassId: data.id }, before: null });
    expect(JSON.stringify(log)).not.toMatch(/Pulse|Hi\?|Clicked/);
    await send("put", `/api/v1/management/surveys/${id}`, { languages: [] }, owner).expect(200);
    expect(brief((await read("?limit=1", owner))[0] ?? log[0] ?? expect.fail())).toEqual([
      "updateSurvey",
      "updated",
      "survey",
      [],
    ]);
  });

  it("names a contact's attributes and keeps their values, its userId and its address out", async () => {
    const owner = await buildTenant(server.db);
    const { environmentId } = owner;
    const person = (plan: string) => ({
      attributes: [
        { attributeKey: { key: "email", name: "E" }, value: "grace@navy.example" },
        { attributeKey: { key: "plan", name: "Plan" }, value: plan },
      ],
    });
    for (const plan of ["gold", "platinum"])
      await send("put", "/api/v2/management/contacts/bulk", { environmentId, contacts: [person(plan)] }, owner).expect(200);
    const log = await read("?targetType=contact", owner);
    expect(log.map(({ action, changedFields }) => [action, changedFields])).toEqual([
      ["updated", ["attributes.plan"]],
      ["created", []],
    ]);
    expect(JSON.stringify(log)).not.toMatch(/gold|platinum|navy/);
  });

  it("has no entry of what was refused or undone, nor of reads", async () => {
    const owner = await buildTenant(server.db);
    const teams = `/api/v2/organizations/${owner.organizationId}/teams`;
    await send("post", teams, { name: "One" }, owner).expect(201);
    await send("post", teams, { name: "One" }, owner).expect(409);
    await send("get", teams, undefined, owner).expect(200);
    expect(await read("", owner)).toHaveLength(1);
  });

  it("has one entry for a request that is sent twice with one key", async () => {
    const owner = await buildTenant(server.db);
    for (const _ of [1, 2])
      await send("post", `/api/v2/organizations/${owner.organizationId}/teams`, { name: "Once" }, owner)
        .set("idempotency-key", "once")
        .expect(201);
    expect(await read("", owner)).toHaveLength(1);
  });

  it("notes webhooks without their secrets, and users with their roles and teams", async () => {
    const owner = await buildTenant(server.db);
    const { environmentId, organizationId } = owner;
    const hook = {
      environmentId,
      name: "H",
      url: "https://127.0.0.1/h",
      source: "user",
      triggers: ["responseCreated"],
      surveyIds: [],
    };
    const { id, secret } = (await send("post", "/api/v2/management/webhooks", hook, owner).expect(201)).body.data;
    const rotated = await send("post", `/api/v2/management/webhooks/${id}/rotate-secret`, {}, owner).expect(200);
    await send("post", `/api/v2/organizations/${organizationId}/teams`, { name: "T" }, owner).expect(201);
    const users = `/api/v2/organizations/${organizationId}/users`;
    const user = { name: "Ada", email: `${newId()}@example.com`, role: "member" };
    await send("post", users, user, owner).expect(201);
    await send("patch", users, { email: user.email, role: "manager", teams: ["T"] }, owner).expect(200);
    const log = await read("", owner);
    expect(log.map(brief).reverse()).toEqual([
      ["createWebhook", "created", "webhook", []],
      ["rotateWebhookSecret", "updated", "webhook", ["previousSecret", "previousSecretExpiresAt", "secret"]],
      ["createTeam", "created", "team", []],
      ["createUser", "created", "user", []],
      ["updateUser", "updated", "user", []],
      ["updateUser", "updated", "user", ["role"]],
      ["updateUser", "updated", "user", ["teams"]],
    ]);
    const text = JSON.stringify(log);
    for (const value of [secret, rotated.body.data.secret, user.email, "Ada"]) expect(text).not.toContain(value);
  });

  it("notes the erasures that vendors' clients ask for", async () => {
    const owner = await buildTenant(server.db, { permission: null });
    const { organizationId, ownerId, environmentId } = owner;
    const apiKey = await buildApiKey(server.db, { organizationId, ownerId, permissions: { [environmentId]: "manage" } });
    const { id } = await buildContact(server.db, { environmentId, userId: "u1" });
    const purge = { userIds: ["u1"], delaySeconds: 0 };
    await server.request.post("/sprig/v2/purge/visitors").set("authorization", `API-Key ${apiKey}`).send(purge).expect(200);
    await server.request
      .delete("/userpilot/v1/users")
      .set("authorization", `Token ${apiKey}`)
      .send({ users: ["u2"] })
      .expect(202);
    // The erasure may be carried out by its request or by its task.
    await expect.poll(async () => (await read("?operation=erase", owner)).length).toBe(2);
    const log = await read("", owner);
    const entries = log.map((entry) => `${entry.operation} ${entry.action} ${entry.targetType}`);
    expect(entries.sort()).toEqual([
      "erase deleted contact",
      "erase updated erasure",
      "sprigPurgeVisitors created erasure",
      "userpilotDeleteUsers created erasure",
    ]);
    expect(log.find(({ targetType }) => targetType === "contact")).toMatchObject({ targetId: id, environmentId });
  });

  it("narrows by target, actor, action, operation, environment and time, and pages by cursor", async () => {
    const owner = await buildTenant(server.db);
    const { environmentId, organizationId } = owner;
    for (const name of ["a", "b", "c"])
      await send("post", `/api/v2/organizations/${organizationId}/teams`, { name }, owner).expect(201);
    const key = { environmentId, key: "plan", name: "Plan", description: null };
    const { id } = (await send("post", "/api/v2/management/contact-attribute-keys", key, owner).expect(201)).body.data;
    const all = await read("", owner);
    expect(all).toHaveLength(4);
    const apiKeyId = String(all[0]?.apiKeyId);
    const found = async (query: string) => (await read(query, owner)).length;
    expect(await found(`?targetType=team`)).toBe(3);
    expect(await found(`?targetId=${id}&targetType=contactAttributeKey`)).toBe(1);
    expect(await found(`?apiKeyId=${apiKeyId}`)).toBe(4);
    expect(await found(`?apiKeyId=${newId()}`)).toBe(0);
    expect(await found("?action=deleted")).toBe(0);
    expect(await found("?operation=createTeam")).toBe(3);
    expect(await found(`?environmentId=${environmentId}`)).toBe(1);
    expect(await found(`?workspaceId=${owner.developmentId}`)).toBe(0);
    expect(await found("?endDate=2001-01-01")).toBe(0);
    expect(await found("?startDate=2001-01-01")).toBe(4);
    const first = (await send("get", `${logOf(owner)}?limit=3`, undefined, owner)).body;
    const second = (await send("get", `${logOf(owner)}?limit=3&cursor=${first.meta.nextCursor}`, undefined, owner)).body;
    expect([...first.data, ...second.data]).toEqual(all);
    expect(second.meta).toEqual({ limit: 3, nextCursor: null });
  });

  it.each(["limit=0", "limit=251", "cursor=x", "action=read", "startDate=never"])("answers 422 to ?%s", async (query) => {
    const response = await send("get", `${logOf(tenant)}?${query}`).expect(422);
    expect(response.body.error.details).toMatchObject([{ field: query.split("=")[0] }]);
  });

  it("answers 401 without organization access, and to a neighbour", async () => {
    const { organizationId, environmentId } = tenant;
    const apiKey = await buildApiKey(server.db, { organizationId, permissions: { [environmentId]: "manage" } });
    await send("get", logOf(tenant), undefined, { apiKey }).expect(401);
    await send("get", logOf(tenant), undefined, await buildTenant(server.db)).expect(401);
    await server.request.get(logOf(tenant)).expect(401);
  });
});

describe("the audit log", () => {
  it("cannot be changed, nor emptied", async () => {
    await send("post", `/api/v2/organizations/${tenant.organizationId}/teams`, { name: newId() }).expect(201);
    const { organizationId } = tenant;
    for (const statement of [
      `update audit_log set "apiKeyId" = 'x' where "organizationId" = '${organizationId}'`,
      `delete from audit_log where "organizationId" = '${organizationId}'`,
      "truncate audit_log",
    ])
      await expect(server.db.query(statement)).rejects.toThrow("the audit log is only added to");
    expect(await read()).toHaveLength(1);
  });

  it("loses what is older than it is kept", async () => {
    const { organizationId } = tenant;
    await server.db.query(
      `insert into audit_log ("organizationId", "createdAt", "apiKeyId", "requestId", operation, action, "targetType", "targetId")
       select $1, now() - interval '31 days', 'k', 'r', 'o', 'created', 'old', 't' from generate_series(1, 10001)`,
      [organizationId],
    );
    expect(await read("?targetType=old&limit=1")).toHaveLength(1);
    expect(await server.services.auditLog.deleteExpired()).toBeGreaterThanOrEqual(10_001);
    expect(await read("?targetType=old")).toEqual([]);
    await expect(server.db.query(`delete from audit_log where "organizationId" = $1`, [organizationId])).rejects.toThrow();
  });
});
