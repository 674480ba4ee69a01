/**
 * Logic: what happens after a block depending on answers, variables and hidden fields. Shape only; what a condition
 * may refer to is in `logic-rules.ts`. The older word `question` for an operand is read as `element`.
 * Source: survey-model §8.1.
 */
import { z } from "zod";

/** Operators that compare with nothing. */
export const UNARY_OPERATORS = [
  "isSubmitted",
  "isSkipped",
  "isClicked",
  "isNotClicked",
  "isAccepted",
  "isBooked",
  "isPartiallySubmitted",
  "isCompletelySubmitted",
  "isSet",
  "isNotSet",
  "isEmpty",
  "isNotEmpty",
] as const;

const OPERATORS = [
  "equals",
  "doesNotEqual",
  "contains",
  "doesNotContain",
  "startsWith",
  "doesNotStartWith",
  "endsWith",
  "doesNotEndWith",
  "isGreaterThan",
  "isLessThan",
  "isGreaterThanOrEqual",
  "isLessThanOrEqual",
  "equalsOneOf",
  "includesAllOf",
  "includesOneOf",
  "doesNotIncludeOneOf",
  "doesNotIncludeAllOf",
  "isBefore",
  "isAfter",
  "isAnyOf",
  ...UNARY_OPERATORS,
] as const;
export type Operator = (typeof OPERATORS)[number];

const ElementKind = z.enum(["element", "question"]).transform((): "element" => "element");

const LeftOperand = z.union([
  z.object({ type: ElementKind, value: z.string(), meta: z.record(z.string(), z.string()).optional() }),
  z.object({ type: z.enum(["variable", "hiddenField"]), value: z.string() }),
]);

const Reference = z.object({
  type: z.union([ElementKind, z.enum(["variable", "hiddenField"])]),
  value: z.string(),
});
export type LogicReference = z.infer<typeof Reference>;

const RightOperand = z.union([
  Reference,
  z.object({ type: z.literal("static"), value: z.union([z.string(), z.number(), z.array(z.string())]) }),
]);
export type RightOperand = z.infer<typeof RightOperand>;

export const Condition = z.object({
  id: z.string(),
  leftOperand: LeftOperand,
  operator: z.enum(OPERATORS),
  rightOperand: RightOperand.optional(),
  connector: z.never().optional(), // tells a condition from a group
});
export type Condition = z.infer<typeof Condition>;

export interface ConditionGroup {
  id: string;
  connector: "and" | "or";
  conditions: (Condition | ConditionGroup)[];
}

export const ConditionGroup: z.ZodType<ConditionGroup> = z
  .object({
    id: z.string(),
    connector: z.enum(["and", "or"]),
    get conditions() {
      return z.array(z.union([Condition, ConditionGroup]));
    },
  })
  .meta({ id: "SurveyConditionGroup" });

export const isGroup = (node: Condition | ConditionGroup): node is ConditionGroup => "conditions" in node;

const Calculate = z.object({
  id: z.string(),
  objective: z.literal("calculate"),
  variableId: z.string(),
  operator: z.enum(["assign", "concat", "add", "subtract", "multiply", "divide"]),
  value: z.union([Reference, z.object({ type: z.literal("static"), value: z.union([z.string(), z.number()]) })]),
});
export type CalculateAction = z.infer<typeof Calculate>;

const RequireAnswer = z.object({ id: z.string(), objective: z.literal("requireAnswer"), target: z.string() });
const JumpToBlock = z.object({ id: z.string(), objective: z.literal("jumpToBlock"), target: z.string() });
const JumpToQuestion = z.object({ id: z.string(), objective: z.literal("jumpToQuestion"), target: z.string() });

/** One rule of a block: when the conditions hold, the actions are carried out. */
export const BlockLogicItem = z.object({
  id: z.string(),
  conditions: ConditionGroup,
  actions: z.array(z.discriminatedUnion("objective", [Calculate, RequireAnswer, JumpToBlock])),
});
export type BlockLogicItem = z.infer<typeof BlockLogicItem>;
export type BlockAction = BlockLogicItem["actions"][number];

/** The same on a question of the older generation, whose jumps name questions. */
export const QuestionLogicItem = z.object({
  id: z.string(),
  conditions: ConditionGroup,
  actions: z.array(z.discriminatedUnion("objective", [Calculate, RequireAnswer, JumpToQuestion])),
});
export type QuestionLogicItem = z.infer<typeof QuestionLogicItem>;
