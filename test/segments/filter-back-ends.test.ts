/** The predicate and the SQL say the same of every contact: random filters over random contacts. */
import fc from "fast-check";
import { pino } from "pino";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { countEvents } from "../../src/contacts/event-counts.ts";
import { openDatabase } from "../../src/db/database.ts";
import { compileSegments, createSegmentService, findFacts, type SegmentSubject } from "../../src/segments/service.ts";
import type { AttributeDataType, AttributeValue } from "../../src/shared/attributes.ts";
import { newId } from "../../src/shared/ids.ts";
import { buildOrganization, buildProject } from "../support/build.ts";

const NOW = Date.UTC(2026, 2, 31, 12, 30);
const DAY_MS = 86_400_000;
const RUNS = 150;
const KEYS = new Map<string, AttributeDataType>([
  ["plan", "string"],
  ["seats", "number"],
  ["renewal", "date"],
  ["trial", "boolean"],
]);
const db = openDatabase({ url: inject("databaseUrl"), poolSize: 2, log: pino({ level: "silent" }) });
const segments = createSegmentService({ db, now: () => NOW });
const surveyIds = [newId(), newId(), newId()];
let environmentId = "";

beforeAll(async () => {
  ({ environmentId } = await buildProject(db, await buildOrganization(db)));
  await db.prisma.contactAttributeKey.createMany({
    data: [...KEYS].map(([key, dataType]) => ({ environmentId, id: newId(), key, dataType })),
  });
  await db.prisma.survey.createMany({
    data: surveyIds.map((id) => ({ environmentId, id, name: id, type: "app", document: {} })),
  });
});

afterAll(() => db.close());

// Pieces of text that mean something to a pattern, to a quoting rule or to a case mapping.
const PIECES = ["", "a", "A", "pro", "PRO", " ", "%", "_", "\\", "'", '"', "$1", "é", "É", "ß", "ẞ", "İ", "ı", "Σ", "ς"];
const MORE_PIECES = ["ΟΔΟΣ", "ǅ", "ﬁ", "K", "Ω", "𐐀", "𐐨", "🎉", "e\u0301", "true", "3", ".", "e", "-", "1e", "2026"];
const piece = fc.constantFrom(...PIECES, ...MORE_PIECES);
const text = fc.oneof(
  piece,
  fc.array(piece, { maxLength: 4 }).map((pieces) => pieces.join("")),
  fc.string({ maxLength: 5 }).filter((given) => !given.includes("\0")),
);
const NUMBERS = [0, -0, 1, 3, 30, -2, 1.5, 0.1 + 0.2, 1e-6, 1e-7, -1.25e-7, 1e20, 1e21, 1e23, -1.5e300, 5e-324, 2 ** 60];
const scaled = fc
  .tuple(fc.integer({ min: -9_999_999, max: 9_999_999 }), fc.integer({ min: -30, max: 30 }))
  .map(([digits, exponent]) => Number(`${digits}e${exponent}`));
const double = fc.double({ noNaN: true, noDefaultInfinity: true });
const number = fc.oneof(fc.constantFrom(...NUMBERS), fc.integer(), scaled, double);
const DAYS = ["2026-02-28", "2026-02-27", "2026-03-03", "2026-03-31", "2025-03-31", "2024-02-29", "0000-01-01", "9999-12-31"];
const storedDate = fc
  .oneof(
    fc.constantFrom(...DAYS, "2026-02-28T12:30:00.000Z", "2026-03-31T23:59:59.999Z").map((given) => Date.parse(given)),
    fc.constantFrom(-40, -30, -14, -7, -1, 0, 1).map((days) => NOW + days * DAY_MS),
    fc.integer({ min: NOW - 500 * DAY_MS, max: NOW + 5 * DAY_MS }),
  )
  .map((ms) => new Date(ms).toISOString());
const oddDate = fc.constantFrom("", "soon", "2026-02-28", "2026-02-31T00:00:00.000Z", "2026-13-01T00:00:00.000Z");
const givenDate = fc.oneof(
  storedDate,
  fc.constantFrom(...DAYS, "2026-02-28T12:30:00", "2026-03-31T01:00:00+02:00", "9999-12-31T23:00:00-05:00"),
  oddDate,
);

const anyValue: fc.Arbitrary<AttributeValue> = fc.oneof(text, number, storedDate, oddDate, fc.boolean());
const VALUES: Record<AttributeDataType, fc.Arbitrary<AttributeValue>> = {
  string: text,
  number,
  date: storedDate,
  boolean: fc.boolean(),
};
const attribute = (type: AttributeDataType) =>
  fc.oneof({ weight: 8, arbitrary: VALUES[type] }, { weight: 1, arbitrary: anyValue });

const eventTime = fc.oneof(
  fc.constantFrom(0, -7 * DAY_MS, -30 * DAY_MS, -31 * DAY_MS, -31 * DAY_MS - 1, DAY_MS).map((offset) => NOW + offset),
  fc.integer({ min: NOW - 100 * DAY_MS, max: NOW }),
);
const EVENT_NAMES = ["Paid", "Clicked", "paid"];
const occurrence = fc.record({
  name: fc.constantFrom(...EVENT_NAMES),
  occurredAt: eventTime,
  properties: fc.record({ amount: attribute("number"), plan: attribute("string"), at: anyValue }, { requiredKeys: [] }),
});
const event = { surveyId: fc.constantFrom(...surveyIds), createdAt: eventTime };

interface Contact extends Pick<SegmentSubject, "displays" | "responses"> {
  company: { id: string; attributes: Record<string, AttributeValue> } | null;
  events: { name: string; occurredAt: number; properties: Record<string, AttributeValue> }[];
  userId: string | null;
  email: string | null;
  attributes: Record<string, AttributeValue>;
}
const contact: fc.Arbitrary<Contact> = fc.record({
  userId: fc.option(text, { nil: null }),
  email: fc.option(text, { nil: null }),
  attributes: fc.record(
    {
      plan: attribute("string"),
      seats: attribute("number"),
      renewal: attribute("date"),
      trial: attribute("boolean"),
      keyless: anyValue,
      userId: text,
      "company.plan": anyValue,
    },
    { requiredKeys: [] },
  ),
  company: fc.option(
    fc.record({
      id: fc.constantFrom("acme", "Other", "7"),
      attributes: fc.record({ plan: anyValue, seats: attribute("number"), renewal: attribute("date") }, { requiredKeys: [] }),
    }),
    { nil: null },
  ),
  events: fc.array(occurrence, { maxLength: 5 }),
  displays: fc.array(fc.record(event), { maxLength: 3 }),
  responses: fc.array(fc.record({ ...event, finished: fc.boolean() }), { maxLength: 3 }),
});
const leaf = (root: object, operator: fc.Arbitrary<string>, value: fc.Arbitrary<unknown>) =>
  fc.record({ id: fc.constant("cleaf"), root: fc.constant(root), qualifier: fc.record({ operator }), value });
const TEXT_OPERATORS = ["equals", "notEquals", "contains", "doesNotContain", "startsWith", "endsWith", "isSet", "isNotSet"];
const textOperator = fc.constantFrom(...TEXT_OPERATORS);
const numberOperator = fc.constantFrom("lessThan", "lessEqual", "greaterThan", "greaterEqual");
const unit = fc.constantFrom("days", "weeks", "months", "years");
const amount = fc.constantFrom(1, 2, 7, 13, 30, 0.5, 1e9);
const oddValue = fc.constantFrom<unknown[]>(null, undefined, true, {}, [], [1, 2], { amount: -1, unit: "days" }, "\0");

const COMPANY_KEYS = ["company.plan", "company.seats", "company.renewal", "company.id", "company.constructor", "company."];
const attributeLeaf = fc
  .constantFrom("plan", "seats", "renewal", "trial", "keyless", "userId", "email", "missing", "constructor", ...COMPANY_KEYS)
  .chain((contactAttributeKey) => {
    const root = { type: "attribute", contactAttributeKey };
    return fc.oneof(
      leaf(root, textOperator, fc.oneof(text, number, number.map(String), givenDate, fc.boolean())),
      leaf(root, numberOperator, number),
      leaf(root, fc.constantFrom("isOlderThan", "isNewerThan"), fc.record({ amount, unit })),
      leaf(root, fc.constantFrom("isBefore", "isAfter", "isSameDay"), givenDate),
      leaf(root, fc.constant("isBetween"), fc.tuple(givenDate, givenDate)),
      leaf(root, fc.oneof(textOperator, numberOperator, fc.constantFrom("isOlderThan", "isBetween")), oddValue),
    );
  });
const personLeaf = fc
  .constantFrom("userId", "userId", "email")
  .chain((personIdentifier) => leaf({ type: "person", personIdentifier }, textOperator, text));
const interactionLeaf = leaf(
  { type: "surveyInteraction" },
  fc.constantFrom("haveSeen", "haveNotSeen", "haveStartedRespondingTo", "haveCompleted", "haveNotCompleted"),
  fc.oneof(
    {
      weight: 9,
      arbitrary: fc.record({
        surveyScope: fc.constantFrom("any", "specific"),
        surveyIds: fc.subarray([...surveyIds, "cgone"]),
        within: fc.record({ amount: fc.constantFrom(1, 2, 30), unit: fc.constantFrom("days", "weeks", "months") }),
      }),
    },
    { weight: 1, arbitrary: oddValue },
  ),
);
const eventCondition = fc.oneof(
  fc.record({
    property: fc.constantFrom("amount", "plan", "at", "missing", "constructor"),
    operator: textOperator,
    value: fc.oneof(text, number, fc.boolean()),
  }),
  fc.record({ property: fc.constantFrom("amount", "at"), operator: numberOperator, value: number }),
  fc.record({ property: fc.constant("at"), operator: fc.constantFrom("isBefore", "isAfter", "isSameDay"), value: givenDate }),
);
const eventLeaf = fc.constantFrom(...EVENT_NAMES, "Never").chain((eventName) =>
  leaf(
    { type: "event", eventName },
    fc.constantFrom("performed", "notPerformed"),
    fc.oneof(
      {
        weight: 9,
        arbitrary: fc.record(
          {
            atLeast: fc.constantFrom(0, 1, 2, 3),
            atMost: fc.constantFrom(0, 1, 2, 3),
            within: fc.record({ amount: fc.constantFrom(1, 2, 30), unit: fc.constantFrom("days", "weeks", "months", "years") }),
            where: fc.array(eventCondition, { maxLength: 2 }),
          },
          { requiredKeys: [] },
        ),
      },
      { weight: 1, arbitrary: oddValue },
    ),
  ),
);
const deviceLeaf = leaf(
  { type: "device", deviceType: "phone" },
  fc.constantFrom("equals", "notEquals"),
  fc.constantFrom("phone", "desktop", "fridge"),
);
const SEGMENT_IDS = ["cseg0", "cseg1", "cseg2", "cseg3", "cseg4", "cseg5"];
const segmentLeaf = fc
  .oneof({ weight: 20, arbitrary: fc.constantFrom(...SEGMENT_IDS) }, { weight: 1, arbitrary: fc.constant("cdeleted") })
  .chain((segmentId) => leaf({ type: "segment", segmentId }, fc.constantFrom("userIsIn", "userIsNotIn"), fc.constant(segmentId)));
const oddLeaf = fc.constantFrom<unknown[]>(null, 5, {}, { root: { type: "moon" }, qualifier: { operator: "equals" } });

const anyLeaf = fc.oneof(
  { weight: 40, arbitrary: attributeLeaf },
  { weight: 10, arbitrary: personLeaf },
  { weight: 15, arbitrary: interactionLeaf },
  { weight: 15, arbitrary: eventLeaf },
  { weight: 4, arbitrary: deviceLeaf },
  { weight: 8, arbitrary: segmentLeaf },
  { weight: 1, arbitrary: oddLeaf },
);
const { filters } = fc.letrec<{ filters: unknown[]; node: unknown }>((tie) => ({
  filters: fc.oneof(
    { weight: 1, arbitrary: fc.constant<unknown[]>([]) },
    { weight: 9, arbitrary: fc.array(tie("node"), { minLength: 1, maxLength: 4 }) },
  ),
  node: fc.record({
    id: fc.constant("cnode"),
    connector: fc.constantFrom("and", "or", null),
    resource: fc.oneof({ maxDepth: 3 }, anyLeaf, anyLeaf, tie("filters")),
  }),
}));

const alone = (only: fc.Arbitrary<unknown>) => only.map((resource) => [{ id: "cnode", connector: null, resource }]);
const world = fc.record({
  contacts: fc.array(contact, { minLength: 10, maxLength: 20 }),
  filters: fc.tuple(alone(attributeLeaf), alone(eventLeaf), alone(interactionLeaf), filters, filters, filters),
});

test("The predicate and the SQL agree on every filter and contact.", async () => {
  const seen = { pairs: 0, mixed: 0 };
  await fc.assert(
    fc.asyncProperty(world, async (given) => {
      const rows = SEGMENT_IDS.map((id, index) => ({ id, filters: given.filters[index] ?? [] }));
      const ids = await store(given.contacts, rows);
      for (const [index, segment] of compileSegments(rows, KEYS).entries()) {
        const expected = ids.filter((_, at) => segment.matches(subjectOf(given.contacts[at])));
        const row = rows[index] ?? { id: "", filters: [] };
        const listed = await segments.listContacts(environmentId, row, { limit: 100 });
        expect(listed.map(({ id }) => id).toSorted()).toEqual(expected);
        // The same with events that the database has counted.
        const counts = await countEvents(db, { id: environmentId, facts: findFacts(rows) }, ids, NOW);
        const counted = ids.filter((id, at) =>
          segment.matches({ ...subjectOf(given.contacts[at]), events: [], eventCounts: counts.get(id) }),
        );
        expect(counted).toEqual(expected);
        seen.pairs += ids.length;
        if (expected.length > 0 && expected.length < ids.length) seen.mixed++;
      }
    }),
    { numRuns: RUNS },
  );
  // The generators are worth something only while many filters tell the contacts apart.
  expect(seen.pairs).toBeGreaterThan(5_000);
  expect(seen.mixed).toBeGreaterThan(100);
}, 120_000);

test("A stored number has the text in SQL that JavaScript gives it.", async () => {
  const keys = Array.from({ length: 40 }, (_, index) => `number${index}`);
  // Of type string, so that equality is that of the texts.
  await db.prisma.contactAttributeKey.createMany({
    data: keys.map((key) => ({ environmentId, id: newId(), key, dataType: "string" })),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(number, { minLength: 1, maxLength: keys.length }), async (numbers) => {
      const attributes = Object.fromEntries(numbers.map((value, index) => [`number${index}`, value]));
      await store([{ userId: null, email: null, attributes, ...NOTHING }], []);
      const filters = Object.entries(attributes).map(([contactAttributeKey, value]) => ({
        connector: "and",
        resource: { root: { type: "attribute", contactAttributeKey }, qualifier: { operator: "equals" }, value: String(value) },
      }));
      expect(await segments.countContacts(environmentId, { id: newId(), filters })).toBe(1);
    }),
    { numRuns: 100 },
  );
}, 60_000);

const NOTHING = { company: null, events: [], displays: [], responses: [] };

function subjectOf(given: Contact | undefined): SegmentSubject {
  const none = { userId: null, email: null, attributes: {}, ...NOTHING };
  return { ...none, ...given, device: null, now: NOW };
}

/** Replaces the contacts and segments of the environment; returns the ids of the contacts, in their order. */
async function store(contacts: readonly Contact[], rows: readonly { id: string; filters: unknown }[]): Promise<string[]> {
  const ids = contacts.map(() => newId());
  const identified = contacts.map((given, at) => ({
    ...given,
    id: ids[at],
    // The database holds every identity once per environment.
    userId: contacts.findIndex(({ userId }) => userId === given.userId) === at ? given.userId : null,
    email: contacts.findIndex(({ email }) => email === given.email) === at ? given.email : null,
  }));
  for (const [at, { userId, email }] of identified.entries()) Object.assign(contacts[at] ?? {}, { userId, email });
  // Companies are shared by those who name the same: the last one's attributes count.
  const companies = new Map(contacts.flatMap(({ company }) => (company ? [[company.id, company] as const] : [])));
  for (const given of contacts) if (given.company) given.company = companies.get(given.company.id) ?? null;
  const json = JSON.stringify(identified);
  await db.transaction(async (tx) => {
    await tx.query(`delete from contacts where "environmentId" = $1`, [environmentId]);
    await tx.query(`delete from companies where "environmentId" = $1`, [environmentId]);
    await tx.query(`delete from segments where "environmentId" = $1`, [environmentId]);
    await tx.query(
      `insert into companies ("environmentId", id, "companyId", attributes, "updatedAt")
      select $1, x.id, x.id, x.attributes, now() from jsonb_to_recordset($2::jsonb) as x(id text, attributes jsonb)`,
      [environmentId, JSON.stringify([...companies.values()])],
    );
    await tx.query(
      `insert into contacts ("environmentId", id, "userId", email, attributes, "companyId", "updatedAt")
      select $1, x.id, x."userId", x.email, x.attributes, x.company ->> 'id', now()
      from jsonb_to_recordset($2::jsonb) as x(id text, "userId" text, email text, attributes jsonb, company jsonb)`,
      [environmentId, json],
    );
    await tx.query(
      `insert into events ("environmentId", id, "contactId", name, "occurredAt", properties, source)
      select $1, gen_random_uuid()::text, x.id, e ->> 'name', to_timestamp((e ->> 'occurredAt')::numeric / 1000), e -> 'properties', 'test'
      from jsonb_to_recordset($2::jsonb) as x(id text, events jsonb), jsonb_array_elements(x.events) e`,
      [environmentId, json],
    );
    for (const [table, finished] of [
      ["displays", ""],
      ["responses", `, finished, data`],
    ])
      await tx.query(
        `insert into ${table} ("environmentId", id, "surveyId", "contactId", "createdAt", "updatedAt"${finished})
        select $1, gen_random_uuid()::text, e ->> 'surveyId', x.id, to_timestamp((e ->> 'createdAt')::numeric / 1000), now()
          ${finished === "" ? "" : ", (e ->> 'finished')::boolean, '{}'"}
        from jsonb_to_recordset($2::jsonb) as x(id text, ${table} jsonb), jsonb_array_elements(x.${table}) e`,
        [environmentId, json],
      );
    await tx.query(
      `insert into segments ("environmentId", id, title, filters, "updatedAt")
      select $1, x.id, x.id, x.filters, now() from jsonb_to_recordset($2::jsonb) as x(id text, filters jsonb)`,
      [environmentId, JSON.stringify(rows).replaceAll('"\\u0000"', "null")],
    );
  });
  return ids;
}
