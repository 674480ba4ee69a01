import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { newId } from "../../../../src/shared/ids.ts";
import { buildApiKey, buildSurvey, buildTenant, type Tenant } from "../../../support/build.ts";
import { startTestServer, type TestServer } from "../../../support/server.ts";
import { BAD_ID, BAD_JSON, fields, ID, ISO, message, NO_KEY, NO_PERMISSION, NO_TENANT, notFound } from "./answers.ts";

let server: TestServer;
let tenant: Tenant;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  tenant = await buildTenant(server.db);
});

const send = (method: "get" | "post" | "delete", path: string, body?: unknown, apiKey = tenant.apiKey) => {
  const request = server.request[method](`/api/v1/webhooks${path}`).set("x-api-key", apiKey);
  return body === undefined ? request : request.send(typeof body === "string" ? body : JSON.stringify(body));
};
const INPUT = { url: "https://93.184.216.34/hook", triggers: ["responseFinished"] };
const create = (body: object, apiKey?: string) =>
  send("post", "", { workspaceId: tenant.environmentId, ...INPUT, ...body }, apiKey);

describe("POST /api/v1/webhooks", () => {
  it("answers 200 with the webhook and, this once, its secret", async () => {
    const { environmentId } = tenant;
    const surveyIds = [(await buildSurvey(server.db, { environmentId })).id];
    const given = { name: "CRM", source: "activepieces", surveyIds, triggers: ["responseCreated", "responseUpdated"] };
    const { data } = (await create(given).expect(200)).body;
    const webhook = {
      id: ID,
      createdAt: ISO,
      updatedAt: ISO,
      url: INPUT.url,
      ...given,
      workspaceId: environmentId,
      environmentId,
    };
    expect(data).toEqual({ ...webhook, secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/) });
    const { secret: _, ...shown } = data;
    expect((await send("get", `/${data.id}`).expect(200)).body).toEqual({ data: shown });
    expect((await send("get", "").expect(200)).body).toEqual({ data: [shown] });
  });

  it("needs no more than an address and a trigger", async () => {
    const { body } = await create({ name: null }).expect(200);
    expect(body.data).toMatchObject({ name: null, source: "user", surveyIds: [] });
  });

  it.each([
    ["a url that is none", { url: "x" }, { url: "Invalid URL" }],
    ["no trigger", { triggers: [] }, { triggers: "At least one trigger is required" }],
    [
      "an unknown trigger",
      { triggers: ["x"] },
      { "triggers.0": 'Invalid option: expected one of "responseFinished"|"responseCreated"|"responseUpdated"' },
    ],
    ["a survey id that is none", { surveyIds: ["No!"] }, { "surveyIds.0": "Invalid cuid2" }],
  ])("answers 400 to %s", async (_name, change, details) => {
    expect((await create(change).expect(400)).body).toEqual(fields(details));
  });

  it("answers 400 to surveys that are not the environment's, and keeps one that is named twice once", async () => {
    const neighbour = await buildTenant(server.db);
    const { id: own } = await buildSurvey(server.db, { environmentId: tenant.environmentId });
    const { id: foreign } = await buildSurvey(server.db, { environmentId: neighbour.environmentId });
    const refusal = fields({ surveyIds: "Not all are surveys of this workspace" });
    for (const surveyId of [foreign, newId()])
      expect((await create({ surveyIds: [own, surveyId] }).expect(400)).body).toEqual(refusal);
    expect((await send("get", "").expect(200)).body).toEqual({ data: [] });
    expect((await create({ surveyIds: [own, own] }).expect(200)).body.data.surveyIds).toEqual([own]);
  });

  it.each([
    ["ftp://93.184.216.34/", "Webhook URL must use HTTPS or HTTP protocol"],
    ["http://localhost/x", "Webhook URL must not point to localhost or internal services"],
    ["http://192.168.0.1/x", "Webhook URL must not point to private or internal IP addresses"],
    ["https://nowhere.invalid/x", "Could not resolve webhook URL hostname: nowhere.invalid"],
  ])("answers 400 to the address %s", async (url, text) => {
    expect((await create({ url }).expect(400)).body).toEqual(message(text));
    expect((await send("get", "").expect(200)).body).toEqual({ data: [] });
  });

  it("answers 400, 401 and 404 for the tenant before it looks at the rest", async () => {
    const neighbour = await buildTenant(server.db);
    const unknown = newId();
    expect((await send("post", "", {}).expect(400)).body).toEqual(NO_TENANT);
    expect((await send("post", "", "{").expect(400)).body).toEqual(BAD_JSON);
    expect((await create({ workspaceId: unknown, url: "x" }).expect(404)).body).toEqual(notFound("Workspace", unknown));
    expect((await create({ workspaceId: neighbour.environmentId, url: "x" }).expect(401)).body).toEqual(NO_PERMISSION);
  });
});

describe("GET and DELETE /api/v1/webhooks/{id}", () => {
  it("answer 200 with the webhook, which is gone then", async () => {
    const { secret: _, ...webhook } = (await create({}).expect(200)).body.data;
    expect((await send("delete", `/${webhook.id}`).expect(200)).body).toEqual({ data: webhook });
    expect((await send("delete", `/${webhook.id}`).expect(404)).body).toEqual(notFound("Webhook", webhook.id));
  });

  it("answer 400, 404 and 401 to an id that is none, is unknown, is a neighbour's", async () => {
    const unknown = newId();
    const neighbour = await buildTenant(server.db);
    const { id } = (await create({}).expect(200)).body.data;
    for (const method of ["get", "delete"] as const) {
      expect((await send(method, "/No!").expect(400)).body).toEqual(BAD_ID);
      expect((await send(method, `/${unknown}`).expect(404)).body).toEqual(notFound("Webhook", unknown));
      expect((await send(method, `/${id}`, undefined, neighbour.apiKey).expect(401)).body).toEqual(NO_PERMISSION);
    }
    expect((await send("get", "", undefined, neighbour.apiKey).expect(200)).body).toEqual({ data: [] });
  });
});

describe("permissions", () => {
  it.each([
    ["read", 200, 401, 401],
    ["write", 200, 200, 401],
    ["manage", 200, 200, 200],
  ] as const)("a key with %s is answered %i, %i, %i for GET, POST, DELETE", async (permission, get, post, remove) => {
    const { id } = (await create({}).expect(200)).body.data;
    const key = await buildApiKey(server.db, { ...tenant, permissions: { [tenant.environmentId]: permission } });
    await send("get", `/${id}`, undefined, key).expect(get);
    await create({}, key).expect(post);
    await send("delete", `/${id}`, undefined, key).expect(remove);
  });

  it("needs a key, and PUT is not served", async () => {
    expect((await server.request.get("/api/v1/webhooks").expect(401)).body).toEqual(NO_KEY);
    await server.request.put(`/api/v1/webhooks/${newId()}`).set("x-api-key", tenant.apiKey).send({}).expect(405);
    await send("get", "", undefined, await buildApiKey(server.db, { ...tenant, permissions: {} })).expect(401);
  });
});
