/** Our core with our renderer: from an action on a page to an answer in the database. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { newId } from "../../../src/shared/ids.ts";
import { buildSegment, buildSurvey } from "../../api/client/live-survey.ts";
import { buildTenant } from "../../support/build.ts";
import { startTestServer, type TestServer } from "../../support/server.ts";
import { describeInBrowser } from "../chromium.ts";
import { type Browsing, startBrowsing } from "./browser.ts";

describeInBrowser("in a browser", () => {
  let server: TestServer;
  let browsing: Browsing;

  beforeAll(async () => {
    browsing = await startBrowsing();
    server = await startTestServer({ SDK_ASSETS_DIR: browsing.assets });
  });
  afterAll(async () => {
    await browsing.close();
    await server.close();
  });

  test("a user who does something is shown a survey, and the answer is theirs", async () => {
    const { environmentId } = await buildTenant(server.db);
    const segmentId = await buildSegment(server.db, environmentId, []);
    const surveyId = await buildSurvey(server.db, {
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
    await server.db.prisma.actionClass.create({
      data: { id: actionClassId, environmentId, name: "Bought", key: "bought", type: "code" },
    });
    await server.db.prisma.surveyTrigger.create({ data: { environmentId, surveyId, actionClassId } });

    const { page, errors } = await browsing.visit(server.baseUrl);
    await page.evaluate("delete window.formbricksSurveys"); // the core loads it by itself
    await page.addScriptTag({ url: `${server.baseUrl}/js/formbricks.umd.cjs` });
    await page.evaluate(`(async () => {
      await formbricks.setup({ appUrl: "${server.baseUrl}", environmentId: "${environmentId}" });
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
    const contact = await server.db.prisma.contact.findFirstOrThrow({ where: { environmentId, userId: "ida" } });
    expect(await server.db.prisma.response.findMany({ where: { surveyId } })).toMatchObject([
      { data: { q1: 9 }, finished: true, contactId: contact.id },
    ]);
    expect(await server.db.prisma.display.count({ where: { surveyId, contactId: contact.id } })).toBe(1);
  });
});
