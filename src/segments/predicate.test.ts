import { describe, expect, test } from "vitest";
import type { AttributeDataType, AttributeValue } from "../shared/attributes.ts";
import { compileSegments, matchingSegmentIds, type SegmentRow, type SegmentSubject } from "./service.ts";

const NOW = Date.UTC(2026, 2, 31, 12, 30);
const DAY_MS = 86_400_000;
const KEYS = new Map<string, AttributeDataType>([
  ["plan", "string"],
  ["seats", "number"],
  ["renewal", "date"],
  ["trial", "boolean"],
]);

const subject = (given: Partial<SegmentSubject> = {}): SegmentSubject => ({
  userId: "user-1",
  email: null,
  attributes: {},
  displays: [],
  responses: [],
  device: null,
  now: NOW,
  ...given,
});

const resource = (root: object, operator: string, value: unknown = "") => ({
  id: "cleaf",
  root,
  qualifier: { operator },
  value,
});
const node = (given: unknown, connector: "and" | "or" | null = null) => ({ id: "cnode", connector, resource: given });
const ofKey = (contactAttributeKey: string, operator: string, value?: unknown) =>
  resource({ type: "attribute", contactAttributeKey }, operator, value);
const ofSegment = (segmentId: string, operator = "userIsIn") => resource({ type: "segment", segmentId }, operator, segmentId);
/** Leaves that are true and false for everybody. */
const YES = ofKey("missing", "isNotSet");
const NO = ofKey("missing", "isSet");

const matches = (filters: unknown, given: Partial<SegmentSubject> = {}): boolean =>
  matching([{ id: "s", filters }], given).includes("s");
const matching = (segments: SegmentRow[], given: Partial<SegmentSubject> = {}): string[] =>
  matchingSegmentIds(compileSegments(segments, KEYS), subject(given));

describe("Attributes", () => {
  const RENEWAL = "2026-03-15T12:30:00.000Z";
  const key = { string: "plan", number: "seats", date: "renewal", boolean: "trial" };
  // Columns: operator, filter value, then the contact's value and what comes of it, by the type of the key.
  type Row = [operator: string, value: unknown, cells: Partial<Record<AttributeDataType, [AttributeValue, boolean][]>>];
  // biome-ignore format: a table
  const rows: Row[] = [
    ["equals", "pro", { string: [["pro", true], ["PRO", true], ["pro ", false], ["", false]], number: [[3, false]] }],
    ["equals", "p_o%", { string: [["pro", false], ["P_O%", true]] }],
    ["equals", 3, { string: [["3", true], ["3.0", false], [3, true]], number: [[3, true], [3.5, false], ["3", true]] }],
    ["equals", "3.0", { string: [["3", false]], number: [[3, true], ["3", false]] }],
    ["equals", "0x3", { number: [[3, false]] }],
    ["equals", 0, { number: [[-0, true]] }],
    ["equals", RENEWAL, { date: [[RENEWAL, true], ["2026-03-15T12:30:00.001Z", false]] }],
    ["equals", "TRUE", { boolean: [[true, true], [false, false]], string: [["true", true]] }],
    ["notEquals", "pro", { string: [["pro", false], ["PRO", false], ["free", true], ["", true]], number: [[3, true]] }],
    ["notEquals", "3", { number: [[3, false], [4, true]] }],
    ["notEquals", "true", { boolean: [[true, false], [false, true]] }],
    ["notEquals", RENEWAL, { date: [[RENEWAL, false], ["2026-03-15T12:30:00.001Z", true]] }],
    ["contains", "RO", { string: [["prod", true], ["p", false]] }],
    ["contains", "É", { string: [["caféine", true], ["cafeine", false]] }],
    ["contains", "%", { string: [["100%", true], ["100", false]] }],
    ["contains", "3", { number: [[30, true], [1.25, false]], date: [[RENEWAL, true]] }],
    ["contains", "e+2", { number: [[1e21, true], [1e20, false]] }],
    ["contains", "ru", { boolean: [[true, true], [false, false]] }],
    ["doesNotContain", "RO", { string: [["prod", false], ["p", true]] }],
    ["doesNotContain", "3", { number: [[30, false], [1, true]], date: [[RENEWAL, false]], boolean: [[true, true]] }],
    ["startsWith", "PR", { string: [["pro", true], ["apro", false]] }],
    ["startsWith", 3, { number: [[30, true], [13, false]] }],
    ["startsWith", "2026-03", { date: [[RENEWAL, true], ["2026-04-01T00:00:00.000Z", false]] }],
    ["startsWith", "f", { boolean: [[false, true], [true, false]] }],
    ["endsWith", "RO", { string: [["pro", true], ["prod", false]] }],
    ["endsWith", "3", { number: [[13, true], [30, false]] }],
    ["endsWith", "00Z", { date: [[RENEWAL, true]] }],
    ["endsWith", "ue", { boolean: [[true, true], [false, false]] }],
    ["lessThan", 3, { number: [[2, true], [3, false], ["2", false]], string: [["2", false]], date: [[RENEWAL, false]], boolean: [[false, false]] }],
    ["lessEqual", 3, { number: [[3, true], [3.1, false]], string: [["3", false]], date: [[RENEWAL, false]], boolean: [[false, false]] }],
    ["greaterThan", 3, { number: [[4, true], [3, false]], string: [["4", false]], date: [[RENEWAL, false]], boolean: [[true, false]] }],
    ["greaterEqual", 3, { number: [[3, true], [2.9, false]], string: [["4", false]], date: [[RENEWAL, false]], boolean: [[true, false]] }],
    ["lessThan", "3", { number: [[2, false]] }],
    ["isSet", "", { string: [["", true], ["x", true]], number: [[0, true]], date: [[RENEWAL, true]], boolean: [[false, true]] }],
    ["isNotSet", "", { string: [["", false]], number: [[0, false]], date: [[RENEWAL, false]], boolean: [[false, false]] }],
    ["isOlderThan", { amount: 16, unit: "days" }, { date: [[RENEWAL, false], ["2026-03-15T12:29:59.999Z", true]], string: [["2020-01-01T00:00:00.000Z", false]], number: [[1, false]], boolean: [[true, false]] }],
    ["isNewerThan", { amount: 16, unit: "days" }, { date: [[RENEWAL, true], ["2026-03-15T12:29:59.999Z", false], ["2030-01-01T00:00:00.000Z", true]], string: [[RENEWAL, false]], number: [[1, false]], boolean: [[true, false]] }],
    ["isOlderThan", { amount: 2, unit: "weeks" }, { date: [["2026-03-17T12:30:00.000Z", false], ["2026-03-17T12:29:59.999Z", true]] }],
    ["isOlderThan", { amount: 1, unit: "months" }, { date: [["2026-02-28T12:30:00.000Z", false], ["2026-02-28T12:29:59.999Z", true]] }],
    ["isOlderThan", { amount: 1, unit: "years" }, { date: [["2025-03-31T12:30:00.000Z", false], ["2025-03-31T12:29:59.999Z", true]] }],
    ["isNewerThan", { amount: 1e9, unit: "years" }, { date: [["0000-01-01T00:00:00.000Z", true]] }],
    ["isBefore", RENEWAL, { date: [["2026-03-15T12:29:59.999Z", true], [RENEWAL, false]], string: [["2020-01-01T00:00:00.000Z", false]], number: [[1, false]], boolean: [[true, false]] }],
    ["isAfter", RENEWAL, { date: [["2026-03-15T12:30:00.001Z", true], [RENEWAL, false]], string: [["2030-01-01T00:00:00.000Z", false]], number: [[1, false]], boolean: [[true, false]] }],
    ["isBefore", "2026-03-15T14:30:00+02:00", { date: [["2026-03-15T12:29:59.999Z", true], [RENEWAL, false]] }],
    ["isBetween", ["2026-03-15", "2026-03-16"], { date: [["2026-03-15T00:00:00.000Z", true], ["2026-03-16T00:00:00.000Z", true], ["2026-03-16T00:00:00.001Z", false], ["2026-03-14T23:59:59.999Z", false]], string: [[RENEWAL, false]], number: [[1, false]], boolean: [[true, false]] }],
    ["isSameDay", "2026-03-15T23:00:00.000Z", { date: [["2026-03-15T00:00:00.000Z", true], ["2026-03-15T23:59:59.999Z", true], ["2026-03-16T00:00:00.000Z", false]], string: [[RENEWAL, false]], number: [[1, false]], boolean: [[true, false]] }],
    ["isBefore", "soon", { date: [[RENEWAL, false]] }],
    ["isBefore", "2026-02-30", { date: [["2026-01-01T00:00:00.000Z", false]] }],
    ["isAfter", "2020-01-01", { date: [["soon", false], [5, false]] }],
    ["isOlderThan", { amount: 0, unit: "days" }, { date: [["2020-01-01T00:00:00.000Z", false]] }],
    ["isOlderThan", "30 days", { date: [["2020-01-01T00:00:00.000Z", false]] }],
    ["isBetween", ["2020-01-01"], { date: [[RENEWAL, false]] }],
  ];

  const cells = rows.flatMap(([operator, value, byType]) =>
    (["string", "number", "date", "boolean"] as const).flatMap((type) =>
      (byType[type] ?? []).map(([stored, expected]) => ({ operator, value, type, stored, expected })),
    ),
  );

  test.each(cells)("$type $stored $operator $value is $expected.", ({ operator, value, type, stored, expected }) => {
    expect(matches([node(ofKey(key[type], operator, value))], { attributes: { [key[type]]: stored } })).toBe(expected);
  });

  test("A contact without the attribute is matched by isNotSet alone.", () => {
    const operators = new Map(rows.map(([operator, value]) => [operator, value]));
    const matched = [...operators].filter(([operator, value]) =>
      Object.values(key).some((name) => matches([node(ofKey(name, operator, value))])),
    );
    expect(matched.map(([operator]) => operator)).toEqual(["isNotSet"]);
    expect(operators.size).toBe(18);
  });

  test("What every object inherits is not an attribute.", () => {
    expect(matches([node(ofKey("constructor", "isSet"))])).toBe(false);
    expect(matches([node(ofKey("__proto__", "isSet"))])).toBe(false);
  });

  test("userId and email are the contact's own fields, not attributes of that name.", () => {
    const given = { userId: "User-1", email: null, attributes: { userId: "other", email: "x@example.com" } };
    expect(matches([node(ofKey("userId", "equals", "user-1"))], given)).toBe(true);
    expect(matches([node(ofKey("email", "isSet"))], given)).toBe(false);
    expect(matches([node(ofKey("email", "isNotSet"))], given)).toBe(true);
    expect(matches([node(ofKey("userId", "greaterThan", 1))], { userId: "5" })).toBe(false);
  });

  test("A value whose key is not known yet counts as what it is.", () => {
    expect(matches([node(ofKey("fresh", "greaterThan", 1))], { attributes: { fresh: 2 } })).toBe(true);
    expect(matches([node(ofKey("fresh", "isBefore", "2026-01-01"))], { attributes: { fresh: "2020-01-01T00:00:00.000Z" } })).toBe(
      true,
    );
  });

  test("A person is known by userId; every other identifier is false.", () => {
    const person = (personIdentifier: string, operator: string, value: string) =>
      matches([node(resource({ type: "person", personIdentifier }, operator, value))]);
    expect(person("userId", "equals", "USER-1")).toBe(true);
    expect(person("userId", "notEquals", "user-2")).toBe(true);
    expect(person("email", "notEquals", "x")).toBe(false);
    expect(person("email", "isNotSet", "")).toBe(false);
  });
});

describe("Connectors and groups", () => {
  test("No filters match everyone, and so does an empty group, also as one alternative of several.", () => {
    expect(matches([])).toBe(true);
    expect(matches([node([])])).toBe(true);
    expect(matches([node(NO), node([], "or")])).toBe(true);
  });

  test("and binds tighter than or, on either side.", () => {
    expect(matches([node(YES), node(NO, "or"), node(NO, "and")])).toBe(true);
    expect(matches([node(NO), node(NO, "and"), node(YES, "or")])).toBe(true);
    expect(matches([node(NO), node(YES, "or"), node(NO, "and")])).toBe(false);
  });

  test("The first connector is ignored, and null further on means and.", () => {
    expect(matches([node(YES, "or"), node(NO)])).toBe(false);
    expect(matches([node(NO, "and"), node(YES, "or")])).toBe(true);
  });

  test("Groups are evaluated first.", () => {
    expect(matches([node([node(YES), node(NO, "or")]), node(NO, "and")])).toBe(false);
    expect(matches([node([node([node(NO), node(YES, "or")])])])).toBe(true);
  });
});

describe("Devices", () => {
  const device = (operator: string, value: string) => [node(resource({ type: "device", deviceType: "phone" }, operator, value))];

  test.each([
    ["phone", "equals", "phone", true],
    ["desktop", "equals", "phone", false],
    ["phone", "notEquals", "phone", false],
    ["desktop", "notEquals", "phone", true],
    [null, "equals", "phone", false],
    [null, "notEquals", "phone", false],
    ["phone", "notEquals", "fridge", false],
  ] as const)("%s %s %s is %s.", (given, operator, value, expected) => {
    expect(matches(device(operator, value), { device: given })).toBe(expected);
  });

  test("A device that matches makes its alternative true.", () => {
    expect(matches([node(NO), { ...device("equals", "phone")[0], connector: "or" }], { device: "phone" })).toBe(true);
  });
});

describe("Survey interactions", () => {
  const interaction = (operator: string, surveyIds: string[] | null, within = { amount: 1, unit: "months" }) => {
    const value = { surveyScope: surveyIds ? "specific" : "any", surveyIds: surveyIds ?? [], within };
    return [node(resource({ type: "surveyInteraction" }, operator, value))];
  };
  const edge = Date.UTC(2026, 1, 28, 12, 30);
  const seen = { displays: [{ surveyId: "s1", createdAt: edge }] };
  const started = { responses: [{ surveyId: "s1", createdAt: edge, finished: false }] };
  const finished = { responses: [{ surveyId: "s1", createdAt: edge, finished: true }] };

  test.each([
    ["haveSeen", seen, true],
    ["haveNotSeen", seen, false],
    ["haveStartedRespondingTo", seen, false],
    ["haveStartedRespondingTo", started, true],
    ["haveStartedRespondingTo", finished, true],
    ["haveCompleted", started, false],
    ["haveCompleted", finished, true],
    ["haveNotCompleted", started, true],
    ["haveNotCompleted", finished, false],
  ])("%s of %o is %s for any survey and for this one, and holds for no other.", (operator, given, expected) => {
    expect(matches(interaction(operator, null), given)).toBe(expected);
    expect(matches(interaction(operator, ["s2", "s1"]), given)).toBe(expected);
    expect(matches(interaction(operator, ["s2"]), given)).toBe(operator.includes("Not"));
  });

  test("What happened a millisecond before the period does not count.", () => {
    const before = { displays: [{ surveyId: "s1", createdAt: edge - 1 }] };
    expect(matches(interaction("haveSeen", null), before)).toBe(false);
    expect(matches(interaction("haveNotSeen", null), before)).toBe(true);
    const weeks = { amount: 2, unit: "weeks" };
    expect(matches(interaction("haveSeen", null, weeks), { displays: [{ surveyId: "s", createdAt: NOW - 14 * DAY_MS }] })).toBe(
      true,
    );
  });

  test("A period that is no period holds for nobody.", () => {
    for (const within of [
      { amount: 0, unit: "days" },
      { amount: 1.5, unit: "days" },
      { amount: 1_000, unit: "days" },
      { amount: 1, unit: "hours" },
    ])
      expect(matches(interaction("haveNotSeen", null, within))).toBe(false);
  });
});

describe("Segments within segments", () => {
  const yes = { id: "yes", filters: [node(YES)] };
  const no = { id: "no", filters: [node(NO)] };
  const everyone = { id: "everyone", filters: [] };

  test("userIsIn is the other segment's result and userIsNotIn its negation.", () => {
    const rows = ["yes", "no", "everyone"].flatMap((id) =>
      ["userIsIn", "userIsNotIn"].map((operator) => ({ id: `${id} ${operator}`, filters: [node(ofSegment(id, operator))] })),
    );
    expect(matching([...rows, yes, no, everyone])).toEqual([
      "yes userIsIn",
      "no userIsNotIn",
      "everyone userIsIn",
      "yes",
      "everyone",
    ]);
  });

  test("Who refers to a segment that is missing or unreadable matches nobody, whatever else it asks and however far off.", () => {
    const unreadable = { id: "unreadable", filters: [node({ root: { type: "moon" } })] };
    const rows = ["gone", "unreadable"].flatMap((id) => [
      { id: `in ${id}`, filters: [node(YES), node(ofSegment(id), "or")] },
      { id: `not in ${id}`, filters: [node(ofSegment(id, "userIsNotIn"))] },
      { id: `far from ${id}`, filters: [node(YES), node(ofSegment(`in ${id}`, "userIsNotIn"), "or")] },
    ]);
    expect(matching([...rows, unreadable, yes])).toEqual(["yes"]);
  });

  test("A leaf that leads back to a segment under evaluation is false, negated or not; the rest counts.", () => {
    const rows = [
      { id: "self", filters: [node(ofSegment("self"))] },
      { id: "not self", filters: [node(ofSegment("not self", "userIsNotIn"))] },
      { id: "self or yes", filters: [node(ofSegment("self or yes")), node(YES, "or")] },
      { id: "ping", filters: [node(ofSegment("pong", "userIsNotIn"))] },
      { id: "pong", filters: [node(ofSegment("ping"))] },
    ];
    // ping: pong, reached from ping, is false. pong: ping, reached from pong, is false.
    expect(matching(rows)).toEqual(["self or yes", "ping"]);
    expect(matching(rows.toReversed())).toEqual(["ping", "self or yes"]);
    expect(compileSegments(rows, KEYS)[0]?.issues).toEqual(["leads in a circle over segment self"]);
  });

  test("Segments that are entangled in all ways are given up, and soon.", () => {
    const ids = Array.from({ length: 12 }, (_, index) => `s${index}`);
    const rows = ids.map((id) => ({ id, filters: ids.map((other) => node(ofSegment(other), "or")) }));
    expect(matching([...rows, yes])).toEqual(["yes"]);
  });

  test("A chain of a hundred segments is followed, a longer one is not.", () => {
    const chain = Array.from({ length: 101 }, (_, index) => ({
      id: `s${index}`,
      filters: index === 0 ? [] : [node(ofSegment(`s${index - 1}`))],
    }));
    expect(matching(chain)).toHaveLength(100);
    expect(matching(chain.toReversed())).toHaveLength(100);
  });

  test("Ninety segments that each refer twice to the one before take no time.", () => {
    const chain = Array.from({ length: 90 }, (_, index) => ({
      id: `s${index}`,
      filters: index === 0 ? [] : [1, 2].map(() => node(ofSegment(`s${index - 1}`), "and")),
    }));
    expect(matching(chain)).toHaveLength(90);
  });
});

test("What cannot be understood matches nobody and harms no other segment.", () => {
  let deep: unknown = YES;
  for (let depth = 0; depth < 50_000; depth++) deep = [node(deep)];
  const odd: unknown[] = [null, "x", 5, {}, [null], [5], [{}], [node(null)], [node({})], deep];
  odd.push([{ ...node(YES), connector: "xor" }], [node(ofKey("plan", "resembles"))], [node(ofKey("", "isSet"))]);
  odd.push([node(ofKey("plan", "haveSeen"))], [node(resource({ type: "segment" }, "userIsIn"))]);
  const segments = odd.map((filters, index) => ({ id: `odd ${index}`, filters }));
  expect(matching([...segments, { id: "good", filters: [] }])).toEqual(["good"]);
  for (const { issues } of compileSegments(segments, KEYS)) expect(issues).toHaveLength(1);
});

test("A segment that fails is left out and reported, and the others stay.", () => {
  const segments = compileSegments(
    [
      { id: "first", filters: [] },
      { id: "last", filters: [] },
    ],
    KEYS,
  );
  const failing = {
    ...segments[0],
    id: "failing",
    issues: [],
    explain: () => expect.unreachable(),
    matches: () => {
      throw new Error("broken");
    },
  };
  const failures: string[] = [];
  const ids = matchingSegmentIds([failing, ...segments], subject(), (id) => failures.push(id));
  expect(ids).toEqual(["first", "last"]);
  expect(failures).toEqual(["failing"]);
});

describe("Explanations", () => {
  test("The tree shows every part with its result, and the leaf that settled it.", () => {
    const filters = [node(ofKey("plan", "equals", "pro")), node(ofKey("seats", "greaterThan", 5), "and"), node(NO, "or")];
    const [segment] = compileSegments([{ id: "s", filters }], KEYS);
    const explanation = segment?.explain(subject({ attributes: { plan: "Pro", seats: 5 } }));
    const leaf = { type: "leaf", id: "cleaf", root: "attribute" };
    const plan = { ...leaf, about: "plan", operator: "equals", value: "pro", contactValue: "Pro", result: true };
    const seats = { ...leaf, about: "seats", operator: "greaterThan", value: 5, contactValue: 5, result: false };
    const missing = { ...leaf, about: "missing", operator: "isSet", value: "", contactValue: null, result: false };
    expect(explanation).toEqual({
      segmentId: "s",
      result: false,
      tree: {
        type: "group",
        result: false,
        alternatives: [
          { result: false, filters: [plan, seats] },
          { result: false, filters: [missing] },
        ],
      },
      decidedBy: missing,
      issues: [],
    });
    expect(segment?.explain(subject({ attributes: { plan: "pro", seats: 6 } })).decidedBy).toMatchObject({ contactValue: 6 });
  });

  test("A leaf about a segment carries that segment's own explanation, one about surveys the number of events.", () => {
    const value = { surveyScope: "any", surveyIds: [], within: { amount: 1, unit: "days" } };
    const rows = [
      { id: "outer", filters: [node(ofSegment("inner", "userIsNotIn"))] },
      { id: "inner", filters: [node(resource({ type: "surveyInteraction" }, "haveSeen", value))] },
    ];
    const displays = [NOW, NOW - DAY_MS, NOW - 2 * DAY_MS].map((createdAt) => ({ surveyId: "s", createdAt }));
    const decidedBy = compileSegments(rows, KEYS)[0]?.explain(subject({ displays })).decidedBy;
    expect(decidedBy).toMatchObject({
      root: "segment",
      contactValue: true,
      result: false,
      segment: { segmentId: "inner", result: true, decidedBy: { root: "surveyInteraction", contactValue: 2, result: true } },
    });
  });

  test("A segment that cannot be used says why.", () => {
    const [segment] = compileSegments([{ id: "s", filters: 5 }], KEYS);
    expect(segment?.explain(subject())).toEqual({
      segmentId: "s",
      result: false,
      tree: null,
      decidedBy: null,
      issues: ["filters are not a list"],
    });
  });
});
