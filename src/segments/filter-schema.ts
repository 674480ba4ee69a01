/** What a segment's filters must be to be stored. Source: client-api §7.1. */
import { z } from "zod";
import { ID_PATTERN } from "../shared/ids.ts";
import { invalid, type ProblemIssue } from "../shared/problem.ts";
import { PERIOD_UNITS } from "./dates.ts";
import {
  ATTRIBUTE_OPERATORS,
  DEVICE_OPERATORS,
  DEVICES,
  EVENT_OPERATORS,
  INTERACTION_OPERATORS,
  MAX_DEPTH,
  MAX_EVENT_CONDITIONS,
  MAX_EVENT_COUNT,
  MAX_INTERACTION_AMOUNT,
  PERSON_OPERATORS,
  parseFilters,
  referredSegmentIds,
  SEGMENT_OPERATORS,
} from "./filter.ts";
import type { SegmentRow } from "./resolve.ts";

const Id = z.string().regex(ID_PATTERN, "Invalid id");

const Period = z.object({ amount: z.number().positive(), unit: z.enum(PERIOD_UNITS) });

const Interaction = z.object({
  surveyScope: z.enum(["any", "specific"]),
  surveyIds: z.array(Id).max(100),
  within: z.object({
    amount: z.int().min(1).max(MAX_INTERACTION_AMOUNT),
    unit: z.enum(["days", "weeks", "months"]),
  }),
});

/** What an event may be asked for: how often (default at least once), since when (default ever), with which properties. */
const Occurrences = z.strictObject({
  atLeast: z.int().min(0).max(MAX_EVENT_COUNT).optional(),
  atMost: z.int().min(0).max(MAX_EVENT_COUNT).optional(),
  within: z
    .object({ amount: z.int().min(1).max(MAX_INTERACTION_AMOUNT), unit: z.enum(PERIOD_UNITS) })
    .nullable()
    .optional(),
  where: z
    .array(
      z.object({
        property: z.string().min(1),
        operator: z.enum(ATTRIBUTE_OPERATORS),
        value: z.union([z.string(), z.number(), z.boolean(), z.tuple([z.string(), z.string()]), Period]).optional(),
      }),
    )
    .max(MAX_EVENT_CONDITIONS)
    .optional(),
});

const OPERATORS = {
  attribute: ATTRIBUTE_OPERATORS,
  person: PERSON_OPERATORS,
  segment: SEGMENT_OPERATORS,
  device: DEVICE_OPERATORS,
  surveyInteraction: INTERACTION_OPERATORS,
  event: EVENT_OPERATORS,
} as const;

const Leaf = z.object({
  id: Id,
  root: z.discriminatedUnion("type", [
    z.object({ type: z.literal("attribute"), contactAttributeKey: z.string().min(1) }),
    z.object({ type: z.literal("person"), personIdentifier: z.string().min(1) }),
    z.object({ type: z.literal("segment"), segmentId: Id }),
    z.object({ type: z.literal("device"), deviceType: z.string() }),
    z.object({ type: z.literal("surveyInteraction") }),
    z.object({ type: z.literal("event"), eventName: z.string().min(1) }),
  ]),
  value: z
    .union([z.string(), z.number(), z.boolean(), z.tuple([z.string(), z.string()]), Interaction, Period, Occurrences])
    .optional(),
  qualifier: z.object({
    operator: z.enum([...ATTRIBUTE_OPERATORS, ...SEGMENT_OPERATORS, ...INTERACTION_OPERATORS, ...EVENT_OPERATORS]),
  }),
});
type FilterLeaf = z.infer<typeof Leaf>;

/** A filter and how it is joined to the one before it: `and` binds tighter than `or`, null after the first is `and`. */
export interface FilterNode {
  id: string;
  connector: "and" | "or" | null;
  resource: FilterLeaf | FilterNode[];
}

/** The shape of filters, as routes take and show them; {@link validateFilters} holds the rules beyond the shape. */
const SegmentFilters: z.ZodType<FilterNode[]> = z
  .lazy(() =>
    z.array(
      z.object({
        id: Id,
        connector: z.enum(["and", "or"]).nullable(),
        resource: z.union([Leaf, SegmentFilters]),
      }),
    ),
  )
  .meta({ id: "SegmentFilters" }); // it contains itself: the documents need a name to refer to

/** The same for bodies of requests, which may be nested so deeply that checking them would overflow the stack. */
export const SegmentFiltersInput = z.preprocess((filters, context) => {
  if (depth(filters) > MAX_DEPTH) context.addIssue("Nested too deeply");
  return filters;
}, SegmentFilters);

/** What filters may refer to: only what is in the segment's own environment. */
export interface SegmentFiltersContext {
  /** Of the segment that is written; null when it is new. */
  segmentId: string | null;
  surveyIds: ReadonlySet<string>;
  segments: readonly SegmentRow[];
}

/**
 * The filters, checked by every rule. A new segment needs at least one filter. Throws `invalid` with all broken
 * rules, at fields such as `filters.0.resource.value`.
 */
export function validateFilters(filters: unknown, context: SegmentFiltersContext): FilterNode[] {
  if (depth(filters) > MAX_DEPTH) throw refused([{ field: "filters", issue: "Nested too deeply" }]);
  const parsed = SegmentFilters.safeParse(filters);
  if (!parsed.success)
    throw refused(parsed.error.issues.map(({ path, message }) => ({ field: ["filters", ...path].join("."), issue: message })));
  const issues: ProblemIssue[] = [];
  if (context.segmentId === null && parsed.data.length === 0)
    issues.push({ field: "filters", issue: "At least one filter is required" });
  checkNodes(parsed.data, "filters", context, issues);
  if (issues.length > 0) throw refused(issues);
  return parsed.data;
}

const refused = (issues: ProblemIssue[]) => invalid("Invalid segment filters", { issues });

/** Of the deepest list; measured without recursion, as it guards what recurs. */
function depth(filters: unknown): number {
  let level = [filters];
  for (let reached = 0; ; reached++) {
    level = level.filter(Array.isArray).flat().map(resourceOf);
    if (level.length === 0 || reached > MAX_DEPTH) return reached;
  }
}

const resourceOf = (node: unknown): unknown =>
  typeof node === "object" && node !== null && "resource" in node ? node.resource : undefined;

function checkNodes(nodes: readonly FilterNode[], field: string, context: SegmentFiltersContext, issues: ProblemIssue[]): void {
  for (const [index, { connector, resource }] of nodes.entries()) {
    const at = `${field}.${index}`;
    if (index === 0 && connector !== null)
      issues.push({ field: `${at}.connector`, issue: "The first filter of a group has no connector" });
    if (Array.isArray(resource)) checkNodes(resource, `${at}.resource`, context, issues);
    else checkLeaf(resource, `${at}.resource`, context, issues);
  }
}

function checkLeaf(leaf: FilterLeaf, field: string, context: SegmentFiltersContext, issues: ProblemIssue[]): void {
  const { root, qualifier } = leaf;
  const operators: readonly string[] = OPERATORS[root.type];
  if (!operators.includes(qualifier.operator)) {
    issues.push({
      field: `${field}.qualifier.operator`,
      issue: `The operator ${qualifier.operator} does not go with ${root.type}`,
    });
    return;
  }
  const issue = findValueIssue(leaf);
  if (issue !== null) issues.push({ field: `${field}.value`, issue });
  else if (root.type === "surveyInteraction") checkSurveys(leaf.value, field, context, issues);
  if (root.type === "segment") checkReference(root.segmentId, field, context, issues);
}

function findValueIssue({ root, value, qualifier: { operator } }: FilterLeaf): string | null {
  switch (root.type) {
    case "segment":
      return null; // the root names the segment
    case "device":
      return DEVICES.some((device) => device === value) ? null : "The value must be phone or desktop";
    case "surveyInteraction": {
      const { data } = Interaction.safeParse(value);
      if (!data) return "The value must have surveyScope, surveyIds and within";
      const isEmpty = data.surveyScope === "specific" && data.surveyIds.length === 0;
      return isEmpty ? "At least one survey is required" : null;
    }
    case "event":
      return findOccurrencesIssue(value);
    default:
      return findAttributeValueIssue(operator, value);
  }
}

function findOccurrencesIssue(value: FilterLeaf["value"]): string | null {
  const { data } = Occurrences.safeParse(value ?? {});
  if (!data) return "The value must have atLeast, atMost, within and where, or some of them";
  if (data.atLeast !== undefined && data.atMost !== undefined && data.atLeast > data.atMost)
    return "atLeast must not be more than atMost";
  for (const { operator, value: expected } of data.where ?? []) {
    const issue = findAttributeValueIssue(operator, expected);
    if (issue !== null) return `A condition cannot be used. ${issue}`;
  }
  return null;
}

function findAttributeValueIssue(operator: FilterLeaf["qualifier"]["operator"], value: FilterLeaf["value"]): string | null {
  switch (operator) {
    case "isSet":
    case "isNotSet":
      return null;
    case "lessThan":
    case "lessEqual":
    case "greaterThan":
    case "greaterEqual":
      return typeof value === "number" ? null : "The value must be a number";
    case "isOlderThan":
    case "isNewerThan":
      return Period.safeParse(value).success ? null : "The value must have a positive amount and a unit";
    case "isBetween":
      return Array.isArray(value) && value.every((date) => date !== "") ? null : "The value must be two dates";
    case "equals":
    case "notEquals":
      return typeof value === "number" || typeof value === "boolean" || isText(value)
        ? null
        : "The value must be a number, true, false or a non-empty text";
    default:
      return isText(value) ? null : "The value must be a non-empty text";
  }
}

const isText = (value: unknown): boolean => typeof value === "string" && value !== "";

function checkSurveys(
  value: FilterLeaf["value"],
  field: string,
  { surveyIds }: SegmentFiltersContext,
  issues: ProblemIssue[],
): void {
  const { data } = Interaction.safeParse(value);
  for (const [index, id] of (data?.surveyIds ?? []).entries())
    if (!surveyIds.has(id)) issues.push({ field: `${field}.value.surveyIds.${index}`, issue: "No such survey" });
}

function checkReference(id: string, field: string, { segmentId, segments }: SegmentFiltersContext, issues: ProblemIssue[]): void {
  const at = `${field}.root.segmentId`;
  if (segmentId !== null && reaches(id, segmentId, segments))
    issues.push({ field: at, issue: "A segment must not refer to itself" });
  else if (!segments.some((segment) => segment.id === id)) issues.push({ field: at, issue: "No such segment" });
}

/** Whether the segment `from` is the segment `to` or refers to it, however indirectly. */
function reaches(from: string, to: string, segments: readonly SegmentRow[]): boolean {
  const seen = new Set([from]);
  for (const id of seen) {
    if (id === to) return true;
    const parsed = parseFilters(segments.find((segment) => segment.id === id)?.filters);
    for (const next of parsed.readable ? referredSegmentIds(parsed.filter) : []) seen.add(next);
  }
  return false;
}
