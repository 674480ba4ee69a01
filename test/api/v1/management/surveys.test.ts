import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newId } from "../../../../src/shared/ids.ts";
import { buildApiKey, buildContact, buildTenant, type Tenant } from "../../../support/build.ts";
import { startTestServer, type TestServer } from "../../../support/server.ts";
import { ALL_ELEMENTS } from "./all-elements.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ PUBLIC_URL: "https://forms.acme.test" });
});
afterAll(() => server.close());

const PATH = "/api/v1/management/surveys";
const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const ID = expect.stringMatching(/^c[a-z0-9]{24}$/);
const NO_PERMISSION = { code: "unauthorized", message: "You are not authorized to access this resource", details: {} };
const message = (text: string) => ({ code: "bad_request", message: text, details: {} });
const fields = (details: Record<string, unknown>) => ({
  code: "bad_request",
  message: "Fields are missing or incorrectly formatted",
  details,
});
const notFound = (id: string, type = "Survey") => ({
  code: "not_found",
  message: `${type} not found`,
  details: { resource_id: id, resource_type: type },
});

const post = (apiKey: string, body: object) => server.request.post(PATH).set("x-api-key", apiKey).send(body);
const put = (apiKey: string, id: string, body: object) => server.request.put(`${PATH}/${id}`).set("x-api-key", apiKey).send(body);
const get = (apiKey: string, path = "") => server.request.get(`${PATH}${path}`).set("x-api-key", apiKey);
const remove = (apiKey: string, id: string) => server.request.delete(`${PATH}/${id}`).set("x-api-key", apiKey);

const QUESTION = { id: "q1", type: "openText", headline: { default: "Hi?" }, required: true };
const LINK = { name: "Pulse", type: "link", questions: [QUESTION] };
const APP = { name: "In app", type: "app", questions: [QUESTION] };
const FILTER = {
  id: "f1",
  connector: null,
  resource: {
    id: "r1",
    root: { type: "attribute", contactAttributeKey: "plan" },
    value: "pro",
    qualifier: { operator: "equals" },
  },
};

interface Shown {
  id: string;
  updatedAt: string;
  segment: { id: string; title: string; isPrivate: boolean; filters: unknown[]; surveys: string[] } | null;
  [member: string]: unknown;
}

/** Creates a survey and reads it. */
async function create({ apiKey, environmentId }: Tenant, body: object): Promise<Shown> {
  const { id } = (await post(apiKey, { workspaceId: environmentId, ...body }).expect(200)).body.data;
  return read(apiKey, id);
}

const read = async (apiKey: string, id: string): Promise<Shown> => (await get(apiKey, `/${id}`).expect(200)).body.data;

async function createActionClass({ apiKey, environmentId }: Tenant): Promise<string> {
  const body = { workspaceId: environmentId, name: newId(), type: "code", key: newId() };
  const response = await server.request.post("/api/v1/management/action-classes").set("x-api-key", apiKey).send(body).expect(200);
  return response.body.data.id;
}

const segmentCount = (environmentId: string): Promise<number> => server.db.prisma.segment.count({ where: { environmentId } });

describe("POST /api/v1/management/surveys", () => {
  it("answers 200 with the survey in both generations", async () => {
    const { apiKey, environmentId } = await buildTenant(server.db);
    const { body } = await post(apiKey, { workspaceId: environmentId, ...LINK }).expect(200);
    const element = { ...QUESTION, inputType: "text", charLimit: { enabled: false }, insightsEnabled: false };
    expect(body.data).toEqual({
      ...{ id: ID, createdAt: ISO, updatedAt: ISO, name: "Pulse", type: "link", status: "draft", createdBy: null },
      ...{ workspaceId: environmentId, environmentId },
      welcomeCard: { enabled: false, timeToFinish: true, showResponseCount: false },
      questions: [element],
      blocks: [{ id: ID, name: "Block 1", elements: [element] }],
      ...{ endings: [], hiddenFields: { enabled: false }, variables: [], displayOption: "displayOnce" },
      ...{ recontactDays: null, displayLimit: null, autoClose: null, delay: 0, displayPercentage: null, autoComplete: null },
      ...{ publishOn: null, closeOn: null, archivedAt: null, redirectUrl: null, workspaceOverwrites: null },
      ...{ isVerifyEmailEnabled: false, isSingleResponsePerEmailEnabled: false, isBackButtonHidden: false },
      ...{ isAutoProgressingEnabled: false, isCaptureIpEnabled: false, styling: null, surveyClosedMessage: null },
      ...{ singleUse: { enabled: false, isEncrypted: true }, pin: null, showLanguageSwitch: null },
      ...{ recaptcha: { enabled: false, threshold: 0.1 }, metadata: {}, customHeadScripts: null, customHeadScriptsMode: "add" },
      ...{ languages: [], triggers: [], segment: null, followUps: [], slug: null, projectOverwrites: null },
    });
    expect(await read(apiKey, body.data.id)).toEqual(body.data);
  });

  it("gives an app survey a private segment of its own, without filters or with those given", async () => {
    const tenant = await buildTenant(server.db);
    const plain = await create(tenant, APP);
    expect(plain.segment).toEqual({
      ...{ id: ID, createdAt: ISO, updatedAt: ISO, title: plain.id, description: null, isPrivate: true, filters: [] },
      ...{ surveys: [plain.id], workspaceId: tenant.environmentId },
    });
    const aimed = await create(tenant, { ...APP, segment: { filters: [FILTER] } });
    expect(aimed.segment).toMatchObject({ title: aimed.id, isPrivate: true, filters: [FILTER] });
    const copied = await create(tenant, { ...APP, segment: aimed.segment });
    expect(copied.segment).toMatchObject({ title: copied.id, filters: [FILTER], surveys: [copied.id] });
    expect((await create(tenant, LINK)).segment).toBeNull();
  });

  it("shares a segment that is not private, and answers 404 to one of another environment", async () => {
    const tenant = await buildTenant(server.db);
    const { environmentId, developmentId, apiKey } = tenant;
    const shared = { id: newId(), title: "Pro", isPrivate: false, filters: [FILTER] };
    await server.db.prisma.segment.create({ data: { environmentId, ...shared } });
    const survey = await create(tenant, { ...APP, segment: { id: shared.id } });
    expect(survey.segment).toMatchObject({ ...shared, surveys: [survey.id] });
    const elsewhere = await post(apiKey, { workspaceId: developmentId, ...APP, segment: { id: shared.id } }).expect(404);
    expect(elsewhere.body).toEqual(notFound(shared.id, "Segment"));
    expect(await segmentCount(developmentId)).toBe(0);
  });

  it("takes triggers and languages of the environment, by what names them", async () => {
    const tenant = await buildTenant(server.db);
    const id = await createActionClass(tenant);
    const survey = await create(tenant, {
      ...APP,
      status: "inProgress",
      triggers: [{ actionClass: { id } }],
      languages: [{ language: { code: "en-US" }, default: true, enabled: true }],
    });
    expect(survey.triggers).toEqual([
      { actionClass: expect.objectContaining({ id, type: "code", workspaceId: tenant.environmentId }) },
    ]);
    expect(survey.languages).toEqual([
      {
        ...{ default: true, enabled: true },
        language: { id: ID, code: "en-US", alias: null, createdAt: ISO, updatedAt: ISO, workspaceId: tenant.environmentId },
      },
    ]);
  });

  it("keeps a creator of the organization and drops an unknown one", async () => {
    const tenant = await buildTenant(server.db);
    expect((await create(tenant, { ...LINK, createdBy: tenant.ownerId })).createdBy).toBe(tenant.ownerId);
    expect((await create(tenant, { ...LINK, createdBy: newId() })).createdBy).toBeNull();
  });

  it.each([
    ["no name", { name: undefined }, fields({ name: "Invalid input: expected string, received undefined" })],
    ["another type", { type: "web" }, fields({ type: 'Invalid option: expected one of "link"|"app"' })],
    ["no content", { questions: [] }, fields({ questions: "Must provide either questions or blocks. Both cannot be empty." })],
    ["an unknown question", { questions: [{ id: "q1", type: "nope" }] }, fields({ "questions.0": "Invalid input" })],
    ["an unknown trigger", { triggers: [{ actionClass: { id: "nowhere" } }] }, message("Invalid trigger id")],
    [
      "an app survey that is live without a trigger",
      { type: "app", status: "inProgress" },
      message("An app survey must have at least one trigger to be set to a non-draft status."),
    ],
    [
      "a close date before the publish date",
      { publishOn: "2030-01-02", closeOn: "2030-01-01" },
      message("Close date must be after publish date"),
    ],
    [
      "filters that refer to nothing",
      {
        type: "app",
        segment: {
          filters: [
            {
              ...FILTER,
              resource: {
                ...FILTER.resource,
                root: { type: "segment", segmentId: "nowhere" },
                qualifier: { operator: "userIsIn" },
              },
            },
          ],
        },
      },
      fields({ "segment.filters.0.resource.root.segmentId": "No such segment" }),
    ],
    ["a slug that no index takes", { slug: "x".repeat(3000) }, fields({ slug: "Must not be longer than 2000 characters" })],
    ["text that cannot be stored", { name: "a\u0000b" }, expect.objectContaining({ code: "bad_request" })],
  ])("answers 400 to %s, and writes nothing", async (_name, changes, body) => {
    const { apiKey, environmentId } = await buildTenant(server.db);
    expect((await post(apiKey, { workspaceId: environmentId, ...LINK, ...changes }).expect(400)).body).toEqual(body);
    expect(await server.db.prisma.survey.count({ where: { environmentId } })).toBe(0);
    expect(await segmentCount(environmentId)).toBe(0);
  });

  it("answers 404 to a language the environment does not have", async () => {
    const { apiKey, environmentId } = await buildTenant(server.db);
    const { body } = await post(apiKey, { workspaceId: environmentId, ...LINK, languages: [{ language: "fr" }] }).expect(404);
    expect(body).toEqual(notFound("fr", "Language"));
  });

  it("answers 409 to a slug that another survey has", async () => {
    const tenant = await buildTenant(server.db);
    const first = await create(tenant, { ...LINK, slug: "pulse" });
    const { body } = await post(tenant.apiKey, { workspaceId: tenant.environmentId, ...LINK, slug: "pulse" }).expect(409);
    expect(body).toEqual({ code: "conflict", message: "Survey with slug pulse already exists", details: {} });
    await put(tenant.apiKey, first.id, { name: "Keeps its slug", slug: "pulse" }).expect(200);
    const other = await create(tenant, LINK);
    await put(tenant.apiKey, other.id, { slug: "pulse" }).expect(409);
  });

  it("answers 401 to a neighbour's environment and to a key that may only read", async () => {
    const [tenant, neighbour] = [await buildTenant(server.db), await buildTenant(server.db)];
    const readKey = await buildApiKey(server.db, { ...tenant, permissions: { [tenant.environmentId]: "read" } });
    for (const apiKey of [neighbour.apiKey, readKey])
      expect((await post(apiKey, { workspaceId: tenant.environmentId }).expect(401)).body).toEqual(NO_PERMISSION);
  });
});

describe("GET /api/v1/management/surveys", () => {
  it("lists those of the key's environments, last changed first, in pages, without archived ones", async () => {
    const tenant = await buildTenant(server.db);
    await create(await buildTenant(server.db), LINK);
    const [first, second, third] = [await create(tenant, LINK), await create(tenant, LINK), await create(tenant, LINK)];
    await put(tenant.apiKey, first.id, { name: "Changed" }).expect(200);
    const where = { environmentId_id: { environmentId: tenant.environmentId, id: third.id } };
    await server.db.prisma.survey.update({ where, data: { archivedAt: new Date() } });
    const ids = async (query: string) => (await get(tenant.apiKey, query).expect(200)).body.data.map(({ id }: Shown) => id);
    expect(await ids("")).toEqual([first.id, second.id]);
    expect(await ids("?limit=1")).toEqual([first.id]);
    expect(await ids("?limit=1&offset=1")).toEqual([second.id]);
    expect(await ids("?skip=1")).toEqual([second.id]);
    expect(await ids("?limit=")).toEqual([]);
    await get(tenant.apiKey, `/${third.id}`).expect(200);
  });

  it("answers 400 to a limit that is no count", async () => {
    const { apiKey } = await buildTenant(server.db);
    const text = "Validation failed: Invalid input: expected number, received NaN";
    expect((await get(apiKey, "?limit=abc").expect(400)).body).toEqual(message(text));
    expect((await get(apiKey, "?limit=-1").expect(400)).body).toEqual(fields({ limit: "Too small: expected number to be >=0" }));
    expect((await get(apiKey, "?offset=1.5").expect(400)).body).toEqual(
      fields({ offset: "Invalid input: expected int, received number" }),
    );
  });

  it("answers 200 with nothing to a key without environments, which may do nothing else", async () => {
    const { apiKey } = await buildTenant(server.db, { permission: null });
    await get(apiKey).expect(200, { data: [] });
    for (const request of [get(apiKey, "/abc"), post(apiKey, {})])
      expect((await request.expect(401)).body.code).toBe("not_authenticated");
  });
});

describe("PUT /api/v1/management/surveys/{id}", () => {
  it("takes what was read back unchanged, with every type of element", async () => {
    const tenant = await buildTenant(server.db);
    const id = await createActionClass(tenant);
    const survey = await create(tenant, {
      ...{ name: "All types", type: "app", status: "inProgress", blocks: ALL_ELEMENTS, triggers: [{ actionClass: { id } }] },
      ...{ languages: [{ language: "en-US", default: true }], segment: { filters: [FILTER] } },
      ...{ projectOverwrites: { placement: "center", darkOverlay: true }, styling: { brandColor: { light: "#fff" } } },
    });
    const { body } = await put(tenant.apiKey, survey.id, survey).expect(200);
    expect(body.data).toEqual({ ...survey, updatedAt: ISO });
    const renamed = await put(tenant.apiKey, survey.id, { ...body.data, name: "Other" }).expect(200);
    expect(renamed.body.data).toEqual({ ...survey, name: "Other", updatedAt: ISO });
    expect(renamed.body.data.updatedAt > survey.updatedAt).toBe(true);
  });

  it("takes changed questions from who reads and writes both generations", async () => {
    const tenant = await buildTenant(server.db);
    const survey = await create(tenant, LINK);
    const questions = [{ ...QUESTION, headline: { default: "Changed" } }];
    const { body } = await put(tenant.apiKey, survey.id, { ...survey, questions }).expect(200);
    expect(body.data.blocks[0].elements[0].headline).toEqual({ default: "Changed" });
    const both = {
      questions: [{ ...QUESTION, id: "q3" }],
      blocks: [{ id: "b1", name: "B", elements: [{ ...QUESTION, id: "q2" }] }],
    };
    expect((await put(tenant.apiKey, survey.id, both).expect(400)).body).toEqual(
      message("Cannot provide both questions and blocks. Please provide only one of these fields."),
    );
  });

  it("takes an imported survey back that the model refuses, and shows it as it is stored", async () => {
    const { apiKey, environmentId } = await buildTenant(server.db);
    const id = newId();
    const blocks = [{ id: "b1", name: "", elements: [{ id: "a b", type: "unheard-of" }] }];
    await server.db.prisma.survey.create({
      data: {
        environmentId,
        id,
        name: "Old",
        type: "app",
        status: "inProgress",
        document: { blocks, metadata: null },
        refusal: "x",
      },
    });
    const survey = await read(apiKey, id);
    expect(survey).toMatchObject({ blocks, questions: [{ id: "a b", type: "unheard-of" }], metadata: null, segment: null });
    expect((await put(apiKey, id, survey).expect(200)).body.data).toEqual({ ...survey, updatedAt: ISO });
    expect((await put(apiKey, id, { ...survey, name: "New" }).expect(400)).body).toEqual(
      fields(expect.objectContaining({ "blocks.0.elements.0": "Invalid input" })),
    );
  });

  it("shows an imported survey of a time before blocks, and makes blocks when it is changed", async () => {
    const { apiKey, environmentId } = await buildTenant(server.db);
    const id = newId();
    const document = { questions: [QUESTION], blocks: [], displayOption: null };
    await server.db.prisma.survey.create({ data: { environmentId, id, name: "Old", type: "link", document } });
    expect(await read(apiKey, id)).toMatchObject({ questions: [QUESTION], blocks: [] });
    const { body } = await put(apiKey, id, { name: "New" }).expect(200);
    expect(body.data).toMatchObject({ name: "New", questions: [QUESTION], blocks: [{ name: "Block 1", elements: [QUESTION] }] });
  });

  it("ignores what no update changes", async () => {
    const tenant = await buildTenant(server.db);
    const survey = await create(tenant, LINK);
    const fixed = {
      id: newId(),
      createdAt: "2020-01-01",
      createdBy: tenant.ownerId,
      workspaceId: "x",
      environmentId: "x",
      archivedAt: "2020-01-01",
    };
    const { body } = await put(tenant.apiKey, survey.id, { ...fixed, updatedAt: "2020-01-01", name: "New" }).expect(200);
    expect(body.data).toEqual({ ...survey, name: "New", updatedAt: ISO });
  });

  it("replaces triggers and languages, and takes follow-ups away when told so", async () => {
    const tenant = await buildTenant(server.db);
    const [one, two] = [await createActionClass(tenant), await createActionClass(tenant)];
    const properties = {
      to: "a@acme.test",
      from: "b@acme.test",
      replyTo: [],
      subject: "S",
      body: "B",
      attachResponseData: false,
    };
    const followUp = { name: "F", trigger: { type: "response", properties: null }, action: { type: "send-email", properties } };
    const survey = await create(tenant, {
      ...{
        ...APP,
        triggers: [{ actionClass: { id: one } }],
        languages: [{ language: "en-US", default: true }],
        followUps: [followUp],
      },
    });
    const { body } = await put(tenant.apiKey, survey.id, { triggers: [{ actionClass: { id: two } }], languages: [] }).expect(200);
    expect(body.data.triggers).toEqual([{ actionClass: expect.objectContaining({ id: two }) }]);
    expect(body.data.languages).toEqual([]);
    expect(body.data.followUps).toEqual([{ ...followUp, id: ID, surveyId: survey.id, createdAt: ISO, updatedAt: ISO }]);
    const gone = await put(tenant.apiKey, survey.id, { followUps: [{ id: body.data.followUps[0].id, deleted: true }] }).expect(
      200,
    );
    expect(gone.body.data.followUps).toEqual([]);
    const other = await create(tenant, LINK);
    await put(tenant.apiKey, other.id, { followUps: [{ ...followUp, id: "f1" }] }).expect(200);
    await put(tenant.apiKey, survey.id, { followUps: [{ ...followUp, id: "f1" }] }).expect(409);
  });

  it("changes the survey's segment, and answers 400 to filters that break a rule", async () => {
    const tenant = await buildTenant(server.db);
    const survey = await create(tenant, APP);
    const segment = { ...survey.segment, filters: [FILTER], description: "Pro only" };
    const { body } = await put(tenant.apiKey, survey.id, { segment }).expect(200);
    expect(body.data.segment).toEqual({ ...segment, updatedAt: ISO });
    const broken = { ...segment, filters: [{ ...FILTER, connector: "and" }] };
    expect((await put(tenant.apiKey, survey.id, { segment: broken }).expect(400)).body).toEqual(
      fields({ "segment.filters.0.connector": "The first filter of a group has no connector" }),
    );
    await create(tenant, APP);
    const titled = await create(tenant, APP);
    await put(tenant.apiKey, titled.id, { segment: { ...titled.segment, title: survey.id } }).expect(409);
  });

  it("drops the private segment of a survey that becomes a link survey, and makes one on the way back", async () => {
    const tenant = await buildTenant(server.db);
    const survey = await create(tenant, APP);
    expect((await put(tenant.apiKey, survey.id, { type: "link" }).expect(200)).body.data.segment).toBeNull();
    expect(await segmentCount(tenant.environmentId)).toBe(0);
    const { body } = await put(tenant.apiKey, survey.id, { type: "app" }).expect(200);
    expect(body.data.segment).toMatchObject({ title: survey.id, isPrivate: true, filters: [] });
  });

  it("leaves a shared segment behind when its survey takes another or goes", async () => {
    const tenant = await buildTenant(server.db);
    const shared = { id: newId(), title: "Pro", isPrivate: false, filters: [FILTER] };
    await server.db.prisma.segment.create({ data: { environmentId: tenant.environmentId, ...shared } });
    const survey = await create(tenant, APP);
    await put(tenant.apiKey, survey.id, { segment: { id: shared.id } }).expect(200);
    expect(await segmentCount(tenant.environmentId)).toBe(1);
    await remove(tenant.apiKey, survey.id).expect(200);
    expect(await segmentCount(tenant.environmentId)).toBe(1);
  });

  it("drops dates that a new status overtakes, and keeps those at once that are due", async () => {
    const tenant = await buildTenant(server.db);
    const dates = { publishOn: "2090-01-01T00:00:00.000Z", closeOn: "2090-02-01T00:00:00.000Z" };
    const survey = await create(tenant, { ...LINK, status: "paused", ...dates });
    expect(survey).toMatchObject(dates);
    const change = async (body: object) => (await put(tenant.apiKey, survey.id, body).expect(200)).body.data;
    expect(await change({ status: "inProgress" })).toMatchObject({ publishOn: null, closeOn: dates.closeOn });
    expect(await change({ status: "completed" })).toMatchObject({ publishOn: null, closeOn: null });
    expect(await change({ status: "paused", publishOn: "2020-01-01" })).toMatchObject({ status: "inProgress", publishOn: null });
    expect(await change({ closeOn: "2020-01-01" })).toMatchObject({ status: "completed", closeOn: null });
  });

  it("answers 400 for an archived survey, to no JSON and to nonsense", async () => {
    const tenant = await buildTenant(server.db);
    const survey = await create(tenant, LINK);
    expect((await put(tenant.apiKey, survey.id, { status: "x" }).expect(400)).body).toEqual(
      fields({ status: expect.any(String) }),
    );
    expect((await put(tenant.apiKey, survey.id, []).expect(400)).body).toEqual(fields({ "": expect.any(String) }));
    const where = { environmentId_id: { environmentId: tenant.environmentId, id: survey.id } };
    await server.db.prisma.survey.update({ where, data: { archivedAt: new Date() } });
    const archived = message("This survey is archived. Restore it before editing.");
    expect((await put(tenant.apiKey, survey.id, { name: "N" }).expect(400)).body).toEqual(archived);
    expect((await put(tenant.apiKey, survey.id, survey).expect(400)).body).toEqual(archived);
  });
});

describe("DELETE /api/v1/management/surveys/{id}", () => {
  it("answers 200 with the survey and its segment's id; what belongs to it goes too", async () => {
    const tenant = await buildTenant(server.db);
    const { environmentId } = tenant;
    const survey = await create(tenant, { ...APP, triggers: [{ actionClass: { id: await createActionClass(tenant) } }] });
    const contactId = (await buildContact(server.db, { environmentId })).id;
    const display = await server.db.prisma.display.create({
      data: { id: newId(), environmentId, surveyId: survey.id, contactId },
    });
    const response = { id: newId(), environmentId, surveyId: survey.id, displayId: display.id, finished: true, data: {} };
    await server.db.prisma.response.create({ data: response });
    const { body } = await remove(tenant.apiKey, survey.id).expect(200);
    expect(body).toEqual({ data: { ...survey, segmentId: survey.segment?.id } });
    expect(await segmentCount(environmentId)).toBe(0);
    expect(await server.db.prisma.response.count({ where: { environmentId } })).toBe(0);
    expect(await server.db.prisma.display.count({ where: { environmentId } })).toBe(0);
    expect((await remove(tenant.apiKey, survey.id).expect(404)).body).toEqual(notFound(survey.id));
  });
});

describe("GET /api/v1/management/surveys/{id}/singleUseIds", () => {
  const links = (apiKey: string, id: string, query = "") => get(apiKey, `/${id}/singleUseIds${query}`);

  it("answers 200 with ten links, or as many as asked for, each with a signed id of its own", async () => {
    const tenant = await buildTenant(server.db);
    const { id } = await create(tenant, { ...LINK, singleUse: { enabled: true, isEncrypted: false } });
    const { data } = (await links(tenant.apiKey, id).expect(200)).body;
    expect(new Set(data).size).toBe(10);
    for (const link of data)
      expect(link).toMatch(new RegExp(`^https://forms\\.acme\\.test/s/${id}\\?suId=[a-z0-9]{25}&suToken=[0-9a-f]{64}$`));
    expect((await links(tenant.apiKey, id, "?limit=").expect(200)).body.data).toHaveLength(10);
    expect((await links(tenant.apiKey, id, "?limit=5000").expect(200)).body.data).toHaveLength(5000);
  });

  it("seals the id when the survey says so", async () => {
    const tenant = await buildTenant(server.db);
    const { id } = await create(tenant, { ...LINK, singleUse: { enabled: true, isEncrypted: true } });
    const { data } = (await links(tenant.apiKey, id, "?limit=1").expect(200)).body;
    expect([...new URL(data[0]).searchParams.keys()]).toEqual(["suId"]);
  });

  it("answers 400 to a survey without such links and to a limit that is none", async () => {
    const tenant = await buildTenant(server.db);
    const app = await create(tenant, APP);
    const off = await create(tenant, LINK);
    const { id } = await create(tenant, { ...LINK, singleUse: { enabled: true, isEncrypted: false } });
    const refusal = async (surveyId: string, query = "") => (await links(tenant.apiKey, surveyId, query).expect(400)).body;
    expect(await refusal(app.id)).toEqual(message("Single use links are only available for link surveys"));
    expect(await refusal(off.id, "?limit=0")).toEqual(message("Single use links are not enabled for this survey"));
    expect(await refusal(id, "?limit=0")).toEqual(message("Limit cannot be less than 1"));
    expect(await refusal(id, "?limit=5001")).toEqual(message("Limit cannot be more than 5000"));
    expect(await refusal(id, "?limit=x")).toEqual(message("Validation failed: Invalid input: expected number, received NaN"));
  });
});

it("answers 400, 404 and 401 on every route of one survey to a bad id, an unknown one and a key that may not", async () => {
  const [tenant, neighbour] = [await buildTenant(server.db), await buildTenant(server.db)];
  const { id } = await create(tenant, { ...LINK, singleUse: { enabled: true, isEncrypted: false } });
  const { environmentId } = tenant;
  const readKey = await buildApiKey(server.db, { ...tenant, permissions: { [environmentId]: "read" } });
  const writeKey = await buildApiKey(server.db, { ...tenant, permissions: { [environmentId]: "write" } });
  const requests = (apiKey: string, surveyId: string) => [
    remove(apiKey, surveyId),
    put(apiKey, surveyId, { name: "N" }),
    get(apiKey, `/${surveyId}/singleUseIds`),
    get(apiKey, `/${surveyId}`),
  ];
  for (const request of requests(tenant.apiKey, "Nope!"))
    expect((await request.expect(400)).body).toEqual(message("Validation failed: Invalid cuid2"));
  for (const request of requests(tenant.apiKey, "nowhere")) expect((await request.expect(404)).body).toEqual(notFound("nowhere"));
  for (const request of requests(neighbour.apiKey, id)) expect((await request.expect(401)).body).toEqual(NO_PERMISSION);
  for (const request of requests(readKey, id).slice(0, 3)) expect((await request.expect(401)).body).toEqual(NO_PERMISSION);
  await get(readKey, `/${id}`).expect(200);
  for (const request of requests(writeKey, id).slice(0, 1)) expect((await request.expect(401)).body).toEqual(NO_PERMISSION);
  for (const request of requests(writeKey, id).slice(1)) await request.expect(200);
});
