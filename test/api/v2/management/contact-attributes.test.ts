/** PATCH /api/v2/management/contacts/{id}/attributes. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { newId } from "../../../../src/shared/ids.ts";
import { buildApiKey, buildContact, buildTenant, type Tenant } from "../../../support/build.ts";
import { startTestServer, type TestServer } from "../../../support/server.ts";

let server: TestServer;
let tenant: Tenant;
let neighbour: Tenant;
beforeAll(async () => {
  server = await startTestServer();
  [tenant, neighbour] = [await buildTenant(server.db), await buildTenant(server.db)];
  const keys = { plan: "string", seats: "number", trial_ends: "date", admin: "boolean" } as const;
  await server.db.prisma.contactAttributeKey.createMany({
    data: Object.entries(keys).map(([key, dataType]) => ({ id: newId(), environmentId: tenant.environmentId, key, dataType })),
  });
});
afterAll(() => server.close());

const patch = (id: string, body: unknown, headers: Record<string, string> = {}, { apiKey }: Pick<Tenant, "apiKey"> = tenant) =>
  server.request
    .patch(`/api/v2/management/contacts/${id}/attributes`)
    .set({ "x-api-key": apiKey, ...headers })
    .send(typeof body === "string" ? body : JSON.stringify(body));
const STRICT = { "x-strict-mode": "true" };
const build = (attributes: Record<string, string | number | boolean> = {}, email: string | null = null) =>
  buildContact(server.db, { environmentId: tenant.environmentId, userId: newId(), email, attributes });
const stored = (id: string) => server.db.prisma.contact.findFirstOrThrow({ where: { id } });
const unprocessable = (...details: [field: string, issue: string][]) => ({
  error: { code: 422, message: "Unprocessable Entity", details: details.map(([field, issue]) => ({ field, issue })) },
});
const uniqueKey = () => `k_${newId()}`;

it("answers 200 with the contact as all five operators leave it, and what changed", async () => {
  const { id } = await build({ plan: "free", seats: 2, trial_ends: "2026-01-01T00:00:00.000Z" });
  const before = await stored(id);
  const { body } = await patch(id, {
    set: { admin: true, plan: "free" },
    setOnce: { firstName: "Ada" },
    unset: ["trial_ends"],
    add: { seats: 3 },
    append: { lastName: "Lovelace" },
  }).expect(200);
  const attributes = { plan: "free", seats: 5, admin: true, firstName: "Ada", lastName: "Lovelace" };
  expect(body).toEqual({
    data: expect.objectContaining({ id, attributes, environmentId: tenant.environmentId, segments: [] }),
    meta: { changed: ["admin", "firstName", "trial_ends", "seats", "lastName"], createdKeys: [], conflicts: [] },
  });
  const after = await stored(id);
  expect(after.attributes).toEqual(attributes);
  expect(Object.keys(after.attributeTimes ?? {}).sort()).toEqual([...body.meta.changed].sort());
  expect(after.lastSeenAt).toEqual(before.lastSeenAt);
  expect(after.updatedAt.getTime()).toBeGreaterThan(before.updatedAt.getTime());
  const again = await patch(id, { set: { plan: "free" }, setOnce: { firstName: "Eve" }, unset: ["trial_ends"] }).expect(200);
  expect(again.body.meta).toEqual({ changed: [], createdKeys: [], conflicts: [] });
  expect((await stored(id)).updatedAt).toEqual(after.updatedAt);
});

it("makes unknown keys in the type of their values, which identify knows at once", async () => {
  const { id } = await build();
  const [number, text, flag, date] = [uniqueKey(), uniqueKey(), uniqueKey(), uniqueKey()];
  const set = { [flag]: true, [date]: "2026-03-01" };
  const { body } = await patch(id, { set, add: { [number]: 1.5 }, append: { [text]: "a" } }).expect(200);
  expect(body.meta.createdKeys).toEqual([
    { key: flag, dataType: "boolean" },
    { key: date, dataType: "date" },
    { key: number, dataType: "number" },
    { key: text, dataType: "string" },
  ]);
  expect(body.data.attributes).toEqual({ [flag]: true, [date]: "2026-03-01T00:00:00.000Z", [number]: 1.5, [text]: "a" });
  const { userId } = body.data;
  const path = `/api/v2/client/${tenant.environmentId}/user`;
  const identified = await server.request
    .post(path)
    .send({ userId, attributes: { [number]: "x" } })
    .expect(200);
  expect(JSON.stringify(identified.body.data.messages)).toContain(number);
  expect((await stored(id)).attributes).toMatchObject({ [number]: 1.5 });
});

it("leaves out what does not fit, reports it and does the rest", async () => {
  const email = `${newId()}@example.com`;
  await build({}, email);
  const { id } = await build({ plan: "free", seats: 2 });
  const { body } = await patch(id, {
    set: { seats: "many", "Bad Key": 1, user_id: "x", userId: "other", email, trial_ends: "soon", admin: false },
    add: { plan: 1 },
  }).expect(200);
  const conflict = (key: string, issue: string, operator = "set") => ({ key, operator, issue });
  expect(body.meta.conflicts).toEqual(
    expect.arrayContaining([
      conflict("seats", "the attribute is of type number"),
      conflict("Bad Key", "a new key must start with a letter and have only lower-case letters, digits and underscores"),
      conflict("user_id", "the name is reserved"),
      conflict("userId", "names the contact itself and is not an attribute"),
      conflict("email", "another contact has this address"),
      conflict("trial_ends", "the attribute is of type date"),
      conflict("plan", "add needs a number, and the contact's value is none", "add"),
    ]),
  );
  expect(body.meta.conflicts).toHaveLength(7);
  expect(body.meta.changed).toEqual(["admin"]);
  expect((await stored(id)).attributes).toEqual({ plan: "free", seats: 2, admin: false });
});

it("answers 422 strictly to unknown keys and values that do not fit, and writes nothing", async () => {
  const { id } = await build({ plan: "free" });
  const unknown = uniqueKey();
  const before = await stored(id);
  const { body } = await patch(id, { set: { plan: "pro", [unknown]: 1, seats: "x" }, add: { plan2: 1 } }, STRICT).expect(422);
  expect(body).toEqual(
    unprocessable(
      [`set.${unknown}`, "the environment has no such attribute key"],
      ["add.plan2", "the environment has no such attribute key"],
      ["set.seats", "the attribute is of type number"],
    ),
  );
  expect((await patch(id, { unset: [unknown] }, STRICT).expect(422)).body.error.details).toHaveLength(1);
  expect(await stored(id)).toEqual(before);
  expect(await server.db.prisma.contactAttributeKey.count({ where: { key: unknown } })).toBe(0);
  const email = `${newId()}@example.com`;
  expect((await patch(id, { set: { plan: "pro", email } }, STRICT).expect(200)).body.data).toMatchObject({
    email,
    attributes: { plan: "pro" },
  });
});

it("sums up what many calls add at once, beside identify calls that change other attributes", async () => {
  const { id } = await build({ seats: 1 });
  const { userId } = await stored(id);
  const path = `/api/v2/client/${tenant.environmentId}/user`;
  const [added] = await Promise.all([
    Promise.all(Array.from({ length: 100 }, () => patch(id, { add: { seats: 1 } }))),
    Promise.all(
      Array.from({ length: 20 }, (_, at) => server.request.post(path).send({ userId, attributes: { plan: `p${at}` } })),
    ),
  ]);
  expect(new Set(added.map(({ status }) => status))).toEqual(new Set([200]));
  expect((await stored(id)).attributes).toMatchObject({ seats: 101, plan: expect.stringMatching(/^p\d+$/) });
});

it("makes a key once when many calls bring it at once", async () => {
  const key = uniqueKey();
  const contacts = await Promise.all(Array.from({ length: 10 }, () => build()));
  const answers = await Promise.all(contacts.map(({ id }) => patch(id, { add: { [key]: 2 } })));
  expect(answers.map(({ body }) => body.data.attributes[key])).toEqual(contacts.map(() => 2));
  expect(answers.flatMap(({ body }) => body.meta.createdKeys)).toEqual([{ key, dataType: "number" }]);
});

it.each<[unknown, [string, string]]>([
  [{}, ["", "At least one of set, setOnce, unset, add and append must name a key"]],
  [{ increment: { seats: 1 }, set: { plan: "a" } }, ["", 'Unrecognized key: "increment"']],
  [{ set: { plan: "a" }, append: { plan: "b" } }, ["append.plan", "The key stands under two operators"]],
  [{ set: { plan: null } }, ["set.plan", "Invalid input"]],
  [{ append: { plan: ["a"] } }, ["append.plan", "Invalid input: expected string, received array"]],
  [{ add: { seats: "1" } }, ["add.seats", "Invalid input: expected number, received string"]],
  [{ set: { plan: "\u0000" } }, ["set.plan", "Contains characters that cannot be stored"]],
])("answers 422 to the body %j", async (body, detail) => {
  const { id } = await build();
  expect((await patch(id, body).expect(422)).body).toEqual(unprocessable(detail));
});

it("answers 400 without JSON, 422 to another strict mode, 404, and 401 to who may not write or is a neighbour", async () => {
  const { id } = await build();
  const change = { set: { plan: "pro" } };
  await patch(id, "{").expect(400);
  expect((await patch(id, change, { "x-strict-mode": "yes" }).expect(422)).body.error.details[0].field).toBe("x-strict-mode");
  await patch(newId(), change).expect(404);
  await patch("No!", change).expect(422);
  const readOnly = await buildApiKey(server.db, { ...tenant, permissions: { [tenant.environmentId]: "read" } });
  await patch(id, change, {}, { apiKey: readOnly }).expect(401);
  await patch(id, change, {}, neighbour).expect(401);
  expect((await stored(id)).attributes).toEqual({});
});
