import { describe, expect, it } from "vitest";
import { z } from "zod";
import { blocksFromQuestions, questionsFromBlocks } from "./generation.ts";
import { Question } from "./question.ts";

const text = (value: string) => ({ default: value });
const base = { headline: text("A question"), required: false };
const isAsked = (value: string, operator: string) => ({ id: "c1", leftOperand: { type: "question", value }, operator });
const rule = (conditions: object[], actions: object[] = []) => ({
  id: "r1",
  conditions: { id: "g1", connector: "and", conditions },
  actions,
});

function toBlocks(...questions: object[]) {
  let count = 0;
  return blocksFromQuestions(z.array(Question).parse(questions), new Set(["end1"]), () => `made${++count}`);
}

describe("questions written as blocks", () => {
  it("move labels and logic to the block and name blocks instead of questions", () => {
    const [first, second] = toBlocks(
      {
        ...{ ...base, id: "a", type: "nps", buttonLabel: text("Next"), backButtonLabel: text("Back"), logicFallback: "b" },
        logic: [rule([isAsked("a", "isSubmitted")], [{ id: "x1", objective: "jumpToQuestion", target: "b" }])],
      },
      {
        ...{ ...base, id: "b", type: "nps", logicFallback: "end1" },
        logic: [rule([], [{ id: "x1", objective: "jumpToQuestion", target: "end1" }])],
      },
    );
    expect(first).toEqual({
      id: "made1",
      name: "Block 1",
      elements: [{ ...base, id: "a", type: "nps", isColorCodingEnabled: false }],
      buttonLabel: text("Next"),
      backButtonLabel: text("Back"),
      logicFallback: "made2",
      logic: [
        rule(
          [{ id: "c1", leftOperand: { type: "element", value: "a" }, operator: "isSubmitted" }],
          [{ id: "x1", objective: "jumpToBlock", target: "made2" }],
        ),
      ],
    });
    expect(second).toMatchObject({
      logicFallback: "end1",
      logic: [rule([], [{ id: "x1", objective: "jumpToBlock", target: "end1" }])],
    });
  });

  it("give an external button its own label", () => {
    const external = { ...base, id: "a", type: "cta", buttonExternal: true, buttonUrl: "https://example.test" };
    const [made] = toBlocks({ ...external, buttonLabel: text("Open"), dismissButtonLabel: text("Skip") });
    expect(made).toEqual({ id: "made1", name: "Block 1", elements: [{ ...external, ctaButtonLabel: text("Open") }] });
  });

  it("leave the label of any other button to the block", () => {
    const [made] = toBlocks({
      ...{ ...base, id: "a", type: "cta", buttonExternal: true, buttonUrl: "" },
      ...{ buttonLabel: text("Next"), dismissButtonLabel: text("Skip") },
    });
    const element = { ...base, id: "a", type: "cta", buttonExternal: false };
    expect(made).toEqual({ id: "made1", name: "Block 1", elements: [element], buttonLabel: text("Next") });
  });

  it("drop conditions on buttons that nobody can click, and the logic and fallback that are left empty", () => {
    const inside = { ...base, id: "a", type: "cta", buttonExternal: false };
    const asks = (...conditions: object[]) => ({
      ...base,
      id: "b",
      type: "nps",
      logic: [rule(conditions)],
      logicFallback: "end1",
    });
    expect(toBlocks(inside, asks(isAsked("a", "isClicked")))[1]).not.toHaveProperty("logic");
    expect(toBlocks(inside, asks(isAsked("a", "isClicked")))[1]).not.toHaveProperty("logicFallback");
    expect(toBlocks(inside, asks({ id: "g2", connector: "or", conditions: [isAsked("a", "isSkipped")] }))[1]).not.toHaveProperty(
      "logic",
    );
    const kept = toBlocks(inside, asks(isAsked("a", "isClicked"), isAsked("b", "isSubmitted")))[1];
    expect(kept?.logic?.[0]?.conditions.conditions).toMatchObject([{ operator: "isSubmitted" }]);
    expect(kept?.logicFallback).toBe("end1");
  });

  it("keep clicks on an external button but not whether it was skipped", () => {
    const outside = { ...base, id: "a", type: "cta", buttonExternal: true, buttonUrl: "https://example.test" };
    const made = toBlocks(outside, {
      ...base,
      id: "b",
      type: "nps",
      logic: [rule([isAsked("a", "isClicked"), isAsked("a", "isSkipped")])],
    });
    expect(made[1]?.logic?.[0]?.conditions.conditions).toMatchObject([{ operator: "isClicked" }]);
  });
});

describe("blocks read as questions", () => {
  it("give logic and labels to the last element of a block, and a jump the first element of its target", () => {
    const element = (id: string) => ({ ...base, id, type: "nps" });
    const blocks = [
      {
        ...{ id: "b1", name: "One", elements: [element("a"), element("b")], buttonLabel: text("Next"), logicFallback: "b2" },
        logic: [
          rule(
            [
              {
                ...isAsked("a", "equals"),
                leftOperand: { type: "element", value: "a" },
                rightOperand: { type: "static", value: 3 },
              },
            ],
            [{ id: "x1", objective: "jumpToBlock", target: "b2" }],
          ),
        ],
      },
      { id: "b0", name: "None", elements: [] },
      { id: "b2", name: "Two", elements: [element("c"), element("d")] },
    ];
    expect(questionsFromBlocks(blocks)).toEqual([
      element("a"),
      {
        ...{ ...element("b"), buttonLabel: text("Next"), logicFallback: "c" },
        logic: [
          rule(
            [{ ...isAsked("a", "equals"), rightOperand: { type: "static", value: 3 } }],
            [{ id: "x1", objective: "jumpToQuestion", target: "c" }],
          ),
        ],
      },
      element("c"),
      element("d"),
    ]);
  });

  it("show the label of a button where older clients look for it, unless the block has one", () => {
    const cta = { ...base, id: "a", type: "cta", buttonExternal: true, ctaButtonLabel: text("Open") };
    const label = (block: object) => questionsFromBlocks([{ id: "b", elements: [cta], ...block }])[0]?.buttonLabel;
    expect(label({})).toEqual(text("Open"));
    expect(label({ buttonLabel: text("Next") })).toEqual(text("Next"));
  });

  it("are none for what is no list of blocks", () => {
    expect(questionsFromBlocks(null)).toEqual([]);
    expect(questionsFromBlocks([1, { id: "b" }, { elements: "x" }])).toEqual([]);
  });
});
