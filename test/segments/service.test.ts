import { pino } from "pino";
import { afterAll, expect, inject, test } from "vitest";
import { openDatabase } from "../../src/db/database.ts";
import { createSegmentService } from "../../src/segments/service.ts";
import { newId } from "../../src/shared/ids.ts";
import { buildContact, buildOrganization, buildProject } from "../support/build.ts";

const db = openDatabase({ url: inject("databaseUrl"), poolSize: 2, log: pino({ level: "silent" }) });
const segments = createSegmentService({ db });

afterAll(() => db.close());

const everyone = { id: newId(), filters: [] };

const onPlan = (plan: string) => ({
  id: newId(),
  filters: [leaf({ type: "attribute", contactAttributeKey: "plan" }, "equals", plan)],
});

function leaf(root: Record<string, string>, operator: string, value: string) {
  return { id: newId(), connector: null, resource: { id: newId(), root, qualifier: { operator }, value } };
}

test("The contacts of a segment are counted within their environment only.", async () => {
  const { environmentId, developmentId } = await buildProject(db, await buildOrganization(db));
  await buildContact(db, { environmentId, userId: "a", attributes: { plan: "Pro" } });
  await buildContact(db, { environmentId, userId: "b", attributes: { plan: "free" } });
  await buildContact(db, { environmentId: developmentId, userId: "c", attributes: { plan: "pro" } });
  expect(await segments.countContacts(environmentId, onPlan("pro"))).toBe(1);
  expect(await segments.countContacts(environmentId, everyone)).toBe(2);
  expect(await segments.countContacts(developmentId, everyone)).toBe(1);
});

test("Contacts are listed newest first, page by page, with their own fields and attributes.", async () => {
  const { environmentId } = await buildProject(db, await buildOrganization(db));
  const ids: string[] = [];
  for (const userId of ["a", "b", "c", "d", "e"])
    ids.unshift(
      (await buildContact(db, { environmentId, userId, email: `${userId}@example.com`, attributes: { plan: "pro" } })).id,
    );
  // Two contacts of one moment are told apart by their ids.
  await db.query(`update contacts set "createdAt" = '2026-01-01' where "environmentId" = $1 and id = any($2)`, [
    environmentId,
    ids.slice(3),
  ]);

  const first = await segments.listContacts(environmentId, onPlan("pro"), { limit: 4 });
  expect(first.map(({ id }) => id)).toEqual(ids.slice(0, 4));
  expect(first[0]).toEqual({
    id: ids[0],
    userId: "e",
    email: "e@example.com",
    attributes: { plan: "pro" },
    createdAt: expect.any(Date),
    updatedAt: expect.any(Date),
  });
  const rest = { limit: 4, ...(first[3] && { after: first[3] }) };
  expect((await segments.listContacts(environmentId, onPlan("pro"), rest)).map(({ id }) => id)).toEqual(ids.slice(4));
  const skipped = await segments.listContacts(environmentId, onPlan("pro"), { limit: 2, skip: 1 });
  expect(skipped.map(({ id }) => id)).toEqual(ids.slice(1, 3));
});

test("A segment of another environment counts as deleted: whoever refers to it has no contacts.", async () => {
  const { environmentId, developmentId } = await buildProject(db, await buildOrganization(db));
  await buildContact(db, { environmentId, userId: "a", attributes: { plan: "pro" } });
  const own = onPlan("pro");
  const foreign = onPlan("pro");
  await db.prisma.segment.createMany({
    data: [
      { environmentId, title: "own", ...own },
      { environmentId: developmentId, title: "foreign", ...foreign },
    ],
  });
  const within = (segmentId: string, operator: string) => ({
    id: newId(),
    filters: [leaf({ type: "segment", segmentId }, operator, segmentId)],
  });
  expect(await segments.countContacts(environmentId, within(own.id, "userIsIn"))).toBe(1);
  expect(await segments.countContacts(environmentId, within(own.id, "userIsNotIn"))).toBe(0);
  expect(await segments.countContacts(environmentId, within(foreign.id, "userIsIn"))).toBe(0);
  expect(await segments.countContacts(environmentId, within(foreign.id, "userIsNotIn"))).toBe(0);
});

test("Segments that double at every step are counted in time, each of them being computed once.", async () => {
  const { environmentId } = await buildProject(db, await buildOrganization(db));
  await buildContact(db, { environmentId, userId: "a", attributes: { plan: "pro" } });
  const chain = [onPlan("pro")];
  for (let step = 1; step <= 30; step++) {
    const segmentId = chain[step - 1]?.id ?? "";
    const twice = [1, 2].map(() => leaf({ type: "segment", segmentId }, "userIsIn", segmentId));
    chain.push({ id: newId(), filters: twice });
  }
  await db.prisma.segment.createMany({ data: chain.map((row) => ({ environmentId, title: row.id, ...row })) });
  expect(await segments.countContacts(environmentId, chain.at(-1) ?? everyone)).toBe(1);
});
