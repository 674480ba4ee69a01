/** Which doings of a contact with surveys can move it into or out of segments. Source: client-api §4.4. */
import { type Filter, type InteractionCondition, parseFilters } from "./filter.ts";
import type { SegmentRow } from "./resolve.ts";

/** A leaf that asks for it: what the contact does, and with which surveys; null is any survey. */
export type SurveyInteraction = Pick<InteractionCondition, "event" | "surveyIds">;

/**
 * The survey interactions that the segments with the given ids ask for, by themselves or through segments they refer
 * to. Circles are followed once; a segment that is missing or unreadable matches nobody and asks for nothing.
 */
export function surveyInteractions(segments: readonly SegmentRow[], ids: Iterable<string>): SurveyInteraction[] {
  const filtersById = new Map(segments.map(({ id, filters }) => [id, filters]));
  const open = new Set(ids); // a Set is walked to its end, and keeps what was visited from being visited again
  const found: SurveyInteraction[] = [];
  for (const id of open) {
    const parsed = parseFilters(filtersById.get(id));
    if (parsed.readable) visit(parsed.filter);
  }
  return found;

  function visit(part: Filter): void {
    if (part.type === "group") for (const run of part.alternatives) run.forEach(visit);
    else if (part.condition.type === "segment") open.add(part.condition.segmentId);
    else if (part.condition.type === "interaction") found.push(part.condition);
  }
}
