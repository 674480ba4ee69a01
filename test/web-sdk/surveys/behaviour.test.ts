import { expect, test } from "vitest";
import { newId } from "../../../src/shared/ids.ts";
import { announceChange, buildSegment, buildSurvey } from "../../api/client/live-survey.ts";
import { buildTenant } from "../../support/build.ts";
import { describeInBrowser } from "../chromium.ts";
import { look, useStage } from "../stage.ts";
import { block, open, showing, text, thanks } from "./showing.ts";

const staticValue = (value: unknown) => ({ type: "static", value });
const when = (operator: string, value: string, right: unknown) => ({
  connector: "and",
  conditions: [{ id: "c1", leftOperand: { type: "element", value }, operator, rightOperand: staticValue(right) }],
});

describeInBrowser("in a browser", () => {
  const stage = useStage();
  const { responsesTo } = stage;
  const { show, next, focused } = showing(stage);

  test("an answer that is missing or wrong is asked for again, and nothing is sent", async () => {
    const visit = await stage.browsing.visit(stage.server.baseUrl);
    const id = await show(visit, { blocks: [block("b1", open("mail", { required: true, inputType: "email" }))] });
    await next(visit);
    await visit.page.getByText("Please answer this question").waitFor();
    expect(await focused(visit)).toContain('aria-invalid="true"');
    expect(await look(visit.page, "x error", ".mortar-survey")).toEqual([]);
    await visit.page.getByRole("textbox").fill("ida");
    await next(visit);
    await visit.page.getByText("Please enter a valid email address").waitFor();
    expect(await responsesTo(id)).toEqual([]);
    await visit.page.getByRole("textbox").fill("ida@acme.test");
    await next(visit);
    await visit.page.getByText("Thank you!").waitFor();
    expect(await responsesTo(id)).toMatchObject([{ data: { mail: "ida@acme.test" }, finished: true }]);
  });

  test("logic jumps and calculates, texts recall, and going back undoes", async () => {
    const visit = await stage.browsing.visit(stage.server.baseUrl);
    const id = await show(visit, {
      variables: [{ id: "score", name: "score", type: "number", value: 1 }],
      blocks: [
        block("b1", open("name"), {
          logic: [
            {
              id: "l1",
              conditions: when("equals", "name", "<b>Ida</b>"),
              actions: [
                { id: "a1", objective: "calculate", variableId: "score", operator: "add", value: staticValue(4) },
                { id: "a2", objective: "jumpToBlock", target: "b3" },
              ],
            },
          ],
        }),
        block("b2", open("skipped")),
        block(
          "b3",
          open("last", { headline: text("<i>Hello</i> #recall:name/fallback:you#, #recall:score/fallback:0# points") }),
        ),
      ],
    });
    await visit.page.getByRole("textbox").fill("<b>Ida</b>");
    await next(visit);
    await visit.page.getByText("Hello <b>Ida</b>, 5 points").waitFor();
    await visit.page.getByRole("button", { name: "Back" }).click();
    await visit.page.getByLabel("About name").fill("Bo");
    await next(visit);
    await visit.page.getByLabel("About skipped").waitFor();
    await next(visit);
    await visit.page.getByText("Hello Bo, 1 points").waitFor();
    await next(visit);
    await visit.page.getByText("Thank you!").waitFor();
    expect(await responsesTo(id)).toMatchObject([{ data: { name: "Bo" }, variables: { score: 1 }, finished: true }]);
  });

  test("a survey over the page keeps the keyboard, and Escape gives it back", async () => {
    const visit = await stage.browsing.visit(stage.server.baseUrl);
    await visit.page.locator("#outside").focus();
    await show(visit, { blocks: [block("b1", open("name"))] }, { placement: "center", overlay: "dark" });
    await visit.page.getByRole("dialog").waitFor();
    expect(await look(visit.page, "x center", ".mortar-survey")).toEqual([]);
    const seen = new Set<string>();
    for (let presses = 0; presses < 8; presses++) {
      await visit.page.keyboard.press("Tab");
      seen.add((await focused(visit)).slice(0, 60));
      expect(await visit.page.evaluate("document.activeElement.closest('.mortar-survey') !== null")).toBe(true);
    }
    expect(seen.size).toBeGreaterThanOrEqual(3);
    await visit.page.keyboard.press("Escape");
    await visit.page.getByRole("dialog").waitFor({ state: "detached" });
    expect(await focused(visit)).toContain('id="outside"');
    expect(await visit.calls()).toContain("onClose");
  });

  test("a click beside a survey over the page closes it only where that is wanted", async () => {
    const visit = await stage.browsing.visit(stage.server.baseUrl);
    await show(visit, { blocks: [block("b1", open("name"))] }, { overlay: "light", clickOutside: false });
    await visit.page.mouse.click(20, 20);
    expect(await visit.page.getByRole("dialog").count()).toBe(1);
    await show(visit, { blocks: [block("b1", open("name"))] }, { overlay: "light", clickOutside: true });
    await visit.page.mouse.click(20, 20);
    await visit.page.getByRole("dialog").waitFor({ state: "detached" });
  });

  test("a survey in the corner leaves the page its keyboard and its clicks", async () => {
    const visit = await stage.browsing.visit(stage.server.baseUrl);
    await visit.page.locator("#outside").focus();
    await show(visit, { blocks: [block("b1", open("name"))] }, { placement: "topLeft", clickOutside: true });
    expect(await focused(visit)).toContain('id="outside"');
    await visit.page.locator("h1").click({ position: { x: 900, y: 5 } });
    expect(await visit.page.getByRole("dialog").count()).toBe(1);
  });

  test("an answer is sent again when the server fails", async () => {
    const visit = await stage.browsing.visit(stage.server.baseUrl);
    let attempts = 0;
    await visit.page.route("**/responses", async (route) => {
      attempts += route.request().method() === "POST" ? 1 : 0;
      if (attempts === 1) await route.fulfill({ status: 503, json: {}, headers: { "access-control-allow-origin": "*" } });
      else await route.continue();
    });
    const id = await show(visit, { blocks: [block("b1", open("name"))] });
    await visit.page.getByRole("textbox").fill("Ida");
    await next(visit);
    await visit.page.getByText("Thank you!").waitFor();
    expect([attempts, await responsesTo(id)]).toMatchObject([2, [{ data: { name: "Ida" }, finished: true }]]);
  });

  test("an answer that could not be sent is sent by the next page", async () => {
    const visit = await stage.browsing.visit(stage.server.baseUrl);
    await visit.page.route("**/responses", (route) => route.abort());
    const id = await show(visit, { blocks: [block("b1", open("name"))] });
    await visit.page.getByRole("textbox").fill("Ida");
    await next(visit);
    await visit.page.getByText("Saving your answers…").waitFor();
    // As if it had been a while ago.
    await visit.page.evaluate(
      "localStorage['mortar-surveys-unsent'] = localStorage['mortar-surveys-unsent'].replace(/\"at\":\\d+/, '\"at\":' + (Date.now() - 200000))",
    );
    const visitor = visit.page.context();
    await visit.page.close();
    const later = await stage.browsing.visit(stage.server.baseUrl, { visitor });
    await expect.poll(() => responsesTo(id)).toMatchObject([{ data: { name: "Ida" }, finished: true }]);
    await expect.poll(() => later.page.evaluate("localStorage['mortar-surveys-unsent']")).toBeUndefined();
  });

  test("what the server refuses for good is told, and not sent again", async () => {
    const visit = await stage.browsing.visit(stage.server.baseUrl);
    const id = await show(visit, { blocks: [block("b1", open("name"))] });
    await stage.server.db.prisma.survey.updateMany({ where: { id }, data: { status: "paused" } });
    const { environmentId } = await stage.server.db.prisma.survey.findFirstOrThrow({ where: { id } });
    await announceChange(stage.server.db, environmentId);
    stage.server.services.environments.forget(environmentId);
    await visit.page.getByRole("textbox").fill("Ida");
    await next(visit);
    await visit.page.getByText("Your answers could not be saved.").waitFor();
    expect(await visit.page.getByRole("button", { name: "Try again" }).count()).toBe(0);
    expect(await visit.calls()).not.toContain("onFinished");
  });

  test("a full quota ends the survey with its ending", async () => {
    const visit = await stage.browsing.visit(stage.server.baseUrl);
    await visit.page.route("**/responses", (route) =>
      route.fulfill({
        json: { data: { id: "r1", quotaFull: true, quota: { id: "q1", action: "endSurvey", endingCardId: "end2" } } },
        headers: { "access-control-allow-origin": "*", "access-control-allow-headers": "*" },
      }),
    );
    const full = { id: "end2", type: "endScreen", headline: text("We have heard enough") };
    await show(visit, { blocks: [block("b1", open("one")), block("b2", open("two"))], endings: [thanks, full] });
    await next(visit);
    await visit.page.getByText("We have heard enough").waitFor();
    expect(await visit.calls()).toContain("onFinished");
  });

  test("a redirect takes the respondent on when everything is stored", async () => {
    const visit = await stage.browsing.visit(stage.server.baseUrl);
    const redirect = {
      id: "end1",
      type: "redirectToUrl",
      label: "On",
      url: `${stage.browsing.shopUrl}?from=#recall:name/fallback:x#`,
    };
    const id = await show(visit, { blocks: [block("b1", open("name"))], endings: [redirect] });
    await visit.page.getByRole("textbox").fill("Ida & Bo");
    await next(visit);
    await visit.page.waitForURL("**/?from=Ida%20%26%20Bo");
    expect(await responsesTo(id)).toMatchObject([{ finished: true, endingId: "end1" }]);
  });

  test("a survey stands inside a page whose policy wants a nonce", async () => {
    const csp = `default-src 'none'; script-src ${stage.server.baseUrl}; connect-src ${stage.server.baseUrl}; style-src 'nonce-abc'`;
    const visit = await stage.browsing.visit(stage.server.baseUrl, { path: `?csp=${encodeURIComponent(csp)}` });
    visit.errors.length = 0; // the shop's own styles have no nonce
    await visit.page.evaluate("formbricksSurveys.setNonce('abc')");
    const id = await show(visit, { blocks: [block("b1", open("name"))] }, { mode: "inline", containerId: "here" });
    const card = visit.page.locator("#here .mo-card");
    await card.waitFor();
    const color = await visit.page.evaluate("getComputedStyle(document.querySelector('#here .mo-card')).backgroundColor");
    expect(color).toBe("rgb(255, 255, 255)");
    await next(visit);
    await visit.page.getByText("Thank you!").waitFor();
    expect([visit.errors, (await responsesTo(id)).length]).toEqual([[], 1]);
  });

  test("a respondent changes the language, and the side it is read from", async () => {
    const visit = await stage.browsing.visit(stage.server.baseUrl);
    const language = (code: string, isDefault: boolean) => ({
      default: isDefault,
      enabled: true,
      language: { id: code, code, alias: null },
    });
    const id = await show(visit, {
      showLanguageSwitch: true,
      languages: [language("en-US", true), language("ar-EG", false)],
      blocks: [
        block("b1", {
          id: "drink",
          type: "multipleChoiceSingle",
          required: true,
          headline: text("A drink?", { "ar-EG": "مشروب؟" }),
          choices: [
            { id: "tea", label: text("Tea", { "ar-EG": "شاي" }) },
            { id: "milk", label: text("Milk", { "ar-EG": "حليب" }) },
          ],
        }),
      ],
      endings: [{ id: "end1", type: "endScreen", headline: text("Thank you!", { "ar-EG": "شكرا!" }) }],
    });
    await visit.page.getByRole("radio", { name: "Tea" }).check();
    await visit.page.getByRole("combobox", { name: "Language" }).selectOption("ar-EG");
    await visit.page.getByText("مشروب؟").waitFor();
    expect(await visit.page.locator(".mortar-survey").getAttribute("dir")).toBe("rtl");
    expect(await visit.page.getByRole("radio", { name: "شاي" }).isChecked()).toBe(true);
    expect((await visit.page.locator(".mo-card").boundingBox())?.x).toBeGreaterThan(700); // still at the right
    expect(await look(visit.page, "x rtl", ".mortar-survey")).toEqual([]);
    await next(visit);
    await visit.page.getByText("شكرا!").waitFor();
    expect(await responsesTo(id)).toMatchObject([{ data: { drink: "شاي" }, language: "ar-EG" }]);
  });

  test("a page without an origin, as apps have, shows a survey and opens links outside", async () => {
    const visit = await stage.browsing.visit(stage.server.baseUrl, {
      path: `?csp=${encodeURIComponent("sandbox allow-scripts allow-forms")}`,
    });
    const cta = { buttonExternal: true, buttonUrl: "https://acme.test/", ctaButtonLabel: text("Look") };
    const id = await show(
      visit,
      { blocks: [block("b1", { ...open("link"), type: "cta", ...cta })] },
      { isWebEnvironment: false, record: ["onOpenExternalURL", "onCardRectChange"] },
    );
    await visit.page.getByRole("button", { name: "Look" }).click();
    expect(await visit.page.evaluate("given.onOpenExternalURL")).toEqual(["https://acme.test/"]);
    expect(await visit.page.evaluate("given.onCardRectChange[0].width > 100")).toBe(true);
    await next(visit);
    await visit.page.getByText("Thank you!").waitFor();
    expect(await responsesTo(id)).toMatchObject([{ data: { link: "clicked" }, finished: true }]);
    expect(JSON.stringify((await responsesTo(id))[0]?.meta)).not.toContain("sandbox");
    expect(visit.errors).toEqual([]);
  });

  test("files that an app picked are uploaded", async () => {
    const visit = await stage.browsing.visit(stage.server.baseUrl);
    await show(visit, { blocks: [block("b1", { ...open("proof"), type: "fileUpload", allowMultipleFiles: false })] });
    const chooser = visit.page.waitForEvent("filechooser");
    await visit.page.locator("input[type=file]").click();
    await chooser;
    await visit.page.evaluate("formbricksSurveys.onFilePick([{ name: 'a.txt', type: 'text/plain', base64: btoa('hello') }])");
    await visit.page.getByRole("button", { name: "Remove a.txt" }).waitFor();
  });

  test("a caller that sends for itself is told everything", async () => {
    const visit = await stage.browsing.visit(stage.server.baseUrl);
    await show(
      visit,
      { blocks: [block("b1", open("name"))] },
      { appUrl: undefined, record: ["onDisplay", "onResponse", "getSetIsError", "getSetIsResponseSendingFinished", "onRetry"] },
    );
    await visit.page.getByRole("textbox").fill("Ida");
    await next(visit);
    await visit.page.getByText("Saving your answers…").waitFor();
    expect(await visit.page.evaluate("given.onResponse[0]")).toMatchObject({
      data: { name: "Ida" },
      finished: true,
      endingId: "end1",
    });
    await visit.page.evaluate("given.getSetIsError[0](true)");
    await visit.page.getByRole("button", { name: "Try again" }).click();
    await visit.page.evaluate("given.getSetIsResponseSendingFinished[0](true)");
    await visit.page.getByText("Thank you!").waitFor();
    expect(await visit.calls()).toEqual(expect.arrayContaining(["onDisplay", "onResponse", "onRetry"]));
    expect(await visit.calls()).not.toContain("onDisplayCreated");
  });

  test("one touch answers and goes on where the survey says so; arrow keys only choose", async () => {
    const visit = await stage.browsing.visit(stage.server.baseUrl);
    const nps = { ...open("score"), type: "nps" };
    await show(visit, { isAutoProgressingEnabled: true, blocks: [block("b1", nps), block("b2", open("why"))] });
    await visit.page.getByRole("radio", { name: "3 of 10" }).focus();
    await visit.page.waitForTimeout(800);
    await visit.page.keyboard.press("ArrowRight");
    await visit.page.waitForTimeout(500);
    expect(await visit.page.getByRole("radio", { name: "4 of 10" }).isChecked()).toBe(true);
    await visit.page.locator(".mo-scale label").nth(9).click();
    await visit.page.getByLabel("About why").waitFor();
  });

  test("a survey that nobody turns to closes by itself", async () => {
    const visit = await stage.browsing.visit(stage.server.baseUrl);
    await show(visit, { autoClose: 1, blocks: [block("b1", open("name"))] });
    await visit.page.getByRole("dialog").waitFor({ state: "detached" });
    expect(await visit.calls()).toContain("onClose");
  });

  test("a survey without an ending closes when everything is stored", async () => {
    const visit = await stage.browsing.visit(stage.server.baseUrl);
    const id = await show(visit, { blocks: [block("b1", open("name"))], endings: [] });
    await next(visit);
    await visit.page.getByRole("dialog").waitFor({ state: "detached" });
    expect(await responsesTo(id)).toMatchObject([{ finished: true, endingId: null }]);
  });

  test("dark and coloured surveys can be read", async () => {
    const visit = await stage.browsing.visit(stage.server.baseUrl, { colorScheme: "dark" });
    const styling = { brandColor: { light: "#ffd400" }, isDarkModeEnabled: true, roundness: 20 };
    const nps = { ...open("score"), type: "nps", required: true, lowerLabel: text("Low"), upperLabel: text("High") };
    await show(visit, { blocks: [block("b1", nps)] }, { styling, isBrandingEnabled: true });
    await visit.page.locator(".mo-scale label").nth(9).click();
    expect(await look(visit.page, "x dark", ".mortar-survey")).toEqual([]);
  });

  test("a user who does something is shown a survey, and the answer is theirs", async () => {
    const { environmentId } = await buildTenant(stage.server.db);
    const segmentId = await buildSegment(stage.server.db, environmentId, []);
    const surveyId = await buildSurvey(stage.server.db, {
      environmentId,
      segmentId,
      document: {
        displayOption: "displayOnce",
        hiddenFields: { enabled: false },
        blocks: [
          { id: "b1", name: "One", elements: [{ id: "q1", type: "nps", headline: { default: "Would you?" }, required: true }] },
        ],
        endings: [{ id: "e1", type: "endScreen", headline: { default: "Thank you!" } }],
      },
    });
    const actionClassId = newId();
    await stage.server.db.prisma.actionClass.create({
      data: { id: actionClassId, environmentId, name: "Bought", key: "bought", type: "code" },
    });
    await stage.server.db.prisma.surveyTrigger.create({ data: { environmentId, surveyId, actionClassId } });

    const { page, errors } = await stage.browsing.visit(stage.server.baseUrl, { reducedMotion: "no-preference" });
    await page.evaluate("delete window.formbricksSurveys"); // the core loads it by itself
    await page.addScriptTag({ url: `${stage.server.baseUrl}/js/formbricks.umd.cjs` });
    await page.evaluate(`(async () => {
      await formbricks.setup({ appUrl: "${stage.server.baseUrl}", environmentId: "${environmentId}" });
      await formbricks.setUserId("ida");
      await formbricks.track("bought");
    })()`);
    await page.getByText("Would you?").waitFor();
    await page.locator(".mo-scale label").nth(9).click();
    await page.getByRole("button", { name: "Finish" }).click();
    await page.getByText("Thank you!").waitFor();
    await page.getByRole("button", { name: "Close survey" }).click();
    await page.locator("#formbricks-modal-container").waitFor({ state: "detached" });
    expect(errors).toEqual([]);
    const contact = await stage.server.db.prisma.contact.findFirstOrThrow({ where: { environmentId, userId: "ida" } });
    expect(await stage.server.db.prisma.response.findMany({ where: { surveyId } })).toMatchObject([
      { data: { q1: 9 }, finished: true, contactId: contact.id },
    ]);
    expect(await stage.server.db.prisma.display.count({ where: { surveyId, contactId: contact.id } })).toBe(1);
  });
});
