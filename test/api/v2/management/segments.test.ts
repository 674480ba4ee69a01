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

const PATH = "/api/v2/management/segments";
const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const ID = expect.stringMatching(/^c[a-z0-9]{24}$/);
const UNAUTHORIZED = { error: { code: 401, message: "Unauthorized" } };
const FORBIDDEN = { error: { code: 403, message: "Forbidden" } };

const MESSAGES: Record<number, string> = { 400: "Bad Request", 404: "Not Found", 409: "Conflict", 422: "Unprocessable Entity" };
const problem = (code: number, ...details: [field: string, issue: string][]) => ({
  error: { code, message: MESSAGES[code], details: details.map(([field, issue]) => ({ field, issue })) },
});
const NOT_FOUND = problem(404, ["segment", "not found"]);

type Method = "get" | "post" | "patch" | "delete";
const send = (method: Method, path: string, { apiKey }: { apiKey: string } = tenant, body?: unknown) => {
  const request = server.request[method](path).set("x-api-key", apiKey);
  return body === undefined ? request : request.send(typeof body === "string" ? body : JSON.stringify(body));
};

const leaf = (root: Record<string, string>, operator: string, value?: unknown) => ({
  id: newId(),
  connector: null,
  resource: { id: newId(), root, qualifier: { operator }, ...(value !== undefined && { value }) },
});
const onPlan = (plan: string) => [leaf({ type: "attribute", contactAttributeKey: "plan" }, "equals", plan)];
const isIn = (segmentId: string) => [leaf({ type: "segment", segmentId }, "userIsIn", segmentId)];

async function create(body: Record<string, unknown> = {}, owner: Tenant = tenant) {
  const { environmentId } = owner;
  const given = { environmentId, title: `Segment ${newId()}`, filters: onPlan("pro"), ...body };
  return (await send("post", PATH, owner, given).expect(201)).body.data;
}

const keyOf = async (permission: "read" | "write" | "manage") => ({
  apiKey: await buildApiKey(server.db, { ...tenant, permissions: { [tenant.environmentId]: permission } }),
});

describe("POST /api/v2/management/segments", () => {
  it("answers 201 with the segment under both names of its environment", async () => {
    const { environmentId } = tenant;
    const filters = onPlan("pro");
    const body = { workspaceId: environmentId, title: " Pro plan ", description: "Pays", filters, unknown: 1 };
    const response = await send("post", PATH, tenant, body).expect(201);
    expect(response.body).toEqual({
      data: {
        id: ID,
        createdAt: ISO,
        updatedAt: ISO,
        title: "Pro plan",
        description: "Pays",
        isPrivate: false,
        filters,
        surveys: [],
        workspaceId: environmentId,
        environmentId,
      },
    });
  });

  it("takes the environment's legacy id, and workspaceId before environmentId", async () => {
    const legacyId = newId();
    await server.db.prisma.environment.update({ where: { id: tenant.developmentId }, data: { legacyId } });
    const segment = await create({ workspaceId: legacyId, environmentId: tenant.environmentId });
    expect(segment.environmentId).toBe(tenant.developmentId);
  });

  it("is known to identify at once", async () => {
    const path = `/api/v2/client/${tenant.environmentId}/user`;
    const identify = async () =>
      (
        await server.request
          .post(path)
          .send({ userId: "at-once", attributes: { plan: "instant" } })
          .expect(200)
      ).body;
    await identify();
    const { id } = await create({ filters: onPlan("instant") });
    expect((await identify()).data.state.data.segments).toContain(id);
    await send("patch", `${PATH}/${id}`, tenant, { filters: onPlan("other") }).expect(200);
    expect((await identify()).data.state.data.segments).not.toContain(id);
  });

  it.each<[string, unknown, string]>([
    ["an unparsable body", "{", "Malformed JSON input, please check your request body"],
    ["no body", "", "Malformed JSON input, please check your request body"],
  ])("answers 400 to %s", async (_title, body, issue) => {
    expect((await send("post", PATH, tenant, body).expect(400)).body).toEqual(problem(400, ["error", issue]));
  });

  it.each([{}, [], null, "text", { workspaceId: 5 }, { environmentId: "" }])(
    "answers 400 to %j, naming no environment",
    async (body) => {
      const response = await send("post", PATH, tenant, JSON.stringify(body)).expect(400);
      expect(response.body).toEqual(problem(400, ["workspaceId", "workspaceId must be provided"]));
    },
  );

  it.each([newId(), "Nope!", "a\u0000"])(
    "answers 404 to the environment %j, before the rest of the body",
    async (workspaceId) => {
      const response = await send("post", PATH, tenant, { workspaceId }).expect(404);
      expect(response.body).toEqual(problem(404, ["workspaceId", "workspace not found"]));
    },
  );

  it("answers 403 to a key that may only read, and for a neighbour's environment", async () => {
    const body = { environmentId: tenant.environmentId };
    expect((await send("post", PATH, await keyOf("read"), body).expect(403)).body).toEqual(FORBIDDEN);
    expect((await send("post", PATH, neighbour, body).expect(403)).body).toEqual(FORBIDDEN);
  });

  it("answers 409 to a title that the environment has, also when two come at once", async () => {
    const title = `Title ${newId()}`;
    const body = { environmentId: tenant.environmentId, title, filters: onPlan("pro") };
    const responses = await Promise.all([1, 2, 3].map(() => send("post", PATH, tenant, body)));
    expect(responses.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
    const refused = responses.find(({ status }) => status === 409);
    expect(refused?.body).toEqual(problem(409, ["title", "A segment with this title already exists"]));
    await create({ title, environmentId: tenant.developmentId });
  });

  it("answers 422 with the fields that are missing or wrong", async () => {
    const { environmentId } = tenant;
    expect((await send("post", PATH, tenant, { environmentId }).expect(422)).body).toEqual(
      problem(
        422,
        ["title", "Invalid input: expected string, received undefined"],
        ["filters", "Invalid input: expected array, received undefined"],
      ),
    );
    const body = { environmentId, title: " ", filters: [], isPrivate: "no" };
    expect((await send("post", PATH, tenant, body).expect(422)).body.error.details).toMatchObject([
      { field: "title" },
      { field: "isPrivate" },
    ]);
  });

  it("answers 422 with the rules that the filters break", async () => {
    const { environmentId } = tenant;
    const foreign = await create({}, neighbour);
    const seen = { surveyScope: "specific", surveyIds: [newId()], within: { amount: 1, unit: "days" } };
    const details = async (filters: unknown) =>
      (await send("post", PATH, tenant, { environmentId, title: "Refused", filters }).expect(422)).body.error.details;
    expect(await details([])).toEqual([{ field: "filters", issue: "At least one filter is required" }]);
    expect(await details(isIn(foreign.id))).toEqual([{ field: "filters.0.resource.root.segmentId", issue: "No such segment" }]);
    expect(await details([leaf({ type: "surveyInteraction" }, "haveSeen", seen)])).toEqual([
      { field: "filters.0.resource.value.surveyIds.0", issue: "No such survey" },
    ]);
    expect(await details([leaf({ type: "attribute", contactAttributeKey: "age" }, "lessThan", "5")])).toEqual([
      { field: "filters.0.resource.value", issue: "The value must be a number" },
    ]);
  });

  it("answers 422 to filters nested however deeply", async () => {
    const depth = 50_000;
    const nested = `${'[{"id":"a","connector":null,"resource":'.repeat(depth)}[]${"}]".repeat(depth)}`;
    const body = `{"environmentId":"${tenant.environmentId}","title":"Deep","filters":${nested}}`;
    expect((await send("post", PATH, tenant, body).expect(422)).body).toEqual(problem(422, ["filters", "Nested too deeply"]));
  });
});

describe("GET /api/v2/management/segments", () => {
  it("answers 200 with the segments of all environments that the key may read, newest first, page by page", async () => {
    const owner = await buildTenant(server.db);
    const first = await create({}, owner);
    const second = await create({ environmentId: owner.developmentId }, owner);
    const all = await send("get", PATH, owner).expect(200);
    expect(all.body).toEqual({ data: [second, first], meta: { total: 2, limit: 50, offset: 0 } });
    const page = await send("get", `${PATH}?limit=1&skip=1&order=asc`, owner).expect(200);
    expect(page.body).toEqual({ data: [second], meta: { total: 2, limit: 1, offset: 1 } });
    const one = await send("get", `${PATH}?workspaceId=${owner.environmentId}`, owner).expect(200);
    expect(one.body.data).toEqual([first]);
    const none = await send("get", `${PATH}?endDate=2001-01-01&skip=${Number.MAX_SAFE_INTEGER}`, owner).expect(200);
    expect(none.body).toEqual({ data: [], meta: { total: 0, limit: 50, offset: Number.MAX_SAFE_INTEGER } });
  });

  it("shows filters of any shape, as an import may have left them", async () => {
    const owner = await buildTenant(server.db);
    const data = { id: newId(), environmentId: owner.environmentId, title: "Odd", filters: { odd: [1] } };
    await server.db.prisma.segment.create({ data });
    expect((await send("get", PATH, owner).expect(200)).body.data).toMatchObject([{ filters: { odd: [1] } }]);
  });

  it.each(["limit=1.5", "limit=0", "limit=251", "skip=-1", "order=up"])("answers 422 to ?%s", async (query) => {
    const response = await send("get", `${PATH}?${query}`).expect(422);
    expect(response.body.error.details).toMatchObject([{ field: query.split("=")[0] }]);
  });

  it("answers 401 for an environment that the key may not read or that does not exist", async () => {
    for (const id of [neighbour.environmentId, newId(), "Nope!"])
      expect((await send("get", `${PATH}?environmentId=${id}`).expect(401)).body).toEqual(UNAUTHORIZED);
  });
});

describe("the routes of one segment", () => {
  const ROUTES: [Method, string][] = [
    ["get", ""],
    ["patch", ""],
    ["delete", ""],
    ["get", "/contacts"],
    ["get", "/count"],
    ["get", "/explain?userId=u"],
  ];

  it.each(ROUTES)("%s %s answers 404 to an unknown id and 422 to what is none", async (method, suffix) => {
    const body = method === "patch" ? {} : undefined;
    expect((await send(method, `${PATH}/${newId()}${suffix}`, tenant, body).expect(404)).body).toEqual(NOT_FOUND);
    expect((await send(method, `${PATH}/Nope!${suffix}`, tenant, body).expect(422)).body).toEqual(
      problem(422, ["segmentId", "Invalid cuid2"]),
    );
  });

  it.each(ROUTES)(
    "%s %s answers 401 for a neighbour's segment, without a key and to a key without environments",
    async (method, suffix) => {
      const { id } = await create();
      const body = method === "patch" ? {} : undefined;
      const orgOnly = await buildTenant(server.db, { permission: null });
      for (const caller of [neighbour, orgOnly, { apiKey: "" }])
        expect((await send(method, `${PATH}/${id}${suffix}`, caller, body).expect(401)).body).toEqual(UNAUTHORIZED);
    },
  );

  it("need read to be read, write to be changed and manage to be deleted", async () => {
    const { id } = await create();
    const [read, write, manage] = [await keyOf("read"), await keyOf("write"), await keyOf("manage")];
    await send("get", `${PATH}/${id}`, read).expect(200);
    await send("patch", `${PATH}/${id}`, read, {}).expect(401);
    await send("patch", `${PATH}/${id}`, write, {}).expect(200);
    await send("delete", `${PATH}/${id}`, write).expect(401);
    await send("delete", `${PATH}/${id}`, manage).expect(200);
  });

  it("find the caller's own segment where a neighbour has one of the same id", async () => {
    const id = newId();
    for (const { environmentId } of [neighbour, tenant])
      await server.db.prisma.segment.create({ data: { id, environmentId, title: id } });
    for (const owner of [neighbour, tenant])
      expect((await send("get", `${PATH}/${id}`, owner).expect(200)).body.data.environmentId).toBe(owner.environmentId);
  });
});

describe("PATCH /api/v2/management/segments/{id}", () => {
  it("answers 200 and changes only what is given", async () => {
    const segment = await create({ description: "Before" });
    const title = `Renamed ${newId()}`;
    const renamed = (await send("patch", `${PATH}/${segment.id}`, tenant, { title }).expect(200)).body.data;
    expect(renamed).toEqual({ ...segment, title, updatedAt: ISO });
    const cleared = await send("patch", `${PATH}/${segment.id}`, tenant, { description: null, filters: [], isPrivate: true });
    expect(cleared.body.data).toEqual({ ...renamed, description: null, filters: [], isPrivate: true, updatedAt: ISO });
    expect((await send("get", `${PATH}/${segment.id}`)).body).toEqual(cleared.body);
  });

  it("answers 409 to another segment's title, and takes its own", async () => {
    const [one, other] = [await create(), await create()];
    const response = await send("patch", `${PATH}/${one.id}`, tenant, { title: other.title }).expect(409);
    expect(response.body).toEqual(problem(409, ["title", "A segment with this title already exists"]));
    await send("patch", `${PATH}/${one.id}`, tenant, { title: one.title }).expect(200);
  });

  it("answers 422 to filters that lead back to the segment", async () => {
    const inner = await create();
    const outer = await create({ filters: isIn(inner.id) });
    const response = await send("patch", `${PATH}/${inner.id}`, tenant, { filters: isIn(outer.id) }).expect(422);
    expect(response.body).toEqual(problem(422, ["filters.0.resource.root.segmentId", "A segment must not refer to itself"]));
  });
});

describe("DELETE /api/v2/management/segments/{id}", () => {
  it("answers 200 with the segment that was", async () => {
    const segment = await create();
    expect((await send("delete", `${PATH}/${segment.id}`).expect(200)).body).toEqual({ data: segment });
    await send("get", `${PATH}/${segment.id}`).expect(404);
  });

  it("answers 409 with the surveys and segments that use it", async () => {
    const { environmentId } = tenant;
    const segment = await create();
    const outer = await create({ title: `Outer ${segment.id}`, filters: isIn(segment.id) });
    const survey = { id: newId(), environmentId, name: "Pulse", type: "app" as const, segmentId: segment.id, document: {} };
    await server.db.prisma.survey.create({ data: survey });
    const response = await send("delete", `${PATH}/${segment.id}`).expect(409);
    expect(response.body.error.details).toEqual([
      { field: "surveys", issue: `The survey "Pulse" (${survey.id}) uses this segment`, meta: { id: survey.id } },
      { field: "segments", issue: `The segment "${outer.title}" (${outer.id}) uses this segment`, meta: { id: outer.id } },
    ]);
    expect((await send("get", `${PATH}/${segment.id}`).expect(200)).body.data.surveys).toEqual([survey.id]);
  });
});

describe("the contacts of a segment", () => {
  it("are listed page by page, newest first, and counted", async () => {
    const { environmentId } = tenant;
    const { id } = await create({ filters: onPlan("listed") });
    const attributes = { plan: "listed", seats: 5 };
    const first = await buildContact(server.db, { environmentId, userId: newId(), attributes });
    const second = await buildContact(server.db, { environmentId, email: `${newId()}@example.com`, attributes });
    const response = await send("get", `${PATH}/${id}/contacts?limit=1`).expect(200);
    expect(response.body).toEqual({
      data: [
        {
          id: second.id,
          createdAt: ISO,
          updatedAt: ISO,
          userId: null,
          email: expect.stringContaining("@"),
          attributes,
          workspaceId: environmentId,
          environmentId,
        },
      ],
      meta: { total: 2, limit: 1, offset: 0 },
    });
    expect((await send("get", `${PATH}/${id}/contacts?skip=1`).expect(200)).body.data).toMatchObject([{ id: first.id }]);
    expect((await send("get", `${PATH}/${id}/contacts?skip=${Number.MAX_SAFE_INTEGER}`).expect(200)).body.data).toEqual([]);
    await send("get", `${PATH}/${id}/contacts?limit=1.5`).expect(422);
    expect((await send("get", `${PATH}/${id}/count`).expect(200)).body).toEqual({ data: { count: 2 } });
  });
});

describe("GET /api/v2/management/segments/{id}/explain", () => {
  it("answers 200 with the filter that decided and what the contact has there", async () => {
    const { environmentId } = tenant;
    const userId = newId();
    const contact = await buildContact(server.db, { environmentId, userId, attributes: { plan: "free" } });
    const filters = onPlan("pro");
    const { id } = await create({ filters });
    const decidedBy = {
      id: filters[0]?.resource.id,
      root: "attribute",
      about: "plan",
      operator: "equals",
      value: "pro",
      contactValue: "free",
      matches: false,
    };
    const response = await send("get", `${PATH}/${id}/explain?userId=${userId}`).expect(200);
    expect(response.body).toEqual({
      data: {
        segmentId: id,
        contactId: contact.id,
        userId,
        evaluatedAt: ISO,
        matches: false,
        decidedBy,
        issues: [],
        tree: { matches: false, anyOf: [{ matches: false, allOf: [decidedBy] }] },
      },
    });
    const byId = await send("get", `${PATH}/${id}/explain?contactId=${contact.id}`).expect(200);
    expect(byId.body.data.decidedBy).toEqual(decidedBy);
  });

  it("looks into segments of segments, and counts displays", async () => {
    const { environmentId } = tenant;
    const { id: contactId } = await buildContact(server.db, { environmentId, userId: newId() });
    const survey = { id: newId(), environmentId, name: "Seen", type: "app" as const, document: {} };
    await server.db.prisma.survey.create({ data: survey });
    await server.db.prisma.display.create({ data: { id: newId(), environmentId, surveyId: survey.id, contactId } });
    const value = { surveyScope: "specific", surveyIds: [survey.id], within: { amount: 1, unit: "days" } };
    const inner = await create({ filters: [leaf({ type: "surveyInteraction" }, "haveSeen", value)] });
    const outer = await create({ filters: isIn(inner.id) });
    const { body } = await send("get", `${PATH}/${outer.id}/explain?contactId=${contactId}`).expect(200);
    expect(body.data).toMatchObject({
      matches: true,
      decidedBy: {
        root: "segment",
        about: inner.id,
        contactValue: true,
        segment: { segmentId: inner.id, matches: true, decidedBy: { root: "surveyInteraction", contactValue: 1, matches: true } },
      },
    });
  });

  it("takes a device for filters about it", async () => {
    const { environmentId } = tenant;
    const { id: contactId } = await buildContact(server.db, { environmentId, userId: newId() });
    const { id } = await create({ filters: [leaf({ type: "device", deviceType: "phone" }, "equals", "phone")] });
    const explain = async (query = "") =>
      (await send("get", `${PATH}/${id}/explain?contactId=${contactId}${query}`).expect(200)).body.data;
    expect(await explain()).toMatchObject({ matches: false, decidedBy: { contactValue: null } });
    expect(await explain("&device=phone")).toMatchObject({ matches: true, decidedBy: { contactValue: "phone" } });
  });

  it("answers in time for segments that double at every step", async () => {
    const owner = await buildTenant(server.db);
    const { environmentId } = owner;
    const { id: contactId } = await buildContact(server.db, { environmentId, attributes: { plan: "pro" } });
    const chain = [{ id: newId(), filters: onPlan("pro") as unknown[] }];
    for (let step = 1; step <= 30; step++) {
      const inner = chain[step - 1]?.id ?? "";
      chain.push({ id: newId(), filters: [...isIn(inner), ...isIn(inner)] });
    }
    for (const { id, filters } of chain)
      await server.db.query(
        `insert into segments ("environmentId", id, title, filters, "updatedAt") values ($1, $2, $2, $3, now())`,
        [environmentId, id, JSON.stringify(filters)],
      );
    const { body } = await send("get", `${PATH}/${chain.at(-1)?.id}/explain?contactId=${contactId}`, owner).expect(200);
    expect(body.data.matches).toBe(true);
  });

  it("answers 200 for a segment that cannot be read, and says why", async () => {
    const { environmentId } = tenant;
    const { id: contactId } = await buildContact(server.db, { environmentId, userId: newId() });
    const id = newId();
    await server.db.prisma.segment.create({ data: { id, environmentId, title: id, filters: { odd: 1 } } });
    const { body } = await send("get", `${PATH}/${id}/explain?contactId=${contactId}`).expect(200);
    expect(body.data).toMatchObject({ matches: false, decidedBy: null, tree: null, issues: ["filters are not a list"] });
  });

  it("answers 404 to an unknown contact and to a neighbour's, 422 when none is named", async () => {
    const { id } = await create();
    const foreign = await buildContact(server.db, { environmentId: neighbour.environmentId, userId: newId() });
    for (const query of [`userId=${newId()}`, `contactId=${foreign.id}`])
      expect((await send("get", `${PATH}/${id}/explain?${query}`).expect(404)).body).toEqual(
        problem(404, ["contact", "not found"]),
      );
    expect((await send("get", `${PATH}/${id}/explain`).expect(422)).body).toEqual(
      problem(422, ["contactId", "Either contactId or userId must be provided"]),
    );
  });
});
