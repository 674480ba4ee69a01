/**
 * The filters of a segment as an abstract syntax tree, read tolerantly from stored JSON. One tree serves the
 * predicate and the SQL, so that what an operator means is decided here. Source: client-api §7.
 */
import { dateText, PERIOD_UNITS, type Period, parseDate } from "./dates.ts";

export const PERSON_OPERATORS = [
  "equals",
  "notEquals",
  "contains",
  "doesNotContain",
  "startsWith",
  "endsWith",
  "isSet",
  "isNotSet",
] as const;
export const ATTRIBUTE_OPERATORS = [
  ...PERSON_OPERATORS,
  "lessThan",
  "lessEqual",
  "greaterThan",
  "greaterEqual",
  "isOlderThan",
  "isNewerThan",
  "isBefore",
  "isAfter",
  "isBetween",
  "isSameDay",
] as const;
export const SEGMENT_OPERATORS = ["userIsIn", "userIsNotIn"] as const;
export const DEVICE_OPERATORS = ["equals", "notEquals"] as const;
export const INTERACTION_OPERATORS = [
  "haveSeen",
  "haveNotSeen",
  "haveStartedRespondingTo",
  "haveCompleted",
  "haveNotCompleted",
] as const;
export const EVENT_OPERATORS = ["performed", "notPerformed"] as const;
type AttributeOperator = (typeof ATTRIBUTE_OPERATORS)[number];

export const DEVICES = ["phone", "desktop"] as const;
export const MAX_INTERACTION_AMOUNT = 999;
/** How often an event may be asked to have happened: identify reads no more than a thousand of a name. */
export const MAX_EVENT_COUNT = 999;
export const MAX_EVENT_CONDITIONS = 20;
/** Attribute keys that begin so speak of the contact's company, unless the contact itself has such an attribute. */
export const COMPANY_PREFIX = "company.";
/** Groups within groups, at most: far beyond what anyone builds, and short of what overflows a stack. */
export const MAX_DEPTH = 500;

export type Filter = GroupFilter | LeafFilter;

/** True if all filters of any alternative are; a group without alternatives is true (no filters, no limits). */
export interface GroupFilter {
  type: "group";
  alternatives: readonly (readonly Filter[])[];
}

export interface LeafFilter {
  type: "leaf";
  /** The leaf as it was written; `about` is the attribute key, person identifier or segment id that its root names. */
  source: { id: string | null; root: string; about: string | null; operator: string; value: unknown };
  condition: Condition;
}

export type Condition =
  /** False for everybody: a value that the operator cannot use. */
  | { type: "never" }
  | AttributeCondition
  | { type: "segment"; segmentId: string; negated: boolean }
  | { type: "device"; device: (typeof DEVICES)[number]; negated: boolean }
  | InteractionCondition
  | EventCondition;

export interface AttributeCondition {
  type: "attribute";
  /**
   * `userId` and `email` are the contact's own fields, `company.…` its company's attributes (`company.id` the customer's
   * id for it), every other key is one of its attributes.
   */
  key: string;
  test: AttributeTest;
}

export type AttributeTest =
  | { type: "presence"; negated: boolean }
  | {
      type: "text";
      comparison: "equals" | "contains" | "startsWith" | "endsWith";
      negated: boolean;
      /** Folded by {@link foldText}. */
      text: string;
      /** The text as a number, if it is one and the comparison is `equals`: numbers are equal by value. */
      number: number | null;
    }
  | { type: "number"; comparison: NumberComparison; number: number }
  | { type: "date"; from: DateBound | null; to: DateBound | null };

export type NumberComparison = "<" | "<=" | ">" | ">=";

/** An end of a span of time: an instant as `dateText` writes it, or a period back from now. */
export type DateBound = { inclusive: boolean } & ({ at: string } | { ago: Period });

export interface InteractionCondition {
  type: "interaction";
  event: "display" | "response" | "finishedResponse";
  negated: boolean;
  /** Null is any survey. */
  surveyIds: readonly string[] | null;
  within: Period;
}

/** Whether a contact did something so often. */
export interface EventCondition {
  type: "event";
  name: string;
  negated: boolean;
  atLeast: number;
  /** Null: any number. */
  atMost: number | null;
  /** Null: all time. */
  within: Period | null;
  /** Which of the events count: those with all of these properties. */
  where: readonly { property: string; test: AttributeTest }[];
}

/** Tells which of a contact's events a condition counts: two of the same key count the same. */
export const eventCountKey = ({ name, within, where }: EventCondition): string => JSON.stringify([name, within, where]);

export type ParsedFilters = { readable: true; filter: GroupFilter } | { readable: false; reason: string };

class UnreadableFilter extends Error {}

/**
 * Text comparison ignores case: both sides are folded so. In SQL it is `lower(… collate "und-x-icu")`: JavaScript and
 * PostgreSQL then use the same full, locale-independent mapping of Unicode, each of the version it was built with.
 */
export const foldText = (text: string): string => text.toLowerCase();

/**
 * Reads stored filters. What it does not know (a root, an operator, a connector, a shape) makes the whole
 * unreadable, for a filter that is half understood lets in whom it was to keep out; a known operator with a value
 * it cannot use is a leaf that is false for everybody. Never throws.
 */
export function parseFilters(filters: unknown): ParsedFilters {
  try {
    return { readable: true, filter: parseGroup(filters, 0) };
  } catch (error) {
    if (error instanceof UnreadableFilter) return { readable: false, reason: error.message };
    throw error;
  }
}

/** The ids of the segments that the filters speak of, each once. */
export function referredSegmentIds(filter: Filter): string[] {
  const ids = new Set<string>();
  visit(filter);
  return [...ids];

  function visit(part: Filter): void {
    if (part.type === "group") for (const run of part.alternatives) run.forEach(visit);
    else if (part.condition.type === "segment") ids.add(part.condition.segmentId);
  }
}

function parseGroup(nodes: unknown, depth: number): GroupFilter {
  if (!Array.isArray(nodes)) throw new UnreadableFilter("filters are not a list");
  if (depth > MAX_DEPTH) throw new UnreadableFilter("filters are nested too deeply");
  const alternatives: Filter[][] = [];
  for (const node of nodes) {
    const { connector, resource } = record(node, "a filter");
    if (!(connector === null || connector === undefined || connector === "and" || connector === "or"))
      throw new UnreadableFilter("a connector is neither and nor or");
    const filter = Array.isArray(resource) ? parseGroup(resource, depth + 1) : parseLeaf(resource);
    const run = alternatives.at(-1);
    if (run === undefined || connector === "or") alternatives.push([filter]);
    else run.push(filter);
  }
  return { type: "group", alternatives };
}

function parseLeaf(resource: unknown): LeafFilter {
  const { id, root, value, qualifier } = record(resource, "a resource");
  const rootFields = record(root, "a root");
  const { operator } = record(qualifier, "a qualifier");
  const source = {
    id: typeof id === "string" ? id : null,
    root: storable(rootFields.type, "a root's type"),
    about: aboutOf(rootFields),
    operator: storable(operator, "an operator"),
    value,
  };
  return { type: "leaf", source, condition: parseCondition(rootFields, source.operator, value) };
}

function aboutOf({ contactAttributeKey, personIdentifier, segmentId, eventName }: Record<string, unknown>): string | null {
  return [contactAttributeKey, personIdentifier, segmentId, eventName].find((name) => typeof name === "string") ?? null;
}

function parseCondition(root: Record<string, unknown>, operator: string, value: unknown): Condition {
  switch (root.type) {
    case "attribute": {
      const key = storable(root.contactAttributeKey, "an attribute key");
      return parseAttribute(key, oneOf(operator, ATTRIBUTE_OPERATORS), value);
    }
    case "person": {
      const known = oneOf(operator, PERSON_OPERATORS);
      return root.personIdentifier === "userId" ? parseAttribute("userId", known, value) : { type: "never" };
    }
    case "segment": {
      const segmentId = storable(root.segmentId, "a segment id");
      return { type: "segment", segmentId, negated: oneOf(operator, SEGMENT_OPERATORS) === "userIsNotIn" };
    }
    case "device": {
      const negated = oneOf(operator, DEVICE_OPERATORS) === "notEquals";
      const device = DEVICES.find((known) => known === value);
      return device === undefined ? { type: "never" } : { type: "device", device, negated };
    }
    case "surveyInteraction":
      return parseInteraction(oneOf(operator, INTERACTION_OPERATORS), value);
    case "event": {
      const name = storable(root.eventName, "an event's name");
      return parseEvent(name, oneOf(operator, EVENT_OPERATORS) === "notPerformed", value);
    }
    default:
      throw new UnreadableFilter("a root is of an unknown type");
  }
}

function parseAttribute(key: string, operator: AttributeOperator, value: unknown): Condition {
  const test = parseAttributeTest(operator, value);
  return test ? { type: "attribute", key, test } : { type: "never" };
}

/** Null when the operator cannot use the value. */
function parseAttributeTest(operator: AttributeOperator, value: unknown): AttributeTest | null {
  switch (operator) {
    case "isSet":
    case "isNotSet":
      return { type: "presence", negated: operator === "isNotSet" };
    case "equals":
    case "notEquals":
      return textTest("equals", operator === "notEquals", value);
    case "contains":
    case "doesNotContain":
      return textTest("contains", operator === "doesNotContain", value);
    case "startsWith":
    case "endsWith":
      return textTest(operator, false, value);
    case "lessThan":
      return numberTest("<", value);
    case "lessEqual":
      return numberTest("<=", value);
    case "greaterThan":
      return numberTest(">", value);
    case "greaterEqual":
      return numberTest(">=", value);
    default:
      return parseDateTest(operator, value);
  }
}

type TextComparison = Extract<AttributeTest, { type: "text" }>["comparison"];

function textTest(comparison: TextComparison, negated: boolean, value: unknown): AttributeTest | null {
  const text = typeof value === "number" || typeof value === "boolean" ? String(value) : value;
  if (typeof text !== "string" || !isStorable(text)) return null;
  const number = comparison === "equals" ? parseNumber(text) : null;
  return { type: "text", comparison, negated, text: foldText(text), number };
}

function numberTest(comparison: NumberComparison, value: unknown): AttributeTest | null {
  return typeof value === "number" && Number.isFinite(value) ? { type: "number", comparison, number: value } : null;
}

type DateOperator = Extract<
  AttributeOperator,
  "isOlderThan" | "isNewerThan" | "isBefore" | "isAfter" | "isBetween" | "isSameDay"
>;

function parseDateTest(operator: DateOperator, value: unknown): AttributeTest | null {
  switch (operator) {
    case "isOlderThan": {
      const ago = parsePeriod(value);
      return ago && { type: "date", from: null, to: { inclusive: false, ago } };
    }
    case "isNewerThan": {
      const ago = parsePeriod(value);
      return ago && { type: "date", from: { inclusive: true, ago }, to: null };
    }
    case "isBetween": {
      const [from, to] = Array.isArray(value) && value.length === 2 ? [givenDate(value[0]), givenDate(value[1])] : [];
      return from && to ? { type: "date", from: { inclusive: true, at: from }, to: { inclusive: true, at: to } } : null;
    }
    default: {
      const at = givenDate(value);
      return at === null ? null : dateTest(operator, at);
    }
  }
}

function dateTest(operator: "isBefore" | "isAfter" | "isSameDay", at: string): AttributeTest {
  if (operator === "isBefore") return { type: "date", from: null, to: { inclusive: false, at } };
  if (operator === "isAfter") return { type: "date", from: { inclusive: false, at }, to: null };
  const day = at.slice(0, 10);
  return {
    type: "date",
    from: { inclusive: true, at: `${day}T00:00:00.000Z` },
    to: { inclusive: true, at: `${day}T23:59:59.999Z` },
  };
}

function parseInteraction(operator: (typeof INTERACTION_OPERATORS)[number], value: unknown): Condition {
  if (!isRecord(value)) return { type: "never" };
  const { surveyScope, surveyIds } = value;
  const within = parsePeriod(value.within);
  if (!within || !Number.isInteger(within.amount) || within.amount > MAX_INTERACTION_AMOUNT) return { type: "never" };
  const condition = { type: "interaction", ...INTERACTIONS[operator], within } as const;
  if (surveyScope === "any") return { ...condition, surveyIds: null };
  if (surveyScope !== "specific" || !Array.isArray(surveyIds)) return { type: "never" };
  return { ...condition, surveyIds: surveyIds.filter((id) => typeof id === "string" && isStorable(id)) };
}

const INTERACTIONS = {
  haveSeen: { event: "display", negated: false },
  haveNotSeen: { event: "display", negated: true },
  haveStartedRespondingTo: { event: "response", negated: false },
  haveCompleted: { event: "finishedResponse", negated: false },
  haveNotCompleted: { event: "finishedResponse", negated: true },
} as const;

function parseEvent(name: string, negated: boolean, value: unknown): Condition {
  const given = value === undefined || value === null ? {} : value;
  if (!isRecord(given)) return { type: "never" };
  const atLeast = given.atLeast ?? (given.atMost === undefined ? 1 : 0);
  const atMost = given.atMost ?? null;
  if (!isCount(atLeast) || !(atMost === null || isCount(atMost))) return { type: "never" };
  const hasPeriod = given.within !== undefined && given.within !== null;
  const within = hasPeriod ? parsePeriod(given.within) : null;
  if (hasPeriod && (!within || !Number.isInteger(within.amount) || within.amount > MAX_INTERACTION_AMOUNT))
    return { type: "never" };
  const where = parseEventProperties(given.where ?? []);
  return where ? { type: "event", name, negated, atLeast, atMost, within, where } : { type: "never" };
}

/** Null when one of them cannot be used. */
function parseEventProperties(given: unknown): EventCondition["where"] | null {
  if (!Array.isArray(given) || given.length > MAX_EVENT_CONDITIONS) return null;
  const where: { property: string; test: AttributeTest }[] = [];
  for (const condition of given) {
    const { property, operator, value } = record(condition, "an event's condition");
    const test = parseAttributeTest(oneOf(storable(operator, "an operator"), ATTRIBUTE_OPERATORS), value);
    if (!test) return null;
    where.push({ property: storable(property, "a property"), test });
  }
  return where;
}

const isCount = (value: unknown): value is number =>
  typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= MAX_EVENT_COUNT;

function parsePeriod(value: unknown): Period | null {
  if (!isRecord(value)) return null;
  const { amount } = value;
  const unit = PERIOD_UNITS.find((known) => known === value.unit);
  if (unit === undefined || typeof amount !== "number" || !Number.isFinite(amount) || amount <= 0) return null;
  return { amount, unit };
}

function givenDate(value: unknown): string | null {
  const ms = typeof value === "string" ? parseDate(value) : null;
  return ms === null ? null : dateText(ms);
}

/** Decimal notation only: what JavaScript would also take for a number (hexadecimal, blank) is text to people. */
function parseNumber(text: string): number | null {
  if (!/^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(text)) return null;
  const number = Number(text);
  return Number.isFinite(number) ? number : null;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function record(value: unknown, what: string): Record<string, unknown> {
  if (!isRecord(value)) throw new UnreadableFilter(`${what} is not an object`);
  return value;
}

function storable(value: unknown, what: string): string {
  if (typeof value !== "string" || value === "" || !isStorable(value)) throw new UnreadableFilter(`${what} is not text`);
  return value;
}

/** Whether PostgreSQL can hold the text: no NUL and no half of a surrogate pair. */
const isStorable = (text: string): boolean => !/[\0\p{Surrogate}]/u.test(text);

function oneOf<Known extends string>(value: string, known: readonly Known[]): Known {
  const found = known.find((candidate) => candidate === value);
  if (found === undefined) throw new UnreadableFilter("an operator does not go with its root");
  return found;
}
