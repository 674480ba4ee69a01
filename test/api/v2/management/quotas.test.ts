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

const SURVEYS = "/api/v2/management/surveys";
const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const ID = expect.stringMatching(/^c[a-z0-9]{24}$/);
const UNAUTHORIZED = { error: { code: 401, message: "Unauthorized" } };
const MESSAGES: Record<number, string> = { 404: "Not Found", 409: "Conflict", 422: "Unprocessable Entity" };
const problem = (code: number, field: string, issue: string) => ({
  error: { code, message: MESSAGES[code], details: [{ field, issue }] },
});
const TAKEN = problem(409, "name", "A quota of the survey with this name already exists");
const NOT_FOUND = problem(404, "quota", "not found");

type Method = "get" | "post" | "put" | "patch" | "delete";
const send = (method: Method, path: string, { apiKey }: { apiKey: string } = tenant, body?: unknown) => {
  const request = server.request[method](path).set("x-api-key", apiKey);
  return body === undefined ? request : request.send(typeof body === "string" ? body : JSON.stringify(body));
};
const keyOf = async (permission: "read" | "write") => ({
  apiKey: await buildApiKey(server.db, { ...tenant, permissions: { [tenant.environmentId]: permission } }),
});

const ENDING = "cm9x2k4v80009l5c8a1b2c3d4";
const CHOICES = [
  { id: "pro", label: { default: "Pro plan" } },
  { id: "free", label: { default: "Free plan" } },
];
async function buildQuotaSurvey({ environmentId, apiKey }: Tenant = tenant): Promise<string> {
  const survey = {
    environmentId,
    name: "Pulse",
    type: "link",
    status: "inProgress",
    questions: [{ id: "plan", type: "multipleChoiceSingle", headline: { default: "Plan?" }, required: true, choices: CHOICES }],
    endings: [{ id: ENDING, type: "endScreen", headline: { default: "Enough" } }],
  };
  return (await send("post", SURVEYS, { apiKey }, survey).expect(201)).body.data.id;
}
const onPlan = (plan: string) => ({
  connector: "and",
  conditions: [
    {
      id: newId(),
      leftOperand: { type: "element", value: "plan" },
      operator: "equals",
      rightOperand: { type: "static", value: plan },
    },
  ],
});
const quotaOf = (changes: Record<string, unknown> = {}) => ({
  name: "Customers",
  limit: 1,
  logic: onPlan("pro"),
  action: "endSurvey",
  endingCardId: ENDING,
  ...changes,
});
const at = (surveyId: string, id?: string) => `${SURVEYS}/${surveyId}/quotas${id === undefined ? "" : `/${id}`}`;
const create = async (surveyId: string, changes: Record<string, unknown> = {}) =>
  (await send("post", at(surveyId), tenant, quotaOf(changes)).expect(201)).body.data;
const answer = async (surveyId: string, plan: string) =>
  (
    await server.request
      .post(`/api/v2/client/${tenant.environmentId}/responses`)
      .send({ surveyId, finished: true, data: { plan } })
      .expect(200)
  ).body.data;

describe("POST /api/v2/management/surveys/{surveyId}/quotas", () => {
  it("answers 201 with the quota, which holds at once", async () => {
    const surveyId = await buildQuotaSurvey();
    expect(await answer(surveyId, "Pro plan")).toEqual({ id: ID, quotaFull: false });
    const body = quotaOf();
    const response = await send("post", at(surveyId), tenant, body).expect(201);
    const { environmentId } = tenant;
    expect(response.body).toEqual({
      data: {
        id: ID,
        createdAt: ISO,
        updatedAt: ISO,
        surveyId,
        ...body,
        countPartialSubmissions: false,
        screenedIn: 0,
        environmentId,
        workspaceId: environmentId,
      },
    });
    const { id } = response.body.data;
    expect(await answer(surveyId, "Free plan")).toMatchObject({ quotaFull: false });
    expect(await answer(surveyId, "Pro plan")).toMatchObject({ quotaFull: false });
    expect(await answer(surveyId, "Pro plan")).toMatchObject({
      quotaFull: true,
      quota: { id, action: "endSurvey", endingCardId: ENDING },
    });
    expect((await send("get", at(surveyId, id)).expect(200)).body.data.screenedIn).toBe(1);
  });

  it("answers 409 to a name that the survey has, and takes one that another survey has", async () => {
    const [surveyId, other] = [await buildQuotaSurvey(), await buildQuotaSurvey()];
    await create(surveyId);
    expect((await send("post", at(surveyId), tenant, quotaOf()).expect(409)).body).toEqual(TAKEN);
    await create(other);
  });

  it.each<[string, Record<string, unknown>, string, string]>([
    [
      "an element that is not there",
      { logic: JSON.parse(JSON.stringify(onPlan("pro")).replace('"plan"', '"gone"')) },
      "logic.conditions.0",
      'The element "gone" does not exist',
    ],
    ["a choice that is not there", { logic: onPlan("Pro plan") }, "logic.conditions.0", "The value must be the id of a choice"],
    ["no ending to end with", { endingCardId: null }, "endingCardId", "An ending is required to end the survey"],
    ["an ending that is not there", { endingCardId: newId() }, "endingCardId", "The ending does not exist"],
  ])("answers 422 to %s", async (_what, changes, field, issue) => {
    const response = await send("post", at(await buildQuotaSurvey()), tenant, quotaOf(changes)).expect(422);
    expect(response.body).toEqual(problem(422, field, issue));
  });

  it.each<[Record<string, unknown>, string]>([
    [{ name: " " }, "name"],
    [{ limit: 0 }, "limit"],
    [{ limit: 1.5 }, "limit"],
    [{ logic: { connector: "xor", conditions: [] } }, "logic.connector"],
    [{ action: "stop" }, "action"],
  ])("answers 422 to %j", async (changes, field) => {
    const response = await send("post", at(await buildQuotaSurvey()), tenant, quotaOf(changes)).expect(422);
    expect(response.body.error.details).toMatchObject([{ field }]);
  });

  it("answers 400 to no JSON, 404 to an unknown survey, 401 to who may only read and to a neighbour", async () => {
    const surveyId = await buildQuotaSurvey();
    await send("post", at(surveyId), tenant, "{").expect(400);
    expect((await send("post", at(newId()), tenant, quotaOf()).expect(404)).body).toEqual(problem(404, "survey", "not found"));
    for (const caller of [await keyOf("read"), neighbour])
      expect((await send("post", at(surveyId), caller, quotaOf()).expect(401)).body).toEqual(UNAUTHORIZED);
    expect((await send("get", at(surveyId)).expect(200)).body.meta.total).toBe(0);
  });

  it("has its effect once under an Idempotency-Key, and is noted in the audit log", async () => {
    const owner = await buildTenant(server.db);
    const surveyId = await buildQuotaSurvey(owner);
    const body = quotaOf();
    const post = () => send("post", at(surveyId), owner, body).set("idempotency-key", "once");
    const [first, second] = [await post().expect(201), await post().expect(201)];
    expect(second.body).toEqual(first.body);
    const path = `/api/v2/organizations/${owner.organizationId}/audit-log?targetType=quota`;
    const log = await send("get", path, owner).expect(200);
    const { id } = first.body.data;
    expect(log.body.data).toMatchObject([{ operation: "createQuota", action: "created", targetId: id, after: { id, surveyId } }]);
    expect(log.text).not.toContain("Customers");
  });
});

describe("GET /api/v2/management/surveys/{surveyId}/quotas", () => {
  it("answers 200 with those of the survey, page by page", async () => {
    const [surveyId, other] = [await buildQuotaSurvey(), await buildQuotaSurvey()];
    const [first, second] = [await create(surveyId, { name: "A" }), await create(surveyId, { name: "B" })];
    await create(other);
    expect((await send("get", `${at(surveyId)}?limit=1`).expect(200)).body).toEqual({
      data: [second],
      meta: { total: 2, limit: 1, offset: 0 },
    });
    expect((await send("get", `${at(surveyId)}?order=asc`).expect(200)).body.data).toEqual([first, second]);
    await send("get", `${at(surveyId)}?limit=0`).expect(422);
  });

  it("answers 404 to an unknown survey, 422 to what is no id, and 401 to a neighbour", async () => {
    await send("get", at(newId())).expect(404);
    await send("get", at("A-1")).expect(422);
    expect((await send("get", at(await buildQuotaSurvey()), neighbour).expect(401)).body).toEqual(UNAUTHORIZED);
  });
});

describe("/api/v2/management/surveys/{surveyId}/quotas/{quotaId}", () => {
  it("GET answers 200, 404 to an unknown one and to that of another survey, 422 and 401", async () => {
    const [surveyId, other] = [await buildQuotaSurvey(), await buildQuotaSurvey()];
    const quota = await create(surveyId);
    expect((await send("get", at(surveyId, quota.id)).expect(200)).body).toEqual({ data: quota });
    expect((await send("get", at(surveyId, newId())).expect(404)).body).toEqual(NOT_FOUND);
    expect((await send("get", at(other, quota.id)).expect(404)).body).toEqual(NOT_FOUND);
    expect((await send("get", at(surveyId, "A-1")).expect(422)).body).toEqual(problem(422, "quotaId", "Invalid cuid2"));
    expect((await send("get", at(surveyId, quota.id), neighbour).expect(401)).body).toEqual(UNAUTHORIZED);
  });

  it("PATCH answers 200 with what was changed, the rest as it was, and it holds at once", async () => {
    const surveyId = await buildQuotaSurvey();
    const quota = await create(surveyId, { countPartialSubmissions: true });
    await answer(surveyId, "Pro plan");
    expect(await answer(surveyId, "Pro plan")).toMatchObject({ quotaFull: true });
    const response = await send("patch", at(surveyId, quota.id), tenant, { limit: 2 }).expect(200);
    expect(response.body.data).toEqual({ ...quota, limit: 2, screenedIn: 1, updatedAt: ISO });
    expect(await answer(surveyId, "Pro plan")).toMatchObject({ quotaFull: false });
    const open = { action: "continueSurvey", endingCardId: null };
    expect((await send("patch", at(surveyId, quota.id), tenant, open).expect(200)).body.data).toMatchObject(open);
  });

  it("PATCH answers 409 to another quota's name, and 422 to what the whole may not be", async () => {
    const surveyId = await buildQuotaSurvey();
    const [quota, other] = [await create(surveyId), await create(surveyId, { name: "Others" })];
    expect((await send("patch", at(surveyId, quota.id), tenant, { name: other.name }).expect(409)).body).toEqual(TAKEN);
    expect((await send("patch", at(surveyId, quota.id), tenant, { endingCardId: null }).expect(422)).body).toEqual(
      problem(422, "endingCardId", "An ending is required to end the survey"),
    );
    await send("patch", at(surveyId, quota.id), tenant, { limit: "many" }).expect(422);
  });

  it("PATCH answers 422 to an imported one that nobody can read, until its logic is set right", async () => {
    const surveyId = await buildQuotaSurvey();
    const { id } = await create(surveyId);
    const { environmentId } = tenant;
    const where = { environmentId_id: { environmentId, id } };
    await server.db.prisma.surveyQuota.update({ where, data: { logic: { of: "another time" } } });
    expect((await send("get", at(surveyId, id)).expect(200)).body.data.logic).toEqual({ of: "another time" });
    await send("patch", at(surveyId, id), tenant, { limit: 5 }).expect(422);
    await send("patch", at(surveyId, id), tenant, { limit: 5, logic: onPlan("free") }).expect(200);
  });

  it("PATCH answers 400 to no JSON, 404 to an unknown one, 401 to who may only read and to a neighbour", async () => {
    const surveyId = await buildQuotaSurvey();
    const { id } = await create(surveyId);
    await send("patch", at(surveyId, id), tenant, "{").expect(400);
    await send("patch", at(surveyId, newId()), tenant, { limit: 5 }).expect(404);
    await send("patch", at(surveyId, id), await keyOf("read"), { limit: 5 }).expect(401);
    await send("patch", at(surveyId, id), neighbour, { limit: 5 }).expect(401);
  });

  it("DELETE answers 200 with what it was, and nothing is counted any more", async () => {
    const surveyId = await buildQuotaSurvey();
    const quota = await create(surveyId);
    await answer(surveyId, "Pro plan");
    const response = await send("delete", at(surveyId, quota.id)).expect(200);
    expect(response.body).toEqual({ data: { ...quota, screenedIn: 1 } });
    expect(await answer(surveyId, "Pro plan")).toMatchObject({ quotaFull: false });
    expect((await send("delete", at(surveyId, quota.id)).expect(404)).body).toEqual(NOT_FOUND);
  });

  it("DELETE answers 401 to a key that may only write, and to a neighbour", async () => {
    const surveyId = await buildQuotaSurvey();
    const { id } = await create(surveyId);
    await send("delete", at(surveyId, id), await keyOf("write")).expect(401);
    await send("delete", at(surveyId, id), neighbour).expect(401);
    await send("delete", at(surveyId, "A-1")).expect(422);
  });
});
