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

const PATH = "/api/v2/management/languages";
const SURVEYS = "/api/v2/management/surveys";
const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const ID = expect.stringMatching(/^c[a-z0-9]{24}$/);
const UNAUTHORIZED = { error: { code: 401, message: "Unauthorized" } };
const FORBIDDEN = { error: { code: 403, message: "Forbidden" } };
const MESSAGES: Record<number, string> = { 400: "Bad Request", 404: "Not Found", 409: "Conflict", 422: "Unprocessable Entity" };
const problem = (code: number, field: string, issue: string) => ({
  error: { code, message: MESSAGES[code], details: [{ field, issue }] },
});

type Method = "get" | "post" | "put" | "patch" | "delete";
const send = (method: Method, path: string, { apiKey }: { apiKey: string } = tenant, body?: unknown) => {
  const request = server.request[method](path).set("x-api-key", apiKey);
  return body === undefined ? request : request.send(typeof body === "string" ? body : JSON.stringify(body));
};
const create = async (body: Record<string, unknown>, owner: Tenant = tenant) =>
  (await send("post", PATH, owner, { environmentId: owner.environmentId, ...body }).expect(201)).body.data;
const keyOf = async (permission: "read" | "write") => ({
  apiKey: await buildApiKey(server.db, { ...tenant, permissions: { [tenant.environmentId]: permission } }),
});

const germanSurvey = (environmentId: string, overrides: Record<string, unknown> = {}) => ({
  environmentId,
  name: "Zweisprachig",
  type: "link",
  status: "inProgress",
  questions: [{ id: "q1", type: "openText", headline: { default: "Hi?", "de-DE": "Na?" }, required: true }],
  languages: [
    { language: "en-US", default: true, enabled: true },
    { language: { code: "de" }, default: false, enabled: true },
  ],
  ...overrides,
});

describe("POST /api/v2/management/languages", () => {
  it("answers 201 with the language in its canonical form, under both names of its environment", async () => {
    const { environmentId } = tenant;
    const body = { workspaceId: environmentId, code: " pt_br ", alias: " Brasileiro " };
    const response = await send("post", PATH, tenant, body).expect(201);
    expect(response.body).toEqual({
      data: {
        id: ID,
        createdAt: ISO,
        updatedAt: ISO,
        code: "pt-BR",
        alias: "Brasileiro",
        surveys: [],
        workspaceId: environmentId,
        environmentId,
      },
    });
  });

  it("makes a language that surveys and contacts have at once", async () => {
    const owner = await buildTenant(server.db);
    const { environmentId } = owner;
    const identify = async (language: string) =>
      (
        await server.request
          .post(`/api/v2/client/${environmentId}/user`)
          .send({ userId: "ada", attributes: { language } })
          .expect(200)
      ).body.data;
    expect((await identify("klingonisch")).messages).toHaveLength(1);
    await send("post", SURVEYS, owner, germanSurvey(environmentId)).expect(404);
    const language = await create({ code: "de", alias: "klingonisch" }, owner);
    expect((await identify("Klingonisch")).state.data.language).toBe("klingonisch");
    const actionClass = { environmentId, name: "Clicked", type: "code", key: "clicked" };
    const action = (await send("post", "/api/v1/management/action-classes", owner, actionClass).expect(200)).body.data;
    const shown = germanSurvey(environmentId, { type: "app", triggers: [{ actionClass: { id: action.id } }] });
    const { id } = (await send("post", SURVEYS, owner, shown).expect(201)).body.data;
    const state = (await server.request.get(`/api/v2/client/${environmentId}/environment`).expect(200)).body.data.data;
    expect(state.surveys[0].languages.map((entry: { language: { code: string } }) => entry.language.code)).toEqual([
      "en-US",
      "de-DE",
      "en",
      "de",
    ]);
    expect((await send("get", `${PATH}/${language.id}`, owner).expect(200)).body.data.surveys).toEqual([id]);
  });

  it.each([
    ["klingon", "code", "Not a language code such as de, de-DE or zh-Hant-TW"],
    ["default", "code", "Not a language code such as de, de-DE or zh-Hant-TW"],
    ["und", "code", "Not a language code such as de, de-DE or zh-Hant-TW"],
  ])("answers 422 to the code %s", async (code, field, issue) => {
    const response = await send("post", PATH, tenant, { environmentId: tenant.environmentId, code }).expect(422);
    expect(response.body).toEqual(problem(422, field, issue));
  });

  it.each<[Record<string, unknown>, string]>([
    [{}, "code"],
    [{ code: 5 }, "code"],
    [{ code: " " }, "code"],
    [{ code: "x".repeat(101) }, "code"],
    [{ code: "fr", alias: "" }, "alias"],
    [{ code: "fr", alias: "a\u0000" }, "alias"],
  ])("answers 422 to %j", async (body, field) => {
    const response = await send("post", PATH, tenant, { environmentId: tenant.environmentId, ...body }).expect(422);
    expect(response.body.error.details).toMatchObject([{ field }]);
  });

  it("answers 400 to what is no JSON, and to a body that names no environment", async () => {
    await send("post", PATH, tenant, "{").expect(400);
    const response = await send("post", PATH, tenant, { code: "fr" }).expect(400);
    expect(response.body).toEqual(problem(400, "workspaceId", "workspaceId must be provided"));
  });

  it("answers 404 to an environment that there is not", async () => {
    const response = await send("post", PATH, tenant, { environmentId: newId(), code: "fr" }).expect(404);
    expect(response.body).toEqual(problem(404, "workspaceId", "workspace not found"));
  });

  it("answers 403 to a key that may only read, and for a neighbour's environment", async () => {
    const body = { environmentId: tenant.environmentId, code: "fr" };
    expect((await send("post", PATH, await keyOf("read"), body).expect(403)).body).toEqual(FORBIDDEN);
    expect((await send("post", PATH, neighbour, body).expect(403)).body).toEqual(FORBIDDEN);
  });

  it("answers 409 to a language that the environment has in any spelling, and takes one that another has", async () => {
    const owner = await buildTenant(server.db);
    const { environmentId } = owner;
    await create({ code: "it" }, owner);
    for (const code of ["it", "IT_it", "it-IT"]) {
      const response = await send("post", PATH, owner, { environmentId, code }).expect(409);
      expect(response.body).toEqual(problem(409, "code", "The environment already has the language it-IT"));
    }
    await create({ code: "it", environmentId: owner.developmentId }, owner);
    await create({ code: "it-CH" }, owner);
    // As a database of 2025 has it.
    await server.db.prisma.language.create({ data: { environmentId, id: newId(), code: "nl" } });
    await send("post", PATH, owner, { environmentId, code: "nl-NL" }).expect(409);
  });

  it("answers 409 where contacts could mean two languages by one name", async () => {
    const owner = await buildTenant(server.db);
    const { environmentId } = owner;
    await create({ code: "es-MX", alias: "es" }, owner);
    expect((await send("post", PATH, owner, { environmentId, code: "es-ES" }).expect(409)).body).toEqual(
      problem(409, "code", "The environment's language es-MX is already called es-ES"),
    );
    expect((await send("post", PATH, owner, { environmentId, code: "fr", alias: "EN" }).expect(409)).body).toEqual(
      problem(409, "alias", "The environment's language en-US is already called EN"),
    );
  });

  it("answers calls at the same time with one 201 and one 409", async () => {
    const owner = await buildTenant(server.db);
    const { environmentId } = owner;
    const answers = await Promise.all([1, 2].map(() => send("post", PATH, owner, { environmentId, code: "sv" })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
  });

  it("has its effect once under an Idempotency-Key, and is noted in the audit log", async () => {
    const owner = await buildTenant(server.db);
    const body = { environmentId: owner.environmentId, code: "da" };
    const post = () => send("post", PATH, owner, body).set("idempotency-key", "once");
    const [first, second] = [await post().expect(201), await post().expect(201)];
    expect(second.body).toEqual(first.body);
    expect(second.headers["idempotent-replayed"]).toBe("true");
    const log = await send("get", `/api/v2/organizations/${owner.organizationId}/audit-log`, owner).expect(200);
    expect(log.body.data).toMatchObject([
      { operation: "createLanguage", action: "created", targetType: "language", targetId: first.body.data.id },
    ]);
    expect(log.body.data).toHaveLength(1);
  });
});

describe("GET /api/v2/management/languages", () => {
  it("answers 200 with those of the environments that the key may read, page by page", async () => {
    const owner = await buildTenant(server.db);
    const language = await create({ code: "fi" }, owner);
    const all = await send("get", PATH, owner).expect(200);
    expect(all.body.meta).toEqual({ total: 3, limit: 50, offset: 0 });
    const one = await send("get", `${PATH}?workspaceId=${owner.environmentId}&limit=1`, owner).expect(200);
    expect(one.body).toEqual({ data: [language], meta: { total: 2, limit: 1, offset: 0 } });
    await send("get", `${PATH}?limit=0`, owner).expect(422);
  });

  it("answers 401 to a neighbour's environment and without a key", async () => {
    expect((await send("get", `${PATH}?workspaceId=${neighbour.environmentId}`).expect(401)).body).toEqual(UNAUTHORIZED);
    await server.request.get(PATH).expect(401);
  });
});

describe("/api/v2/management/languages/{languageId}", () => {
  it("GET answers 200, 404 to an unknown one, 422 to what is no id and 401 to a neighbour", async () => {
    const language = await create({ code: "cs" });
    expect((await send("get", `${PATH}/${language.id}`).expect(200)).body).toEqual({ data: language });
    expect((await send("get", `${PATH}/${newId()}`).expect(404)).body).toEqual(problem(404, "language", "not found"));
    expect((await send("get", `${PATH}/A-1`).expect(422)).body).toEqual(problem(422, "languageId", "Invalid cuid2"));
    expect((await send("get", `${PATH}/${language.id}`, neighbour).expect(401)).body).toEqual(UNAUTHORIZED);
  });

  it("PATCH answers 200 with another alias, with none, and as it was", async () => {
    const language = await create({ code: "hu", alias: "ungarisch" });
    const change = async (body: unknown) => (await send("patch", `${PATH}/${language.id}`, tenant, body).expect(200)).body.data;
    expect(await change({ alias: "magyar" })).toEqual({ ...language, alias: "magyar", updatedAt: ISO });
    expect((await change({})).alias).toBe("magyar");
    expect((await change({ alias: null })).alias).toBeNull();
    expect((await change({ alias: "hu" })).alias).toBe("hu");
  });

  it("PATCH answers 400 to no JSON, 422 to another code, 409 to a taken alias, 404 and 401", async () => {
    const [language, other] = [await create({ code: "ro" }), await create({ code: "bg", alias: "bulgarian" })];
    const at = `${PATH}/${language.id}`;
    await send("patch", at, tenant, "{").expect(400);
    await send("patch", at, tenant, { code: "ro-MD" }).expect(422);
    await send("patch", at, tenant, { alias: 5 }).expect(422);
    for (const alias of ["Bulgarian", "BG", other.code])
      expect((await send("patch", at, tenant, { alias }).expect(409)).body.error.details).toMatchObject([{ field: "alias" }]);
    await send("patch", `${PATH}/${newId()}`, tenant, { alias: "x" }).expect(404);
    await send("patch", at, await keyOf("read"), { alias: "x" }).expect(401);
    await send("patch", at, neighbour, { alias: "x" }).expect(401);
  });

  it("DELETE answers 200 with what it was, and 404 from then on", async () => {
    const language = await create({ code: "el" });
    expect((await send("delete", `${PATH}/${language.id}`).expect(200)).body).toEqual({ data: language });
    await send("delete", `${PATH}/${language.id}`).expect(404);
    await create({ code: "el" });
  });

  it("DELETE answers 409 and names the surveys while any uses it", async () => {
    const owner = await buildTenant(server.db);
    const language = await create({ code: "de" }, owner);
    const survey = (await send("post", SURVEYS, owner, germanSurvey(owner.environmentId)).expect(201)).body.data;
    const response = await send("delete", `${PATH}/${language.id}`, owner).expect(409);
    const issue = `The survey "Zweisprachig" (${survey.id}) uses this language`;
    expect(response.body).toEqual({
      error: { code: 409, message: "Conflict", details: [{ field: "surveys", issue, meta: { id: survey.id } }] },
    });
    await send("put", `${SURVEYS}/${survey.id}`, owner, { languages: [] }).expect(200);
    await send("delete", `${PATH}/${language.id}`, owner).expect(200);
  });

  it("DELETE and a survey that begins to use the language leave either both or neither", async () => {
    const owner = await buildTenant(server.db);
    for (let round = 0; round < 5; round++) {
      const language = await create({ code: "de" }, owner);
      const [removed, created] = await Promise.all([
        send("delete", `${PATH}/${language.id}`, owner),
        send("post", SURVEYS, owner, germanSurvey(owner.environmentId)),
      ]);
      expect([
        [409, 201],
        [200, 404],
      ]).toContainEqual([removed.status, created.status]);
      if (created.status === 201) await send("delete", `${SURVEYS}/${created.body.data.id}`, owner).expect(200);
      if (removed.status === 409) await send("delete", `${PATH}/${language.id}`, owner).expect(200);
    }
  });

  it("DELETE answers 401 to a key that may only write, and to a neighbour", async () => {
    const language = await create({ code: "uk" });
    await send("delete", `${PATH}/${language.id}`, await keyOf("write")).expect(401);
    await send("delete", `${PATH}/${language.id}`, neighbour).expect(401);
  });
});
