import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { request as send } from "undici";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test, vi } from "vitest";
import { newId } from "../../../src/shared/ids.ts";
import { buildTenant, type Tenant } from "../../support/build.ts";
import { startTestServer, type TestServer } from "../../support/server.ts";
import { startTcpProxy } from "../../support/tcp-proxy.ts";
import { announceChange, buildSegment, buildSurvey } from "./live-survey.ts";

const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const PUBLIC_URL = "https://feedback.example";
const CACHED = "public, s-maxage=60, max-age=60, stale-while-revalidate=60, stale-if-error=60";
const MINUTE_MS = 60_000;

let server: TestServer;
let tenant: Tenant;

beforeAll(async () => {
  server = await startTestServer({ PUBLIC_URL });
});
afterAll(() => server.close());
beforeEach(async () => {
  tenant = await buildTenant(server.db);
});
afterEach(() => {
  vi.useRealTimers();
});

const path = (id = tenant.environmentId, version = "v2") => `/api/${version}/client/${id}/environment`;
const get = (id?: string, version?: string) => server.request.get(path(id, version));
const state = async () => (await get().expect(200)).body.data.data;

/** The answer's bytes as they were sent. */
async function getRaw(headers: Record<string, string>) {
  const answer = await send(server.baseUrl + path(), { headers });
  return { status: answer.statusCode, headers: answer.headers, bytes: Buffer.from(await answer.body.arrayBuffer()) };
}

const survey = (given: Omit<Parameters<typeof buildSurvey>[1], "environmentId"> = {}) =>
  buildSurvey(server.db, { environmentId: tenant.environmentId, ...given });
const segment = (filters: object = []) => buildSegment(server.db, tenant.environmentId, filters);

async function actionClass(name: string, given: object = {}): Promise<string> {
  const id = newId();
  await server.db.prisma.actionClass.create({
    data: { id, environmentId: tenant.environmentId, name, type: "code", ...given },
  });
  return id;
}

const leaf = (root: object, operator: string, value: unknown) => ({
  id: newId(),
  connector: null,
  resource: { id: newId(), root, qualifier: { operator }, value },
});
const interaction = (operator: string, surveyIds: string[] | null) =>
  leaf({ type: "surveyInteraction" }, operator, {
    surveyScope: surveyIds === null ? "any" : "specific",
    surveyIds: surveyIds ?? [],
    within: { amount: 1, unit: "months" },
  });
const inSegment = (segmentId: string, operator = "userIsIn") => leaf({ type: "segment", segmentId }, operator, segmentId);

describe.each(["v1", "v2"])("GET /api/%s/client/{environmentId}/environment", (version) => {
  test("answers 200 with an environment that has nothing yet", async () => {
    const { body, headers } = await get(tenant.environmentId, version).expect(200);
    const settings = {
      id: tenant.environmentId,
      recontactDays: 7,
      clickOutsideClose: true,
      overlay: "none",
      darkOverlay: false,
      placement: "bottomRight",
      inAppSurveyBranding: true,
      styling: { allowStyleOverwrite: true },
    };
    expect(body).toEqual({
      data: { data: { surveys: [], actionClasses: [], workspace: settings, project: settings }, expiresAt: ISO },
    });
    const left = Date.parse(body.data.expiresAt) - Date.now();
    expect(left).toBeGreaterThan(59 * MINUTE_MS);
    expect(left).toBeLessThanOrEqual(60 * MINUTE_MS);
    expect(headers).toMatchObject({
      "content-type": "application/json; charset=utf-8",
      "cache-control": CACHED,
      vary: "Accept-Encoding",
      etag: expect.stringMatching(/^W\/"[\w-]+"$/),
      "access-control-allow-origin": "*",
      "access-control-allow-credentials": "true",
      "access-control-allow-methods": "GET,OPTIONS,PATCH,DELETE,POST,PUT",
    });
  });

  test("answers to the legacy id, to an id with spaces around it, and to queries", async () => {
    const legacyId = `cl${tenant.environmentId.slice(2)}`;
    await server.db.prisma.environment.update({ where: { id: tenant.environmentId }, data: { legacyId } });
    for (const id of [legacyId, `%20${tenant.environmentId}%20`]) {
      const { body } = await get(id, version).query({ rand: "1" }).expect(200);
      expect(body.data.data.workspace.id).toBe(tenant.environmentId);
    }
  });

  test("answers 400 to an id that is none", async () => {
    for (const id of ["Not-A-Cuid", "%20"]) {
      const { body, headers } = await get(id, version).expect(400);
      expect(body).toEqual({ code: "bad_request", message: "Invalid ID format", details: {} });
      expect(headers["cache-control"]).toBe("private, no-store");
      expect(headers["access-control-allow-origin"]).toBe("*");
    }
  });

  test("answers 404 to an unknown id, and 200 once it exists", async () => {
    const id = newId();
    const { body, headers } = await get(`%20${id}`, version).expect(404);
    expect(body).toEqual({
      code: "not_found",
      message: "Workspace not found",
      details: { resource_id: id, resource_type: "Workspace" },
    });
    expect(headers["cache-control"]).toBe("private, no-store");
    expect(headers).not.toHaveProperty("etag");
    await server.db.prisma.environment.create({ data: { id, projectId: tenant.projectId, type: "development" } });
    await get(id, version).expect(200);
  });

  test("OPTIONS answers 200 and may be cached", async () => {
    const { body, headers } = await server.request.options(path(tenant.environmentId, version)).expect(200);
    expect(body).toEqual({ data: {} });
    expect(headers["cache-control"]).toBe("public, s-maxage=3600, max-age=3600");
    expect(headers["access-control-allow-headers"]).toContain("Cache-Control");
  });

  test("HEAD answers the headers of GET without a body", async () => {
    const [head, full] = [
      await server.request.head(path(tenant.environmentId, version)),
      await get(tenant.environmentId, version),
    ];
    expect(head.status).toBe(200);
    expect(head.text).toBeUndefined();
    for (const name of ["content-type", "content-length", "cache-control", "vary", "etag", "access-control-allow-origin"])
      expect(head.headers[name]).toBe(full.headers[name]);
  });

  test.each(["post", "put", "patch", "delete"] as const)("%s answers 405 without a body", async (method) => {
    const { text } = await server.request[method](path(tenant.environmentId, version)).expect(405);
    expect(text).toBe("");
  });

  test("answers 308 to a trailing slash", async () => {
    const url = path(tenant.environmentId, version);
    await server.request.get(`${url}/?rand=1`).expect(308).expect("location", `${url}?rand=1`);
  });
});

describe("surveys", () => {
  test("are told in full, under both generations of names", async () => {
    const environmentId = tenant.environmentId;
    const document = {
      welcomeCard: { enabled: true, headline: { default: "Hi" }, timeToFinish: true, showResponseCount: false },
      questions: [],
      blocks: [{ id: "b1", name: "Block 1", elements: [{ id: "q1", type: "openText", headline: { default: "Why?" } }] }],
      variables: [{ id: "v1", name: "score", type: "number", value: 0 }],
      endings: [{ id: "e1", type: "endScreen", headline: { default: "Bye" } }],
      hiddenFields: { enabled: true, fieldIds: ["plan"] },
      showLanguageSwitch: true,
      autoClose: 10,
      delay: 5,
      displayOption: "displaySome",
      displayLimit: 3,
      recontactDays: 0,
      displayPercentage: 50.5,
      styling: { overwriteThemeStyling: true, brandColor: { light: "#ff0000" } },
      recaptcha: { enabled: true, threshold: 0.5 },
      isBackButtonHidden: true,
      isAutoProgressingEnabled: true,
      workspaceOverwrites: { placement: "center", clickOutsideClose: false, overlay: "dark" },
      pin: "1234",
      singleUse: { enabled: true, isEncrypted: true },
      surveyClosedMessage: { heading: "Closed" },
      metadata: { title: { default: "secret" } },
      isCaptureIpEnabled: true,
      autoComplete: 5,
    };
    const segmentId = await segment([leaf({ type: "attribute", contactAttributeKey: "plan" }, "equals", "secret-plan")]);
    const id = await survey({ document, segmentId });
    const actionClassId = await actionClass("checkout done");
    await server.db.prisma.surveyTrigger.create({ data: { environmentId, surveyId: id, actionClassId } });

    const { pin, singleUse, surveyClosedMessage, metadata, isCaptureIpEnabled, autoComplete, ...told } = document;
    const { text, body } = await get().expect(200);
    expect(body.data.data.surveys).toEqual([
      {
        id,
        name: "[deprecated] survey name omitted from public API - will be removed soon",
        type: "app",
        status: "inProgress",
        ...told,
        languages: [],
        triggers: [{ actionClass: { name: "checkout done" } }],
        projectOverwrites: document.workspaceOverwrites,
        segment: {
          id: segmentId,
          title: "[deprecated] segment title omitted from public API - will be removed soon",
          description: null,
          isPrivate: true,
          filters: [
            {
              id: "placeholder",
              connector: null,
              resource: {
                id: "placeholder",
                root: { type: "device", deviceType: "phone" },
                value: "deprecated",
                qualifier: { operator: "equals" },
              },
            },
          ],
          environmentId,
          workspaceId: environmentId,
          createdAt: "1970-01-01T00:00:00.000Z",
          updatedAt: "1970-01-01T00:00:00.000Z",
          surveys: [],
          hasFilters: true,
        },
      },
    ]);
    expect(text).not.toMatch(/The real name|secret|1234/);
  });

  test("have every key, with its default or null, when the document is empty", async () => {
    const id = await survey();
    expect(await state()).toMatchObject({ surveys: [{ id }] });
    const [told] = (await state()).surveys;
    expect(told).toEqual({
      id,
      name: expect.any(String),
      type: "app",
      status: "inProgress",
      welcomeCard: { enabled: false },
      questions: [],
      blocks: [],
      variables: [],
      endings: [],
      hiddenFields: { enabled: false },
      languages: [],
      showLanguageSwitch: null,
      autoClose: null,
      delay: 0,
      displayOption: "displayOnce",
      displayLimit: null,
      recontactDays: null,
      displayPercentage: null,
      triggers: [],
      styling: null,
      recaptcha: { enabled: false, threshold: 0.1 },
      isBackButtonHidden: false,
      isAutoProgressingEnabled: false,
      workspaceOverwrites: null,
      projectOverwrites: null,
      segment: null,
    });
  });

  test("of a segment without filters say so", async () => {
    const segmentId = await segment();
    const legacyId = `cl${tenant.environmentId.slice(2)}`;
    await server.db.prisma.environment.update({ where: { id: tenant.environmentId }, data: { legacyId } });
    await survey({ segmentId });
    expect((await state()).surveys[0].segment).toMatchObject({
      id: segmentId,
      filters: [],
      hasFilters: false,
      environmentId: legacyId,
      workspaceId: legacyId,
    });
  });

  test("are the app surveys in progress that are not archived, all of them, newest first", async () => {
    const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute));
    const ids: string[] = [];
    for (let minute = 0; minute < 35; minute++) ids.unshift(await survey({ createdAt: at(minute) }));
    await survey({ type: "link" });
    for (const status of ["draft", "paused", "completed"] as const) await survey({ status });
    await survey({ archivedAt: new Date() });
    await buildSurvey(server.db, { environmentId: tenant.developmentId });
    expect((await state()).surveys.map(({ id }: { id: string }) => id)).toEqual(ids);
  });

  test("whose document is not what it should be are made harmless for strict SDKs", async () => {
    await survey({
      document: {
        welcomeCard: null,
        questions: null,
        blocks: {},
        hiddenFields: [],
        autoClose: "10",
        delay: 1.5,
        displayOption: "sometimes",
        displayLimit: 2 ** 40,
        displayPercentage: 0,
        recaptcha: null,
        styling: { roundness: "8" },
        projectOverwrites: { placement: "center", darkOverlay: true },
      },
    });
    expect((await state()).surveys[0]).toMatchObject({
      welcomeCard: { enabled: false },
      questions: [],
      blocks: [],
      hiddenFields: { enabled: false },
      autoClose: null,
      delay: 0,
      displayOption: "displayOnce",
      displayLimit: null,
      displayPercentage: null,
      recaptcha: null,
      styling: { roundness: 8 },
      workspaceOverwrites: { placement: "center", darkOverlay: true },
      projectOverwrites: { placement: "center", darkOverlay: true },
    });
  });

  test("have absolute addresses of stored files", async () => {
    const file = "/storage/e1/public/a b.png";
    await survey({
      document: {
        welcomeCard: { enabled: true, fileUrl: file },
        endings: [{ id: "e", headline: { default: `<img src="${file}"><a href='/storage/e1/private/x.pdf'>` } }],
        blocks: [
          { imageUrl: "https://cdn.example/storage/e1/public/a.png", note: "see /storage/e1/public/", other: "/storage/x" },
        ],
        styling: { background: { bg: file, bgType: "upload" } },
      },
    });
    await server.db.prisma.project.update({
      where: { id: tenant.projectId },
      data: { styling: { allowStyleOverwrite: false, logo: { url: file } } },
    });
    const { surveys, workspace, project } = await state();
    expect(surveys[0]).toMatchObject({
      welcomeCard: { fileUrl: PUBLIC_URL + file },
      endings: [{ headline: { default: `<img src="${PUBLIC_URL}${file}"><a href='${PUBLIC_URL}/storage/e1/private/x.pdf'>` } }],
      blocks: [{ imageUrl: "https://cdn.example/storage/e1/public/a.png", note: "see /storage/e1/public/", other: "/storage/x" }],
      styling: { background: { bg: PUBLIC_URL + file } },
    });
    expect(workspace.styling).toEqual({ allowStyleOverwrite: false, logo: { url: PUBLIC_URL + file } });
    expect(project).toEqual(workspace);
  });
});

describe("languages", () => {
  async function surveyIn(...codes: string[]) {
    const { environmentId } = tenant;
    const surveyId = await survey();
    for (const [index, code] of codes.entries()) {
      const language = await server.db.prisma.language.upsert({
        where: { environmentId_code: { environmentId, code } },
        create: { environmentId, id: newId(), code, alias: `alias ${code}` },
        update: {},
      });
      await server.db.prisma.surveyLanguage.create({
        data: { environmentId, surveyId, languageId: language.id, default: index === 0, enabled: code !== "fr-FR" },
      });
    }
    return (await state()).surveys[0].languages;
  }

  test("are told with both spellings of their owner and exact dates", async () => {
    expect(await surveyIn("de-DE")).toEqual([
      {
        default: true,
        enabled: true,
        language: {
          id: expect.any(String),
          code: "de-DE",
          alias: "alias de-DE",
          createdAt: ISO,
          updatedAt: ISO,
          workspaceId: tenant.environmentId,
          projectId: tenant.environmentId,
        },
      },
    ]);
  });

  test("of a survey with several are followed by a clone for each code of former years", async () => {
    const languages = await surveyIn("zh-Hans-CN", "fr-FR", "de-AT", "de-DE");
    const told = languages.map((entry: { default: boolean; enabled: boolean; language: { code: string; alias: string } }) => [
      entry.language.code,
      entry.default,
      entry.enabled,
      entry.language.alias,
    ]);
    expect(told).toEqual([
      ["zh-Hans-CN", true, true, "alias zh-Hans-CN"],
      ["fr-FR", false, false, "alias fr-FR"],
      ["de-AT", false, true, "alias de-AT"],
      ["de-DE", false, true, "alias de-DE"],
      ["zh", true, true, "alias zh-Hans-CN"],
      ["zh-CN", true, true, "alias zh-Hans-CN"],
      ["zh-Hans", true, true, "alias zh-Hans-CN"],
      ["fr", false, false, "alias fr-FR"],
      ["de", false, true, "alias de-DE"],
    ]);
    expect(languages[8].language.id).toBe(languages[3].language.id);
  });

  test("are not cloned over a code that is there, however it is written", async () => {
    const languages = await surveyIn("de-DE", "DE");
    expect(languages.map(({ language }: { language: { code: string } }) => language.code)).toEqual(["de-DE", "DE"]);
  });
});

describe("interactionRefresh", () => {
  const refreshes = async () =>
    Object.fromEntries(
      (await state()).surveys.map((told: { id: string; interactionRefresh?: object }) => [told.id, told.interactionRefresh]),
    );
  const none = { onDisplay: false, onResponse: false, onFinished: false };

  test.each([
    ["haveSeen", "onDisplay"],
    ["haveNotSeen", "onDisplay"],
    ["haveStartedRespondingTo", "onResponse"],
    ["haveCompleted", "onFinished"],
    ["haveNotCompleted", "onFinished"],
  ])("of %s is %s on the surveys asked about, and nothing on all others", async (operator, flag) => {
    const asked = await survey();
    const asking = await survey({ segmentId: await segment([interaction(operator, [asked, newId()])]) });
    expect(await refreshes()).toEqual({ [asked]: { ...none, [flag]: true }, [asking]: none });
  });

  test("of any survey is set on all", async () => {
    const [one, other] = [await survey(), await survey({ segmentId: await segment([interaction("haveSeen", null)]) })];
    expect(await refreshes()).toEqual({ [one]: { ...none, onDisplay: true }, [other]: { ...none, onDisplay: true } });
  });

  test("is found in groups and through other segments, circles included", async () => {
    const asked = await survey();
    const deep = await segment([{ id: "g", connector: null, resource: [interaction("haveCompleted", [asked])] }]);
    const middle = await segment([inSegment(deep, "userIsNotIn")]);
    const circle = [{ id: "g", connector: null, resource: [interaction("haveCompleted", [asked])] }, inSegment(middle)];
    await server.db.query("update segments set filters = $1 where id = $2", [JSON.stringify(circle), deep]);
    const asking = await survey({ segmentId: await segment([inSegment(middle)]) });
    expect(await refreshes()).toEqual({ [asked]: { ...none, onFinished: true }, [asking]: none });
  });

  test("is absent when no survey told of is asked about", async () => {
    const paused = await survey({ status: "paused" });
    await segment([interaction("haveSeen", null)]); // of no survey
    const id = await survey({ segmentId: await segment([interaction("haveSeen", [paused])]) });
    expect(await refreshes()).toEqual({ [id]: undefined });
  });
});

describe("settings and action classes", () => {
  test("are the project's, under both names, with the older overlay beside the newer", async () => {
    const settings = {
      recontactDays: 0,
      clickOutsideClose: false,
      overlay: "dark",
      placement: "topLeft",
      inAppSurveyBranding: false,
      styling: { allowStyleOverwrite: false, brandColor: { light: "#64748b" }, roundness: "12" },
    };
    await server.db.prisma.project.update({ where: { id: tenant.projectId }, data: settings });
    const { workspace, project } = await state();
    expect(workspace).toEqual({
      id: tenant.environmentId,
      ...settings,
      styling: { ...settings.styling, roundness: 12 },
      darkOverlay: true,
    });
    expect(project).toEqual(workspace);
  });

  test("are all action classes, with exactly five keys", async () => {
    const noCodeConfig = { type: "pageView", urlFilters: [{ value: "/pricing", rule: "contains" }] };
    const code = await actionClass("checkout done", { key: "checkout_done", description: "not told" });
    const noCode = await actionClass("pricing viewed", { type: "noCode", noCodeConfig });
    expect((await state()).actionClasses).toEqual([
      { id: code, type: "code", name: "checkout done", key: "checkout_done", noCodeConfig: null },
      { id: noCode, type: "noCode", name: "pricing viewed", key: null, noCodeConfig },
    ]);
  });

  test.each([
    [{ RECAPTCHA_SITE_KEY: "site", RECAPTCHA_SECRET_KEY: "secret" }, "site"],
    [{ RECAPTCHA_SITE_KEY: "site" }, undefined],
    [{ RECAPTCHA_SECRET_KEY: "secret" }, undefined],
  ])("of reCAPTCHA: with %j the site key is %j", async (keys, expected) => {
    const other = await startTestServer(keys);
    try {
      const { body, text } = await other.request.get(path()).expect(200);
      expect(body.data.data.recaptchaSiteKey).toBe(expected);
      expect(text).not.toContain("secret");
    } finally {
      await other.close();
    }
  });
});

describe("entity tags", () => {
  test("are confirmed by 304 without a body until the content changes", async () => {
    const first = await get().expect(200);
    const { etag = "" } = first.headers;
    const again = await get().set("if-none-match", `"other", ${etag}`).expect(304);
    expect(again.text).toBe("");
    expect(again.headers).toMatchObject({
      etag,
      "cache-control": CACHED,
      vary: "Accept-Encoding",
      "access-control-allow-origin": "*",
    });
    expect(again.headers).not.toHaveProperty("content-type");
    await survey();
    await announceChange(server.db, tenant.environmentId);
    server.services.environments.forget(tenant.environmentId);
    expect((await get().set("if-none-match", etag).expect(200)).headers.etag).not.toBe(etag);
  });

  test("do not depend on when an answer was given, but an answer of half an hour ago is not confirmed", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2026, 0, 1, 12) });
    const first = await get().expect(200);
    const { etag = "" } = first.headers;
    vi.setSystemTime(Date.UTC(2026, 0, 1, 12, 9));
    const second = await get().expect(200);
    expect(second.headers.etag).toBe(etag);
    expect(second.body.data.expiresAt).toBe("2026-01-01T13:09:00.000Z");
    vi.setSystemTime(Date.UTC(2026, 0, 1, 12, 29));
    const confirmed = await get().set("if-none-match", etag).expect(304);
    expect(confirmed.headers.etag).toBe(etag); // else the old answer would pass for one of now, and be confirmed for ever
    vi.setSystemTime(Date.UTC(2026, 0, 1, 12, 31));
    const renewed = await get().set("if-none-match", etag).expect(200);
    expect(renewed.body.data.expiresAt).toBe("2026-01-01T13:31:00.000Z");
  });
});

describe("compression", () => {
  const decode = { br: brotliDecompressSync, gzip: gunzipSync };

  test.each(["br", "gzip"] as const)("in %s holds the same content, with an expiry of its own", async (encoding) => {
    for (let n = 0; n < 5; n++) await survey();
    for (let round = 0; round < 2; round++) {
      const { headers, bytes } = await getRaw({ "accept-encoding": `deflate, ${encoding}` });
      expect(headers).toMatchObject({ "content-encoding": encoding, vary: "Accept-Encoding" });
      expect(Number(headers["content-length"])).toBe(bytes.length);
      const { data } = JSON.parse(decode[encoding](bytes).toString());
      const plain = await getRaw({});
      expect(plain.headers).not.toHaveProperty("content-encoding");
      expect(bytes.length).toBeLessThan(plain.bytes.length / 3);
      expect(data.data).toEqual(JSON.parse(plain.bytes.toString()).data.data);
      expect(Math.abs(Date.parse(data.expiresAt) - Date.now() - 60 * MINUTE_MS)).toBeLessThan(MINUTE_MS);
    }
  });

  test("is left out for a small body", async () => {
    const { headers } = await getRaw({ "accept-encoding": "gzip, br" });
    expect(headers).not.toHaveProperty("content-encoding");
  });
});

describe("what is cached", () => {
  test("is read once however many ask at the same time", async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => get()));
    expect(new Set(answers.map(({ headers }) => headers.etag)).size).toBe(1);
    await server.db.prisma.survey.create({
      data: { id: newId(), environmentId: tenant.environmentId, name: "x", type: "app", status: "inProgress", document: {} },
    });
    expect((await state()).surveys).toEqual([]); // nobody was told
  });

  test("is dropped when another server changes something", async () => {
    const other = await startTestServer({ PUBLIC_URL });
    try {
      await get().expect(200);
      await other.request.get(path()).expect(200);
      const id = await survey();
      await announceChange(server.db, tenant.environmentId);
      for (const agent of [server.request, other.request])
        await vi.waitFor(async () => {
          const { body } = await agent.get(path()).expect(200);
          expect(body.data.data.surveys).toMatchObject([{ id }]);
        });
    } finally {
      await other.close();
    }
  });

  test("is dropped at once by who changes something in this process", async () => {
    await get().expect(200);
    const id = await survey();
    server.services.environments.forget(tenant.environmentId);
    expect((await state()).surveys).toMatchObject([{ id }]);
  });
});

describe("appSetupCompleted", () => {
  const isSetUp = async () =>
    (await server.db.prisma.environment.findUniqueOrThrow({ where: { id: tenant.environmentId } })).appSetupCompleted;

  test("is set by the first answer, and once", async () => {
    expect(await isSetUp()).toBe(false);
    await get().expect(200);
    expect(await isSetUp()).toBe(true);
    await server.db.prisma.environment.update({ where: { id: tenant.environmentId }, data: { appSetupCompleted: false } });
    await get().expect(200);
    expect(await isSetUp()).toBe(false);
  });

  test("fails no request when it cannot be written", async () => {
    const name = `refuse_${newId()}`;
    await server.db.query(`
      create function ${name}() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$`);
    await server.db.query(`
      create trigger ${name} before update on environments for each row
      when (new.id = '${tenant.environmentId}') execute function ${name}()`);
    try {
      await get().expect(200);
      expect(await isSetUp()).toBe(false);
    } finally {
      await server.db.query(`drop function ${name}() cascade`);
    }
    await get().expect(200);
    expect(await isSetUp()).toBe(true);
  });
});

describe("errors", () => {
  test("answers 500 with the route's own words when something unforeseen happens", async () => {
    const reading = vi.spyOn(server.services.environments, "stateAnyway").mockRejectedValueOnce(new Error("a private matter"));
    const { body, headers } = await get().expect(500);
    expect(reading).toHaveBeenCalledOnce();
    expect(body).toEqual({
      code: "internal_server_error",
      message: "An error occurred while processing your request.",
      details: {},
    });
    expect(headers["cache-control"]).toBe("private, no-store");
    reading.mockRestore();
  });

  test("answers 503 while the database cannot be reached, and 200 after", async () => {
    const url = new URL(inject("databaseUrl"));
    const proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) });
    url.hostname = "127.0.0.1";
    url.port = String(proxy.port);
    const other = await startTestServer({ DATABASE_URL: url.href });
    try {
      await proxy.cut();
      const { body, headers } = await other.request.get(path()).expect(503);
      expect(body).toEqual({ code: "service_unavailable", message: "The database cannot be reached", details: {} });
      expect(headers["cache-control"]).toBe("private, no-store");
      await proxy.restore();
      await vi.waitFor(() => other.request.get(path()).expect(200), { timeout: 10_000 });
    } finally {
      await other.close();
      await proxy.cut();
    }
  });

  test("answers 429 beyond a thousand requests a minute from one address", async () => {
    const other = await startTestServer({ RATE_LIMIT: true });
    vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2026, 0, 1, 12) });
    try {
      const answers = await Promise.all(Array.from({ length: 1_001 }, () => other.app.inject(path())));
      const refused = answers.filter(({ statusCode }) => statusCode !== 200);
      expect(refused).toHaveLength(1);
      expect(refused[0]?.statusCode).toBe(429);
      expect(refused[0]?.json()).toEqual({
        code: "too_many_requests",
        message: "Maximum number of requests reached. Please try again later.",
        details: {},
      });
      expect(refused[0]?.headers["cache-control"]).toBe("private, no-store");
    } finally {
      await other.close();
    }
  });
});
