import { describe, expect, it } from "vitest";
import { decideQuotas, evaluateQuotas, type Quota } from "./quotas.ts";
import { textKeys } from "./survey-elements.ts";

const plan = (value: string) => ({
  connector: "and",
  conditions: [
    { leftOperand: { type: "hiddenField", value: "plan" }, operator: "equals", rightOperand: { type: "static", value } },
  ],
});

const buildQuota = (id: string, changes: Partial<Quota> = {}): Quota => ({
  id,
  createdAt: new Date("2026-01-01T00:00:00.000Z"),
  limit: 10,
  logic: { connector: "and", conditions: [] },
  action: "continueSurvey",
  endingCardId: null,
  countPartialSubmissions: false,
  ...changes,
});

describe("evaluateQuotas", () => {
  it("sorts the quotas, newest first, by whether the response meets them", () => {
    const quotas = [
      buildQuota("old", { logic: plan("pro") }),
      buildQuota("other", { logic: plan("free") }),
      buildQuota("new", { createdAt: new Date("2026-02-01T00:00:00.000Z") }),
      buildQuota("twin", { logic: plan("pro") }),
    ];
    const input = { elements: [], variables: [], data: { plan: "pro" }, variableValues: {}, texts: textKeys(null, []) };
    const { passing, failing } = evaluateQuotas(quotas, input);
    expect(passing.map(({ id }) => id)).toEqual(["new", "twin", "old"]);
    expect(failing.map(({ id }) => id)).toEqual(["other"]);
  });
});

describe("decideQuotas", () => {
  const decide = (passing: Quota[], counts: Record<string, number>, finished: boolean, failing: Quota[] = []) =>
    decideQuotas({ passing, failing, counts: new Map(Object.entries(counts)), finished });

  it("does nothing without quotas", () => {
    expect(decide([], {}, true)).toEqual({
      unlink: [],
      screenIn: [],
      screenOut: [],
      end: null,
      outcome: { quotaFull: false },
    });
  });

  it.each([
    [9, true],
    [10, false],
    [11, false],
  ])("with %i of 10 others counted lets a finished response in: %j", (count, isOpen) => {
    const { screenIn, screenOut, outcome } = decide([buildQuota("q")], { q: count }, true);
    expect([screenIn, screenOut]).toEqual(isOpen ? [["q"], []] : [[], ["q"]]);
    expect(outcome.quotaFull).toBe(!isOpen);
  });

  it("unlinks quotas whose conditions are not met", () => {
    expect(decide([], {}, true, [buildQuota("gone")]).unlink).toEqual(["gone"]);
  });

  it("links an unfinished response only to quotas that count partial submissions", () => {
    const passing = [buildQuota("whole"), buildQuota("partial", { countPartialSubmissions: true })];
    const decision = decide(passing, {}, false, [buildQuota("gone")]);
    expect(decision).toMatchObject({ screenIn: ["partial"], screenOut: [], unlink: ["gone"] });
  });

  it("reports a full quota of an unfinished response without linking it", () => {
    expect(decide([buildQuota("q", { limit: 1 })], { q: 1 }, false)).toMatchObject({
      screenOut: [],
      end: null,
      outcome: { quotaFull: true, quota: { id: "q", action: "continueSurvey" } },
    });
  });

  it("ends an unfinished response, and links it to all, when the newest full quota says so", () => {
    const ending = buildQuota("end", { limit: 1, action: "endSurvey", endingCardId: "card" });
    expect(decide([buildQuota("open"), ending], { end: 1 }, false)).toEqual({
      unlink: [],
      screenIn: ["open"],
      screenOut: ["end"],
      end: { endingId: "card" },
      outcome: { quotaFull: true, quota: { id: "end", action: "endSurvey", endingCardId: "card" } },
    });
  });

  it("goes by the newest full quota only", () => {
    const passing = [buildQuota("go", { limit: 1 }), buildQuota("end", { limit: 1, action: "endSurvey", endingCardId: "card" })];
    expect(decide(passing, { go: 1, end: 1 }, true)).toMatchObject({
      screenOut: ["go", "end"],
      end: null,
      outcome: { quotaFull: true, quota: { id: "go", action: "continueSurvey" } },
    });
  });
});
