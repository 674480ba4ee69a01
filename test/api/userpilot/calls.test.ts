/** Calls about one user, company or event, as Segment's and RudderStack's connectors send them. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { buildApiKey } from "../../support/build.ts";
import { envelope, type OpenTenant, openTenant, startTestServer, type TestServer } from "./support.ts";

let server: TestServer;
let tenant: OpenTenant;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  tenant = await openTenant(server);
});

const identify = (body: object) => tenant.post("/v1/identify", body);
const contact = (userId = "u") => tenant.contact(userId);

describe("the key", () => {
  it.each(["Token", "token", "TOKEN", "Bearer"])("is taken with the scheme %s", async (scheme) => {
    const response = await server.request.get("/v1/validate").set("authorization", ` ${scheme}  ${tenant.apiKey} `).expect(200);
    expect(response.body).toEqual({});
    expect(response.headers["content-type"]).toMatch("application/json");
  });

  it.each([
    ["no header", undefined],
    ["another scheme", "Basic abc"],
    ["no scheme", "fbk_abc"],
    ["an app token", "Token NX-1a2b3c4d"],
    ["an unknown key", "Token fbk_0123456789abcdef"],
  ])("answers 401 before the body is looked at: %s", async (_name, authorization) => {
    const request = server.request.post("/v1/identify").set("content-type", "application/json");
    if (authorization !== undefined) request.set("authorization", authorization);
    const response = await request.send("{broken").expect(401);
    expect(response.body).toEqual({
      errors: [{ error: "unauthorized", error_code: "401", message: "Unauthorized", details: "Invalid API key" }],
    });
  });

  it("stands for the production environment among several, and must be able to write", async () => {
    await identify({ user_id: "u" }).expect(202);
    expect(await contact()).not.toBeNull();
    const development = await buildApiKey(server.db, { ...tenant, permissions: { [tenant.developmentId]: "write" } });
    await server.request.post("/v1/identify").set("authorization", `Token ${development}`).send({ user_id: "dev" }).expect(202);
    expect(await server.services.contacts.find(tenant.developmentId, { userId: "dev" })).not.toBeNull();
    const reading = await buildApiKey(server.db, { ...tenant, permissions: { [tenant.environmentId]: "read" } });
    await server.request.get("/v1/validate").set("authorization", `Token ${reading}`).expect(401);
  });

  it("is checked by GET /v1/validate and GET /v1/users with a content type and no body", async () => {
    for (const path of ["/v1/validate", "/v1/users", "/userpilot/v1/validate"]) {
      const response = await tenant.call("get", path).set("content-type", "application/json").expect(200);
      expect(response.body).toEqual({});
    }
  });
});

describe("paths", () => {
  it.each(["/v1/identify", "/userpilot/v1/identify", "//v1/identify", "/v1/identify/", "/userpilot//v1/identify/?x=1"])(
    "%s is the same call",
    async (path) => {
      expect((await tenant.post(path, { user_id: "u" }).expect(202)).body).toEqual({});
      expect(await contact()).not.toBeNull();
    },
  );

  it("answers 404 where there is nothing, 405 for other methods", async () => {
    expect((await tenant.call("get", "/v1/flows").expect(404)).body).toEqual(envelope(404, "not_found"));
    const response = await tenant.call("get", "/v1/identify").expect(405);
    expect(response.body).toEqual(envelope(405, "method_not_allowed"));
    expect(response.headers.allow).toBe("POST");
    await tenant.call("put", "/userpilot/v1/users").expect(405);
  });

  it.each([undefined, "2020-09-22", "1999-01-01"])("does not mind the API version %s or what is accepted", async (version) => {
    const request = server.request.post("/v1/identify").set("authorization", `Token ${tenant.apiKey}`).set("accept", "text/html");
    if (version !== undefined) request.set("x-api-version", version);
    await request.send({ user_id: "u" }).expect(202);
  });
});

describe("POST /v1/identify", () => {
  it("creates and merges, in native types and verbatim names", async () => {
    await identify({
      user_id: "u",
      metadata: { "Job title": "CTO", seats: 3, trial: true, since: "2024-05-01", "é.$": "x" },
    }).expect(202);
    await identify({ user_id: "u", metadata: { seats: 4, created_at: "1519205055" } }).expect(202);
    expect((await contact())?.attributes).toEqual({
      "Job title": "CTO",
      seats: 4,
      trial: true,
      since: "2024-05-01T00:00:00.000Z",
      "é.$": "x",
      created_at: "2018-02-21T09:24:15.000Z",
    });
  });

  it("removes with null, once and again", async () => {
    await identify({ user_id: "u", metadata: { plan: "pro", seats: 1 } });
    for (let times = 0; times < 2; times++) await identify({ user_id: "u", metadata: { plan: null } }).expect(202);
    expect((await contact())?.attributes).toEqual({ seats: 1 });
  });

  it("takes Segment's empty values without storing them", async () => {
    await identify({ user_id: "u", metadata: { name: "", email: "", createdAt: "" } }).expect(202);
    expect(await contact()).toMatchObject({ email: null, attributes: {} });
  });

  it.each([
    ["%", "50%"],
    ["#", "a#b"],
    ["brackets", "a[0]"],
    ["$", "$id"],
    ["@", "ada@example.com@tenant"],
    ["*", "a*b"],
    ["a slash", "a/b"],
    ["letters beyond ASCII", "Ünï🎉"],
  ])("keeps an id with %s as it is", async (_name, id) => {
    await identify({ user_id: id }).expect(202);
    expect((await contact(id))?.userId).toBe(id);
  });

  it("takes numbers as ids, trims and tells capitals apart", async () => {
    await identify({ user_id: 42 }).expect(202);
    await identify({ user_id: "  ada " }).expect(202);
    await identify({ user_id: "Ada" }).expect(202);
    for (const id of ["42", "ada", "Ada"]) expect(await contact(id)).not.toBeNull();
  });

  it("flattens what is nested, renames what has another name, and ignores what the server sets", async () => {
    const metadata = {
      address: { city: "Rome", geo: { lat: 1 } },
      tags: ["a", { b: 1 }],
      first_name: "Ada",
      lastName: "Lovelace",
      signed_up_at: 1_519_205_055,
      first_seen_at: "2001-01-01",
      last_seen_at: "2001-01-01",
    };
    await identify({ user_id: "u", metadata, unknown: 1 }).expect(202);
    const stored = await contact();
    expect(stored?.attributes).toEqual({
      "address.city": "Rome",
      "address.geo.lat": 1,
      tags: '["a",{"b":1}]',
      firstName: "Ada",
      lastName: "Lovelace",
      created_at: "2018-02-21T09:24:15.000Z",
    });
    expect(stored?.firstSeenAt.getTime()).toBeGreaterThan(Date.now() - 60_000);
  });

  it("splits a name when there is no first and no last name", async () => {
    await identify({ user_id: "u", metadata: { name: "Ada King Lovelace" } });
    expect((await contact())?.attributes).toEqual({ name: "Ada King Lovelace", firstName: "Ada", lastName: "King Lovelace" });
    await identify({ user_id: "u", metadata: { name: "Augusta Byron" } });
    expect((await contact())?.attributes).toMatchObject({ name: "Augusta Byron", firstName: "Ada" });
  });

  it("applies everything but the address when another user has it", async () => {
    await identify({ user_id: "first", metadata: { email: "same@example.com" } }).expect(202);
    await identify({ user_id: "second", metadata: { email: "same@example.com", plan: "pro" } }).expect(202);
    expect(await contact("second")).toMatchObject({ email: null, attributes: { plan: "pro" } });
    expect(await contact("first")).toMatchObject({ email: "same@example.com" });
  });

  it("keeps a value of another type as text, and counts it", async () => {
    const before = server.services.typeConflicts.total();
    await identify({ user_id: "u", metadata: { seats: 3 } });
    await identify({ user_id: "v", metadata: { seats: "many" } }).expect(202);
    expect((await contact("v"))?.attributes).toEqual({ seats: "many" });
    const { body } = await tenant.post("/v1/users/bulk_identify", { users: [{ user_id: "w", metadata: { seats: "few" } }] });
    await tenant.jobDone(body.job_id);
    expect(server.services.typeConflicts.total()).toBe(before + 2);
  });

  it("makes one contact of a thousand calls at once", async () => {
    await Promise.all(
      Array.from({ length: 1_000 }, (_, n) => identify({ user_id: "u", metadata: { [`k${n % 10}`]: n % 10 } }).expect(202)),
    );
    expect(await server.db.prisma.contact.count({ where: { environmentId: tenant.environmentId } })).toBe(1);
    expect(Object.keys((await contact())?.attributes ?? {})).toHaveLength(10);
  });

  it("has more attribute keys than Formbricks' 150", async () => {
    await identify({ user_id: "u", metadata: Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`k${n}`, n])) }).expect(
      202,
    );
    expect(Object.keys((await contact())?.attributes ?? {})).toHaveLength(300);
  });

  it.each([
    ["missing_user_id", {}],
    ["missing_user_id", { user_id: null }],
    ["missing_user_id", { user_id: "  " }],
    ["invalid_type", { user_id: { a: 1 } }],
    ["invalid_type", { user_id: true }],
    ["invalid_type", { user_id: "a\0b" }],
    ["invalid_type", { user_id: "u", metadata: "x" }],
    ["invalid_type", { user_id: "u", metadata: [] }],
    ["invalid_type", { user_id: "u", metadata: { a: "\ud800" } }],
    ["invalid_type", { user_id: "u", company: "acme" }],
    ["missing_company_id", { user_id: "u", company: { name: "x" } }],
    ["limit_exceeded", { user_id: "x".repeat(256) }],
    ["limit_exceeded", { user_id: "u", metadata: Object.fromEntries(Array.from({ length: 501 }, (_, n) => [`k${n}`, n])) }],
    ["limit_exceeded", { user_id: "u", metadata: { ["k".repeat(256)]: 1 } }],
    ["limit_exceeded", { user_id: "u", metadata: { k: "x".repeat(65_536) } }],
  ])("answers 400 %s: %j", async (slug, body) => {
    expect((await identify(body).expect(400)).body).toEqual(envelope(400, slug));
    expect(await contact()).toBeNull();
  });

  it("answers 400 limit_exceeded to what would give a user more than 500 properties over all calls", async () => {
    const values = (from: number, count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${from + n}`, from + n]));
    await identify({ user_id: "u", metadata: values(0, 300) }).expect(202);
    await identify({ user_id: "u", metadata: { ...values(300, 200), email: "u@example.com" } }).expect(202);
    const { body } = await identify({ user_id: "u", metadata: { k0: "new", more: 1 } }).expect(400);
    expect(body).toEqual(envelope(400, "limit_exceeded"));
    await identify({ user_id: "u", metadata: { k0: "new", k1: null, more: 1 } }).expect(202);
    const { attributes } = (await contact()) ?? {};
    expect([Object.keys(attributes ?? {}).length, attributes?.k0, attributes?.more]).toEqual([500, "new", 1]);
    await identify({ user_id: "v", metadata: values(0, 400) }).expect(202);
  });

  it("takes what is just within the limits", async () => {
    const metadata = Object.fromEntries(Array.from({ length: 499 }, (_, n) => [`k${n}`, n]));
    await identify({ user_id: "u".repeat(255), metadata: { ...metadata, ["k".repeat(255)]: "x".repeat(65_535) } }).expect(202);
  });

  it("names every problem of a request", async () => {
    const { body } = await identify({ metadata: 1, company: 2 }).expect(400);
    expect(body.errors.map(({ error }: { error: string }) => error)).toEqual(["missing_user_id", "invalid_type", "invalid_type"]);
  });

  it.each(["{broken", "[]", "null", '"text"', ""])("answers 400 invalid_json to %j", async (text) => {
    const response = await tenant.post("/v1/identify", text).set("content-type", "application/json").expect(400);
    expect(response.body).toEqual(envelope(400, "invalid_json"));
  });

  it("answers 415 to another media type, and takes a missing one for JSON", async () => {
    const other = await tenant
      .post("/v1/identify", "user_id=u")
      .set("content-type", "application/x-www-form-urlencoded")
      .expect(415);
    expect(other.body).toEqual(envelope(415, "unsupported_media_type"));
    const plain = await fetch(`${server.baseUrl}/v1/identify`, {
      method: "POST",
      headers: { authorization: `Token ${tenant.apiKey}` },
      body: Buffer.from('{"user_id":"plain"}'),
    });
    expect(plain.status).toBe(202);
    await tenant.post("/v1/identify", '{"user_id":"u"}').set("content-type", "application/json; charset=UTF-8").expect(202);
  });

  it("answers 413 to more than 10 MB", async () => {
    const response = await identify({ user_id: "u", metadata: { k: "x".repeat(10 * 1024 * 1024) } }).expect(413);
    expect(response.body).toEqual(envelope(413, "payload_too_large"));
  });

  it("answers 400 in strict mode to what it otherwise puts right", async () => {
    const company = { id: "acme" };
    for (const more of [
      { metadata: { a: { b: 1 } } },
      { metadata: { company }, company },
      { metadata: { created_at: 1_519_205_055 } },
      { extra: 1 },
    ])
      await identify({ user_id: "u", ...more })
        .set("x-strict-mode", "1")
        .expect(400);
    await identify({ user_id: "u", metadata: { created_at: "2024-01-01" } })
      .set("x-strict-mode", "1")
      .expect(202);
  });
});

describe("the company of a user", () => {
  it.each([
    { id: "acme", name: "Acme" },
    { company_id: "acme", name: "Acme" },
    { company_id: "acme", id: "other", name: "Acme" },
  ])("may be named %j", async (company) => {
    await identify({ user_id: "u", company }).expect(202);
    const stored = await tenant.company("acme");
    expect(stored?.attributes).toMatchObject({ name: "Acme" });
    expect((await contact())?.companyId).toBe(stored?.id);
  });

  it.each([null, {}, { id: null }, { company_id: "" }])("is left alone by %j", async (company) => {
    await identify({ user_id: "u", company: { id: "acme" } });
    await identify({ user_id: "u", company }).expect(202);
    expect((await contact())?.companyId).toBe((await tenant.company("acme"))?.id);
  });

  it("is one when RudderStack sends it twice, and no attribute", async () => {
    const company = { id: "acme", plan: "pro" };
    await identify({ user_id: "u", metadata: { name: "Ada", company }, company }).expect(202);
    expect(Object.keys((await contact())?.attributes ?? {}).sort()).toEqual(["firstName", "name"]);
    expect((await tenant.company("acme"))?.attributes).toEqual({ plan: "pro" });
    expect(await server.db.prisma.company.count({ where: { environmentId: tenant.environmentId } })).toBe(1);
  });

  it("may stand in the metadata alone; without an id it is flattened", async () => {
    await identify({ user_id: "u", metadata: { company: { id: "acme", plan: "pro" } } }).expect(202);
    expect((await contact())?.companyId).toBe((await tenant.company("acme"))?.id);
    await identify({ user_id: "v", metadata: { company: { name: "x" } } }).expect(202);
    expect(await contact("v")).toMatchObject({ companyId: null, attributes: { "company.name": "x" } });
    await identify({ user_id: "w", metadata: { company: "Acme" } }).expect(202);
    expect((await contact("w"))?.attributes).toEqual({ company: "Acme" });
  });

  it("changes when another is named; its properties are merged and removed like a user's", async () => {
    await identify({ user_id: "u", company: { id: "a", x: 1, y: 2 } });
    await identify({ user_id: "u", company: { id: "a", x: null, since: "2024-01-01" } });
    await identify({ user_id: "u", company: { id: "b" } });
    expect((await tenant.company("a"))?.attributes).toEqual({ y: 2, since: "2024-01-01T00:00:00.000Z" });
    expect((await contact())?.companyId).toBe((await tenant.company("b"))?.id);
  });
});

describe("POST /v1/companies/identify", () => {
  it("creates and merges a company without users", async () => {
    for (const body of [
      { company_id: "acme", metadata: { a: 1 } },
      { company_id: "", id: "acme", metadata: { b: 2 } },
      { company_id: "acme", id: "other" },
    ])
      expect((await tenant.post("/v1/companies/identify", body).expect(202)).body).toEqual({});
    expect((await tenant.company("acme"))?.attributes).toEqual({ a: 1, b: 2 });
    expect(await server.db.prisma.contact.count({ where: { environmentId: tenant.environmentId } })).toBe(0);
  });

  it.each([
    ["missing_company_id", {}],
    ["missing_company_id", { company_id: "" }],
    ["invalid_type", { company_id: [] }],
    ["invalid_type", { company_id: "a", metadata: 1 }],
    ["limit_exceeded", { company_id: "a", metadata: { k: "x".repeat(65_536) } }],
  ])("answers 400 %s: %j", async (slug, body) => {
    expect((await tenant.post("/v1/companies/identify", body).expect(400)).body).toEqual(envelope(400, slug));
  });
});

describe("POST /v1/track", () => {
  const track = (body: object) => tenant.post("/v1/track", body);

  it("stores the event of a known and of an unknown user", async () => {
    await identify({ user_id: "u", company: { id: "acme" } });
    expect((await track({ user_id: "u", event_name: "Upgraded", metadata: { plan: "pro", seats: 3 } }).expect(202)).body).toEqual(
      {},
    );
    await track({ user_id: "new", event_name: " ", event: "Signed up", metadata: null }).expect(202);
    const events = await tenant.events();
    expect(events).toMatchObject([
      { name: "Upgraded", properties: { plan: "pro", seats: 3 }, source: "userpilot", companyId: (await contact())?.companyId },
      { name: "Signed up", properties: {}, companyId: null },
    ]);
    expect(events[1]?.contactId).toBe((await contact("new"))?.id);
  });

  it.each([
    [{ metadata: { timestamp: "2024-01-15T10:30:00+01:00" } }, "2024-01-15T09:30:00.000Z"],
    [{ metadata: { timestamp: 1_519_205_055 } }, "2018-02-21T09:24:15.000Z"],
    [{ timestamp: "1519205055123" }, "2018-02-21T09:24:15.123Z"],
  ])("takes the time from %j", async (more, expected) => {
    await track({ user_id: "u", event_name: "e", ...more }).expect(202);
    const [event] = await tenant.events();
    expect(event?.occurredAt.toISOString()).toBe(expected);
    if ("metadata" in more) expect(event?.properties).toEqual(more.metadata);
  });

  it.each([
    ["the header Idempotency-Key", {}, "key"],
    ["message_id", { message_id: "key" }, undefined],
    ["messageId", { messageId: "key" }, undefined],
  ])("stores an event once per %s", async (_name, more, header) => {
    for (let times = 0; times < 3; times++) {
      const request = track({ user_id: "u", event_name: "e", ...more });
      if (header !== undefined) request.set("idempotency-key", header);
      await request.expect(202);
    }
    expect(await tenant.events()).toHaveLength(1);
  });

  it("moves the user to a company that has an id and ignores one that has none", async () => {
    await track({ user_id: "u", event_name: "e", company: { id: "acme" } }).expect(202);
    expect((await contact())?.companyId).toBe((await tenant.company("acme"))?.id);
    for (const company of [{ name: "x" }, "x", []]) await track({ user_id: "u", event_name: "e", company }).expect(202);
  });

  it.each([
    ["missing_user_id", { event_name: "e" }],
    ["missing_event_name", { user_id: "u" }],
    ["missing_event_name", { user_id: "u", event_name: " " }],
    ["invalid_type", { user_id: "u", event_name: {} }],
    ["invalid_type", { user_id: "u", event_name: "e", metadata: [] }],
    ["limit_exceeded", { user_id: "u", event_name: "e", metadata: { k: "x".repeat(10_240) } }],
    ["limit_exceeded", { user_id: "u", event_name: "e".repeat(256) }],
  ])("answers 400 %s: %j", async (slug, body) => {
    expect((await track(body).expect(400)).body).toEqual(envelope(400, slug));
    expect(await tenant.events()).toEqual([]);
  });
});

describe("Userpilot's own limits", () => {
  it("answer 429 with Retry-After when they are on", async () => {
    const limited = await startTestServer({ RATE_LIMIT: true, USERPILOT_RATE_LIMIT: true });
    try {
      const other = await openTenant(limited);
      await other.call("delete", "/v1/users").send({ users: ["a"] });
      const second = () => other.call("delete", "/v1/users").send({ users: ["a"] });
      const responses = [await second(), await second(), await second()];
      const refused = responses.find(({ status }) => status === 429);
      expect(refused?.body).toEqual(envelope(429, "too_many_requests"));
      expect(Number(refused?.headers["retry-after"])).toBeGreaterThan(0);
    } finally {
      await limited.close();
    }
  });
});

describe("without USERPILOT_TRACK_CREATES_USERS", () => {
  it("an event of an unknown user is accepted and not stored", async () => {
    const strict = await startTestServer({ USERPILOT_TRACK_CREATES_USERS: false });
    try {
      const other = await openTenant(strict);
      await other.post("/v1/track", { user_id: "u", event_name: "e" }).expect(202);
      expect(await other.contact("u")).toBeNull();
    } finally {
      await strict.close();
    }
  });
});
