/** The pages of link surveys in a browser: what the link says is prefilled, answered and stored. */
import type { Page } from "playwright-core";
import { beforeEach, expect, test } from "vitest";
import { createContactLinkTokens } from "../../src/contact-links/token.ts";
import { buildContact, buildSurvey, buildTenant } from "../support/build.ts";
import { describeInBrowser } from "./chromium.ts";
import { look, useStage } from "./stage.ts";

const words = (text: string) => ({ default: text });
const block = (id: string, element: object) => ({ id: `b-${id}`, name: id, elements: [{ id, required: true, ...element }] });
const choices = (...labels: string[]) => labels.map((label, index) => ({ id: `c${index}`, label: words(label) }));

const DOCUMENT = {
  welcomeCard: {
    enabled: true,
    headline: words("Two minutes about your visit"),
    subheader: words("It helps us."),
    timeToFinish: true,
  },
  hiddenFields: { enabled: true, fieldIds: ["store"] },
  blocks: [
    block("nps", { type: "nps", headline: words("Would you tell a friend?"), lowerLabel: words("No"), upperLabel: words("Yes") }),
    block("liked", {
      type: "multipleChoiceMulti",
      headline: words("What did you like?"),
      choices: choices("Prices", "People", "Place"),
    }),
    block("more", { type: "openText", headline: words("What else?"), longAnswer: true }),
  ],
  endings: [{ id: "e1", type: "endScreen", headline: words("Thank you!"), subheader: words("See you soon.") }],
};

describeInBrowser("link surveys in a browser", () => {
  const stage = useStage();
  const { responsesTo } = stage;
  let environmentId: string;
  beforeEach(async () => {
    ({ environmentId } = await buildTenant(stage.server.db));
  });

  const link = async (more: object = {}) =>
    (
      await buildSurvey(stage.server.db, {
        environmentId,
        type: "link",
        document: JSON.parse(JSON.stringify({ ...DOCUMENT, ...more })),
      })
    ).id;
  const next = (page: Page) => page.locator(".mo-buttons button[type=submit]").click();

  const lookAt = async (page: Page, name: string) => expect(await look(page, `link ${name}`)).toEqual([]);

  test.each([
    { name: "desktop", viewport: { width: 1280, height: 800 } },
    { name: "phone", viewport: { width: 390, height: 844 } },
  ])("a survey is answered on a $name, and what its link says is stored with it", async ({ name, viewport }) => {
    const id = await link();
    const { page, errors } = await stage.browsing.open({ viewport });
    await page.goto(`${stage.server.baseUrl}/s/${id}?store=Oslo&source=mail&unknown=1`);
    await page.getByRole("heading", { name: "Two minutes about your visit" }).waitFor();
    await lookAt(page, `${name}-welcome`);
    await next(page);
    await page.getByRole("radio", { name: "9 of 10" }).check({ force: true });
    await lookAt(page, `${name}-nps`);
    await next(page);
    await page.getByRole("checkbox", { name: "People" }).check();
    await lookAt(page, `${name}-choices`);
    await next(page);
    await page.getByRole("textbox").fill("Nothing");
    await next(page);
    await page.getByText("See you soon.").waitFor();
    await lookAt(page, `${name}-end`);
    expect(errors).toEqual([]);
    const [response, ...others] = await responsesTo(id);
    expect(others).toEqual([]);
    expect(response).toMatchObject({
      ...{ finished: true, contactId: null, endingId: "e1" },
      data: { store: "Oslo", nps: 9, liked: ["People"], more: "Nothing" },
      meta: { source: "mail", url: `${stage.server.baseUrl}/s/${id}?store=Oslo&source=mail&unknown=1` },
    });
    expect(await stage.server.db.prisma.display.count({ where: { surveyId: id } })).toBe(1);
  });

  test("a link answers for its visitor, who may still change it", async () => {
    const id = await link();
    const { page } = await stage.browsing.open();
    await page.goto(`${stage.server.baseUrl}/s/${id}?startAt=nps&nps=7&liked=Prices,Place&more=Hello`);
    expect(await page.getByRole("radio", { name: "7 of 10" }).isChecked()).toBe(true);
    await page.goto(`${stage.server.baseUrl}/s/${id}?startAt=nps&skipPrefilled=true&nps=7&liked=Prices,Place&more=`);
    await page.getByRole("textbox").fill("Hello");
    await page.getByRole("button", { name: "Back" }).click();
    expect(await page.getByRole("checkbox", { name: "Place" }).isChecked()).toBe(true);
    await page.getByRole("checkbox", { name: "Place" }).uncheck();
    await next(page);
    await next(page);
    await page.getByText("Thank you!").waitFor();
    expect(await responsesTo(id)).toMatchObject([{ data: { nps: 7, liked: ["Prices"], more: "Hello" }, finished: true }]);
  });

  test("answers that an element cannot have are not taken from a link", async () => {
    const id = await link();
    const { page } = await stage.browsing.open();
    await page.goto(`${stage.server.baseUrl}/s/${id}?skipPrefilled=true&startAt=nps&nps=11&liked=Prices,Weather`);
    await page.getByText("Would you tell a friend?").waitFor();
    expect(await page.getByRole("radio", { checked: true }).count()).toBe(0);
  });

  test("a personal link's answers are its contact's", async () => {
    const surveyId = await link({ welcomeCard: { enabled: false } });
    const { id: contactId } = await buildContact(stage.server.db, { environmentId, userId: "ida" });
    const tokens = createContactLinkTokens({ encryptionKey: "an encryption key for tests only, 0123456789", now: Date.now });
    const { page } = await stage.browsing.open();
    await page.goto(`${stage.server.baseUrl}/c/${tokens.issue({ contactId, surveyId }, null)}?startAt=more`);
    await page.getByRole("textbox").fill("Hello");
    await next(page);
    await page.getByText("Thank you!").waitFor();
    expect(await responsesTo(surveyId)).toMatchObject([{ contactId, data: { more: "Hello" } }]);
    expect(await stage.server.db.prisma.display.findMany({ where: { surveyId } })).toMatchObject([{ contactId }]);
    await page.reload();
    await page.getByRole("heading", { name: "You have answered already" }).waitFor();
    await lookAt(page, "answered");
  });

  test("a PIN is asked for, and lets in", async () => {
    const id = await link({ pin: "4711" });
    const { page } = await stage.browsing.open();
    await page.goto(`${stage.server.baseUrl}/s/${id}`);
    await lookAt(page, "pin");
    await page.getByLabel("This survey is protected by a PIN").fill("1234");
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByRole("alert").waitFor();
    await lookAt(page, "pin-wrong");
    await page.getByLabel("This survey is protected by a PIN").fill("4711");
    await page.getByRole("button", { name: "Continue" }).click();
    for (const fill of [async () => {}, () => page.getByRole("radio", { name: "9 of 10" }).check({ force: true })]) {
      await fill();
      await next(page);
    }
    await page.getByText("What did you like?").waitFor();
    await expect.poll(() => responsesTo(id)).toMatchObject([{ data: { nps: 9 }, finished: false }]);
  });

  test("a page that frames an embedded survey hears when it is done", async () => {
    const id = await link({ welcomeCard: { enabled: false } });
    stage.browsing.addPage(
      "frame",
      `<!doctype html><html lang="en"><title>Frame</title><body><main><h1>Frame</h1><script>addEventListener("message", ({ data }) => (window.heard = data));</script>
       <iframe title="Survey" width="700" height="500" src="${stage.server.baseUrl}/s/${id}?embed=true&startAt=more"></iframe></main></body></html>`,
    );
    const { page } = await stage.browsing.open();
    await page.goto(`${stage.browsing.shopUrl}frame`);
    const frame = page.frameLocator("iframe");
    await frame.getByRole("textbox").fill("Hello");
    await lookAt(page, "embedded");
    await frame.locator(".mo-buttons button[type=submit]").click();
    await page.waitForFunction('window.heard === "formbricksSurveyCompleted"');
    expect(await responsesTo(id)).toMatchObject([{ data: { more: "Hello" }, finished: true }]);
  });
});
