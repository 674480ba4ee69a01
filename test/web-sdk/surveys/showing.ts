/** Surveys that a test makes and shows. */
import { beforeAll } from "vitest";
import { buildSurvey, buildTenant } from "../../support/build.ts";
import type { Stage } from "../stage.ts";
import type { Visit } from "./browser.ts";

export const text = (words: string, more: object = {}) => ({ default: words, ...more });
export const open = (id: string, more: object = {}) => ({
  id,
  type: "openText",
  headline: text(`About ${id}`),
  required: false,
  ...more,
});
export const block = (id: string, element: object, more: object = {}) => ({ id, name: id, elements: [element], ...more });
export const thanks = { id: "end1", type: "endScreen", headline: text("Thank you!") };

/** In an environment of the block's own. */
export function showing(stage: Stage) {
  let environmentId: string;
  beforeAll(async () => {
    ({ environmentId } = await buildTenant(stage.server.db));
  });
  return {
    show,
    next: (visit: Visit) => visit.page.locator(".mo-buttons button[type=submit]").click(),
    focused: (visit: Visit) => visit.page.evaluate<string>("document.activeElement?.outerHTML ?? ''"),
  };

  /** Stores the survey, with an ending unless it has its own, and shows it; returns its id. */
  async function show(visit: Visit, document: object, options: object = {}): Promise<string> {
    const plain = { endings: [thanks], ...document };
    const { id } = await buildSurvey(stage.server.db, { environmentId, document: JSON.parse(JSON.stringify(plain)) });
    await visit.render({ survey: { ...plain, id }, appUrl: stage.server.baseUrl, environmentId, ...options });
    return id;
  }
}
