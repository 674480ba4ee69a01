import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newId } from "../../../../src/shared/ids.ts";
import { createSecretBox } from "../../../../src/shared/secret-box.ts";
import { buildApiKey, buildTenant, type Tenant } from "../../../support/build.ts";
import { startTestServer, type TestServer } from "../../../support/server.ts";

const ENCRYPTION_KEY = "an encryption key for these webhooks only, 0123456789";

let server: TestServer;
let tenant: Tenant;
let neighbour: Tenant;
beforeAll(async () => {
  server = await startTestServer({ ENCRYPTION_KEY });
  [tenant, neighbour] = [await buildTenant(server.db), await buildTenant(server.db)];
});
afterAll(() => server.close());

const PATH = "/api/v2/management/webhooks";
const TARGET = "https://93.184.216.34/x";
const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const ID = expect.stringMatching(/^c[a-z0-9]{24}$/);
const UNAUTHORIZED = { error: { code: 401, message: "Unauthorized" } };
const FORBIDDEN = { error: { code: 403, message: "Forbidden" } };
const MESSAGES: Record<number, string> = { 400: "Bad Request", 404: "Not Found", 422: "Unprocessable Entity" };
const problem = (code: number, ...details: [field: string, issue: string][]) => ({
  error: { code, message: MESSAGES[code], details: details.map(([field, issue]) => ({ field, issue })) },
});
const NOT_FOUND = problem(404, ["webhook", "not found"]);
const NO_SURVEY = problem(404, ["survey", "not found"]);

type Method = "get" | "post" | "put" | "delete";
type Caller = Pick<Tenant, "apiKey">;
const send = (method: Method, path: string, body?: unknown, { apiKey }: Caller = tenant) => {
  const request = server.request[method](path).set("x-api-key", apiKey);
  return body === undefined ? request : request.send(typeof body === "string" ? body : JSON.stringify(body));
};
const valid = (change: Record<string, unknown> = {}) => ({
  environmentId: tenant.environmentId,
  name: "My hook",
  url: TARGET,
  source: "user",
  triggers: ["responseFinished"],
  surveyIds: [],
  ...change,
});
async function create(change: Record<string, unknown> = {}, owner: Tenant = tenant) {
  const body = valid({ environmentId: owner.environmentId, ...change });
  const { secret: _secret, ...webhook } = (await send("post", PATH, body, owner).expect(201)).body.data;
  return webhook;
}
async function buildSurvey(environmentId: string): Promise<string> {
  const { id } = await server.db.prisma.survey.create({
    data: { id: newId(), environmentId, name: "Survey", type: "app", document: {} },
  });
  return id;
}
const keyOf = async (permission: "read" | "write" | "manage"): Promise<Caller> => ({
  apiKey: await buildApiKey(server.db, { ...tenant, permissions: { [tenant.environmentId]: permission } }),
});

describe("POST /api/v2/management/webhooks", () => {
  it("answers 201 with the webhook and, this once, its secret, which is sealed at rest", async () => {
    const { environmentId } = tenant;
    const surveyIds = [await buildSurvey(environmentId)];
    const triggers = ["responseCreated", "responseUpdated"];
    const { body } = await send("post", PATH, valid({ name: null, source: "zapier", triggers, surveyIds })).expect(201);
    const webhook = {
      id: ID,
      name: null,
      createdAt: ISO,
      updatedAt: ISO,
      url: TARGET,
      source: "zapier",
      workspaceId: environmentId,
      environmentId,
      triggers,
      surveyIds,
    };
    expect(body).toEqual({ data: { ...webhook, secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/) } });
    expect((await send("get", `${PATH}/${body.data.id}`).expect(200)).body).toEqual({ data: webhook });
    const stored = await server.db.prisma.webhook.findFirstOrThrow({ where: { id: body.data.id } });
    expect(stored.secret).not.toContain(body.data.secret);
    expect(createSecretBox(ENCRYPTION_KEY).open(stored.secret ?? "")).toBe(body.data.secret);
  });

  it.each([
    ["ftp://93.184.216.34/x", "Webhook URL must use HTTPS or HTTP protocol"],
    ["http://localhost:9/x", "Webhook URL must not point to localhost or internal services"],
    ["http://10.0.0.1/x", "Webhook URL must not point to private or internal IP addresses"],
    ["https://hooks.invalid/x", "Could not resolve webhook URL hostname: hooks.invalid"],
  ])("answers 400 to the URL %s", async (url, issue) => {
    expect((await send("post", PATH, valid({ url })).expect(400)).body).toEqual(problem(400, ["url", issue]));
  });

  it("takes an internal URL where that is allowed", async () => {
    const open = await startTestServer({ DANGEROUSLY_ALLOW_WEBHOOK_INTERNAL_URLS: true });
    try {
      const body = JSON.stringify(valid({ url: "http://127.0.0.1:9/x" }));
      await open.request.post(PATH).set("x-api-key", tenant.apiKey).send(body).expect(201);
    } finally {
      await open.close();
    }
  });

  it("answers 400 without an environment or JSON, 404 for an unknown one and 403 for a neighbour's or without write", async () => {
    const workspaceMissing = problem(400, ["workspaceId", "workspaceId must be provided"]);
    expect((await send("post", PATH, {}).expect(400)).body).toEqual(workspaceMissing);
    expect((await send("post", PATH, valid({ environmentId: undefined })).expect(400)).body).toEqual(workspaceMissing);
    await send("post", PATH, "{").expect(400);
    await send("post", PATH, valid({ environmentId: newId() })).expect(404);
    expect((await send("post", PATH, valid({ environmentId: neighbour.environmentId })).expect(403)).body).toEqual(FORBIDDEN);
    expect((await send("post", PATH, valid(), await keyOf("read")).expect(403)).body).toEqual(FORBIDDEN);
  });

  it("answers 404 to an unknown survey, a repeated one and a neighbour's", async () => {
    const survey = await buildSurvey(tenant.environmentId);
    const foreign = await buildSurvey(neighbour.environmentId);
    for (const surveyIds of [[newId()], [survey, survey], [foreign], [survey, foreign]])
      expect((await send("post", PATH, valid({ surveyIds })).expect(404)).body).toEqual(NO_SURVEY);
  });

  it("answers 400 to surveys of several environments or of another one", async () => {
    const [survey, other] = [await buildSurvey(tenant.environmentId), await buildSurvey(tenant.developmentId)];
    expect((await send("post", PATH, valid({ surveyIds: [survey, other] })).expect(400)).body).toEqual(
      problem(400, ["surveyIds", "not all surveys are in the same workspace"]),
    );
    expect((await send("post", PATH, valid({ surveyIds: [other] })).expect(400)).body).toEqual(
      problem(400, ["surveyIds", "webhook workspace does not match the surveys workspace"]),
    );
  });

  it.each<[string, Record<string, unknown>, [string, string]]>([
    ["a bad URL", { url: "nope" }, ["url", "Invalid URL"]],
    ["a bad source", { source: "x" }, ["source", 'Invalid option: expected one of "user"|"zapier"|"make"|"n8n"']],
    [
      "a bad trigger",
      { triggers: ["x"] },
      ["triggers.0", 'Invalid option: expected one of "responseFinished"|"responseCreated"|"responseUpdated"'],
    ],
    ["no triggers", { triggers: [] }, ["triggers", "At least one trigger is required"]],
    ["a bad survey id", { surveyIds: ["Nope!"] }, ["surveyIds.0", "Invalid cuid2"]],
    ["a missing name", { name: undefined }, ["name", "Invalid input: expected string, received undefined"]],
  ])("answers 422 to %s", async (_title, change, detail) => {
    expect((await send("post", PATH, valid(change)).expect(422)).body).toEqual(problem(422, detail));
  });
});

describe("GET /api/v2/management/webhooks", () => {
  it("answers 200 with the webhooks of all environments that may be read, newest first, without secrets", async () => {
    const owner = await buildTenant(server.db);
    const first = await create({}, owner);
    const second = await create({ environmentId: owner.developmentId }, owner);
    const all = await send("get", PATH, undefined, owner).expect(200);
    expect(all.body).toEqual({ data: [second, first], meta: { total: 2, limit: 50, offset: 0 } });
    const page = await send("get", `${PATH}?limit=1&order=asc`, undefined, owner).expect(200);
    expect(page.body).toEqual({ data: [first], meta: { total: 2, limit: 1, offset: 0 } });
    const one = await send("get", `${PATH}?environmentId=${owner.developmentId}`, undefined, owner).expect(200);
    expect(one.body.data).toEqual([second]);
  });

  it("filters by surveys, repeated or separated by commas", async () => {
    const owner = await buildTenant(server.db);
    const surveys = [await buildSurvey(owner.environmentId), await buildSurvey(owner.environmentId)];
    const [one, other] = [await create({ surveyIds: [surveys[0]] }, owner), await create({ surveyIds: [surveys[1]] }, owner)];
    await create({}, owner);
    const found = async (query: string) => (await send("get", `${PATH}?${query}`, undefined, owner).expect(200)).body.data;
    expect(await found(`surveyIds=${surveys[0]}`)).toEqual([one]);
    expect(await found(`surveyIds=${surveys.join(",")}`)).toEqual([other, one]);
    expect(await found(surveys.map((id) => `surveyIds=${id}`).join("&"))).toEqual([other, one]);
    expect(await found(`surveyIds=${newId()}`)).toEqual([]);
    await send("get", `${PATH}?surveyIds=Nope!`, undefined, owner).expect(422);
    await send("get", `${PATH}?limit=1.5`, undefined, owner).expect(422);
  });

  it("answers 401 to a key without environments and for a neighbour's environment", async () => {
    const orgOnly = await buildTenant(server.db, { permission: null });
    expect((await send("get", PATH, undefined, orgOnly).expect(401)).body).toEqual(UNAUTHORIZED);
    expect((await send("get", `${PATH}?workspaceId=${neighbour.environmentId}`).expect(401)).body).toEqual(UNAUTHORIZED);
  });
});

describe("the routes of one webhook", () => {
  it("PUT answers 200 with everything but environment and secret replaced", async () => {
    const webhook = await create();
    const { secret } = await server.db.prisma.webhook.findFirstOrThrow({ where: { id: webhook.id } });
    const surveyIds = [await buildSurvey(tenant.environmentId)];
    const body = { name: "Renamed", url: `${TARGET}/y`, source: "n8n", triggers: ["responseUpdated"], surveyIds };
    const given = { ...body, environmentId: neighbour.environmentId, secret: "mine" };
    const updated = await send("put", `${PATH}/${webhook.id}`, given).expect(200);
    expect(updated.body).toEqual({ data: { ...webhook, ...body, updatedAt: ISO } });
    expect(await server.db.prisma.webhook.findFirst({ where: { id: webhook.id } })).toMatchObject({ secret });
  });

  it("PUT answers 400 and 404 as POST does, 422 to what is missing", async () => {
    const { id } = await create();
    const put = (change: Record<string, unknown>) => send("put", `${PATH}/${id}`, valid(change));
    expect((await put({ surveyIds: [newId()] }).expect(404)).body).toEqual(NO_SURVEY);
    expect((await put({ surveyIds: [await buildSurvey(neighbour.environmentId)] }).expect(404)).body).toEqual(NO_SURVEY);
    expect((await put({ surveyIds: [await buildSurvey(tenant.developmentId)] }).expect(400)).body).toEqual(
      problem(400, ["surveyIds", "webhook workspace does not match the surveys workspace"]),
    );
    expect((await put({ url: "http://[::1]/" }).expect(400)).body).toEqual(
      problem(400, ["url", "Webhook URL must not point to private or internal IP addresses"]),
    );
    const empty = await send("put", `${PATH}/${id}`, {}).expect(422);
    expect(empty.body.error.details.map(({ field }: { field: string }) => field)).toEqual([
      "name",
      "url",
      "source",
      "triggers",
      "surveyIds",
    ]);
    await send("put", `${PATH}/${id}`, "{").expect(400);
  });

  it("DELETE answers 200 with the webhook that was", async () => {
    const webhook = await create();
    expect((await send("delete", `${PATH}/${webhook.id}`).expect(200)).body).toEqual({ data: webhook });
    expect((await send("delete", `${PATH}/${webhook.id}`).expect(404)).body).toEqual(NOT_FOUND);
  });

  it("answer 404 to an unknown id, 422 to what is none, 401 for a neighbour's", async () => {
    const foreign = await create({}, neighbour);
    for (const method of ["get", "put", "delete"] as const) {
      const body = method === "put" ? valid() : undefined;
      expect((await send(method, `${PATH}/${newId()}`, body).expect(404)).body).toEqual(NOT_FOUND);
      expect((await send(method, `${PATH}/Nope!`, body).expect(422)).body).toEqual(problem(422, ["webhookId", "Invalid cuid2"]));
      expect((await send(method, `${PATH}/${foreign.id}`, body).expect(401)).body).toEqual(UNAUTHORIZED);
    }
  });

  it("need read to be read, write to be changed and manage to be deleted", async () => {
    const { id } = await create();
    const [read, write, manage] = [await keyOf("read"), await keyOf("write"), await keyOf("manage")];
    await send("get", `${PATH}/${id}`, undefined, read).expect(200);
    await send("put", `${PATH}/${id}`, valid(), read).expect(401);
    await send("put", `${PATH}/${id}`, valid(), write).expect(200);
    await send("delete", `${PATH}/${id}`, undefined, write).expect(401);
    await send("delete", `${PATH}/${id}`, undefined, manage).expect(200);
  });
});
