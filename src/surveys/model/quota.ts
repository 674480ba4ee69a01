/** Quotas: how many responses of a kind a survey takes. Rows of their own. Source: survey-model §15.2, client-api §12. */
import { z } from "zod";
import { Variable } from "./card.ts";
import { surveyElements } from "./generation.ts";
import { asArray, isObject, type JsonObject } from "./json.ts";
import { Condition } from "./logic.ts";
import { checkCondition, logicScope } from "./logic-rules.ts";
import type { RuleIssue } from "./rule-issue.ts";

/** What an administrator says of a quota; what may be left out has a default. */
export const QuotaFields = z.object({
  name: z.string().trim().min(1).max(255).meta({ description: "Unique in the survey", example: "Customers" }),
  limit: z.int().min(1).max(2_147_483_647).meta({ description: "How many responses are let in", example: 100 }),
  logic: z
    .object({ connector: z.enum(["and", "or"]), conditions: z.array(Condition) })
    .meta({ id: "SurveyQuotaLogic", description: "Which responses it is about; with `and` and no conditions, all" }),
  action: z.enum(["endSurvey", "continueSurvey"]).meta({ description: "What becomes of a response when the quota is full" }),
  endingCardId: z.string().nullish().meta({ description: "The ending that `endSurvey` leads to, which needs one" }),
  countPartialSubmissions: z.boolean().optional().meta({ description: "Whether unfinished responses count; by default not" }),
});
export type QuotaFields = z.infer<typeof QuotaFields>;

/**
 * Every rule that the quota breaks in its survey. Its shape is known to be right.
 * @param document the survey's; of an imported one, what cannot be read is not there to be referred to
 */
export function quotaRuleIssues({ logic, action, endingCardId = null }: QuotaFields, document: JsonObject): RuleIssue[] {
  const issues: RuleIssue[] = [];
  const scope = scopeOf(document);
  // A response is looked at as a whole, so that no element comes later.
  for (const [index, condition] of logic.conditions.entries())
    checkCondition(condition, 0, ["logic", "conditions", index], scope, (path, message) => void issues.push({ path, message }));
  const path = ["endingCardId"];
  if (endingCardId === null) {
    if (action === "endSurvey") issues.push({ path, message: "An ending is required to end the survey" });
  } else if (!scope.endings.has(endingCardId)) issues.push({ path, message: "The ending does not exist" });
  return issues;
}

function scopeOf(document: JsonObject) {
  const hiddenFields = isObject(document.hiddenFields) ? document.hiddenFields : {};
  const named = {
    endings: asArray(document.endings).flatMap((ending) => WithId.safeParse(ending).data ?? []),
    variables: asArray(document.variables).flatMap((variable) => Variable.safeParse(variable).data ?? []),
    hiddenFields: asArray(hiddenFields.fieldIds).filter((id) => typeof id === "string"),
  };
  return logicScope([{ id: "all", name: "", elements: surveyElements(document) }], named);
}

const WithId = z.object({ id: z.string() });
