import { describe, expect, it } from "vitest";
import type { ResponseData } from "../../responses/answer-values.ts";
import { readSurvey, type Survey } from "./survey.ts";
import { textsOf } from "./survey-language.ts";
import {
  beginSurvey,
  cardsLeft,
  moveBack,
  moveOn,
  moveToEnding,
  progressOf,
  type SurveyState,
  withAnswer,
} from "./survey-state.ts";

const element = (id: string, more: object = {}) => ({ id, type: "openText", headline: { default: id }, ...more });
const condition = (value: string, operator: string, right?: unknown) => ({
  connector: "and",
  conditions: [
    {
      id: "c",
      leftOperand: { type: "element", value },
      operator,
      ...(right === undefined ? {} : { rightOperand: { type: "static", value: right } }),
    },
  ],
});
const jump = (target: string) => ({ id: "a", objective: "jumpToBlock", target });

function surveyOf(document: object): Survey {
  const survey = readSurvey({ id: "s", ...document });
  if (survey === null) throw new Error("no survey");
  return survey;
}

const texts = textsOf("default");
const cardOf = ({ card }: SurveyState) =>
  card.type === "block" ? card.block.id : card.type === "ending" ? card.ending?.id : "welcome";

function walk(survey: Survey, answers: ResponseData[]): SurveyState {
  return answers.reduce(
    (state, given) => {
      const answered = Object.entries(given).reduce((next, [id, value]) => withAnswer(next, id, value), state);
      return moveOn(survey, answered, texts);
    },
    beginSurvey(survey, {}),
  );
}

const BRANCHING = surveyOf({
  blocks: [
    {
      id: "b1",
      elements: [element("q1")],
      logic: [
        { id: "l1", conditions: condition("q1", "equals", "skip"), actions: [jump("b3")] },
        { id: "l2", conditions: condition("q1", "equals", "end"), actions: [jump("e2")] },
      ],
      logicFallback: "b2",
    },
    { id: "b2", elements: [element("q2")] },
    { id: "b3", elements: [element("q3")] },
  ],
  endings: [
    { id: "e1", type: "endScreen" },
    { id: "e2", type: "endScreen" },
  ],
});

describe("moveOn", () => {
  it("goes from the welcome card to the first block, on in order, and to the first ending", () => {
    const survey = surveyOf({
      welcomeCard: { enabled: true },
      blocks: [
        { id: "b1", elements: [element("q1")] },
        { id: "b2", elements: [element("q2")] },
      ],
      endings: [{ id: "e1", type: "endScreen" }],
    });
    expect([0, 1, 2, 3, 4].map((steps) => cardOf(walk(survey, Array(steps).fill({}))))).toEqual([
      "welcome",
      "b1",
      "b2",
      "e1",
      "e1",
    ]);
  });

  it("ends without an ending where the survey has none", () => {
    expect(walk(surveyOf({ blocks: [{ id: "b1", elements: [element("q1")] }] }), [{}]).card).toEqual({
      type: "ending",
      ending: null,
    });
  });

  it("jumps to a block or an ending, and to the fallback when no condition holds", () => {
    expect(["skip", "end", "other"].map((q1) => cardOf(walk(BRANCHING, [{ q1 }])))).toEqual(["b3", "e2", "b2"]);
  });

  it("calculates, and lets later items see what earlier ones calculated", () => {
    const survey = surveyOf({
      variables: [
        { id: "score", type: "number", value: 1 },
        { id: "trail", type: "text", value: "a" },
      ],
      blocks: [
        {
          id: "b1",
          elements: [element("q1", { inputType: "number" })],
          logic: [
            {
              conditions: { connector: "and", conditions: [] },
              actions: [
                { objective: "calculate", variableId: "score", operator: "add", value: { type: "element", value: "q1" } },
                { objective: "calculate", variableId: "score", operator: "multiply", value: { type: "static", value: 10 } },
                { objective: "calculate", variableId: "score", operator: "divide", value: { type: "static", value: 0 } },
                { objective: "calculate", variableId: "trail", operator: "concat", value: { type: "variable", value: "score" } },
              ],
            },
            {
              conditions: {
                connector: "and",
                conditions: [
                  {
                    leftOperand: { type: "variable", value: "score" },
                    operator: "isGreaterThan",
                    rightOperand: { type: "static", value: 40 },
                  },
                ],
              },
              actions: [{ objective: "requireAnswer", target: "q3" }, jump("b3")],
            },
          ],
        },
        { id: "b2", elements: [element("q2")] },
        { id: "b3", elements: [element("q3")] },
      ],
    });
    expect(walk(survey, [{ q1: "4" }])).toMatchObject({
      variables: { score: 50, trail: "a50" },
      required: ["q3"],
      card: { block: { id: "b3" } },
    });
  });

  it("does not count answers on a way that was left by going back", () => {
    const survey = surveyOf({
      blocks: [
        { id: "b1", elements: [element("q1")], logic: [{ conditions: condition("q1", "equals", "no"), actions: [jump("b3")] }] },
        { id: "b2", elements: [element("q2")] },
        { id: "b3", elements: [element("q3")], logic: [{ conditions: condition("q2", "isSubmitted"), actions: [jump("e2")] }] },
      ],
      endings: [
        { id: "e1", type: "endScreen" },
        { id: "e2", type: "endScreen" },
      ],
    });
    const atThird = walk(survey, [{ q1: "yes" }, { q2: "said" }]);
    expect(cardOf(moveOn(survey, atThird, texts))).toBe("e2");
    const turned = moveOn(survey, withAnswer(moveBack(moveBack(atThird)), "q1", "no"), texts);
    expect(cardOf(turned)).toBe("b3");
    expect(cardOf(moveOn(survey, turned, texts))).toBe("e1");
  });
});

describe("moveBack", () => {
  it("undoes what logic calculated, and stays at the beginning", () => {
    const survey = surveyOf({
      variables: [{ id: "n", type: "number", value: 0 }],
      blocks: [
        {
          id: "b1",
          elements: [element("q1")],
          logic: [
            {
              conditions: { connector: "and", conditions: [] },
              actions: [{ objective: "calculate", variableId: "n", operator: "add", value: { type: "static", value: 1 } }],
            },
          ],
        },
        { id: "b2", elements: [element("q2")] },
      ],
    });
    const second = walk(survey, [{ q1: "x" }]);
    const first = moveBack(second);
    expect([second.variables, first.variables, cardOf(first), first.answers]).toEqual([{ n: 1 }, { n: 0 }, "b1", { q1: "x" }]);
    expect(moveBack(first)).toBe(first);
  });
});

describe("beginSurvey", () => {
  it("takes the hidden fields that the survey has, with values that a response can hold", () => {
    const survey = surveyOf({ hiddenFields: { enabled: true, fieldIds: ["plan", "seats", "paid", "none"] } });
    const { hiddenFields } = beginSurvey(survey, { hiddenFields: { plan: "pro", seats: 3, paid: true, none: null, other: "x" } });
    expect(hiddenFields).toEqual({ plan: "pro", seats: 3, paid: "true" });
  });
});

describe("moveToEnding and progressOf", () => {
  it("end the survey at the named ending, or without one", () => {
    const state = beginSurvey(BRANCHING, {});
    expect(["e2", "gone", undefined].map((id) => cardOf(moveToEnding(BRANCHING, state, id)))).toEqual([
      "e2",
      undefined,
      undefined,
    ]);
  });

  it("count blocks", () => {
    const states = [walk(BRANCHING, []), walk(BRANCHING, [{ q1: "x" }]), walk(BRANCHING, [{ q1: "end" }])];
    expect(states.map((state) => progressOf(BRANCHING, state))).toEqual([0, 1 / 3, 1]);
  });
});

describe("cardsLeft", () => {
  it("counts the blocks that follow, and an ending", () => {
    const states = [[], [{ q1: "x" }], [{ q1: "skip" }], [{ q1: "end" }]].map((answers) => walk(BRANCHING, answers));
    expect(states.map((state) => cardsLeft(BRANCHING, state))).toEqual([3, 2, 1, 0]);
    const short = surveyOf({ welcomeCard: { enabled: true }, blocks: [{ id: "b1", elements: [element("q1")] }] });
    expect([0, 1].map((steps) => cardsLeft(short, walk(short, Array(steps).fill({}))))).toEqual([1, 0]);
  });
});
