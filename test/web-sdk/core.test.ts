import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { newId } from "../../src/shared/ids.ts";
import { buildSegment, buildSurvey } from "../api/client/live-survey.ts";
import { buildTenant } from "../support/build.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { type Browsing, startBrowsing, type Visit, type VisitOptions } from "./browser.ts";
import { describeInBrowser } from "./chromium.ts";

const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

describeInBrowser("in a browser", () => {
  let server: TestServer;
  let browsing: Browsing;
  let environmentId: string;
  /** Segment without filters. */
  let everyone: string;

  beforeAll(async () => {
    browsing = await startBrowsing();
    server = await startTestServer({
      SDK_ASSETS_DIR: browsing.assets,
      RECAPTCHA_SITE_KEY: "site-key",
      RECAPTCHA_SECRET_KEY: "secret",
    });
  });
  afterAll(async () => {
    await server.close();
    await browsing.close();
  });
  beforeEach(async () => {
    ({ environmentId } = await buildTenant(server.db));
    everyone = await buildSegment(server.db, environmentId, []);
  });

  afterEach(() => browsing.leave());

  /** A survey that the action named `checkout done` (key `checkout_done`) triggers, unless told otherwise. */
  async function survey(
    document: object = {},
    { segmentId = everyone, action = {} }: { segmentId?: string; action?: object } = {},
  ) {
    const id = await buildSurvey(server.db, { environmentId, segmentId, document });
    const actionClassId = newId();
    await server.db.prisma.actionClass.create({
      data: { id: actionClassId, environmentId, type: "code", name: "checkout done", key: "checkout_done", ...action },
    });
    await server.db.prisma.surveyTrigger.create({ data: { environmentId, surveyId: id, actionClassId } });
    return id;
  }
  const segmentWhere = (root: object, operator: string, value: unknown) =>
    buildSegment(server.db, environmentId, [
      { id: newId(), connector: null, resource: { id: newId(), root, qualifier: { operator }, value } },
    ]);
  const proUsers = () => segmentWhere({ type: "attribute", contactAttributeKey: "plan" }, "equals", "pro");
  const noCode = (noCodeConfig: object) => ({ action: { type: "noCode", name: "seen", key: null, noCodeConfig } });

  const setUp = (visit: Visit, appUrl = server.baseUrl) =>
    visit.evaluate(`sdk.setup({ appUrl: "${appUrl}", workspaceId: "${environmentId}" })`);

  async function enter(options: VisitOptions = {}): Promise<Visit> {
    const visit = await browsing.visit(options);
    await setUp(visit);
    return visit;
  }
  const shown = (visit: Visit) => visit.evaluate("(window.rendered ?? []).map(({ survey }) => survey.id)");
  const posts = ({ requests }: Visit) => requests.flatMap(({ method, body }) => (method === "POST" ? [body] : []));

  test("setup fetches the environment, stores it, tells listeners and preloads the renderer", async () => {
    await survey();
    const visit = await enter();
    expect(visit.requests).toEqual([{ method: "GET", route: "environment", body: null, cacheControl: undefined }]);
    expect(await visit.evaluate("events")).toEqual([["setup_successful", { workspaceId: environmentId }]]);
    expect(await visit.evaluate(`document.querySelector('link[rel=preload][as=script]').href`)).toBe(
      `${server.baseUrl}/js/surveys.umd.cjs`,
    );
    expect(await visit.stored()).toMatchObject({
      workspaceId: environmentId,
      appUrl: server.baseUrl,
      workspace: { expiresAt: ISO, data: { settings: { placement: "bottomRight" } } },
      user: { expiresAt: null, data: { userId: null, displays: [] } },
      status: { value: "success", expiresAt: null },
    });
    expect(visit.errors).toEqual([]);
  });

  test("the next page of a visit asks nothing", async () => {
    const context = await browsing.newVisitor();
    const first = await enter({ context });
    await first.evaluate('sdk.setUserId("u1")');
    await first.waitFor('localStorage.getItem("formbricks-js").includes("u1")');
    const second = await enter({ context });
    await second.evaluate('sdk.setUserId("u1")');
    await second.evaluate('sdk.track("checkout_done")');
    expect(second.requests).toEqual([]);
  });

  test("id, attributes, e-mail and language are one request", async () => {
    const visit = await browsing.visit();
    await visit.evaluate(`(sdk.setUserId("u1"), sdk.setAttribute("plan", "pro"), sdk.setEmail("a@example.com"),
      sdk.setLanguage("de"), sdk.setAttributes({ seats: 3, since: new Date(0), nothing: null }))`);
    await setUp(visit);
    await visit.waitFor('localStorage.getItem("formbricks-js").includes("u1")');
    expect(posts(visit)).toEqual([
      {
        userId: "u1",
        attributes: { plan: "pro", email: "a@example.com", language: "de", seats: 3, since: "1970-01-01T00:00:00.000Z" },
      },
    ]);
    expect(visit.errors).toEqual([expect.stringContaining("Attribute nothing must be a text, a number, a boolean or a date")]);
    const contact = await server.db.prisma.contact.findFirstOrThrow({ where: { environmentId, userId: "u1" } });
    expect(await visit.stored()).toMatchObject({
      user: { expiresAt: ISO, data: { userId: "u1", contactId: contact.id, segments: [everyone], language: "de" } },
    });
  });

  test("an action shows a survey to the identified user, whose state follows what the renderer tells", async () => {
    const id = await survey({ hiddenFields: { enabled: true, fieldIds: ["plan", "cart"] }, displayOption: "displayOnce" });
    const visit = await enter();
    await visit.evaluate(`(sdk.setUserId("u1"), sdk.setEmbeddedData({ cart: 2, other: true }),
      sdk.track("checkout_done", { hiddenFields: { plan: "pro", color: "red" } }))`);
    const contact = await server.db.prisma.contact.findFirstOrThrow({ where: { environmentId, userId: "u1" } });
    expect(await visit.evaluate("JSON.parse(JSON.stringify(rendered))")).toEqual([
      {
        survey: expect.objectContaining({ id }),
        appUrl: server.baseUrl,
        workspaceId: environmentId,
        environmentId,
        contactId: contact.id,
        mode: "modal",
        styling: { allowStyleOverwrite: true },
        isBrandingEnabled: true,
        languageCode: "default",
        placement: "bottomRight",
        clickOutside: true,
        overlay: "none",
        darkOverlay: false,
        action: "checkout done",
        hiddenFieldsRecord: { plan: "pro", cart: 2 },
        isWebEnvironment: true,
        isSpamProtectionEnabled: false,
        recaptchaSiteKey: "site-key",
      },
    ]);
    expect(visit.errors).toEqual([expect.stringContaining(`Survey ${id} has no hidden fields color`)]);

    await visit.evaluate(`(rendered[0].onDisplayCreated(), rendered[0].onResponseCreated({ responseId: "r1" }),
      rendered[0].onFinished(), rendered[0].onClose())`);
    expect(await visit.evaluate("document.querySelector('#formbricks-modal-container')")).toBeNull();
    expect(await visit.evaluate("events.slice(1)")).toEqual([
      ["action_tracked", { action: "checkout_done" }],
      ["survey_shown", { surveyId: id }],
      ["response_submitted", { surveyId: id, responseId: "r1", finished: false }],
      ["response_submitted", { surveyId: id, responseId: "r1", finished: true }],
      ["survey_closed", { surveyId: id }],
    ]);
    expect(await visit.stored()).toMatchObject({
      user: { data: { displays: [{ surveyId: id, createdAt: ISO }], responses: [id], lastDisplayAt: ISO } },
      filteredSurveys: [],
    });
    await visit.evaluate('sdk.track("checkout_done")');
    expect(await shown(visit)).toEqual([id]);
  });

  test("an anonymous visitor sees surveys without filters only, and is remembered", async () => {
    const targeted = await survey({}, { segmentId: await proUsers(), action: { name: "b", key: "b" } });
    const open = await survey({ displayOption: "displayOnce" });
    const context = await browsing.newVisitor();
    const visit = await enter({ context });
    await visit.evaluate('sdk.track("b")');
    expect(await shown(visit)).toEqual([]);
    await visit.evaluate('sdk.track("checkout_done")');
    expect(await shown(visit)).toEqual([open]);
    expect(await visit.evaluate("rendered[0].contactId")).toBeUndefined();
    await visit.evaluate("(rendered[0].onDisplayCreated(), rendered[0].onClose())");

    const later = await enter({ context });
    await later.evaluate('sdk.track("checkout_done")');
    expect(await shown(later)).toEqual([]);
    await later.evaluate('(sdk.setUserId("u1"), sdk.setAttribute("plan", "pro"), sdk.track("b"))');
    expect(await shown(later)).toEqual([targeted]);
  });

  test("one survey is open at a time", async () => {
    await survey({ displayOption: "respondMultiple" });
    const visit = await enter();
    await visit.evaluate('(sdk.track("checkout_done"), sdk.track("checkout_done"))');
    expect(await visit.evaluate("rendered.length")).toBe(1);
    await visit.evaluate("rendered[0].onClose()");
    await visit.evaluate('sdk.track("checkout_done")');
    await visit.evaluate("rendered[0].onClose()"); // once more: it is the second that is open
    await visit.evaluate('sdk.track("checkout_done")');
    expect(await visit.evaluate("rendered.length")).toBe(2);
  });

  test("a survey waits for its delay", async () => {
    await survey({ delay: 1 });
    const visit = await enter();
    await visit.evaluate('sdk.track("checkout_done")');
    expect(await visit.evaluate("(window.rendered ?? []).length")).toBe(0);
    await visit.waitFor("window.rendered?.length === 1");
  });

  test("a survey appears in the user's language, or not at all", async () => {
    const id = await survey({ displayOption: "respondMultiple" });
    for (const [code, isDefault] of [
      ["en-US", true],
      ["de-DE", false],
    ] as const) {
      const known = await server.db.prisma.language.findFirst({ where: { environmentId, code } });
      const languageId = known?.id ?? newId();
      if (!known) await server.db.prisma.language.create({ data: { environmentId, id: languageId, code } });
      await server.db.prisma.surveyLanguage.create({
        data: { environmentId, surveyId: id, languageId, default: isDefault, enabled: true },
      });
    }
    const visit = await enter();
    await visit.evaluate('(sdk.setLanguage("fr"), sdk.track("checkout_done"))');
    expect(await shown(visit)).toEqual([]);
    await visit.evaluate('(sdk.setLanguage("DE"), sdk.track("checkout_done"))');
    expect(await visit.evaluate("rendered.map(({ languageCode }) => languageCode)")).toEqual(["de-DE"]);
    expect(posts(visit)).toEqual([]);
  });

  test("logout begins anew with an anonymous visitor; another id needs none", async () => {
    const visit = await enter();
    await visit.evaluate('(sdk.setUserId("u1"), sdk.setAttribute("plan", "pro"), sdk.setUserId("u2"), sdk.track("none"))');
    expect(posts(visit)).toEqual([
      { userId: "u1", attributes: { plan: "pro" } },
      { userId: "u2", attributes: {} },
    ]);
    expect(await visit.stored()).toMatchObject({ user: { data: { userId: "u2" } } });
    await visit.evaluate("sdk.logout()");
    expect(await visit.stored()).toMatchObject({ user: { data: { userId: null, contactId: null, segments: [] } } });
    await visit.evaluate('(sdk.setAttribute("plan", "free"), sdk.registerRouteChange())');
    expect(posts(visit)).toHaveLength(2);
    expect(visit.errors).toEqual([
      expect.stringContaining('no code action with the key "none"'),
      expect.stringContaining("Attributes need a user"),
    ]);
  });

  test("interactions that segments depend on ask for the user again", async () => {
    const id = await survey();
    const finished = await segmentWhere({ type: "surveyInteraction" }, "haveCompleted", {
      surveyScope: "specific",
      surveyIds: [id],
      within: { amount: 1, unit: "months" },
    });
    await survey({}, { segmentId: finished, action: { name: "b", key: "b" } });
    const visit = await enter();
    await visit.evaluate('(sdk.setUserId("u1"), sdk.track("checkout_done"))');
    await visit.evaluate("(rendered[0].onDisplayCreated(), rendered[0].onFinished())");
    await visit.evaluate("sdk.registerRouteChange()");
    expect(posts(visit)).toEqual([
      { userId: "u1", attributes: {} },
      { userId: "u1", attributes: {} },
    ]);
  });

  test("a first setup that fails leaves the server alone for ten minutes", async () => {
    const context = await browsing.newVisitor();
    const visit = await browsing.visit({ context });
    const known = environmentId;
    environmentId = "unknown0000000000000000";
    await setUp(visit);
    expect(await visit.stored()).toEqual({
      appUrl: server.baseUrl,
      workspaceId: environmentId,
      status: { value: "error", expiresAt: ISO },
    });
    const second = await enter({ context });
    expect(second.requests).toEqual([]);
    expect(await second.evaluate("events")).toEqual([]);

    const debugging = await enter({ context, path: "/?formbricksDebug=true" });
    expect(debugging.requests).toHaveLength(1);

    await second.evaluate(`localStorage.setItem("formbricks-js",
      JSON.stringify({ ...JSON.parse(localStorage.getItem("formbricks-js")), status: { value: "error", expiresAt: new Date(0) } }))`);
    const third = await enter({ context });
    expect(third.requests).toHaveLength(1);

    environmentId = known; // another environment is not locked out
    const fourth = await enter({ context });
    expect(await fourth.evaluate("events")).toHaveLength(1);
  });

  test("debug mode asks for everything again, past every cache", async () => {
    const context = await browsing.newVisitor();
    const first = await enter({ context });
    await first.evaluate('(sdk.setUserId("u1"), sdk.registerRouteChange())');
    const visit = await enter({ context, path: "/?formbricksDebug=true" });
    expect(visit.requests.toSorted((a, b) => a.route.localeCompare(b.route))).toEqual([
      { method: "GET", route: "environment", body: null, cacheControl: "no-cache" },
      { method: "POST", route: "user", body: { userId: "u1" }, cacheControl: "no-cache" },
    ]);
    expect(visit.errors).toEqual([]);
  });

  test("an expired state is fetched again at setup, and kept when that fails", async () => {
    const id = await survey();
    const context = await browsing.newVisitor();
    const first = await enter({ context });
    await first.evaluate('(sdk.setUserId("u1"), sdk.registerRouteChange())');
    const expire = `(() => { const state = JSON.parse(localStorage.getItem("formbricks-js"));
      state.workspace.expiresAt = state.user.expiresAt = new Date(0).toISOString();
      localStorage.setItem("formbricks-js", JSON.stringify(state)); })()`;
    await first.evaluate(expire);
    const second = await enter({ context });
    expect(second.requests.map(({ route, body }) => [route, body])).toEqual(
      expect.arrayContaining([
        ["environment", null],
        ["user", { userId: "u1" }],
      ]),
    );

    await second.evaluate(expire);
    const third = await browsing.visit({ context });
    await third.page.route("**/api/**", (route) => route.abort());
    await setUp(third);
    await third.evaluate('sdk.track("checkout_done")');
    expect(await shown(third)).toEqual([id]);
    expect(await third.stored()).toMatchObject({ status: { value: "success" } });
  });

  test("identification that fails holds back surveys with filters only", async () => {
    await survey({}, { segmentId: await proUsers(), action: { name: "b", key: "b" } });
    const open = await survey();
    const visit = await enter();
    await visit.evaluate('(sdk.setUserId("u1"), sdk.setAttribute("plan", "pro"), sdk.registerRouteChange())');
    await visit.page.route("**/user", (route) => route.fulfill({ status: 500, json: { code: "internal_server_error" } }));
    await visit.evaluate('(sdk.setAttribute("plan", "free"), sdk.track("b"))');
    await visit.evaluate('(sdk.setAttribute("plan", "free"), sdk.track("checkout_done"))');
    expect(await shown(visit)).toEqual([open]);
    expect(visit.errors).toContainEqual(expect.stringContaining("answered 500"));
  });

  test("a survey with spam protection is handed a way to a token", async () => {
    await survey({ recaptcha: { enabled: true, threshold: 0.5 } });
    const visit = await browsing.visit();
    await visit.page.route("https://www.google.com/recaptcha/api.js?render=site-key", (route) =>
      route.fulfill({
        contentType: "text/javascript",
        body: "grecaptcha = { ready: (run) => run(), execute: async (key, { action }) => key + ' ' + action };",
      }),
    );
    await setUp(visit);
    await visit.evaluate('sdk.track("checkout_done")');
    expect(await visit.evaluate("rendered[0].isSpamProtectionEnabled")).toBe(true);
    expect(await visit.evaluate("rendered[0].getRecaptchaToken()")).toBe("site-key submit_response");
  });

  test("a nonce is put on scripts and handed to the renderer", async () => {
    await survey();
    const visit = await browsing.visit();
    await visit.evaluate('(sdk.setNonce("abc"), 0)');
    await setUp(visit);
    await visit.evaluate('sdk.track("checkout_done")');
    expect(await visit.evaluate("nonces")).toEqual(["abc"]);
    expect(await visit.evaluate(`document.querySelector('script[src$="surveys.umd.cjs"]').nonce`)).toBe("abc");
  });

  test("the arguments of older loaders set up and identify", async () => {
    const visit = await browsing.visit();
    await visit.evaluate(`new Promise((resolve) => { const script = document.createElement("script");
      script.src = "${server.baseUrl}//js/formbricks.umd.cjs"; script.onload = resolve; document.head.append(script); })`);
    await visit.evaluate(`formbricks.init({ apiHost: "${server.baseUrl}/", environmentId: "${environmentId}", userId: "u1",
      attributes: { plan: "pro" } })`);
    expect(posts(visit)).toEqual([{ userId: "u1", attributes: { plan: "pro" } }]);
    await visit.evaluate("formbricks.reset()");
    expect(await visit.stored()).toMatchObject({ user: { data: { userId: null } } });
  });

  describe("without code", () => {
    const contains = (value: string) => [{ value, rule: "contains" }];

    test("a page view by its address, on arrival and on a later route", async () => {
      const id = await survey({}, noCode({ type: "pageView", urlFilters: contains("/pricing") }));
      const arriving = await enter({ path: "/pricing" });
      await arriving.waitFor("window.rendered?.length === 1");

      const visit = await enter();
      expect(await visit.evaluate("events.length")).toBe(1);
      await visit.evaluate('history.pushState({}, "", "/pricing?x=1")');
      await visit.waitFor("window.rendered?.length === 1");
      expect(await shown(visit)).toEqual([id]);
      await visit.evaluate("sdk.registerRouteChange()");
      expect(await visit.evaluate("events.filter(([name]) => name === 'action_tracked')")).toEqual([
        ["action_tracked", { action: "seen" }],
        ["action_tracked", { action: "seen" }],
      ]);
    });

    test("a click on an element or on what is within it", async () => {
      await survey({}, noCode({ type: "click", elementSelector: { cssSelector: "button.cta" }, urlFilters: [] }));
      const visit = await enter();
      await visit.page.mouse.click(600, 500);
      expect(await visit.evaluate("events.length")).toBe(1);
      await visit.page.click("#buy b");
      await visit.waitFor("window.rendered?.length === 1");
    });

    test("a click on an element by its content", async () => {
      await survey({}, noCode({ type: "click", elementSelector: { innerHtml: "Buy <b>now</b>" }, urlFilters: [] }));
      const visit = await enter();
      await visit.page.click("#buy");
      await visit.waitFor("window.rendered?.length === 1");
    });

    test("leaving by the upper edge", async () => {
      await survey({}, noCode({ type: "exitIntent", urlFilters: [] }));
      const visit = await enter();
      await visit.page.mouse.move(100, 50);
      await visit.evaluate('document.body.dispatchEvent(new MouseEvent("mouseleave", { clientY: 300 }))');
      await visit.evaluate('document.querySelector("#buy").dispatchEvent(new MouseEvent("mouseleave", { clientY: -1 }))');
      expect(await visit.evaluate("events.length")).toBe(1);
      await visit.page.mouse.move(100, -5);
      await visit.waitFor("window.rendered?.length === 1");
      expect(await visit.evaluate("events.slice(1)")).toEqual([["action_tracked", { action: "seen" }]]);
    });

    test("scrolling half way, once", async () => {
      await survey({}, noCode({ type: "fiftyPercentScroll", urlFilters: [] }));
      const visit = await enter();
      await visit.evaluate("scrollTo(0, 1200)");
      await visit.evaluate("new Promise((resolve) => setTimeout(resolve, 100))");
      expect(await visit.evaluate("events.length")).toBe(1);
      await visit.evaluate("scrollTo(0, 2200)");
      await visit.waitFor("window.rendered?.length === 1");
      await visit.evaluate("scrollTo(0, 3000)");
      await visit.evaluate("new Promise((resolve) => setTimeout(resolve, 100))");
      expect(await visit.evaluate("events.length")).toBe(2);
    });

    test("staying on a page, unless it is left before", async () => {
      await survey({}, noCode({ type: "pageDwell", timeInSeconds: 1, urlFilters: contains("/docs") }));
      const leaving = await enter({ path: "/docs" });
      await leaving.evaluate('history.pushState({}, "", "/home")');
      const staying = await enter({ path: "/docs" });
      await staying.waitFor("window.rendered?.length === 1");
      expect(await leaving.evaluate("events.length")).toBe(1);
    });
  });
});
