/** The first back end of a filter: functions over a contact in memory. Source: client-api §7. */
import type { AttributeDataType, AttributeValue } from "../shared/attributes.ts";
import { dateText, type Period, STORED_DATE_PATTERN, subtractPeriod } from "./dates.ts";
import {
  type AttributeCondition,
  type AttributeTest,
  COMPANY_PREFIX,
  type Condition,
  type DateBound,
  type EventCondition,
  eventCountKey,
  type Filter,
  foldText,
  type GroupFilter,
  type InteractionCondition,
  type LeafFilter,
  type NumberComparison,
} from "./filter.ts";
import { type ResolvedSegment, resolveSegments, type SegmentRow } from "./resolve.ts";

/** All that a segment can ask about a contact. Times are in milliseconds since the epoch. */
export interface SegmentSubject {
  userId: string | null;
  email: string | null;
  /** Every attribute but userId and email, by key. */
  attributes: Readonly<Record<string, AttributeValue>>;
  displays: readonly { surveyId: string; createdAt: number }[];
  responses: readonly { surveyId: string; createdAt: number; finished: boolean }[];
  /** Of the contact's company, where a segment asks for it; `id` is the customer's. Absent or null: none. */
  company?: { id: string; attributes: Readonly<Record<string, AttributeValue>> } | null;
  /** Of the names that segments ask for. Absent or null: none. */
  events?: readonly { name: string; occurredAt: number; properties: Readonly<Record<string, unknown>> | null }[] | null;
  /** In place of `events`: how many of them each condition counts, by `eventCountKey`; more than any asks for may be less. */
  eventCounts?: ReadonlyMap<string, number> | undefined;
  /** Of the request that is being answered; null when there is none: no device leaf is true then. */
  device: "phone" | "desktop" | null;
  now: number;
}

/** What was found out about one subject at one moment by segments that were compiled together. Starts empty. */
export interface SegmentMemo {
  evaluation?: Evaluation;
}

export interface CompiledSegment {
  id: string;
  /** Why it matches nobody, or which of its leaves never hold; empty for every segment written through the API. */
  issues: readonly string[];
  /** @param memo shared by the calls for one subject, so that nothing is evaluated twice for it */
  matches(subject: SegmentSubject, memo?: SegmentMemo): boolean;
  /** What the predicate makes of every part, and which leaf settled it. */
  explain(subject: SegmentSubject): Explanation;
}

export interface Explanation {
  segmentId: string;
  result: boolean;
  /** Null when the segment matches nobody as it is; `issues` says why. */
  tree: ExplainedGroup | null;
  /**
   * The leaf at which the result became certain, reading from the left; null when there is none. For a leaf about
   * another segment, that segment's own explanation is within.
   */
  decidedBy: ExplainedLeaf | null;
  issues: readonly string[];
}

export type ExplainedNode = ExplainedGroup | ExplainedLeaf;

export interface ExplainedGroup {
  type: "group";
  result: boolean;
  /** True if all of any alternative are, as in the filter. */
  alternatives: { result: boolean; filters: ExplainedNode[] }[];
}

export interface ExplainedLeaf {
  type: "leaf";
  id: string | null;
  root: string;
  /** The attribute key, person identifier or segment id that the root names. */
  about: string | null;
  operator: string;
  /** Of the filter, as it was written. */
  value: unknown;
  /** The attribute (null: not set), the device, the number of displays or responses in question, or the membership. */
  contactValue: AttributeValue | null;
  result: boolean;
  segment?: Explanation;
}

/**
 * Compiles all segments of an environment; one that cannot be compiled matches nobody and says why in `issues`.
 * An attribute without a key in `attributeKeys` (made a moment ago) is taken for what its value is.
 */
export function compileSegments(
  segments: readonly SegmentRow[],
  attributeKeys: ReadonlyMap<string, AttributeDataType>,
): CompiledSegment[] {
  const compiler = createCompiler(attributeKeys);
  const resolved = resolveSegments(segments);
  for (const segment of resolved) compiler.prepare(segment);
  return resolved.map((segment) => ({
    id: segment.id,
    issues: segment.issues,
    matches: (subject, memo = {}) => {
      memo.evaluation ??= compiler.begin(subject);
      return compiler.evaluate(segment, memo.evaluation);
    },
    explain: (subject) => compiler.explain(segment, { ...compiler.begin(subject), explanations: new Map() }),
  }));
}

/**
 * The ids of the segments that the subject is in, in their order. A segment that fails is left out and reported; it
 * must not hide every other survey from the user (client-api §19, BEAT 11).
 */
export function matchingSegmentIds(
  segments: readonly CompiledSegment[],
  subject: SegmentSubject,
  onFailure?: (segmentId: string, error: unknown) => void,
): string[] {
  const memo: SegmentMemo = {};
  const ids: string[] = [];
  for (const segment of segments) {
    try {
      if (segment.matches(subject, memo)) ids.push(segment.id);
    } catch (error) {
      onFailure?.(segment.id, error);
    }
  }
  return ids;
}

interface Evaluation {
  subject: SegmentSubject;
  /** What segments that others refer to are known to be. */
  segments: Map<ResolvedSegment, boolean>;
  /** What each distinct condition is known to be: 0 not yet, 1 false, 2 true. */
  conditions: Uint8Array;
  /** Each segment is explained once, however many leaves speak of it: they share one object. */
  explanations?: Map<ResolvedSegment, Explanation>;
}

interface CompiledNode {
  test(evaluation: Evaluation): boolean;
  explain(evaluation: Evaluation): ExplainedNode;
}

interface CompiledGroup extends CompiledNode {
  explain(evaluation: Evaluation): ExplainedGroup;
}

/** What a leaf does: its verdict, and what it looked at. */
interface CompiledCondition {
  test(evaluation: Evaluation): boolean;
  look(evaluation: Evaluation): AttributeValue | null;
  lookInto?(evaluation: Evaluation): Explanation;
}

const NEVER: CompiledCondition = { test: () => false, look: () => null };

function createCompiler(attributeKeys: ReadonlyMap<string, AttributeDataType>) {
  const compiled = new Map<ResolvedSegment, CompiledGroup | null>();
  const boundaries = new Map<string, (now: number) => number>();
  const conditions = new Map<string, CompiledCondition>();
  return { prepare: root, begin, evaluate, explain };

  function begin(subject: SegmentSubject): Evaluation {
    return { subject, segments: new Map(), conditions: new Uint8Array(conditions.size) };
  }

  function evaluate(segment: ResolvedSegment, evaluation: Evaluation): boolean {
    return root(segment)?.test(evaluation) ?? false;
  }

  /** For segments that others refer to, which may be many. */
  function evaluateOnce(segment: ResolvedSegment, evaluation: Evaluation): boolean {
    const known = evaluation.segments.get(segment);
    if (known !== undefined) return known;
    const result = evaluate(segment, evaluation);
    evaluation.segments.set(segment, result);
    return result;
  }

  function explain(segment: ResolvedSegment, evaluation: Evaluation): Explanation {
    const known = evaluation.explanations?.get(segment);
    if (known) return known;
    const tree = root(segment)?.explain(evaluation) ?? null;
    const explanation: Explanation = {
      segmentId: segment.id,
      result: tree?.result ?? false,
      tree,
      decidedBy: tree && decidingLeaf(tree),
      issues: segment.issues,
    };
    evaluation.explanations?.set(segment, explanation);
    return explanation;
  }

  function root(segment: ResolvedSegment): CompiledGroup | null {
    const known = compiled.get(segment);
    if (known !== undefined) return known;
    const node = segment.filter && compileGroup(segment.filter, segment);
    compiled.set(segment, node);
    return node;
  }

  function compile(filter: Filter, segment: ResolvedSegment): CompiledNode {
    return filter.type === "group" ? compileGroup(filter, segment) : compileLeaf(filter, segment);
  }

  function compileGroup(group: GroupFilter, segment: ResolvedSegment): CompiledGroup {
    const alternatives = group.alternatives.map((run) => run.map((filter) => compile(filter, segment)));
    return { test: compileTests(alternatives.map((run) => run.map(({ test }) => test))), explain: explainGroup };

    function explainGroup(evaluation: Evaluation): ExplainedGroup {
      const explained = alternatives.map((run) => {
        const filters = run.map((node) => node.explain(evaluation));
        return { result: filters.every(({ result }) => result), filters };
      });
      const result = explained.length === 0 || explained.some((run) => run.result);
      return { type: "group", result, alternatives: explained };
    }
  }

  function compileLeaf({ source, condition }: LeafFilter, segment: ResolvedSegment): CompiledNode {
    const { test, look, lookInto } = compileCondition(condition, segment);
    return { test, explain: explainLeaf };

    function explainLeaf(evaluation: Evaluation): ExplainedLeaf {
      const leaf: ExplainedLeaf = { type: "leaf", ...source, contactValue: look(evaluation), result: test(evaluation) };
      return lookInto ? { ...leaf, segment: lookInto(evaluation) } : leaf;
    }
  }

  function compileCondition(condition: Condition, segment: ResolvedSegment): CompiledCondition {
    if (condition.type === "never") return NEVER;
    if (condition.type === "segment") return compileMembership(condition, segment.nested.get(condition.segmentId));
    const name = JSON.stringify(condition);
    const shared = conditions.get(name) ?? testedOnce(compileOwnCondition(condition), conditions.size);
    conditions.set(name, shared);
    return shared;
  }

  /** Segments of one environment ask much the same: what two of them ask is found out once per subject. */
  function testedOnce({ test, look }: CompiledCondition, at: number): CompiledCondition {
    return { test: testOnce, look };

    function testOnce(evaluation: Evaluation): boolean {
      const known = evaluation.conditions[at];
      if (known === 1) return false;
      if (known === 2) return true;
      const result = test(evaluation);
      evaluation.conditions[at] = result ? 2 : 1; // without effect when the condition was compiled after the beginning
      return result;
    }
  }

  function compileOwnCondition(condition: Exclude<Condition, { type: "never" | "segment" }>): CompiledCondition {
    switch (condition.type) {
      case "attribute":
        return compileAttribute(condition);
      case "device": {
        const { device, negated } = condition;
        return {
          test: ({ subject }) => subject.device !== null && (subject.device === device) !== negated,
          look: ({ subject }) => subject.device,
        };
      }
      case "interaction":
        return compileInteraction(condition);
      case "event":
        return compileEvent(condition);
    }
  }

  function compileEvent(condition: EventCondition): CompiledCondition {
    const { name, negated, atLeast, atMost, within, where } = condition;
    const key = eventCountKey(condition);
    const boundary = within && boundaryOf(within);
    const tests = where.map(({ property, test }) => ({ property, holds: compileValueTest(test, undefined) }));
    const count = ({ subject: { events, eventCounts, now } }: Evaluation): number => {
      if (eventCounts) return eventCounts.get(key) ?? 0;
      const since = boundary ? boundary(now) : Number.NEGATIVE_INFINITY;
      const isMeant = ({ name: other, occurredAt, properties }: SubjectOccurrence) =>
        other === name &&
        occurredAt >= since &&
        tests.every(({ property, holds }) => holds(readValue(properties ?? {}, property), now));
      return (events ?? []).filter(isMeant).length;
    };
    return {
      test: (evaluation) => {
        const times = count(evaluation);
        return (times >= atLeast && (atMost === null || times <= atMost)) !== negated;
      },
      look: count,
    };
  }

  function compileMembership({ negated }: { negated: boolean }, other: ResolvedSegment | undefined): CompiledCondition {
    if (other === undefined) return NEVER;
    return {
      test: (evaluation) => evaluateOnce(other, evaluation) !== negated,
      look: (evaluation) => evaluateOnce(other, evaluation),
      lookInto: (evaluation) => explain(other, evaluation),
    };
  }

  function compileAttribute({ key, test }: AttributeCondition): CompiledCondition {
    const read = attributeReader(key);
    const look = ({ subject }: Evaluation) => read(subject) ?? null;
    const holds = compileValueTest(test, dataTypeOf(key));
    return { test: ({ subject }) => holds(read(subject), subject.now), look };
  }

  /** Undefined where a value is taken for what it is. */
  function dataTypeOf(key: string): AttributeDataType | undefined {
    if (key === "userId" || key === "email") return "string";
    return key.startsWith(COMPANY_PREFIX) ? undefined : attributeKeys.get(key);
  }

  /** A test of a value that may be missing: then only its absence can be true. */
  function compileValueTest(
    test: AttributeTest,
    dataType: AttributeDataType | undefined,
  ): (value: AttributeValue | undefined, now: number) => boolean {
    if (test.type === "presence") return (value) => (value === undefined) === test.negated;
    const holds = compileTest(test, dataType);
    return (value, now) => value !== undefined && holds(value, now);
  }

  function compileTest(
    test: Exclude<AttributeTest, { type: "presence" }>,
    dataType: AttributeDataType | undefined,
  ): (value: AttributeValue, now: number) => boolean {
    const mayBe = (type: AttributeDataType) => dataType === undefined || dataType === type;
    switch (test.type) {
      case "text": {
        const { negated, text } = test;
        const compare = TEXT_COMPARISONS[test.comparison];
        const number = mayBe("number") ? test.number : null;
        return (value) =>
          (number !== null && typeof value === "number" ? value === number : compare(foldText(String(value)), text)) !== negated;
      }
      case "number": {
        const { number } = test;
        const compare = NUMBER_COMPARISONS[test.comparison];
        return mayBe("number") ? (value) => typeof value === "number" && compare(value, number) : () => false;
      }
      case "date": {
        if (!mayBe("date")) return () => false;
        const isAfter = compileBound(test.from, (value, bound) => value > bound);
        const isBefore = compileBound(test.to, (value, bound) => value < bound);
        return (value, now) =>
          typeof value === "string" && STORED_DATE_PATTERN.test(value) && isAfter(value, now) && isBefore(value, now);
      }
    }
  }

  function compileBound(
    bound: DateBound | null,
    isBeyond: (value: string, bound: string) => boolean,
  ): (value: string, now: number) => boolean {
    if (bound === null) return () => true;
    const { inclusive } = bound;
    if ("at" in bound) return (value) => isBeyond(value, bound.at) || (inclusive && value === bound.at);
    const boundary = boundaryOf(bound.ago);
    return (value, now) => {
      const at = dateText(boundary(now));
      return isBeyond(value, at) || (inclusive && value === at);
    };
  }

  function compileInteraction({ event, negated, surveyIds, within }: InteractionCondition): CompiledCondition {
    const scope = surveyIds && new Set(surveyIds);
    const boundary = boundaryOf(within);
    return {
      test: ({ subject }) => {
        const since = boundary(subject.now);
        return EVENTS[event](subject).some((item) => counts(item, since)) !== negated;
      },
      look: ({ subject }) => {
        const since = boundary(subject.now);
        return EVENTS[event](subject).filter((item) => counts(item, since)).length;
      },
    };

    function counts(item: SubjectEvent, since: number): boolean {
      return (
        item.createdAt >= since &&
        (scope === null || scope.has(item.surveyId)) &&
        (event !== "finishedResponse" || item.finished === true)
      );
    }
  }

  /** The start of a period, computed once per moment for all leaves that ask for the same one. */
  function boundaryOf(period: Period): (now: number) => number {
    const name = `${period.amount} ${period.unit}`;
    const known = boundaries.get(name);
    if (known) return known;
    let lastNow = Number.NaN;
    let last = 0;
    const boundary = (now: number) => {
      if (now !== lastNow) {
        last = subtractPeriod(now, period);
        lastNow = now;
      }
      return last;
    };
    boundaries.set(name, boundary);
    return boundary;
  }
}

type SubjectOccurrence = NonNullable<SegmentSubject["events"]>[number];

interface SubjectEvent {
  surveyId: string;
  createdAt: number;
  finished?: boolean;
}

const EVENTS: Record<InteractionCondition["event"], (subject: SegmentSubject) => readonly SubjectEvent[]> = {
  display: (subject) => subject.displays,
  response: (subject) => subject.responses,
  finishedResponse: (subject) => subject.responses,
};

const TEXT_COMPARISONS = {
  equals: (value: string, text: string) => value === text,
  contains: (value: string, text: string) => value.includes(text),
  startsWith: (value: string, text: string) => value.startsWith(text),
  endsWith: (value: string, text: string) => value.endsWith(text),
};

const NUMBER_COMPARISONS: Record<NumberComparison, (value: number, number: number) => boolean> = {
  "<": (value, number) => value < number,
  "<=": (value, number) => value <= number,
  ">": (value, number) => value > number,
  ">=": (value, number) => value >= number,
};

type Test = CompiledNode["test"];

function compileTests(alternatives: readonly (readonly Test[])[]): Test {
  const runs = alternatives.map((tests): Test => {
    const [only] = tests;
    return only && tests.length === 1 ? only : (evaluation) => tests.every((test) => test(evaluation));
  });
  const [only] = runs;
  if (only === undefined) return () => true;
  return runs.length === 1 ? only : (evaluation) => runs.some((run) => run(evaluation));
}

/** Undefined when the contact does not have it. */
function attributeReader(key: string): (subject: SegmentSubject) => AttributeValue | undefined {
  if (key === "userId") return (subject) => subject.userId ?? undefined;
  if (key === "email") return (subject) => subject.email ?? undefined;
  if (!key.startsWith(COMPANY_PREFIX)) return (subject) => readValue(subject.attributes, key);
  const ofCompany = key.slice(COMPANY_PREFIX.length);
  return ({ attributes, company }) =>
    readValue(attributes, key) ??
    (ofCompany === "id" ? company?.id : company ? readValue(company.attributes, ofCompany) : undefined);
}

/** Asks for the type, because a key may be the name of something that every object inherits. */
function readValue(values: Readonly<Record<string, unknown>>, key: string): AttributeValue | undefined {
  const value = values[key];
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? value : undefined;
}

function decidingLeaf(node: ExplainedNode): ExplainedLeaf | null {
  if (node.type === "leaf") return node;
  const deciding = node.result
    ? node.alternatives.find(({ result }) => result)?.filters.at(-1)
    : node.alternatives.at(-1)?.filters.find(({ result }) => !result);
  return deciding ? decidingLeaf(deciding) : null;
}
