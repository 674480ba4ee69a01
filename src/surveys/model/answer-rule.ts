/** Rules an answer must keep (`validation.rules`). What they mean is the response service's business. Source: survey-model §7. */
import { z } from "zod";

const rule = <Type extends string, Params extends z.ZodRawShape>(type: Type, params: Params) =>
  z.object({ id: z.string(), type: z.literal(type), params: z.object(params), field: z.string().optional() });

const number = z.number();
const text = z.string();

const AnswerRule = z.discriminatedUnion("type", [
  rule("minLength", { min: number.min(0) }),
  rule("maxLength", { max: number.min(1) }),
  rule("pattern", { pattern: text.min(1), flags: text.optional() }),
  rule("email", {}),
  rule("url", {}),
  rule("phone", {}),
  rule("equals", { value: text }),
  rule("doesNotEqual", { value: text }),
  rule("contains", { value: text }),
  rule("doesNotContain", { value: text }),
  rule("minValue", { min: number }),
  rule("maxValue", { max: number }),
  rule("isGreaterThan", { min: number }),
  rule("isLessThan", { max: number }),
  rule("minSelections", { min: number.min(1) }),
  rule("maxSelections", { max: number.min(1) }),
  rule("isLaterThan", { date: text }),
  rule("isEarlierThan", { date: text }),
  rule("isBetween", { startDate: text, endDate: text }),
  rule("isNotBetween", { startDate: text, endDate: text }),
  rule("minRowsAnswered", { min: number.min(1) }),
  rule("answerAllRows", {}),
  rule("minRanked", { min: number.min(1) }),
  rule("rankAll", {}),
  rule("fileExtensionIs", { extensions: z.array(text).min(1) }),
  rule("fileExtensionIsNot", { extensions: z.array(text).min(1) }),
]);
type AnswerRule = z.infer<typeof AnswerRule>;
export type AnswerRuleType = AnswerRule["type"];

/** The rules of one element; `or`: one that passes is enough. */
export const AnswerRules = z.object({ rules: z.array(AnswerRule), logic: z.enum(["and", "or"]).default("and") });

const TEXT_RULES: readonly AnswerRuleType[] = [
  "minLength",
  "maxLength",
  "pattern",
  "email",
  "url",
  "phone",
  "equals",
  "doesNotEqual",
  "contains",
  "doesNotContain",
];
const SELECTION_RULES: readonly AnswerRuleType[] = ["minSelections", "maxSelections"];

/** Which rules an element type takes. A type that is not here takes none; consent tolerates any. */
export const RULES_BY_ELEMENT_TYPE: Readonly<Record<string, ReadonlySet<AnswerRuleType>>> = {
  openText: new Set<AnswerRuleType>([...TEXT_RULES, "minValue", "maxValue", "isGreaterThan", "isLessThan"]),
  address: new Set(TEXT_RULES),
  contactInfo: new Set(TEXT_RULES),
  multipleChoiceMulti: new Set(SELECTION_RULES),
  pictureSelection: new Set(SELECTION_RULES),
  date: new Set<AnswerRuleType>(["isLaterThan", "isEarlierThan", "isBetween", "isNotBetween"]),
  matrix: new Set<AnswerRuleType>(["minRowsAnswered", "answerAllRows"]),
  ranking: new Set<AnswerRuleType>(["minRanked", "rankAll"]),
  fileUpload: new Set<AnswerRuleType>(["fileExtensionIs", "fileExtensionIsNot"]),
};
