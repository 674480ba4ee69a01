/** `@formbricks/react-native` 3.2.0 against the server: what it sends, what it makes of the answers, what is stored. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { newId } from "../../src/shared/ids.ts";
import { buildTenant, type Tenant } from "../support/build.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";
import { type App, RENDERER_SCRIPT, type RenderOptions, startApp } from "./phone.ts";

let folder: TemporaryFolder;
let server: TestServer;
const apps: App[] = [];

beforeAll(async () => {
  folder = makeTemporaryFolder();
  writeFileSync(join(folder.path, "surveys.umd.cjs"), RENDERER_SCRIPT);
  server = await startTestServer({ SDK_ASSETS_DIR: folder.path });
});
afterEach(() => {
  for (const app of apps.splice(0)) app.stop();
  vi.restoreAllMocks();
});
afterAll(async () => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  await server.close();
  folder.remove();
});

const ACTION = "checkout-done";
const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const PRO = {
  id: "f1",
  connector: null,
  resource: {
    id: "r1",
    root: { type: "attribute", contactAttributeKey: "plan" },
    value: "pro",
    qualifier: { operator: "equals" },
  },
};

describe("the React Native SDK, of an anonymous user", () => {
  it("takes the environment's state and shows a survey for everyone", async () => {
    const { tenant, surveyId } = await buildSurvey();
    const app = await start(tenant);
    expect(app.state()).toMatchObject({
      status: { value: "success" },
      workspace: { data: { surveys: [{ id: surveyId }] } },
      user: { data: { userId: null, contactId: null } },
      filteredSurveys: [{ id: surveyId }],
    });
    await app.sdk.track(ACTION);
    const options = await waitForSurvey(app);
    expect(options).toMatchObject({ survey: { id: surveyId }, appUrl: server.baseUrl, workspaceId: tenant.environmentId });
    expect(options).not.toHaveProperty("contactId");

    await display(options);
    await answer(options);
    expect(await stored(tenant)).toMatchObject({
      contacts: [],
      displays: [{ surveyId, contactId: null }],
      responses: [{ surveyId, contactId: null }],
    });
    options.onClose();
    await expect.poll(app.shown).toBeUndefined();
    await app.sdk.track(ACTION);
    await expectNothingShown(app);
  });

  it("shows no survey whose segment has filters", async () => {
    const { tenant, surveyId } = await buildSurvey({ segment: { filters: [PRO] } });
    const app = await start(tenant);
    expect(app.state()).toMatchObject({ workspace: { data: { surveys: [{ id: surveyId }] } }, filteredSurveys: [] });
    await app.sdk.track(ACTION);
    await expectNothingShown(app);
  });
});

describe("the React Native SDK, of an identified user", () => {
  it("identifies, targets, shows, answers, and forgets at logout", async () => {
    const { tenant, surveyId, segmentId } = await buildSurvey({ segment: { filters: [PRO] } });
    const everyone = await createSurvey(tenant, { actionKey: "other" });
    const app = await start(tenant);

    // Calls within half a second become one request.
    await app.sdk.setUserId("ada");
    await app.sdk.setAttributes({ plan: "basic", firstName: "Ada", visits: 3, born_at: new Date("1815-12-10T00:00:00Z") });
    await expect.poll(() => app.state().user.data.userId).toBe("ada");
    const [contact] = (await stored(tenant)).contacts;
    expect(contact).toMatchObject({
      userId: "ada",
      attributes: { plan: "basic", firstName: "Ada", visits: 3, born_at: "1815-12-10T00:00:00.000Z" },
    });
    expect(app.state().user).toEqual({
      expiresAt: ISO,
      data: {
        ...{ userId: "ada", contactId: contact?.id, segments: [everyone.segmentId] },
        ...{ displays: [], responses: [], lastDisplayAt: null },
      },
    });
    expect(app.state().filteredSurveys).toMatchObject([{ id: everyone.surveyId }]);
    await app.sdk.track(ACTION);
    await expectNothingShown(app);

    await app.sdk.setAttribute("plan", "pro");
    await expect.poll(() => app.state().user.data.segments).toContain(segmentId);
    app.sdk.setEmbeddedData({ screen: "checkout" });
    await app.sdk.track(ACTION);
    const options = await waitForSurvey(app);
    expect(options).toMatchObject({
      ...{ survey: { id: surveyId }, contactId: contact?.id, languageCode: "default" },
      hiddenFieldsRecord: { screen: "checkout" },
    });
    const displayId = await display(options);
    const responseId = await answer(options, displayId);
    options.onClose();
    expect(app.state().filteredSurveys).toMatchObject([{ id: everyone.surveyId }]);
    expect(await stored(tenant)).toMatchObject({
      displays: [{ id: displayId, surveyId, contactId: contact?.id }],
      responses: [
        { id: responseId, surveyId, contactId: contact?.id, displayId, finished: true, data: { q1: "Well", q2: "Bye" } },
      ],
    });

    await app.sdk.logout();
    expect(app.state().user.data).toMatchObject({ userId: null, contactId: null, segments: [], displays: [] });

    // On the same phone, later: the server's copy of what happened replaces the SDK's.
    await app.sdk.setUserId("ada");
    await expect.poll(() => app.state().user.data.userId).toBe("ada");
    expect(app.state().user.data).toEqual({
      ...{ userId: "ada", contactId: contact?.id },
      segments: expect.arrayContaining([segmentId, everyone.segmentId]),
      displays: [{ surveyId, createdAt: ISO }],
      responses: [surveyId],
      lastDisplayAt: ISO,
    });
    await app.sdk.track(ACTION);
    await expectNothingShown(app);
    expect((await stored(tenant)).contacts).toHaveLength(1);
  });

  it("keeps the language that the user chose, and gets the survey in it", async () => {
    const tenant = await buildTenant(server.db);
    await server.db.prisma.language.create({ data: { id: newId(), environmentId: tenant.environmentId, code: "de" } });
    const languages = [
      { language: "en-US", default: true, enabled: true },
      { language: "de", default: false, enabled: true },
    ];
    await createSurvey(tenant, { questions: [question("q1", { default: "How?", de: "Wie?" })], languages });
    const app = await start(tenant);
    await app.sdk.setUserId("lena");
    await app.sdk.setLanguage("de");
    await expect.poll(() => app.state().user.data).toMatchObject({ userId: "lena", language: "de" });
    expect((await stored(tenant)).contacts).toMatchObject([{ attributes: { language: "de-DE" } }]);
    await app.sdk.track(ACTION);
    expect(await waitForSurvey(app)).toMatchObject({ languageCode: "de" });
  });

  it("stays identified when the app is started anew, and learns at its next call what another device showed", async () => {
    const { tenant, surveyId } = await buildSurvey();
    const first = await start(tenant);
    await first.sdk.setUserId("ada");
    await expect.poll(() => first.state().user.data.userId).toBe("ada");
    first.stop();
    const other = await start(tenant);
    await other.sdk.setUserId("ada");
    await expect.poll(() => other.state().user.data.userId).toBe("ada");
    await other.sdk.track(ACTION);
    await display(await waitForSurvey(other));

    const again = await start(tenant, first.storage);
    expect(again.state().user.data).toMatchObject({ userId: "ada", displays: [] });
    await again.sdk.setAttribute("visits", 2);
    await expect.poll(() => again.state().user.data.displays).toEqual([{ surveyId, createdAt: ISO }]);
    await again.sdk.track(ACTION);
    await expectNothingShown(again);
    expect((await stored(tenant)).contacts).toMatchObject([{ userId: "ada", attributes: { visits: 2 } }]);
  });

  it("asks for its segments again after an answer that a segment depends on", async () => {
    const { tenant, surveyId } = await buildSurvey();
    const completed = {
      id: "f1",
      connector: null,
      resource: {
        id: "r1",
        root: { type: "surveyInteraction" },
        value: { surveyScope: "specific", surveyIds: [surveyId], within: { amount: 1, unit: "weeks" } },
        qualifier: { operator: "haveCompleted" },
      },
    };
    const second = await createSurvey(tenant, { segment: { filters: [completed] } });
    const app = await start(tenant);
    await app.sdk.setUserId("ada");
    await expect.poll(() => app.state().user.data.userId).toBe("ada");
    expect(app.state().user.data.segments).not.toContain(second.segmentId);
    await app.sdk.track(ACTION);
    const options = await waitForSurvey(app);
    await answer(options, await display(options));
    await expect.poll(() => app.state().user.data.segments).toContain(second.segmentId);
  });
});

describe("the React Native SDK that something is wrong with", () => {
  it("says so and keeps its error when the environment does not exist", async () => {
    const app = await startApp({ appUrl: server.baseUrl, environmentId: newId() });
    apps.push(app);
    const complaint = vi.spyOn(console, "error").mockReturnValue();
    await expect.poll(() => app.state().status.value).toBe("error");
    expect(complaint).toHaveBeenCalledWith(expect.stringContaining("Error during first setup: network_error - "));
  });
});

/** Resolves when the SDK is set up: it drops what it is asked before. */
async function start({ environmentId }: Tenant, storage?: Map<string, string>): Promise<App> {
  const app = await startApp({ appUrl: server.baseUrl, environmentId, storage });
  apps.push(app);
  await expect.poll(() => app.storage.size).toBe(1);
  await new Promise((resume) => setTimeout(resume, 50));
  return app;
}

async function waitForSurvey(app: App): Promise<RenderOptions> {
  await expect.poll(app.shown).toBeDefined();
  const options = await app.shown();
  if (!options) throw new Error("The survey is gone");
  return options;
}

async function expectNothingShown(app: App): Promise<void> {
  await new Promise((resume) => setTimeout(resume, 50));
  expect(await app.shown()).toBeUndefined();
}

/** What the renderer sends when a survey appears. Source: sdk-contract §5. */
async function display(options: RenderOptions): Promise<string> {
  const { survey, workspaceId, contactId } = options;
  const { body } = await server.request
    .post(`/api/v2/client/${workspaceId}/displays`)
    .send({ surveyId: survey.id, ...(contactId !== undefined && { contactId }) })
    .expect(200);
  options.onDisplayCreated();
  return body.data.id;
}

/** What the renderer sends for the first card, and for the one that ends the survey. */
async function answer(options: RenderOptions, displayId: string | null = null): Promise<string> {
  const { survey, workspaceId, contactId = null } = options;
  const { body } = await server.request
    .post(`/api/v2/client/${workspaceId}/responses`)
    .send({
      ...{ surveyId: survey.id, displayId, contactId, userId: null, singleUseId: null, pinAuthToken: null },
      ...{ finished: false, data: { q1: "Well" }, ttc: { q1: 1027.3999 }, variables: {}, meta: {}, language: "default" },
    })
    .expect(200);
  expect(body).toEqual({ data: { id: expect.any(String), quotaFull: false } });
  options.onResponseCreated();
  await server.request
    .put(`/api/v1/client/${workspaceId}/responses/${body.data.id}`)
    .send({ finished: true, data: { q2: "Bye" }, ttc: { q2: 12.5, _total: 1039.8999 }, variables: {}, pinAuthToken: null })
    .expect(200);
  options.onFinished();
  return body.data.id;
}

const question = (id: string, headline: Record<string, string> = { default: "How?" }) => ({
  ...{ id, type: "openText", headline, required: false },
});

async function buildSurvey(
  survey: Record<string, unknown> = {},
): Promise<{ tenant: Tenant; surveyId: string; segmentId: string }> {
  const tenant = await buildTenant(server.db);
  return { tenant, ...(await createSurvey(tenant, survey)) };
}

/** Through the management API: an action class unless there is one of that key, and an app survey that is in progress. */
async function createSurvey(
  { apiKey, environmentId }: Tenant,
  { actionKey = ACTION, ...survey }: { actionKey?: string; [member: string]: unknown } = {},
): Promise<{ surveyId: string; segmentId: string }> {
  const management = (path: string, body: object) =>
    server.request
      .post(`/api/v1/management/${path}`)
      .set("x-api-key", apiKey)
      .send({ environmentId, ...body });
  const known = await server.db.prisma.actionClass.findFirst({ where: { environmentId, key: actionKey } });
  const action =
    known ??
    (await management("action-classes", { name: `The ${actionKey}`, type: "code", key: actionKey }).expect(200)).body.data;
  const { body } = await management("surveys", {
    ...{ name: "How was it?", type: "app", status: "inProgress", recontactDays: 0 },
    questions: [question("q1"), question("q2")],
    ...{ triggers: [{ actionClass: { id: action.id } }], ...survey },
  }).expect(200);
  const { segmentId } = await server.db.prisma.survey.findFirstOrThrow({ where: { environmentId, id: body.data.id } });
  return { surveyId: body.data.id, segmentId: segmentId ?? "" };
}

async function stored({ environmentId }: Tenant) {
  const { contact, display: displays, response } = server.db.prisma;
  return {
    contacts: await contact.findMany({ where: { environmentId } }),
    displays: await displays.findMany({ where: { environmentId } }),
    responses: await response.findMany({ where: { environmentId } }),
  };
}
