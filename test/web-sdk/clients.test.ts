/** What customers have installed, against the server and the two scripts it serves: four npm loaders and the React Native page. */
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Page } from "playwright-core";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { newId } from "../../src/shared/ids.ts";
import { buildSegment, buildSurvey } from "../api/client/live-survey.ts";
import { startApp } from "../clients/phone.ts";
import { buildTenant } from "../support/build.ts";
import { describeInBrowser } from "./chromium.ts";
import { useStage } from "./stage.ts";
import { SAMPLES, sampleDocument } from "./surveys/sample-survey.ts";

interface Loader {
  name: string;
  module: string;
  /** Expressions over `sdk`, the loader. */
  setUp(target: { appUrl: string; environmentId: string }): string;
  identify(target: { appUrl: string; environmentId: string }, userId: string): string;
}

const json = (value: unknown) => JSON.stringify(value);

/** 2.x and 3.0 name the user when they begin, and do not wait for what they begin. */
const older = {
  setUp: ({ appUrl, environmentId }) => `sdk.init(${json({ apiHost: appUrl, environmentId })})`,
  identify: ({ appUrl, environmentId }, userId) =>
    `sdk.init(${json({ apiHost: appUrl, environmentId, userId, attributes: { plan: "pro" } })})`,
} satisfies Partial<Loader>;

const newer = (idName: "environmentId" | "workspaceId") =>
  ({
    setUp: ({ appUrl, environmentId }) => `sdk.setup(${json({ appUrl, [idName]: environmentId })})`,
    identify: ({ appUrl, environmentId }, userId) =>
      `sdk.setup(${json({ appUrl, [idName]: environmentId })}).then(() =>
        Promise.all([sdk.setUserId(${json(userId)}), sdk.setAttributes({ plan: "pro" })]))`,
  }) satisfies Partial<Loader>;

const LOADERS: Loader[] = [
  { name: "@formbricks/js 2.2", module: "formbricks-js-2/app", ...older },
  { name: "@formbricks/js 3.0", module: "formbricks-js-3", ...older },
  { name: "@formbricks/js 4.4", module: "formbricks-js-4", ...newer("environmentId") },
  { name: "@formbricks/js 5.1", module: "@formbricks/js", ...newer("workspaceId") },
];

/** The loader as a script that sets `sdk`. */
async function bundleLoader(module: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: {
      contents: `import sdk from ${json(module)}; globalThis.sdk = sdk;`,
      resolveDir: fileURLToPath(new URL(".", import.meta.url)),
    },
    ...{ bundle: true, format: "iife", write: false },
  });
  return outputFiles[0]?.text ?? "";
}

const proUsers = {
  ...{ id: "f1", connector: null },
  resource: {
    ...{ id: "r1", root: { type: "attribute", contactAttributeKey: "plan" } },
    ...{ qualifier: { operator: "equals" }, value: "pro" },
  },
};

describeInBrowser("against the server and its scripts", () => {
  const stage = useStage();
  let target: { appUrl: string; environmentId: string };
  /** Shown to users of the plan `pro` when they check out. */
  let surveyId: string;
  /** Shown to everyone who searches. */
  let openSurveyId: string;

  beforeEach(async () => {
    const { environmentId } = await buildTenant(stage.server.db);
    target = { appUrl: stage.server.baseUrl, environmentId };
    surveyId = await triggeredSurvey("checkout", [proUsers], sampleDocument());
    const question = { id: "q1", type: "openText", headline: { default: "What were you looking for?" }, required: true };
    openSurveyId = await triggeredSurvey("search", [], {
      ...{ blocks: [{ id: "b1", name: "One", elements: [question] }], displayOption: "displayOnce" },
      endings: [{ id: "e1", type: "endScreen", headline: { default: "Thank you!" } }],
    });
  });

  async function triggeredSurvey(key: string, filters: object[], document: object): Promise<string> {
    const { environmentId } = target;
    const segmentId = await buildSegment(stage.server.db, environmentId, filters);
    const id = await buildSurvey(stage.server.db, { environmentId, segmentId, document: { recontactDays: 0, ...document } });
    const actionClassId = newId();
    await stage.server.db.prisma.actionClass.create({
      data: { id: actionClassId, environmentId, type: "code", name: `The ${key}`, key },
    });
    await stage.server.db.prisma.surveyTrigger.create({ data: { environmentId, surveyId: id, actionClassId } });
    return id;
  }

  async function answerEveryElement(page: Page): Promise<void> {
    await page.getByRole("button", { name: "Start" }).click();
    for (const { element, fill } of SAMPLES) {
      await page.locator(`[data-element=${element.id}]`).waitFor();
      const popup = element.id === "cta" ? page.waitForEvent("popup") : undefined;
      await fill(page);
      await (await popup)?.close();
      await page.locator(".mo-buttons button[type=submit]").click();
    }
    await page.getByText("We read every answer.").waitFor();
  }

  async function answerSearch(page: Page): Promise<void> {
    await page.getByLabel("What were you looking for?").fill("A lamp");
    await page.getByRole("button", { name: "Finish" }).click();
    await page.getByText("Thank you!").waitFor();
  }

  /** The survey was shown to and answered by this user, or by nobody known (null). */
  async function expectAnswered(id: string, userId: string | null, data: object): Promise<void> {
    const { prisma } = stage.server.db;
    const contact = userId && (await prisma.contact.findFirstOrThrow({ where: { environmentId: target.environmentId, userId } }));
    if (contact) expect(contact.attributes).toEqual({ plan: "pro" });
    const contactId = contact ? contact.id : null;
    const displays = await prisma.display.findMany({ where: { surveyId: id } });
    expect(displays).toMatchObject([{ contactId }]);
    const responses = await prisma.response.findMany({ where: { surveyId: id } });
    expect(responses).toMatchObject([{ finished: true, contactId, displayId: displays[0]?.id, data }]);
  }

  const everyAnswer = Object.fromEntries(SAMPLES.map(({ element, answer }) => [element.id, answer]));

  describe.each(LOADERS)("$name", ({ module, setUp, identify }) => {
    let script: string;

    beforeAll(async () => {
      script = await bundleLoader(module);
    });

    async function visit(query = "") {
      const { page, errors } = await stage.browsing.open();
      const requests: { url: string; method: string; cacheControl: string | undefined }[] = [];
      page.on("request", (request) =>
        requests.push({ url: request.url(), method: request.method(), cacheControl: request.headers()["cache-control"] }),
      );
      await page.goto(stage.browsing.shopUrl + query);
      await page.addScriptTag({ content: script });
      return { page, errors, requests };
    }
    const isSetUp = 'JSON.parse(localStorage.getItem("formbricks-js") ?? "{}").status?.value === "success"';

    test("identifies a user, who is shown a survey and answers every type of element", { timeout: 60_000 }, async () => {
      const { page, errors } = await visit();
      await page.evaluate(identify(target, "ida"));
      await page.waitForFunction('localStorage.getItem("formbricks-js")?.includes(\'"userId":"ida"\')');
      await page.evaluate('sdk.track("checkout")');
      await answerEveryElement(page);
      await page.getByRole("button", { name: "Close survey" }).click();
      await page.locator("#formbricks-modal-container").waitFor({ state: "detached" });
      expect(errors).toEqual([]);
      await expectAnswered(surveyId, "ida", everyAnswer);
    });

    test("shows nobody known what is for everyone, once, and nothing that is for some", async () => {
      const { page, errors } = await visit();
      await page.evaluate(setUp(target));
      await page.waitForFunction(isSetUp);
      await page.evaluate('sdk.track("checkout")');
      await page.evaluate('sdk.track("search")');
      await answerSearch(page);
      await page.getByRole("button", { name: "Close survey" }).click();
      await page.evaluate('sdk.track("search")');
      expect(await page.locator(".mortar-survey").count()).toBe(0);
      expect(errors).toEqual([]);
      await expectAnswered(openSurveyId, null, { q1: "A lamp" });
      expect(await stage.server.db.prisma.display.count({ where: { surveyId } })).toBe(0);
      expect(await stage.server.db.prisma.contact.count({ where: { environmentId: target.environmentId } })).toBe(0);
    });

    test("leaves a server alone whose first answer was an error, unless it is in debug mode", async () => {
      const { page, requests } = await visit();
      const asked = () => requests.filter(({ url, method }) => url.includes("/environment") && method === "GET");
      const unknown = { ...target, environmentId: newId() };
      await page.evaluate(setUp(unknown));
      await page.waitForFunction('localStorage.getItem("formbricks-js")?.includes(\'"error"\')');
      expect(asked()).toHaveLength(1);
      await page.reload();
      await page.addScriptTag({ content: script });
      await page.evaluate(setUp(unknown));
      await page.waitForFunction("window.formbricks");
      await page.waitForTimeout(200);
      expect(asked()).toHaveLength(1);
      await page.goto(`${stage.browsing.shopUrl}?formbricksDebug=true`);
      await page.addScriptTag({ content: script });
      await page.evaluate(setUp(target));
      await page.waitForFunction(isSetUp);
      expect(asked().slice(1)).toMatchObject([{ cacheControl: "no-cache" }]);
    });
  });

  describe("@formbricks/react-native 3.2, whose page stands in a web view", () => {
    afterEach(() => {
      vi.unstubAllEnvs();
      vi.unstubAllGlobals();
    });

    /** The SDK's page as a web view shows it: without an origin, and with a way to the app. */
    async function openWebView(app: Awaited<ReturnType<typeof startApp>>) {
      await expect.poll(app.webView).toBeDefined();
      const { html, tell } = app.webView() ?? { html: "", tell: () => {} };
      const messages: unknown[] = [];
      const { page, errors } = await stage.browsing.open({ viewport: { width: 390, height: 780 } });
      await page.exposeFunction("tellApp", (message: string) => {
        messages.push(JSON.parse(message));
        tell(message);
      });
      await page.addInitScript("window.ReactNativeWebView = { postMessage: (message) => window.tellApp(message) };");
      stage.browsing.addPage("web-view", html);
      const policy = encodeURIComponent("sandbox allow-scripts allow-forms allow-popups");
      await page.goto(`${stage.browsing.shopUrl}web-view?csp=${policy}`);
      expect(await page.evaluate("origin")).toBe("null");
      return { page, errors, messages };
    }

    test("identifies a user, who answers every type of element, and hears what became of it", { timeout: 60_000 }, async () => {
      const app = await startApp(target);
      await expect.poll(() => app.state().status.value).toBe("success");
      await app.sdk.setUserId("ida");
      await app.sdk.setAttributes({ plan: "pro" });
      await expect.poll(() => app.state().user.data.userId).toBe("ida");
      await app.sdk.track("checkout");
      const { page, errors, messages } = await openWebView(app);
      await answerEveryElement(page);
      await expect.poll(() => messages).toEqual([{ onDisplayCreated: true }, { onResponseCreated: true }, { onFinished: true }]);
      await page.getByRole("button", { name: "Close survey" }).click();
      await expect.poll(() => messages.at(-1)).toEqual({ onClose: true });
      expect(errors).toEqual([]);
      expect(app.state().user.data).toMatchObject({ responses: [surveyId], displays: [{ surveyId }] });
      await expect.poll(app.webView).toBeUndefined();
      app.stop();
      await expectAnswered(surveyId, "ida", everyAnswer);
    });

    test("shows nobody known what is for everyone", async () => {
      const app = await startApp(target);
      await expect.poll(() => app.state().status.value).toBe("success");
      await app.sdk.track("checkout");
      await app.sdk.track("search");
      const { page, errors } = await openWebView(app);
      await answerSearch(page);
      expect(errors).toEqual([]);
      app.stop();
      await expectAnswered(openSurveyId, null, { q1: "A lamp" });
    });
  });
});
