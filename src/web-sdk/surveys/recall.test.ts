import { describe, expect, it } from "vitest";
import { answerText, fillRecall, recallFrom } from "./recall.ts";

describe("fillRecall", () => {
  const recall = recallFrom({
    answers: { q1: "Ida", multi: ["Tea", "", "Own"], grid: { Speed: "Good" }, blank: "" },
    hiddenFields: { plan: "pro" },
    variables: { score: 0 },
  });

  it.each([
    ["Hello #recall:q1/fallback:you#!", "Hello Ida!"],
    ["#recall:q1/fallback:#, #recall:plan/fallback:x#, #recall:score/fallback:x#", "Ida, pro, 0"],
    ["#recall:gone/fallback:you there#", "you there"],
    ["#recall:blank/fallback:nobody#", "nobody"],
    ["#recall:multi/fallback:#", "Tea, Own"],
    ["#recall:grid/fallback:#", "Speed: Good"],
    ["no mark # here #recall:", "no mark # here #recall:"],
  ])("turns %j into %j", (text, expected) => {
    expect(fillRecall(text, recall)).toBe(expected);
  });

  it("encodes what it fills in, not the text around it", () => {
    const given = recallFrom({ answers: { q1: "a&b" }, hiddenFields: {}, variables: {} });
    expect(fillRecall("https://acme.test/?a=1&q=#recall:q1/fallback:#", given, encodeURIComponent)).toBe(
      "https://acme.test/?a=1&q=a%26b",
    );
  });

  it("does not fill marks that an answer holds", () => {
    const given = recallFrom({ answers: { q1: "#recall:q1/fallback:x#" }, hiddenFields: {}, variables: {} });
    expect(fillRecall("#recall:q1/fallback:#", given)).toBe("#recall:q1/fallback:x#");
  });
});

describe("answerText", () => {
  it("is empty for what is not there", () => {
    expect([undefined, null, ""].map(answerText)).toEqual(["", "", ""]);
  });
});
