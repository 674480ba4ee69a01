import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { buildContact, buildTenant, type Tenant } from "../../support/build.ts";
import { startTestServer, type TestServer } from "../../support/server.ts";

const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const ID = expect.stringMatching(/^c[a-z0-9]{24}$/);

let server: TestServer;
let tenant: Tenant;

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  tenant = await buildTenant(server.db);
});

const post = (body: unknown, { version = "v2", id = tenant.environmentId } = {}) =>
  server.request.post(`/api/${version}/client/${id}/user`).send(body as object);

const identify = async (userId: string, attributes?: object) => (await post({ userId, attributes }).expect(200)).body.data;

const contacts = () => server.db.prisma.contact.findMany({ where: { environmentId: tenant.environmentId } });

describe.each(["v1", "v2"])("POST /api/%s/client/{environmentId}/user", (version) => {
  test("creates a contact and answers 200 with its state", async () => {
    const { body, headers } = await post(
      { userId: "user-1", attributes: { email: "a@b.co", firstName: "Ada" } },
      { version },
    ).expect(200);
    expect(body).toEqual({
      data: {
        state: {
          data: { contactId: ID, userId: "user-1", segments: [], displays: [], responses: [], lastDisplayAt: null },
          expiresAt: ISO,
        },
      },
    });
    expect(Date.parse(body.data.state.expiresAt) - Date.now()).toBeGreaterThan(29 * 60_000);
    expect(headers).toMatchObject({
      "content-type": "application/json; charset=utf-8",
      "cache-control": "private, no-store",
      "access-control-allow-origin": "*",
      "access-control-allow-credentials": "true",
      "access-control-allow-methods": "GET,OPTIONS,PATCH,DELETE,POST,PUT",
    });
    expect(await contacts()).toMatchObject([{ userId: "user-1", email: "a@b.co", attributes: { firstName: "Ada" } }]);
  });

  test("answers the same contact to the same user id", async () => {
    const first = await post({ userId: "user-1" }, { version }).expect(200);
    const second = await post({ userId: "user-1" }, { version }).expect(200);
    expect(second.body.data.state.data.contactId).toBe(first.body.data.state.data.contactId);
  });

  test("knows the environment by its legacy id too", async () => {
    const legacyId = `cl${tenant.environmentId.slice(2)}`;
    await server.db.prisma.environment.update({ where: { id: tenant.environmentId }, data: { legacyId } });
    await post({ userId: "user-1" }, { version, id: legacyId }).expect(200);
    expect(await contacts()).toHaveLength(1);
  });

  test("OPTIONS answers 200 and may be cached", async () => {
    const { body, headers } = await server.request.options(`/api/${version}/client/${tenant.environmentId}/user`).expect(200);
    expect(body).toEqual({ data: {} });
    expect(headers["cache-control"]).toBe("public, s-maxage=3600, max-age=3600");
    expect(headers["access-control-allow-headers"]).toContain("Cache-Control");
  });

  test.each(["get", "put", "patch", "delete"] as const)("%s answers 405 without a body", async (method) => {
    const { text, headers } = await server.request[method](`/api/${version}/client/${tenant.environmentId}/user`).expect(405);
    expect(text).toBe("");
    expect(headers["access-control-allow-origin"]).toBe("*");
  });

  test("answers 308 to a trailing slash", async () => {
    const path = `/api/${version}/client/${tenant.environmentId}/user`;
    await server.request.post(`${path}/?x=1`).send({}).expect(308).expect("location", `${path}?x=1`);
  });
});

describe("attributes", () => {
  test("are merged: submitted keys change, others stay", async () => {
    await identify("u", { firstName: "Ada", lastName: "Lovelace" });
    await identify("u", { firstName: "Augusta" });
    expect(await contacts()).toMatchObject([{ attributes: { firstName: "Augusta", lastName: "Lovelace" } }]);
  });

  test("of new keys create the keys, typed by their values", async () => {
    const { messages, errors } = await identify("u", { seats: 3, plan: "pro", since: "2024-05-06", admin: true });
    expect(messages).toEqual([
      "Created new attribute 'seats' with type 'number'",
      "Created new attribute 'plan' with type 'string'",
      "Created new attribute 'since' with type 'date'",
      "Created new attribute 'admin' with type 'string'",
    ]);
    expect(errors).toBeUndefined();
    expect(await contacts()).toMatchObject([
      { attributes: { seats: 3, plan: "pro", since: "2024-05-06T00:00:00.000Z", admin: "true" } },
    ]);
    const keys = await server.db.prisma.contactAttributeKey.findMany({
      where: { environmentId: tenant.environmentId, type: "custom" },
      orderBy: { key: "asc" },
    });
    expect(keys.map(({ key, name, dataType }) => [key, name, dataType])).toEqual([
      ["admin", "Admin", "string"],
      ["plan", "Plan", "string"],
      ["seats", "Seats", "number"],
      ["since", "Since", "date"],
    ]);
    expect(await identify("u", { seats: 3, plan: "pro" })).not.toHaveProperty("messages");
  });

  test("of a wrong type are skipped with a message, the rest is written", async () => {
    await identify("u", { seats: 3, since: "2024-05-06" });
    const { messages } = await identify("u", { seats: "4", since: 5, firstName: 6, lastName: "L" });
    expect(messages).toEqual([
      `Attribute 'seats' expects a number but received a string. Pass an actual number value (e.g., 123 instead of "123"). (attribute 'seats' has dataType: number)`,
      "Attribute 'since' expects a valid date. Received: number value '5' (attribute 'since' has dataType: date)",
      "Attribute 'firstName' expects a string but received a number. Pass an actual string value. (attribute 'firstName' has dataType: string)",
    ]);
    expect(await contacts()).toMatchObject([{ attributes: { seats: 3, since: "2024-05-06T00:00:00.000Z", lastName: "L" } }]);
  });

  test("of forbidden names are refused in errors", async () => {
    const { errors } = await identify("u", { "Bad Key": 1, user_id: "x", firstName: "Ada" });
    expect(errors).toEqual([
      "Skipped creating attribute(s) with invalid key(s): Bad Key. Keys must only contain lowercase letters, numbers, and underscores, and must start with a letter.",
      "Reserved attribute key(s): user_id. These keys are reserved for the v5.1 safe-identifier default attribute migration and cannot be created as custom attributes.",
    ]);
    expect(await contacts()).toMatchObject([{ attributes: { firstName: "Ada" } }]);
  });

  test("are removed by null", async () => {
    await identify("u", { firstName: "Ada", lastName: "L" });
    await identify("u", { firstName: null });
    const [contact] = await contacts();
    expect(contact?.attributes).toEqual({ lastName: "L" });
  });

  test("that are equal to the stored ones write nothing", async () => {
    await identify("u", { seats: 3, admin: true, since: "2024-05-06" });
    const [before] = await server.db.query(`select xmin::text, * from contacts where "environmentId" = $1`, [
      tenant.environmentId,
    ]);
    await identify("u", { seats: 3, admin: true, since: "2024-05-06" });
    const [after] = await server.db.query(`select xmin::text, * from contacts where "environmentId" = $1`, [
      tenant.environmentId,
    ]);
    expect(after).toEqual(before);
  });

  test("named userId and id are ignored", async () => {
    await identify("u", { userId: "other", id: "x" });
    expect(await contacts()).toMatchObject([{ userId: "u", attributes: {} }]);
  });

  test("that are no object are ignored; a list counts as one with numbered keys", async () => {
    expect(await identify("u", "plan=pro" as never)).not.toHaveProperty("errors");
    expect((await identify("u", ["plan"])).errors).toHaveLength(1);
  });

  test("named __proto__ are refused like any other bad name", async () => {
    const { body } = await server.request
      .post(`/api/v2/client/${tenant.environmentId}/user`)
      .set("content-type", "application/json")
      .send(`{"userId":"u","attributes":{"__proto__":"x","constructor":"y"},"__proto__":{"userId":"z"}}`)
      .expect(200);
    expect(body.data.errors).toEqual([expect.stringContaining("__proto__")]);
    expect(body.data.state.data.userId).toBe("u");
  });

  test("an e-mail address of another contact is left out silently, the rest is written", async () => {
    await identify("one", { email: "same@example.com" });
    expect(await identify("two", { email: "same@example.com", firstName: "Two" })).not.toHaveProperty("messages");
    const two = (await contacts()).find(({ userId }) => userId === "two");
    expect(two).toMatchObject({ email: null, attributes: { firstName: "Two" } });
  });

  test("language is canonicalized, kept on nonsense and echoed in its legacy form", async () => {
    expect((await identify("u", { language: "DE_de" })).state.data.language).toBe("de");
    expect(await contacts()).toMatchObject([{ attributes: { language: "de-DE" } }]);
    const { messages, state } = await identify("u", { language: "??", firstName: "A" });
    expect(messages).toEqual(["Ignored invalid language code '??'. The existing value was preserved."]);
    expect(state.data.language).toBe("de");
  });
});

describe("the attribute key limit", () => {
  let small: TestServer;
  beforeAll(async () => {
    small = await startTestServer({ MAX_ATTRIBUTE_KEYS: 7 });
  });
  afterAll(() => small.close());

  test("lets as many keys in as there is room for, and says which were left out", async () => {
    const { body } = await small.request
      .post(`/api/v2/client/${tenant.environmentId}/user`)
      .send({ userId: "u", attributes: { one: 1, two: 2, three: 3, firstName: "Ada" } })
      .expect(200);
    expect(body.data.messages).toEqual([
      "Created new attribute 'one' with type 'number'",
      "Created new attribute 'two' with type 'number'",
      "Could not create 1 new attribute(s) (three): the limit of 7 attribute keys is reached.",
    ]);
    expect(await contacts()).toMatchObject([{ attributes: { one: 1, two: 2, firstName: "Ada" } }]);
  });
});

describe("the state", () => {
  test("lists displays newest first, responses by survey, and the segments", async () => {
    const { environmentId } = tenant;
    const { id: contactId } = await buildContact(server.db, { environmentId, userId: "u", attributes: { firstName: "Ada" } });
    const surveyId = `csurvey${environmentId.slice(7)}`;
    await server.db.prisma.segment.create({ data: { environmentId, id: "ceveryone", title: "everyone", filters: [] } });
    await server.db.prisma.survey.create({ data: { environmentId, id: surveyId, name: "s", type: "app", document: {} } });
    for (const [id, createdAt] of [
      ["cdisplay1", "2026-01-01T00:00:00.000Z"],
      ["cdisplay2", "2026-02-01T00:00:00.123Z"],
    ] as const)
      await server.db.prisma.display.create({ data: { environmentId, id, surveyId, contactId, createdAt } });
    for (const id of ["cresponse1", "cresponse2"])
      await server.db.prisma.response.create({ data: { environmentId, id, surveyId, contactId, finished: false, data: {} } });
    expect((await identify("u")).state.data).toEqual({
      contactId,
      userId: "u",
      segments: ["ceveryone"],
      displays: [
        { surveyId, createdAt: "2026-02-01T00:00:00.123Z" },
        { surveyId, createdAt: "2026-01-01T00:00:00.000Z" },
      ],
      responses: [surveyId, surveyId],
      lastDisplayAt: "2026-02-01T00:00:00.123Z",
    });
  });

  test("of a contact with very many displays keeps the newest, and one of every older survey", async () => {
    const { environmentId } = tenant;
    const { id: contactId } = await buildContact(server.db, { environmentId, userId: "u" });
    for (const id of ["cold", "cnew"])
      await server.db.prisma.survey.create({ data: { environmentId, id, name: id, type: "app", document: {} } });
    await server.db.query(
      `insert into displays ("environmentId", id, "surveyId", "contactId", "createdAt", "updatedAt")
       select $1, 'c' || n, case when n <= 2 then 'cold' else 'cnew' end, $2, timestamptz '2026-01-01Z' + n * interval '1 minute', now()
       from generate_series(1, 1500) n`,
      [environmentId, contactId],
    );
    const { displays } = (await identify("u")).state.data;
    expect(displays).toHaveLength(1001);
    expect(displays[0]).toEqual({ surveyId: "cnew", createdAt: "2026-01-02T01:00:00.000Z" });
    expect(displays.at(-1)).toEqual({ surveyId: "cold", createdAt: "2026-01-01T00:02:00.000Z" });
  });
});

describe("bad input", () => {
  const bad = (message: string, details = {}) => ({ code: "bad_request", message, details });

  test.each([
    ["Not-A-Cuid", "Invalid workspace ID format"],
    ["CLUPPERCASE", "Invalid workspace ID format"],
    ["%00", "Invalid workspace ID format"],
    ["a%2Fb", "Invalid workspace ID format"],
  ])("the id %s answers 400", async (id, message) => {
    expect((await post({ userId: "u" }, { id }).expect(400)).body).toEqual(bad(message));
  });

  test("an unknown environment answers 404, before the body is looked at", async () => {
    const { body } = await server.request
      .post("/api/v2/client/cunknown/user")
      .set("content-type", "text/plain")
      .send("{")
      .expect(404);
    expect(body).toEqual({
      code: "not_found",
      message: "Workspace not found",
      details: { resource_id: "cunknown", resource_type: "Workspace" },
    });
  });

  test.each([{}, [], { userId: "" }, { userId: null }, { userId: 42 }, { userId: { a: 1 } }])("%j answers 400", async (body) => {
    expect((await post(body).expect(400)).body).toEqual(bad("userId is required and must be a string"));
  });

  test.each([
    ["{", "text/plain"],
    ["", "application/json"],
    ["userId=u", "application/x-www-form-urlencoded"],
  ])("the body %j as %s answers 400", async (text, type) => {
    const { body } = await server.request
      .post(`/api/v2/client/${tenant.environmentId}/user`)
      .set("content-type", type)
      .send(text)
      .expect(400);
    expect(body).toEqual(bad("Malformed JSON input, please check your request body", { error: expect.any(String) }));
  });

  test("bytes that are not UTF-8 answer 400", async () => {
    const response = await fetch(`${server.baseUrl}/api/v2/client/${tenant.environmentId}/user`, {
      method: "POST",
      body: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]),
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual(
      bad("Malformed JSON input, please check your request body", { error: "The body is not valid UTF-8" }),
    );
  });

  test.each(["text/plain", "application/x-www-form-urlencoded", "image/png"])(
    "JSON labelled %s is read all the same",
    async (type) => {
      await server.request
        .post(`/api/v2/client/${tenant.environmentId}/user`)
        .set("content-type", type)
        .send(Buffer.from('{"userId":"u"}').toString())
        .expect(200);
    },
  );

  test("a body of more than 2 MiB answers 413", async () => {
    const { body } = await post({ userId: "u", attributes: { note: "x".repeat(2_097_152) } }).expect(413);
    expect(body).toEqual({
      code: "payload_too_large",
      message: "Payload Too Large",
      details: { error: "Request body must not exceed 2097152 bytes" },
    });
  });

  test.each([
    [{ email: 5 }, "Invalid email format"],
    [{ email: null }, "Invalid email format"],
    [{ email: "@" }, "Invalid email format"],
    [{ email: "a@b" }, "Validation failed: Invalid email"],
    [{ email: `${"a".repeat(250)}@example.com` }, "Validation failed: emailToo big: expected string to have <=255 characters"],
    [{ plan: ["a"] }, "Validation failed: planInvalid input"],
    [{ plan: { a: 1 }, seats: [] }, "Validation failed: planInvalid input; seatsInvalid input"],
    [{ plan: "a\u0000b" }, "Validation failed: planInvalid input"],
    [{ plan: "a\ud800b" }, "Validation failed: planInvalid input"],
  ])("attributes %j answer 400 and nothing is written", async (attributes, message) => {
    expect((await post({ userId: "u", attributes }).expect(400)).body).toEqual(bad(message));
    expect(await contacts()).toEqual([]);
  });

  test.each(["a\u0000b", "a\ud800b", "x".repeat(256)])("a user id that cannot be kept answers 400", async (userId) => {
    expect((await post({ userId }).expect(400)).body.code).toBe("bad_request");
  });

  test("a number that JavaScript cannot hold answers 400", async () => {
    await server.request
      .post(`/api/v2/client/${tenant.environmentId}/user`)
      .set("content-type", "application/json")
      .send(`{"userId":"u","attributes":{"seats":1e999}}`)
      .expect(400);
  });

  test("a hundred thousand attributes answer 400", async () => {
    const attributes = Object.fromEntries(Array.from({ length: 100_000 }, (_, n) => [`k${n}`, n]));
    expect((await post({ userId: "u", attributes }).expect(400)).body).toEqual(
      bad("attributes must not have more than 1000 keys"),
    );
  });

  test("nesting without end answers 400", async () => {
    await server.request
      .post(`/api/v2/client/${tenant.environmentId}/user`)
      .set("content-type", "application/json")
      .send(`{"userId":"u","attributes":{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}}`)
      .expect(400);
    expect(await contacts()).toEqual([]);
  });
});

describe("at the same time", () => {
  test("a thousand first calls for one user make one contact, with every attribute and no error", async () => {
    const calls = Array.from({ length: 1_000 }, (_, n) =>
      identify("u", { [`key_${n % 100}`]: `value ${n % 100}`, firstName: "Ada" }),
    );
    const states = await Promise.all(calls);
    const [contact, ...others] = await contacts();
    expect(others).toEqual([]);
    expect(new Set(states.map(({ state }) => state.data.contactId))).toEqual(new Set([contact?.id]));
    expect(states.every(({ errors }) => errors === undefined)).toBe(true);
    expect(contact?.attributes).toEqual({
      firstName: "Ada",
      ...Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`key_${n}`, `value ${n}`])),
    });
  });

  test("contacts that claim one e-mail address are all answered, and one has it", async () => {
    await Promise.all(Array.from({ length: 50 }, (_, n) => identify(`u${n}`, { email: "same@example.com" })));
    const owners = (await contacts()).filter(({ email }) => email === "same@example.com");
    expect(owners).toHaveLength(1);
    expect(await contacts()).toHaveLength(50);
  });

  test("contacts that swap attributes keep the last write of each key", async () => {
    await identify("u", { plan: "free" });
    await Promise.all(Array.from({ length: 100 }, (_, n) => identify("u", { [`k${n % 10}`]: n })));
    const [contact] = await contacts();
    expect(Object.keys(contact?.attributes ?? {})).toHaveLength(11);
  });
});
