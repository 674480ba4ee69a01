/** What browser tests stand on: a browser, a server that serves our scripts, and an eye on the page. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import axe from "axe-core";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll } from "vitest";
import { startTestServer, type TestServer } from "../support/server.ts";
import { type Browsing, startBrowsing } from "./surveys/browser.ts";

export interface Stage {
  readonly server: TestServer;
  readonly browsing: Browsing;
  responsesTo(surveyId: string): ReturnType<TestServer["db"]["prisma"]["response"]["findMany"]>;
}

/** For all tests of the block it is called in; each test's pages are closed behind it. */
export function useStage(variables: Readonly<Record<string, string>> = {}): Stage {
  let set: { server: TestServer; browsing: Browsing } | undefined;
  const stage = () => {
    if (set === undefined) throw new Error("the stage is set before the first test");
    return set;
  };
  beforeAll(async () => {
    const browsing = await startBrowsing();
    set = { browsing, server: await startTestServer({ SDK_ASSETS_DIR: browsing.assets, ...variables }) };
  });
  afterEach(() => stage().browsing.leave());
  afterAll(async () => {
    await set?.browsing.close();
    await set?.server.close();
  });
  return {
    get server() {
      return stage().server;
    },
    get browsing() {
      return stage().browsing;
    },
    responsesTo: (surveyId) => stage().server.db.prisma.response.findMany({ where: { surveyId } }),
  };
}

/** Where every picture is put; set it to look at what the tests see. */
const PICTURES = process.env.SURVEY_PICTURES_DIR;

export const takesPictures = PICTURES !== undefined;

/** What axe finds wrong with the page, or with the part of it that a selector names, when nothing moves any more. */
export async function look(page: Page, name: string, part?: string): Promise<string[]> {
  await page.evaluate(STANDSTILL);
  if (PICTURES !== undefined) {
    mkdirSync(PICTURES, { recursive: true });
    await page.screenshot({ path: join(PICTURES, `${name.replaceAll(" ", "-")}.png`) });
  }
  // A page's policy may let in no script but its own; the debugger may run one all the same.
  if (!(await page.evaluate<boolean>("'axe' in window"))) await page.evaluate(axe.source);
  const found = await page.evaluate<string[]>(
    `axe.run(${part === undefined ? "document" : JSON.stringify(part)}, { resultTypes: ["violations"] }).then(({ violations }) =>
      violations.map(({ id, nodes }) => id + ": " + nodes.map(({ html, failureSummary }) => html + " " + failureSummary).join(" | ")))`,
  );
  return found.map((violation) => `${name}: ${violation}`);
}

/** What goes round for ever is not waited for, and what is taken off the page while it moves has come to its end. */
const STANDSTILL = `Promise.all(document.getAnimations()
  .filter(({ effect }) => effect.getComputedTiming().iterations !== Infinity)
  .map(({ finished }) => finished.catch(() => {})))`;
