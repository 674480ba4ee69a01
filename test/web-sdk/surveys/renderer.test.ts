import { beforeAll, describe, expect, test } from "vitest";
import { buildContact, buildSurvey, buildTenant } from "../../support/build.ts";
import { describeInBrowser } from "../chromium.ts";
import { look, takesPictures, useStage } from "../stage.ts";
import { SAMPLES, sampleDocument } from "./sample-survey.ts";

const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };
const WINDOWS = [
  { name: "desktop", viewport: DESKTOP, colorScheme: "light" },
  { name: "phone", viewport: PHONE, colorScheme: "light" },
  { name: "dark desktop", viewport: DESKTOP, colorScheme: "dark" },
  { name: "dark phone", viewport: PHONE, colorScheme: "dark" },
] as const;

describeInBrowser("in a browser", () => {
  const stage = useStage();
  let environmentId: string;
  beforeAll(async () => {
    ({ environmentId } = await buildTenant(stage.server.db));
  });

  describe.each(WINDOWS)("on a $name", ({ name, viewport, colorScheme }) => {
    test("every type of element is accessible, answered, and its answer is stored", { timeout: 120_000 }, async () => {
      const document = sampleDocument();
      const survey = await buildSurvey(stage.server.db, { environmentId, document: JSON.parse(JSON.stringify(document)) });
      const contact = await buildContact(stage.server.db, { environmentId, userId: `${name}-ida` });
      const { page, render, calls, errors } = await stage.browsing.visit(stage.server.baseUrl, { viewport, colorScheme });
      const broken: string[] = [];
      const lookAt = async (card: string) => {
        broken.push(...(await look(page, `${name} ${card}`, ".mortar-survey")));
      };
      await render({
        survey: { ...document, id: survey.id, type: "app" },
        appUrl: stage.server.baseUrl,
        environmentId,
        contactId: contact.id,
        isBrandingEnabled: false,
        styling: { isDarkModeEnabled: true },
        placement: "bottomRight",
        overlay: "none",
        hiddenFieldsRecord: { plan: "pro", unknown: "x" },
        action: "clicked buy",
      });
      await lookAt("00-welcome");
      await page.getByRole("button", { name: "Start" }).click();
      for (const [index, { element, fill }] of SAMPLES.entries()) {
        await page.locator(`[data-element=${element.id}]`).waitFor();
        const card = `${String(index + 1).padStart(2, "0")}-${element.id}`;
        if (takesPictures) await lookAt(`${card}-a`);
        const popup = element.id === "cta" ? page.waitForEvent("popup") : undefined;
        await fill(page);
        await (await popup)?.close();
        await lookAt(card);
        await page.locator(".mo-buttons button[type=submit]").click();
      }
      await page.getByText("We read every answer.").waitFor();
      await lookAt("99-ending");
      expect(broken).toEqual([]);
      expect(errors).toEqual([]);
      expect(await calls()).toEqual(["onDisplayCreated", "onResponseCreated", "onFinished"]);
      const [response, ...others] = await stage.server.db.prisma.response.findMany({ where: { surveyId: survey.id } });
      expect(others).toEqual([]);
      expect(response).toMatchObject({ finished: true, contactId: contact.id, endingId: "end1" });
      const answers = Object.fromEntries(SAMPLES.map(({ element, answer }) => [element.id, answer]));
      expect(response?.data).toEqual({ plan: "pro", ...answers });
      const display = await stage.server.db.prisma.display.findMany({ where: { surveyId: survey.id } });
      expect(display).toMatchObject([{ id: response?.displayId, contactId: contact.id }]);
    });
  });
});
