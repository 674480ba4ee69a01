import type { AttributeValue } from "../../../shared/attributes.ts";

/** `#recall:<id>/fallback:<text>#` in any text. Source: survey-model §1. */
const RECALL_MARK = /#recall:([A-Za-z0-9_-]+)\/fallback:([^#]*)#/g;

/**
 * A survey whose marks that name a contact's attribute are replaced by its value, or by the mark's fallback. Marks
 * that name something of the survey itself (an element, a hidden field, a variable) are the renderer's.
 * @param attributes by key, for every key there is: undefined where the contact has no value
 */
export function replaceRecallMarks<Survey extends object>(
  survey: Survey,
  attributes: ReadonlyMap<string, AttributeValue | undefined>,
  ownIds: ReadonlySet<string>,
): Survey {
  return replaceIn(survey, (text) =>
    text.replace(RECALL_MARK, (mark, id: string, fallback: string) => {
      if (ownIds.has(id) || !attributes.has(id)) return mark;
      const value = attributes.get(id);
      return value === undefined || value === "" ? fallback : withoutMarkup(String(value));
    }),
  );
}

/** Texts may be HTML, and anyone can set anyone's attributes. */
const withoutMarkup = (text: string): string => text.replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** A copy with every text in it replaced. */
function replaceIn<Value>(value: Value, replace: (text: string) => string): Value {
  return JSON.parse(JSON.stringify(value), (_key, part: unknown) =>
    typeof part === "string" && part.includes("#recall:") ? replace(part) : part,
  );
}
