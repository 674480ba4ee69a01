import { describe, expect, it } from "vitest";
import { readSurvey } from "./survey.ts";

describe("readSurvey", () => {
  it("is null for what is no survey", () => {
    expect([null, {}, "x", { id: 1 }].map(readSurvey)).toEqual([null, null, null, null]);
  });

  it("reads a survey that has nothing but an id", () => {
    expect(readSurvey({ id: "s" })).toMatchObject({ id: "s", welcomeCard: null, blocks: [], endings: [], autoClose: null });
  });

  it("makes a block of each question of an older survey, so that jumps to questions find their target", () => {
    const survey = readSurvey({
      id: "s",
      blocks: [],
      questions: [
        {
          id: "q1",
          type: "openText",
          headline: { default: "Why?" },
          required: true,
          buttonLabel: { default: "On" },
          logic: [{ conditions: { connector: "and", conditions: [] }, actions: [{ objective: "jumpToQuestion", target: "q2" }] }],
        },
        {
          id: "q2",
          type: "cta",
          headline: { default: "Look" },
          buttonExternal: true,
          buttonUrl: "https://acme.test",
          buttonLabel: { default: "Open" },
        },
      ],
    });
    expect(survey?.blocks.map(({ id, buttonLabel }) => [id, buttonLabel])).toEqual([
      ["q1", { default: "On" }],
      ["q2", {}],
    ]);
    expect(survey?.blocks[0]?.logic[0]?.actions).toEqual([{ objective: "jump", target: "q2" }]);
    expect(survey?.blocks[1]?.elements[0]).toMatchObject({ buttonUrl: "https://acme.test", ctaButtonLabel: { default: "Open" } });
  });

  it("reads rows of a matrix that are bare texts", () => {
    const survey = readSurvey({
      id: "s",
      blocks: [
        {
          id: "b",
          elements: [
            { id: "m", type: "matrix", rows: [{ default: "Speed" }], columns: [{ id: "c", label: { default: "Good" } }] },
          ],
        },
      ],
    });
    expect(survey?.blocks[0]?.elements[0]).toMatchObject({
      rows: [{ id: "", label: { default: "Speed" } }],
      columns: [{ id: "c", label: { default: "Good" } }],
    });
  });

  it("has no button of its own for a call to action that is not external", () => {
    const blocks = [{ id: "b", elements: [{ id: "c", type: "cta", buttonExternal: false, buttonUrl: "https://acme.test" }] }];
    expect(readSurvey({ id: "s", blocks })?.blocks[0]?.elements[0]?.buttonUrl).toBeUndefined();
  });

  it("leaves hidden fields out when they are switched off", () => {
    expect(readSurvey({ id: "s", hiddenFields: { enabled: false, fieldIds: ["plan"] } })?.hiddenFieldIds).toEqual([]);
  });
});
