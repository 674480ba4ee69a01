import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { buildContact, buildSurvey, buildTenant } from "../../support/build.ts";
import { startTestServer, type TestServer } from "../../support/server.ts";
import { describeInBrowser } from "../chromium.ts";
import { type Browsing, startBrowsing } from "./browser.ts";
import { SAMPLES, sampleDocument } from "./sample-survey.ts";

/** Set it to look at every card: pictures are put there. */
const PICTURES = process.env.SURVEY_PICTURES_DIR;

const DESKTOP = { width: 1100, height: 760 };
const PHONE = { width: 375, height: 740 };
const WINDOWS = [
  { name: "desktop", viewport: DESKTOP, colorScheme: "light" },
  { name: "phone", viewport: PHONE, colorScheme: "light" },
  { name: "dark desktop", viewport: DESKTOP, colorScheme: "dark" },
  { name: "dark phone", viewport: PHONE, colorScheme: "dark" },
] as const;

describeInBrowser("in a browser", () => {
  let server: TestServer;
  let browsing: Browsing;
  let environmentId: string;

  beforeAll(async () => {
    browsing = await startBrowsing();
    server = await startTestServer({ SDK_ASSETS_DIR: browsing.assets });
    ({ environmentId } = await buildTenant(server.db));
  });
  afterEach(() => browsing.leave());
  afterAll(async () => {
    await browsing.close();
    await server.close();
  });

  describe.each(WINDOWS)("on a $name", ({ name, viewport, colorScheme }) => {
    test("every type of element is accessible, answered, and its answer is stored", { timeout: 120_000 }, async () => {
      const document = sampleDocument();
      const survey = await buildSurvey(server.db, { environmentId, document: JSON.parse(JSON.stringify(document)) });
      const contact = await buildContact(server.db, { environmentId, userId: `${name}-ida` });
      const { page, render, calls, violations, errors } = await browsing.visit(server.baseUrl, { viewport, colorScheme });
      const broken: string[] = [];
      const look = async (card: string) => {
        await page.waitForTimeout(PICTURES ? 400 : 250); // until it has moved into its place
        broken.push(...(await violations()).map((violation) => `${card}: ${violation}`));
        if (PICTURES === undefined) return;
        mkdirSync(PICTURES, { recursive: true });
        await page.screenshot({ path: join(PICTURES, `${name.replace(" ", "-")}-${card}.png`) });
      };
      await render({
        survey: { ...document, id: survey.id, type: "app" },
        appUrl: server.baseUrl,
        environmentId,
        contactId: contact.id,
        isBrandingEnabled: false,
        styling: { isDarkModeEnabled: true },
        placement: "bottomRight",
        overlay: "none",
        hiddenFieldsRecord: { plan: "pro", unknown: "x" },
        action: "clicked buy",
      });
      await look("00-welcome");
      await page.getByRole("button", { name: "Start" }).click();
      for (const [index, { element, fill }] of SAMPLES.entries()) {
        await page.locator(`[data-element=${element.id}]`).waitFor();
        const card = `${String(index + 1).padStart(2, "0")}-${element.id}`;
        if (PICTURES !== undefined) await look(`${card}-a`);
        const popup = element.id === "cta" ? page.waitForEvent("popup") : undefined;
        await fill(page);
        await (await popup)?.close();
        await look(card);
        await page.locator(".mo-buttons button[type=submit]").click();
      }
      await page.getByText("We read every answer.").waitFor();
      await look("99-ending");
      expect(broken).toEqual([]);
      expect(errors).toEqual([]);
      expect(await calls()).toEqual(["onDisplayCreated", "onResponseCreated", "onFinished"]);
      const [response, ...others] = await server.db.prisma.response.findMany({ where: { surveyId: survey.id } });
      expect(others).toEqual([]);
      expect(response).toMatchObject({ finished: true, contactId: contact.id, endingId: "end1" });
      const answers = Object.fromEntries(SAMPLES.map(({ element, answer }) => [element.id, answer]));
      expect(response?.data).toEqual({ plan: "pro", ...answers });
      const display = await server.db.prisma.display.findMany({ where: { surveyId: survey.id } });
      expect(display).toMatchObject([{ id: response?.displayId, contactId: contact.id }]);
    });
  });
});
