/** The README's tour: what the playground shows of a user who is set, described and asked. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import axe from "axe-core";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { buildTenant } from "../support/build.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { describeInBrowser } from "./chromium.ts";
import { type Browsing, startBrowsing } from "./surveys/browser.ts";

const PICTURES = process.env.SURVEY_PICTURES_DIR;

describeInBrowser("the playground in a browser", () => {
  let server: TestServer;
  let browsing: Browsing;

  beforeAll(async () => {
    browsing = await startBrowsing();
    server = await startTestServer({ SDK_ASSETS_DIR: browsing.assets });
  });
  afterEach(() => browsing.leave());
  afterAll(async () => {
    await browsing.close();
    await server.close();
  });

  async function look(page: Page, name: string): Promise<void> {
    await page.waitForTimeout(350); // until the survey has moved into its place
    if (PICTURES !== undefined) {
      mkdirSync(PICTURES, { recursive: true });
      await page.screenshot({ path: join(PICTURES, `playground-${name}.png`), fullPage: true });
    }
    await page.evaluate(axe.source); // the page's policy lets in no script but its own; the debugger may run one all the same
    const found = await page.evaluate<string[]>(
      'axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => violations.map(({ id, nodes }) => id + ": " + nodes.map(({ html }) => html)))',
    );
    expect(found).toEqual([]);
  }

  test.each([
    { name: "desktop", viewport: { width: 1200, height: 860 } },
    { name: "phone", viewport: { width: 375, height: 760 }, colorScheme: "dark" as const },
  ])("a survey is made, targeted, answered and seen, on a $name", { timeout: 60_000 }, async ({ name, ...options }) => {
    const { apiKey, environmentId } = await buildTenant(server.db);
    const { page, errors } = await browsing.open(options);
    await page.goto(`${server.baseUrl}/playground`);
    await look(page, `${name}-1-start`);
    await page.getByLabel("API key").fill("fbk_wrong");
    await page.getByRole("button", { name: "Connect" }).click();
    await page.getByRole("alert").waitFor();
    errors.length = 0; // the answer 401 is one for the console
    await page.getByLabel("API key").fill(apiKey);
    await page.getByRole("button", { name: "Connect" }).click();
    const environment = page.getByLabel("Environment");
    if ((await environment.inputValue()) !== environmentId) await environment.selectOption(environmentId);
    await page.getByRole("button", { name: "Create a sample survey" }).click();

    await page.getByRole("button", { name: /^Checkout done/ }).waitFor();
    await page.getByRole("button", { name: "Set user" }).click();
    await page.getByText('plan equals "pro": it is not set').waitFor();
    await look(page, `${name}-2-not-in`);
    await page.getByRole("button", { name: "Set", exact: true }).click();
    await page.getByText('plan equals "pro": it is "pro"').waitFor();
    await page.getByRole("button", { name: /^Checkout done/ }).click();
    await page.getByRole("radio", { name: "4 of 5" }).check({ force: true });
    await look(page, `${name}-3-survey`);
    await page.locator(".mo-buttons button[type=submit]").click();
    await page.getByLabel("What could be better?").fill("Fewer steps");
    await page.getByRole("button", { name: "Finish" }).click();
    await page.getByText('"why":"Fewer steps"').waitFor();
    await page.getByText("survey closed").waitFor();
    await look(page, `${name}-4-answered`);
    expect(
      await page
        .getByRole("region", { name: "Displays" })
        .getByText(/^After the checkout/)
        .count(),
    ).toBe(1);
    expect(errors).toEqual([]);
  });
});
