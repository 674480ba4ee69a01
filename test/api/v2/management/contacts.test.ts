import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newId } from "../../../../src/shared/ids.ts";
import { buildApiKey, buildContact, buildTenant, type Tenant } from "../../../support/build.ts";
import { startTestServer, type TestServer } from "../../../support/server.ts";

let server: TestServer;
let tenant: Tenant;
let neighbour: Tenant;
beforeAll(async () => {
  server = await startTestServer();
  [tenant, neighbour] = [await buildTenant(server.db), await buildTenant(server.db)];
  await buildKeys(tenant.environmentId);
});
afterAll(() => server.close());

const PATH = "/api/v2/management/contacts";
const BULK = `${PATH}/bulk`;
const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const ID = expect.stringMatching(/^c[a-z0-9]{24}$/);
const UNAUTHORIZED = { error: { code: 401, message: "Unauthorized" } };
const FORBIDDEN = { error: { code: 403, message: "Forbidden" } };
const MESSAGES: Record<number, string> = { 400: "Bad Request", 404: "Not Found", 409: "Conflict", 422: "Unprocessable Entity" };
const problem = (code: number, ...details: [field: string, issue: string][]) => ({
  error: { code, message: MESSAGES[code], details: details.map(([field, issue]) => ({ field, issue })) },
});
const NOT_FOUND = problem(404, ["contact", "not found"]);
const WORKSPACE_MISSING = problem(400, ["workspaceId", "workspaceId must be provided"]);
const SUCCESS = { data: { status: "success", message: "Contacts bulk upload successful" } };

type Method = "get" | "post" | "put" | "delete";
type Caller = Pick<Tenant, "apiKey">;
const send = (method: Method, path: string, body?: unknown, { apiKey }: Caller = tenant) => {
  const request = server.request[method](path).set("x-api-key", apiKey);
  return body === undefined ? request : request.send(typeof body === "string" ? body : JSON.stringify(body));
};
const uniqueEmail = () => `${newId()}@example.com`;
const keyOf = async (permission: "read" | "write" | "manage"): Promise<Caller> => ({
  apiKey: await buildApiKey(server.db, { ...tenant, permissions: { [tenant.environmentId]: permission } }),
});
const contactOf = (where: { email: string; environmentId?: string }) =>
  server.db.prisma.contact.findFirstOrThrow({ where: { environmentId: tenant.environmentId, ...where } });

async function buildKeys(environmentId: string) {
  const keys = { plan: "string", age: "number", signup_date: "date" } as const;
  await server.db.prisma.contactAttributeKey.createMany({
    data: Object.entries(keys).map(([key, dataType]) => ({ id: newId(), environmentId, key, name: key, dataType })),
  });
}

describe("POST /api/v2/management/contacts", () => {
  const create = (attributes: unknown, change: Record<string, unknown> = {}) =>
    send("post", PATH, { workspaceId: tenant.environmentId, attributes, ...change });

  it("answers 201 with the attributes as sent, and stores them in the types of their keys", async () => {
    const { environmentId } = tenant;
    const email = uniqueEmail();
    const attributes = { email, userId: newId(), plan: "pro", age: "33", signup_date: "2024-01-01" };
    const { body } = await create(attributes).expect(201);
    expect(body).toEqual({ data: { id: ID, createdAt: ISO, workspaceId: environmentId, environmentId, attributes } });
    expect(await contactOf({ email })).toMatchObject({
      id: body.data.id,
      userId: attributes.userId,
      attributes: { plan: "pro", age: 33, signup_date: "2024-01-01T00:00:00.000Z" },
    });
  });

  it("keeps a value that does not fit its key as text", async () => {
    const email = uniqueEmail();
    await create({ email, age: "abc" }).expect(201);
    expect((await contactOf({ email })).attributes).toEqual({ age: "abc" });
  });

  it("makes a contact that identify finds by its userId", async () => {
    const userId = newId();
    const { body } = await create({ email: uniqueEmail(), userId }).expect(201);
    const path = `/api/v2/client/${tenant.environmentId}/user`;
    const identified = await server.request.post(path).send({ userId }).expect(200);
    expect(identified.body.data.state.data.contactId).toBe(body.data.id);
  });

  it("answers 409 to an address or userId that a contact of the environment has, also when two come at once", async () => {
    const [email, userId] = [uniqueEmail(), newId()];
    const responses = await Promise.all([1, 2, 3].map(() => create({ email, userId })));
    expect(responses.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
    expect((await create({ email }).expect(409)).body).toEqual(problem(409, ["email", "contact with this email already exists"]));
    expect((await create({ email: uniqueEmail(), userId }).expect(409)).body).toEqual(
      problem(409, ["userId", "contact with this userId already exists"]),
    );
    await create({ email, userId }, { workspaceId: tenant.developmentId }).expect(201);
  });

  it("answers 400 to unknown keys, without an environment and without JSON", async () => {
    expect((await create({ email: uniqueEmail(), hat: "x", shoe_size: "44" }).expect(400)).body).toEqual(
      problem(400, ["attributes", "attribute keys not found: hat, shoe_size. "]),
    );
    for (const body of ["null", "{}", "[]", '"text"'])
      expect((await send("post", PATH, body).expect(400)).body).toEqual(WORKSPACE_MISSING);
    await send("post", PATH, "{").expect(400);
  });

  it("answers 403 for a neighbour's environment and to a key that may only read, 404 for an unknown one", async () => {
    const attributes = { email: uniqueEmail() };
    expect((await create(attributes, { workspaceId: neighbour.environmentId }).expect(403)).body).toEqual(FORBIDDEN);
    const body = { environmentId: tenant.environmentId, attributes };
    expect((await send("post", PATH, body, await keyOf("read")).expect(403)).body).toEqual(FORBIDDEN);
    await create(attributes, { workspaceId: newId() }).expect(404);
  });

  it.each<[unknown, [string, string]]>([
    [undefined, ["attributes", "Invalid input: expected record, received undefined"]],
    [{}, ["attributes", "Email attribute is required"]],
    [{ email: "nope" }, ["attributes", "Invalid email format"]],
    [{ email: `${"a".repeat(250)}@example.com` }, ["attributes", "Invalid email format"]],
    [{ email: "a@example.com", userId: "u".repeat(256) }, ["attributes", "userId must not exceed 255 characters"]],
    [{ email: "a@example.com", age: 33 }, ["attributes.age", "Invalid input: expected string, received number"]],
    [{ email: "a@example.com", plan: "\u0000" }, ["attributes.plan", "Contains characters that cannot be stored"]],
  ])("answers 422 to the attributes %j", async (attributes, detail) => {
    expect((await create(attributes).expect(422)).body).toEqual(problem(422, detail));
  });
});

describe("PUT /api/v2/management/contacts/bulk", () => {
  const row = (attributes: Record<string, string>) => ({
    attributes: Object.entries(attributes).map(([key, value]) => ({ attributeKey: { key, name: key }, value })),
  });
  const upload = (rows: unknown, owner: Tenant = tenant) =>
    send("put", BULK, { environmentId: owner.environmentId, contacts: rows }, owner);

  it("answers 200 and makes contacts that are new, changes what differs and leaves the rest", async () => {
    const [fresh, known] = [uniqueEmail(), uniqueEmail()];
    await buildContact(server.db, { environmentId: tenant.environmentId, email: known, attributes: { plan: "free", age: 5 } });
    const before = await contactOf({ email: known });
    const userId = newId();
    expect(
      (await upload([row({ email: fresh, userId, age: "41" }), row({ email: known, plan: "pro" })]).expect(200)).body,
    ).toEqual(SUCCESS);
    expect(await contactOf({ email: fresh })).toMatchObject({ userId, attributes: { age: 41 } });
    const after = await contactOf({ email: known });
    expect(after).toMatchObject({ id: before.id, attributes: { plan: "pro", age: 5 } });
    await upload([row({ email: known, plan: "pro" })]).expect(200);
    expect((await contactOf({ email: known })).updatedAt).toEqual(after.updatedAt);
    expect((await upload([]).expect(200)).body).toEqual(SUCCESS);
  });

  it("makes unknown keys in the type of their values and renames custom keys, not default ones", async () => {
    const owner = await buildTenant(server.db);
    const email = uniqueEmail();
    const attribute = (key: string, name: string, value: string) => ({ attributeKey: { key, name }, value });
    const attributes = [
      attribute("email", "Mail", email),
      attribute("seats", "Seats", "5"),
      attribute("since", "Since", "2024-01-01"),
      attribute("mixed", "Mixed", "5"),
    ];
    const second = [
      attribute("email", "Mail", uniqueEmail()),
      attribute("seats", "Seats", ""),
      attribute("mixed", "Mixed", "five"),
    ];
    await upload([{ attributes }, { attributes: second }], owner).expect(200);
    const keysOf = async () =>
      (await server.db.prisma.contactAttributeKey.findMany({ where: { environmentId: owner.environmentId } })).map(
        ({ key, name, dataType, type }) => `${key} ${name} ${dataType} ${type}`,
      );
    expect(await keysOf()).toEqual(
      expect.arrayContaining([
        "email Email string default",
        "seats Seats number custom",
        "since Since date custom",
        "mixed Mixed string custom",
      ]),
    );
    expect((await contactOf({ email, environmentId: owner.environmentId })).attributes).toEqual({
      seats: 5,
      since: "2024-01-01T00:00:00.000Z",
      mixed: "5",
    });
    await upload([{ attributes: [attribute("email", "Mail", email), attribute("seats", "Places", "6")] }], owner).expect(200);
    expect(await keysOf()).toEqual(expect.arrayContaining(["email Email string default", "seats Places number custom"]));
  });

  it("answers 207 with the rows whose userId another contact holds, and writes the others", async () => {
    const { environmentId } = tenant;
    const [taken, mine] = [newId(), newId()];
    const [known, fresh] = [uniqueEmail(), uniqueEmail()];
    await buildContact(server.db, { environmentId, userId: taken });
    await buildContact(server.db, { environmentId, userId: mine, email: known });
    const rows = [
      row({ email: uniqueEmail(), userId: taken }),
      row({ email: fresh }),
      row({ email: known, userId: mine, plan: "pro" }),
    ];
    const response = await upload(rows).expect(207);
    expect(response.body).toEqual({
      data: {
        status: "success",
        message: "Contacts bulk upload partially successful. Some contacts were skipped due to conflicting userIds.",
        meta: { skippedContacts: [{ index: 0, userId: taken }] },
      },
    });
    expect(response.headers).not.toHaveProperty("access-control-allow-origin");
    await contactOf({ email: fresh });
    expect((await contactOf({ email: known })).attributes).toEqual({ plan: "pro" });
    expect((await upload([row({ email: known, userId: taken })]).expect(207)).body.data.meta.skippedContacts).toHaveLength(1);
  });

  it("takes the user id of a contact that was merged into another for that one's", async () => {
    const { environmentId } = tenant;
    const [email, former] = [uniqueEmail(), newId()];
    const { id } = await buildContact(server.db, { environmentId, userId: newId(), email });
    await server.db.prisma.contactAlias.create({
      data: { environmentId, id: newId(), contactId: id, userId: former, visitorId: randomUUID() },
    });
    const elsewhere = await upload([row({ email: uniqueEmail(), userId: former })]).expect(207);
    expect(elsewhere.body.data.meta).toEqual({ skippedContacts: [{ index: 0, userId: former }] });
    await upload([row({ email, userId: former, plan: "pro" })]).expect(200);
    expect(await server.db.prisma.contact.findMany({ where: { environmentId, userId: former } })).toEqual([]);
    expect(await contactOf({ email })).toMatchObject({ id, attributes: { plan: "pro" } });
  });

  it("makes each contact once when uploads and identify calls come at once", async () => {
    const rows = Array.from({ length: 20 }, () => ({ email: uniqueEmail(), userId: newId() }));
    const identify = rows.map(({ userId }) =>
      server.request.post(`/api/v2/client/${tenant.environmentId}/user`).send({ userId }).expect(200),
    );
    const uploads = [1, 2, 3].map(() => upload(rows.map(row)));
    const [statuses] = await Promise.all([Promise.all(uploads), Promise.all(identify)]);
    for (const { status } of statuses) expect([200, 207]).toContain(status);
    const emails = rows.map(({ email }) => email);
    const userIds = rows.map(({ userId }) => userId);
    const stored = await server.db.prisma.contact.findMany({
      where: { OR: [{ email: { in: emails } }, { userId: { in: userIds } }] },
    });
    expect(stored).toHaveLength(20);
  });

  it("answers 400 to unsafe and reserved keys and to values that do not fit, and writes nothing", async () => {
    const email = uniqueEmail();
    expect((await upload([row({ email, "Bad Key": "x" })]).expect(400)).body).toEqual(
      problem(400, [
        "attributes",
        "Invalid attribute key(s): Bad Key. Keys must only contain lowercase letters, numbers, and underscores, and must start with a letter.",
      ]),
    );
    expect((await upload([row({ email, user_id: "x" })]).expect(400)).body.error.details[0].issue).toContain(
      "Reserved attribute key(s): user_id.",
    );
    const bad = ["a", "b", "c", "d"].map((age) => row({ email: uniqueEmail(), age }));
    expect((await upload([row({ email }), ...bad]).expect(400)).body).toEqual(
      problem(400, ["attributes", 'Attribute "age" is typed as "number" but received invalid values: a, b, c (and 1 more)']),
    );
    expect(await server.db.prisma.contact.count({ where: { email } })).toBe(0);
  });

  it("answers 400 when the environment would have too many keys", async () => {
    const owner = await buildTenant(server.db);
    const many = Object.fromEntries(Array.from({ length: 146 }, (_, index) => [`key_${index}`, "x"]));
    expect((await upload([row({ email: uniqueEmail(), ...many })], owner).expect(400)).body).toEqual(
      problem(400, ["attributes", "the limit of 150 contact attribute keys is reached"]),
    );
  });

  it("answers 422 with all that is wrong in one pass", async () => {
    const email = "dd@example.com";
    const rows = [
      row({ userId: "q" }),
      row({ email: "nope", userId: "q" }),
      row({ email }),
      { attributes: [...row({ email, plan: "a" }).attributes, ...row({ plan: "b" }).attributes] },
    ];
    const issue = (text: string, meta?: Record<string, unknown>) => ({ field: "contacts", issue: text, ...(meta && { meta }) });
    expect((await upload(rows).expect(422)).body.error.details).toEqual([
      issue("Email attribute is required for contact at index 0"),
      issue("Invalid email format for contact at index 1"),
      issue("Duplicate attribute keys found for contact at index 3. Please ensure each attribute key is unique", {
        duplicateKeys: ["plan"],
        contactIndex: 3,
      }),
      issue("Duplicate emails found in the records, please ensure each email is unique.", { duplicateEmails: [email] }),
      issue("Duplicate userIds found in the records, please ensure each userId is unique.", { duplicateUserIds: ["q"] }),
    ]);
    const many = Array.from({ length: 251 }, (_, index) => row({ email: `m${index}@example.com` }));
    expect((await upload(many).expect(422)).body).toEqual(problem(422, ["contacts", "Maximum 250 contacts allowed at a time."]));
    expect((await upload(undefined).expect(422)).body).toEqual(
      problem(422, ["contacts", "Invalid input: expected array, received undefined"]),
    );
  });

  it("answers 400, 403 and 404 for the environment as POST does", async () => {
    const contacts = [row({ email: uniqueEmail() })];
    expect((await send("put", BULK, { contacts }).expect(400)).body).toEqual(WORKSPACE_MISSING);
    const foreign = { workspaceId: neighbour.environmentId, contacts };
    expect((await send("put", BULK, foreign).expect(403)).body).toEqual(FORBIDDEN);
    const own = { workspaceId: tenant.environmentId, contacts };
    expect((await send("put", BULK, own, await keyOf("read")).expect(403)).body).toEqual(FORBIDDEN);
    await send("put", BULK, { workspaceId: newId(), contacts }).expect(404);
    await send("post", BULK, {}).expect(405);
  });
});

describe("contacts that exist", () => {
  it("are listed from all environments that may be read, newest first, page by page", async () => {
    const owner = await buildTenant(server.db);
    const { environmentId, developmentId } = owner;
    const [email, userId] = [uniqueEmail(), newId()];
    const first = await buildContact(server.db, { environmentId, email, attributes: { plan: "pro", age: 5 } });
    const second = await buildContact(server.db, { environmentId: developmentId, userId });
    const all = await send("get", PATH, undefined, owner).expect(200);
    expect(all.body.meta).toEqual({ total: 2, totalIsEstimate: false, limit: 50, offset: 0, nextCursor: null });
    const shown = {
      id: first.id,
      createdAt: ISO,
      updatedAt: ISO,
      userId: null,
      email,
      attributes: { plan: "pro", age: 5 },
      firstSeenAt: ISO,
      lastSeenAt: ISO,
      company: null,
      segments: [],
      workspaceId: environmentId,
      environmentId,
    };
    expect(all.body.data).toEqual([expect.objectContaining({ id: second.id }), shown]);
    for (const query of [`email=${encodeURIComponent(email)}`, `environmentId=${environmentId}`, "limit=1&skip=1"])
      expect((await send("get", `${PATH}?${query}`, undefined, owner).expect(200)).body.data).toEqual([shown]);
    expect((await send("get", `${PATH}?userId=${userId}`, undefined, owner)).body.data).toMatchObject([{ id: second.id }]);
    expect((await send("get", `${PATH}/${first.id}`, undefined, owner).expect(200)).body).toEqual({ data: shown });
  });

  it("are deleted with their displays and responses", async () => {
    const { environmentId } = tenant;
    const { id } = await buildContact(server.db, { environmentId, userId: newId() });
    const survey = { id: newId(), environmentId, name: "Survey", type: "app" as const, document: {} };
    await server.db.prisma.survey.create({ data: survey });
    await server.db.prisma.display.create({ data: { id: newId(), environmentId, surveyId: survey.id, contactId: id } });
    expect((await send("delete", `${PATH}/${id}`).expect(200)).body.data.id).toBe(id);
    expect(await server.db.prisma.display.count({ where: { contactId: id } })).toBe(0);
    expect((await send("delete", `${PATH}/${id}`).expect(404)).body).toEqual(NOT_FOUND);
  });

  it("answer 404 to an unknown id, 422 to what is none, 401 for a neighbour's and for its environment", async () => {
    const foreign = await buildContact(server.db, { environmentId: neighbour.environmentId, userId: newId() });
    for (const method of ["get", "delete"] as const) {
      expect((await send(method, `${PATH}/${newId()}`).expect(404)).body).toEqual(NOT_FOUND);
      expect((await send(method, `${PATH}/Nope!`).expect(422)).body).toEqual(problem(422, ["contactId", "Invalid cuid2"]));
      expect((await send(method, `${PATH}/${foreign.id}`).expect(401)).body).toEqual(UNAUTHORIZED);
    }
    expect((await send("get", `${PATH}?workspaceId=${neighbour.environmentId}`).expect(401)).body).toEqual(UNAUTHORIZED);
    await send("get", `${PATH}?limit=1.5`).expect(422);
  });

  it("need read to be read and manage to be deleted", async () => {
    const { id } = await buildContact(server.db, { environmentId: tenant.environmentId, userId: newId() });
    await send("get", `${PATH}/${id}`, undefined, await keyOf("read")).expect(200);
    await send("delete", `${PATH}/${id}`, undefined, await keyOf("write")).expect(401);
    await send("delete", `${PATH}/${id}`, undefined, await keyOf("manage")).expect(200);
  });
});
