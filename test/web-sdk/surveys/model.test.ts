/** What a survey's document says, row by row: logic, validation, cards, languages, styling, spam protection. */
import { expect, test } from "vitest";
import { describeInBrowser } from "../chromium.ts";
import { look, useStage } from "../stage.ts";
import { block, open, showing, text, thanks } from "./showing.ts";

const condition = (leftOperand: object, operator: string, value?: unknown) => ({
  ...{ id: "c", leftOperand, operator },
  ...(value === undefined ? {} : { rightOperand: { type: "static", value } }),
});
const element = (value: string) => ({ type: "element", value });
const rule = (connector: string, conditions: object[], actions: object[]) => ({
  id: "l",
  conditions: { id: "g", connector, conditions },
  actions,
});
const jump = (target: string) => ({ id: "a", objective: "jumpToBlock", target });
const calculate = (variableId: string, operator: string, value: object) => ({
  ...{ id: "a", objective: "calculate", variableId, operator, value },
});
const fixed = (value: unknown) => ({ type: "static", value });
const language = (code: string, isDefault: boolean) => ({
  ...{ default: isDefault, enabled: true, language: { id: code, code, alias: null } },
});

describeInBrowser("a survey's document", () => {
  const stage = useStage();
  const { responsesTo } = stage;
  const { show, next } = showing(stage);
  const visitShop = () => stage.browsing.visit(stage.server.baseUrl);

  test("its logic asks nested conditions, falls back, requires answers and ends the survey where it says", async () => {
    const visit = await visitShop();
    const far = { id: "far", type: "endScreen", headline: text("Far away") };
    const choices = ["Tea", "Milk"].map((name) => ({ id: name.toLowerCase(), label: text(name) }));
    const id = await show(
      visit,
      {
        endings: [thanks, far],
        hiddenFields: { enabled: true, fieldIds: ["plan"] },
        blocks: [
          block(
            "b1",
            { ...open("drink"), type: "multipleChoiceSingle", choices },
            {
              logic: [
                rule(
                  "and",
                  [
                    condition(element("drink"), "equals", "tea"),
                    {
                      id: "g2",
                      connector: "or",
                      conditions: [
                        condition({ type: "hiddenField", value: "plan" }, "isNotSet"),
                        condition({ type: "hiddenField", value: "plan" }, "startsWith", "pr"),
                      ],
                    },
                  ],
                  [{ id: "a", objective: "requireAnswer", target: "why" }, jump("b3")],
                ),
              ],
              logicFallback: "far",
            },
          ),
          block("b2", open("never")),
          block("b3", open("why")),
        ],
      },
      { hiddenFieldsRecord: { plan: "pro" } },
    );
    await visit.page.getByRole("radio", { name: "Milk" }).check();
    await next(visit);
    await visit.page.getByText("Far away").waitFor();
    await expect
      .poll(() => responsesTo(id))
      .toMatchObject([{ data: { drink: "Milk", plan: "pro" }, endingId: "far", finished: true }]);
    const other = await visitShop();
    const again = await show(other, {
      blocks: [
        block(
          "b1",
          { ...open("drink"), type: "multipleChoiceSingle", choices },
          {
            logic: [
              rule(
                "or",
                [condition(element("drink"), "equals", "tea")],
                [{ id: "a", objective: "requireAnswer", target: "why" }],
              ),
            ],
          },
        ),
        block("b3", open("why")),
      ],
    });
    await other.page.getByRole("radio", { name: "Tea" }).check();
    await next(other);
    await other.page.getByText("Required").waitFor();
    await next(other);
    await other.page.getByText("Please answer this question").waitFor();
    await other.page.getByRole("textbox").fill("Warm");
    await next(other);
    await other.page.getByText("Thank you!").waitFor();
    expect(await responsesTo(again)).toMatchObject([{ data: { drink: "Tea", why: "Warm" } }]);
  });

  test("it calculates with answers and variables, and recalls what came of it wherever there is text", async () => {
    const visit = await visitShop();
    const always = condition(element("count"), "isSubmitted");
    const id = await show(visit, {
      variables: [
        { id: "sum", name: "sum", type: "number", value: 2 },
        { id: "note", name: "note", type: "text", value: "We" },
      ],
      blocks: [
        block("b1", open("count", { inputType: "number" }), {
          logic: [
            rule(
              "and",
              [always],
              [
                calculate("sum", "multiply", { type: "element", value: "count" }),
                calculate("sum", "subtract", fixed(1)),
                calculate("note", "concat", fixed(" heard ")),
                calculate("note", "concat", { type: "variable", value: "sum" }),
              ],
            ),
          ],
        }),
        block("b2", open("next", { subheader: text("<p>#recall:note/fallback:-#</p>") }), {
          buttonLabel: text("Send #recall:sum/fallback:0#"),
          backButtonLabel: text("Not #recall:count/fallback:0#?"),
        }),
      ],
      endings: [{ ...thanks, headline: text("#recall:next/fallback:Nothing# it is") }],
    });
    await visit.page.getByRole("spinbutton").fill("4");
    await next(visit);
    await visit.page.getByText("We heard 7").waitFor();
    expect(await visit.page.locator(".mo-buttons button").allInnerTexts()).toEqual(["Send 7", "Not 4?"]);
    await next(visit);
    await visit.page.getByText("Nothing it is").waitFor();
    expect(await responsesTo(id)).toMatchObject([{ data: { count: "4" }, variables: { sum: 7, note: "We heard 7" } }]);
  });

  test("its answer rules hold all together, or one of them", async () => {
    const visit = await visitShop();
    const rules = [
      { id: "r1", type: "minLength", params: { min: 4 } },
      { id: "r2", type: "pattern", params: { pattern: "^[A-Z]" } },
    ];
    const id = await show(visit, {
      blocks: [
        block("b1", open("all", { validation: { logic: "and", rules } })),
        block("b2", open("any", { validation: { logic: "or", rules } })),
      ],
    });
    await visit.page.getByRole("textbox").fill("abc");
    await next(visit);
    await visit.page.getByText("Please write at least 4 characters").waitFor();
    expect(await visit.page.getByText("This is not in the expected format").count()).toBe(1);
    await visit.page.getByRole("textbox").fill("Abcd");
    await next(visit);
    await visit.page.getByLabel("About any").fill("Ab");
    await next(visit);
    await visit.page.getByText("Thank you!").waitFor();
    expect(await responsesTo(id)).toMatchObject([{ data: { all: "Abcd", any: "Ab" } }]);
  });

  test("it may hide the way back, and its labels may hold HTML, which no script comes through", async () => {
    const visit = await visitShop();
    const consent = {
      ...{ ...open("terms"), type: "consent", required: true },
      label: text(`I agree to the <a href="https://acme.test/terms">terms</a><img src=x onerror="window.broken=1">`),
    };
    await show(visit, { isBackButtonHidden: true, blocks: [block("b1", open("one")), block("b2", consent)] });
    await next(visit);
    await visit.page.getByRole("checkbox", { name: "I agree to the terms" }).waitFor();
    expect(await visit.page.getByRole("link", { name: "terms" }).getAttribute("target")).toBe("_blank");
    expect(await visit.page.getByRole("button", { name: "Back" }).count()).toBe(0);
    expect(await visit.page.evaluate("'broken' in window")).toBe(false);
  });

  test.each([
    ["straight", "straight", [2, 2, 1, 0]],
    ["casual", "casual", [2, 2, 1, 0]],
    ["simple", "simple", [0, 0, 0, 0]],
    ["none", undefined, [2, 2, 1, 0]],
  ])("its cards lie behind the one that is answered, as the styling arranges them: %s", async (name, appSurveys, counts) => {
    const visit = await visitShop();
    const welcomeCard = { enabled: true, headline: text("Hello") };
    const styling = { cardArrangement: { appSurveys, linkSurveys: "simple" } };
    await show(visit, { welcomeCard, blocks: [block("b1", open("one")), block("b2", open("two"))] }, { styling });
    const seen: number[] = [];
    for (const heading of ["Hello", "About one", "About two", "Thank you!"]) {
      await visit.page.getByRole("heading", { name: heading }).waitFor();
      seen.push(await visit.page.locator(".mo-behind:not(.mo-gone)").count());
      if (heading === "About one") expect(await look(visit.page, `arrangement ${name}`, ".mortar-survey")).toEqual([]);
      if (heading !== "Thank you!") await next(visit);
    }
    expect(seen).toEqual(counts);
  });

  test.each([
    ["ja-JP", "ltr", "次へ", "この質問にお答えください"],
    ["ar-SA", "rtl", "التالي", "يرجى الإجابة عن هذا السؤال"],
    ["zh-Hant-TW", "ltr", "下一步", "請回答此問題"],
  ])("what the renderer says of its own is in the survey's language: %s", async (code, direction, label, problem) => {
    const visit = await visitShop();
    await show(visit, {
      languages: [language(code, true)],
      blocks: [block("b1", open("one", { required: true })), block("b2", open("two"))],
    });
    const survey = visit.page.locator(".mortar-survey");
    expect([await survey.getAttribute("lang"), await survey.getAttribute("dir")]).toEqual([code, direction]);
    await visit.page.getByRole("button", { name: label }).click();
    await visit.page.getByText(problem).waitFor();
  });

  test("a card longer than its window says so, and can be scrolled by keyboard", async () => {
    const visit = await stage.browsing.visit(stage.server.baseUrl, { viewport: { width: 1000, height: 500 } });
    const choices = Array.from({ length: 12 }, (_, index) => ({ id: `c${index}`, label: text(`Choice ${index}`) }));
    await show(visit, {
      blocks: [block("b1", { ...open("many"), type: "multipleChoiceMulti", choices }), block("b2", open("two"))],
    });
    const body = visit.page.locator(".mo-body.mo-more[tabindex='0']");
    await body.waitFor();
    expect(await look(visit.page, "long card", ".mortar-survey")).toEqual([]);
    await visit.page.getByRole("checkbox", { name: "Choice 11" }).check();
    await visit.page.locator(".mo-body:not(.mo-more)[tabindex='0']").waitFor();
    await next(visit);
    await visit.page.locator(".mo-body:not([tabindex])").waitFor();
  });

  const SANDBOX = `?csp=${encodeURIComponent("sandbox allow-scripts allow-forms")}`;
  const protectedSurvey = { recaptcha: { enabled: true, threshold: 0.5 }, blocks: [block("b1", open("name"))] };
  const GRECAPTCHA = `window.grecaptcha = {
    ready: (callback) => setTimeout(callback, 5),
    execute: (key, { action }) => Promise.resolve("token for " + key + " to " + action),
  };`;

  test.each([
    ["as newer apps ask for it", { isSpamProtectionEnabled: true }],
    ["as the survey itself asks for it", {}],
  ])("an app's page, which has no way to a token of its own, gets one from reCAPTCHA, %s", async (_how, options) => {
    const visit = await stage.browsing.visit(stage.server.baseUrl, { path: SANDBOX });
    const { page } = visit;
    const asked: string[] = [];
    await page.route("https://www.google.com/recaptcha/**", async (route) => {
      asked.push(route.request().url());
      await route.fulfill({ contentType: "text/javascript", body: GRECAPTCHA });
    });
    const sent = page.waitForRequest((request) => request.url().endsWith("/responses") && request.method() === "POST");
    const given = { isWebEnvironment: false, recaptchaSiteKey: "site-key", ...options };
    const { recaptcha: _stored, ...stored } = protectedSurvey;
    await show(visit, { ...stored, recaptcha: { enabled: !("isSpamProtectionEnabled" in options), threshold: 0.5 } }, given);
    await next(visit);
    expect((await sent).postDataJSON()).toMatchObject({ recaptchaToken: "token for site-key to submit_response" });
    expect(asked).toEqual(["https://www.google.com/recaptcha/api.js?render=site-key"]);
  });

  test("answers that reCAPTCHA takes for a robot's are not sent again, and it is said why", async () => {
    const visit = await stage.browsing.visit(stage.server.baseUrl, { path: SANDBOX });
    await visit.page.route("https://www.google.com/recaptcha/**", (route) => route.abort()); // no network to Google
    const bodies: unknown[] = [];
    await visit.page.route("**/responses", (route) => {
      if (route.request().method() === "POST") bodies.push(route.request().postDataJSON());
      return route.fulfill({
        status: 400,
        json: { code: "bad_request", message: "Missing recaptcha token", details: { code: "recaptcha_verification_failed" } },
        headers: { "access-control-allow-origin": "*", "access-control-allow-headers": "*" },
      });
    });
    await show(visit, protectedSurvey, { isWebEnvironment: false, isSpamProtectionEnabled: true, recaptchaSiteKey: "site-key" });
    await next(visit);
    await visit.page.getByText("could not be told from those of a robot").waitFor();
    expect(await visit.page.getByRole("button", { name: "Try again" }).count()).toBe(0);
    expect(bodies).toHaveLength(1);
    expect(bodies[0]).not.toHaveProperty("recaptchaToken");
  });
});
