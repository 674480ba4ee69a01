import { describe, expect, it } from "vitest";
import { Quota } from "./quota.ts";

const quota = {
  id: "quota1",
  name: "Enough",
  limit: 10,
  logic: {
    connector: "and",
    conditions: [{ id: "c1", leftOperand: { type: "question", value: "q1" }, operator: "isSubmitted" }],
  },
  action: "continueSurvey",
};

describe("a quota", () => {
  it("reads the older word for an element and fills in what is left out", () => {
    expect(Quota.parse(quota)).toEqual({
      ...quota,
      logic: {
        ...quota.logic,
        conditions: [{ id: "c1", leftOperand: { type: "element", value: "q1" }, operator: "isSubmitted" }],
      },
      endingCardId: null,
      countPartialSubmissions: false,
    });
  });

  it.each([
    ["no name", { name: "" }, "name"],
    ["a limit of 0", { limit: 0 }, "limit"],
    ["no ending to end with", { action: "endSurvey" }, "endingCardId"],
  ])("is refused with %s", (_what, changes, path) => {
    expect(Quota.safeParse({ ...quota, ...changes }).error?.issues.map((issue) => issue.path.join("."))).toEqual([path]);
  });
});
