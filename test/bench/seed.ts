import type { Database } from "../../src/db/database.ts";
import { newId } from "../../src/shared/ids.ts";
import { buildSurvey, buildTenant, buildWebhook } from "../support/build.ts";
import { ANSWERABLE } from "../support/responses.ts";
import { type Filled, type Ground, seededAttributes } from "./scenarios.ts";

const BATCH = 10_000;
const SMALL = 1_000;

/** Makes everything that the scenarios load, and lets the planner know. */
export async function prepareGround(db: Database, contacts: number): Promise<Ground> {
  const { apiKey, ...large } = await fill(db, contacts);
  const { id: surveyId } = await buildSurvey(db, { ...idOf(large), document: ANSWERABLE });
  const hooked = await fill(db, SMALL);
  const { id: hookedSurveyId } = await buildSurvey(db, { ...idOf(hooked), document: ANSWERABLE });
  await buildWebhook(db, { ...idOf(hooked), triggers: ["responseCreated", "responseUpdated", "responseFinished"] });
  const plain = await fill(db, SMALL);
  const { id: plainSurveyId } = await buildSurvey(db, { ...idOf(plain), document: ANSWERABLE });
  const small = await fill(db, SMALL);
  const segments5 = await fill(db, SMALL);
  const segments500 = await fill(db, SMALL);
  await makeSegments(db, segments5, 5);
  await makeSegments(db, segments500, 500);
  const displays2 = await fill(db, 20);
  const displays1000 = await fill(db, 20);
  await makeDisplays(db, displays2, 2);
  await makeDisplays(db, displays1000, 1_000);
  await makeResponses(db, { ...idOf(large), surveyId, contacts: Math.min(contacts, SMALL) });
  await db.query("vacuum analyze");
  await db.query("checkpoint"); // now, not during a measurement
  return {
    large,
    small,
    segments5,
    segments500,
    displays2,
    displays1000,
    surveyId,
    apiKey,
    hooked: { ...hooked, surveyId: hookedSurveyId },
    plain: { ...plain, surveyId: plainSurveyId },
  };
}

const idOf = ({ environmentId }: Filled) => ({ environmentId });

async function fill(db: Database, contacts: number): Promise<Filled & { apiKey: string }> {
  const { environmentId, apiKey } = await buildTenant(db);
  const keys = Object.entries(seededAttributes(0)).map(([key, value]) => ({
    environmentId,
    id: newId(),
    key,
    dataType: typeof value === "number" ? ("number" as const) : /^\d{4}-/.test(value) ? ("date" as const) : ("string" as const),
  }));
  await db.prisma.contactAttributeKey.createMany({ data: keys });
  for (let start = 0; start < contacts; start += BATCH) {
    const numbers = Array.from({ length: Math.min(BATCH, contacts - start) }, (_, n) => start + n);
    await db.query(
      `insert into contacts ("environmentId", id, "userId", attributes, "updatedAt")
       select $1, id, "userId", attributes, now() from unnest($2::text[], $3::text[], $4::jsonb[]) as c(id, "userId", attributes)`,
      [
        environmentId,
        numbers.map(() => newId()),
        numbers.map((n) => `user-${n}`),
        numbers.map((n) => JSON.stringify(seededAttributes(n))),
      ],
    );
  }
  return { environmentId, contacts, apiKey };
}

/**
 * Two responses for each of some contacts. Without any, the planner would be told that the table is empty, and what it
 * plans for an empty table is wrong for the one that the measurement fills.
 */
async function makeResponses(
  db: Database,
  { environmentId, surveyId, contacts }: { environmentId: string; surveyId: string; contacts: number },
): Promise<void> {
  await db.query(
    `insert into responses ("environmentId", id, "surveyId", "contactId", finished, data, "updatedAt")
     select c."environmentId", 'cseed' || n || c.id, $2, c.id, true, '{}', now()
     from (select * from contacts where "environmentId" = $1 order by id limit $3) c cross join generate_series(1, 2) n`,
    [environmentId, surveyId, contacts],
  );
}

/** Segments of two filters each, a text and a number; about half of them have a contact in it. */
async function makeSegments(db: Database, { environmentId }: Filled, count: number): Promise<void> {
  await db.prisma.segment.createMany({
    data: Array.from({ length: count }, (_, n) => ({
      environmentId,
      id: newId(),
      title: `Segment ${n}`,
      filters: [
        filterOn("plan", "equals", n % 2 === 0 ? "pro" : "free", null),
        filterOn("seats", "greaterEqual", n % 50, n % 3 === 0 ? "and" : "or"),
      ],
    })),
  });
}

const filterOn = (contactAttributeKey: string, operator: string, value: string | number, connector: "and" | "or" | null) => ({
  id: newId(),
  connector,
  resource: { id: newId(), root: { type: "attribute", contactAttributeKey }, qualifier: { operator }, value },
});

async function makeDisplays(db: Database, { environmentId }: Filled, perContact: number): Promise<void> {
  const { id: surveyId } = await buildSurvey(db, { environmentId, document: ANSWERABLE });
  const contacts = await db.prisma.contact.findMany({ where: { environmentId }, select: { id: true } });
  await db.prisma.display.createMany({
    data: contacts.flatMap(({ id: contactId }) =>
      Array.from({ length: perContact }, () => ({ environmentId, id: newId(), surveyId, contactId })),
    ),
  });
}
