/** The README's tour: what the playground shows of a user who is set, described and asked. */
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { buildTenant } from "../support/build.ts";
import { describeInBrowser } from "./chromium.ts";
import { look, useStage } from "./stage.ts";

describeInBrowser("the playground in a browser", () => {
  const stage = useStage();
  const lookAt = async (page: Page, name: string) => expect(await look(page, `playground ${name}`)).toEqual([]);

  test.each([
    { name: "desktop", viewport: { width: 1200, height: 860 } },
    { name: "phone", viewport: { width: 375, height: 760 }, colorScheme: "dark" as const },
  ])("a survey is made, targeted, answered and seen, on a $name", { timeout: 60_000 }, async ({ name, ...options }) => {
    const { apiKey, environmentId } = await buildTenant(stage.server.db);
    const { page, errors } = await stage.browsing.open(options);
    await page.goto(`${stage.server.baseUrl}/playground`);
    await lookAt(page, `${name}-1-start`);
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
    await lookAt(page, `${name}-2-not-in`);
    await page.getByRole("button", { name: "Set", exact: true }).click();
    await page.getByText('plan equals "pro": it is "pro"').waitFor();
    await page.getByRole("button", { name: /^Checkout done/ }).click();
    await page.getByRole("radio", { name: "4 of 5" }).check({ force: true });
    await lookAt(page, `${name}-3-survey`);
    await page.locator(".mo-buttons button[type=submit]").click();
    await page.getByLabel("What could be better?").fill("Fewer steps");
    await page.getByRole("button", { name: "Finish" }).click();
    await page.getByText('"why":"Fewer steps"').waitFor();
    await page.getByText("survey closed").waitFor();
    await lookAt(page, `${name}-4-answered`);
    expect(
      await page
        .getByRole("region", { name: "Displays" })
        .getByText(/^After the checkout/)
        .count(),
    ).toBe(1);
    expect(errors).toEqual([]);
  });
});
