/** What segments ask of contacts beyond the contact itself, so that identify reads no more than that. */
import { type Period, subtractPeriod } from "./dates.ts";
import { COMPANY_PREFIX, type EventCondition, eventCountKey, type Filter, parseFilters } from "./filter.ts";
import type { SegmentRow } from "./resolve.ts";

/** Whether a contact's company is asked for is the same question: both are read together. */
export interface SegmentFacts {
  events: readonly { name: string; withins: readonly (Period | null)[]; properties: readonly string[] }[];
  /** What to count of a contact's events, by {@link eventCountKey}. */
  counted: ReadonlyMap<string, EventCondition>;
}

/** The events of a name to read: all that any segment of the environment could count. */
export interface EventRange {
  name: string;
  /** Milliseconds since the epoch; null: all time. */
  since: number | null;
  properties: readonly string[];
}

/** Null when the segments ask for neither companies nor events. */
export function findFacts(segments: readonly SegmentRow[]): SegmentFacts | null {
  const events = new Map<string, { withins: (Period | null)[]; properties: Set<string> }>();
  const counted = new Map<string, EventCondition>();
  let asksForCompany = false;
  for (const { filters } of segments) {
    const parsed = parseFilters(filters);
    if (parsed.readable) visit(parsed.filter);
  }
  if (!asksForCompany && events.size === 0) return null;
  return {
    events: [...events].map(([name, { withins, properties }]) => ({ name, withins, properties: [...properties] })),
    counted,
  };

  function visit(filter: Filter): void {
    if (filter.type === "group") {
      for (const run of filter.alternatives) run.forEach(visit);
      return;
    }
    const { condition } = filter;
    if (condition.type === "attribute") asksForCompany ||= condition.key.startsWith(COMPANY_PREFIX);
    if (condition.type !== "event") return;
    counted.set(eventCountKey(condition), condition);
    const known = events.get(condition.name) ?? { withins: [], properties: new Set<string>() };
    events.set(condition.name, known);
    known.withins.push(condition.within);
    for (const { property } of condition.where) known.properties.add(property);
  }
}

export const eventRanges = ({ events }: Pick<SegmentFacts, "events">, now: number): EventRange[] =>
  events.map(({ name, withins, properties }) => {
    const starts = withins.map((within) => within && subtractPeriod(now, within));
    const since = starts.includes(null) ? null : Math.min(...starts.map((start) => start ?? now));
    return { name, since, properties };
  });
