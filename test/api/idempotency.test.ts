import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newId } from "../../src/shared/ids.ts";
import { buildApiKey, buildSurvey, buildTenant, type Tenant } from "../support/build.ts";
import { startTestServer, type TestServer } from "../support/server.ts";

let server: TestServer;
let tenant: Tenant;
beforeAll(async () => {
  server = await startTestServer({ DANGEROUSLY_ALLOW_WEBHOOK_INTERNAL_URLS: true });
  tenant = await buildTenant(server.db);
});
afterAll(() => server.close());

const teams = () => `/api/v2/organizations/${tenant.organizationId}/teams`;
const post = (path: string, body: unknown, key: string, apiKey = tenant.apiKey) =>
  server.request
    .post(path)
    .set("x-api-key", apiKey)
    .set("idempotency-key", key)
    .send(typeof body === "string" ? body : JSON.stringify(body));
const countTeams = (name: string) => server.db.prisma.team.count({ where: { name } });
const storedRows = (key: string) => server.db.prisma.idempotencyKey.findMany({ where: { key } });

const REUSED = {
  error: {
    code: 422,
    message: "Unprocessable Entity",
    details: [{ field: "Idempotency-Key", issue: "was used for another request" }],
  },
};

describe("Idempotency-Key", () => {
  it("answers the same request as the first time, and says so", async () => {
    const [key, body] = [newId(), { name: `Team ${newId()}` }];
    const first = await post(teams(), body, key).expect(201);
    expect(first.headers).not.toHaveProperty("idempotent-replayed");
    const second = await post(teams(), body, key).expect(201);
    expect(second.headers["idempotent-replayed"]).toBe("true");
    expect(second.headers["content-type"]).toBe(first.headers["content-type"]);
    expect(second.text).toBe(first.text);
    expect(await countTeams(body.name)).toBe(1);
  });

  it("answers 422 to another body or query under the same key, and does nothing", async () => {
    const [key, name] = [newId(), `Team ${newId()}`];
    await post(teams(), { name: "first" }, key).expect(201);
    expect((await post(teams(), { name }, key).expect(422)).body).toEqual(REUSED);
    expect((await post(`${teams()}?a=1`, { name: "first" }, key).expect(422)).body).toEqual(REUSED);
    expect(await countTeams(name)).toBe(0);
  });

  it("answers 422 in the envelope of v1, too", async () => {
    const key = newId();
    const body = { environmentId: tenant.environmentId, name: `Action ${newId()}`, type: "code", key: newId() };
    const path = "/api/v1/management/action-classes";
    const first = await post(path, body, key).expect(200);
    expect((await post(path, body, key).expect(200)).body).toEqual(first.body);
    const response = await post(path, { ...body, name: "other" }, key).expect(422);
    expect(response.body).toEqual({
      code: "unprocessable_entity",
      message: "This Idempotency-Key came with another request",
      details: { "Idempotency-Key": "was used for another request" },
    });
  });

  it("is the caller's own, and of one route", async () => {
    const [key, name] = [newId(), `Team ${newId()}`];
    const other = await buildTenant(server.db);
    await post(teams(), { name }, key).expect(201);
    await post(`/api/v2/organizations/${other.organizationId}/teams`, { name }, key, other.apiKey).expect(201);
    const user = { name: "Ada", email: `${newId()}@example.com`, role: "member" };
    await post(`/api/v2/organizations/${tenant.organizationId}/users`, user, key).expect(201);
  });

  it("answers 409 while the first request is being carried out", async () => {
    const key = newId();
    const { id: apiKeyId } = await server.db.prisma.apiKey.findFirstOrThrow({ where: { organizationId: tenant.organizationId } });
    await server.db.transaction(async (tx) => {
      const lock = `mortar idempotency ${apiKeyId} POST /api/v2/organizations/:organizationId/teams ${key}`;
      await tx.query("select pg_advisory_xact_lock(hashtextextended($1, 0))", [lock]);
      const response = await post(teams(), { name: key }, key).expect(409);
      expect(response.body.error.details).toEqual([
        { field: "error", issue: "A request with this Idempotency-Key is still being carried out" },
      ]);
      expect(response.headers["retry-after"]).toBe("1");
    });
    await post(teams(), { name: key }, key).expect(201);
  });

  it("makes one object of fifty calls at once", async () => {
    const [key, body] = [newId(), { name: `Team ${newId()}` }];
    const answers = await Promise.all(Array.from({ length: 50 }, () => post(teams(), body, key)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.every((status) => status === 201 || status === 409)).toBe(true);
    const ids = new Set(answers.filter(({ status }) => status === 201).map((answer) => answer.body.data.id));
    expect(ids.size).toBe(1);
    expect(await countTeams(body.name)).toBe(1);
  });

  it.each([
    ["400", "{", 400],
    ["422", { name: 5 }, 422],
  ])("does not keep an answer of %s: the mended request is carried out under the same key", async (_, wrong, status) => {
    const key = newId();
    await post(teams(), wrong, key).expect(status);
    await post(teams(), { name: `Team ${newId()}` }, key).expect(201);
  });

  it("keeps a refusal that would only come again", async () => {
    const [key, name] = [newId(), `Team ${newId()}`];
    const { id } = (await post(teams(), { name }, newId()).expect(201)).body.data;
    const first = await post(teams(), { name }, key).expect(409);
    await server.request.delete(`${teams()}/${id}`).set("x-api-key", tenant.apiKey).expect(200);
    const second = await post(teams(), { name }, key).expect(409);
    expect(second.headers["idempotent-replayed"]).toBe("true");
    expect(second.body).toEqual(first.body);
  });

  it.each([
    ["", "no characters"],
    ["x".repeat(256), "256 characters"],
  ])("answers 400 to a key of %#", async (key) => {
    const response = await post(teams(), { name: newId() }, key).expect(400);
    expect(response.body.error.details).toEqual([{ field: "Idempotency-Key", issue: "must have 1 to 255 characters" }]);
    await post(teams(), { name: newId() }, `${newId()}${"y".repeat(230)}`).expect(201);
  });

  it("keeps no secret in the clear", async () => {
    const key = newId();
    const body = {
      workspaceId: tenant.environmentId,
      name: "hook",
      url: "https://127.0.0.1/hook",
      source: "user",
      triggers: ["responseCreated"],
      surveyIds: [],
    };
    const first = await post("/api/v2/management/webhooks", body, key).expect(201);
    const { secret } = first.body.data;
    expect(secret).toMatch(/^whsec_/);
    const [row] = await storedRows(key);
    expect(JSON.stringify(row)).not.toContain(secret);
    expect(row?.answer).toMatch(/^v1\./);
    expect((await post("/api/v2/management/webhooks", body, key).expect(201)).body).toEqual(first.body);
  });

  it("is forgotten after 24 hours", async () => {
    const [key, name] = [newId(), `Team ${newId()}`];
    await post(teams(), { name }, key).expect(201);
    await server.db.query(`update idempotency_keys set "createdAt" = now() - interval '24 hours' where key = $1`, [key]);
    await post(teams(), { name: `${name} again` }, key).expect(201);
    await server.db.query(`update idempotency_keys set "createdAt" = now() - interval '24 hours' where key = $1`, [key]);
    expect(await server.services.idempotency.deleteExpired()).toBeGreaterThanOrEqual(1);
    expect(await storedRows(key)).toEqual([]);
  });

  it("is forgotten, however many there are, in several statements", async () => {
    const [{ id: apiKeyId = "" } = {}] = await server.db.query<{ id: string }>(
      `select id from api_keys where "organizationId" = $1 limit 1`,
      [tenant.organizationId],
    );
    await server.db.query(
      `insert into idempotency_keys ("apiKeyId", route, key, fingerprint, answer, "createdAt")
       select $1, 'many', n::text, '', '', now() - interval '25 hours' from generate_series(1, 10001) as n`,
      [apiKeyId],
    );
    expect(await server.services.idempotency.deleteExpired()).toBeGreaterThanOrEqual(10_001);
    expect(await server.db.prisma.idempotencyKey.count({ where: { route: "many" } })).toBe(0);
  });

  it("undoes the effect when the answer cannot be kept", async () => {
    const [key, name] = [newId(), `Team ${newId()}`];
    const [refuse, allow] = ["create trigger refuse", "drop trigger refuse on idempotency_keys"] as const;
    await server.db.query(`create or replace function refuse_test() returns trigger language plpgsql as
      $$ begin if new.key = '${key}' then raise 'not now'; end if; return new; end $$`);
    await server.db.query(`${refuse} before insert on idempotency_keys for each row execute function refuse_test()`);
    const { status } = await post(teams(), { name }, key);
    await server.db.query(allow);
    expect(status).toBe(500);
    expect(await countTeams(name)).toBe(0);
    await post(teams(), { name }, key).expect(201);
  });

  it("sees a new attribute key at once, as a call without the header does", async () => {
    const body = { workspaceId: tenant.environmentId, key: `k${newId()}`, name: "Key", description: null };
    await post("/api/v2/management/contact-attribute-keys", body, newId()).expect(201);
    const { attributeKeys } = await server.services.environments.configuration(tenant.environmentId);
    expect(attributeKeys.has(body.key)).toBe(true);
  });

  it("guards what is written by several statements: responses, surveys and contacts", async () => {
    const { environmentId } = tenant;
    const { id: surveyId } = await buildSurvey(server.db, { environmentId, type: "link", document: { questions: [] } });
    const question = { id: "q1", type: "openText", headline: { default: "Hi?" }, required: true };
    const requests: [path: string, body: object][] = [
      ["/api/v1/management/surveys", { environmentId, name: "Pulse", type: "app", questions: [question] }],
      ["/api/v1/management/responses", { environmentId, surveyId, finished: true, data: {} }],
      ["/api/v2/management/responses", { surveyId, finished: true, data: {} }],
      ["/api/v2/management/contacts", { environmentId, attributes: { email: `${newId()}@example.com`, userId: newId() } }],
    ];
    for (const [path, body] of requests) {
      const key = newId();
      const first = await post(path, body, key);
      expect([path, first.status, first.body]).toEqual([path, path.includes("v1") ? 200 : 201, expect.anything()]);
      const second = await post(path, body, key);
      expect([path, second.status, second.text]).toEqual([path, first.status, first.text]);
    }
    expect(await server.db.prisma.response.count({ where: { environmentId } })).toBe(2);
    expect(await server.db.prisma.contact.count({ where: { environmentId } })).toBe(1);
    expect(await server.db.prisma.survey.count({ where: { environmentId } })).toBe(2);
  });

  it("is documented with every POST of the management APIs", async () => {
    const { paths } = (await server.request.get("/openapi.json").expect(200)).body;
    const posts = Object.entries<{ post?: { parameters?: { name: string }[]; responses: object } }>(paths).filter(
      ([path, { post: operation }]) =>
        operation && (/^\/api\/v2\/(management|organizations)/.test(path) || /^\/api\/v1\/(management|webhooks)/.test(path)),
    );
    expect(posts.length).toBeGreaterThan(10);
    for (const [path, { post: operation }] of posts) {
      expect([path, operation?.parameters?.some(({ name }) => name === "idempotency-key")]).toEqual([path, true]);
      expect([path, Object.keys(operation?.responses ?? {})]).toEqual([path, expect.arrayContaining(["409", "422"])]);
    }
  });

  it("answers 401 to a key that was revoked, whatever it was answered before", async () => {
    const [key, body] = [newId(), { name: `Team ${newId()}` }];
    const { organizationId, ownerId } = tenant;
    const access = { organizationAccess: { read: true, write: true }, permissions: {} };
    const apiKey = await buildApiKey(server.db, { organizationId, ownerId, ...access });
    await post(teams(), body, key, apiKey).expect(201);
    const [newest] = (await server.services.apiKeys.list({ organizationId })).slice(-1);
    await server.services.apiKeys.revoke({ id: newest?.id ?? "" });
    await post(teams(), body, key, apiKey).expect(401);
  });
});
