/** `POST /v2/users`, `GET /v2/users/{userId}`, keys, limits and unknown paths. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { buildApiKey } from "../../support/build.ts";
import { ERROR, type OpenTenant, openTenant, startTestServer, type TestServer } from "./support.ts";

let server: TestServer;
let tenant: OpenTenant;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  tenant = await openTenant(server);
});

const upsert = (body: string | object) => tenant.post("/v2/users", body);

describe("the key", () => {
  it.each(["API-Key", "Bearer", "api-key", "BEARER"])("is taken under the scheme %s", async (scheme) => {
    await tenant.post("/v2/users", { userId: "u" }, scheme).expect(202);
    await tenant.post("/v2/purge/visitors", { userIds: ["u"] }, scheme).expect(200);
    await tenant.call("get", "/v1/themes", scheme).expect(200, { data: [] });
  });

  it("answers 403 with text to another scheme, a bare key, a wrong one and none, before the body is read", async () => {
    for (const header of [`Token ${tenant.apiKey}`, tenant.apiKey, "API-Key fbk_wrong", "API-Key", "", undefined]) {
      const request = server.request.post("/v2/users").set("content-type", "application/json");
      if (header !== undefined) request.set("authorization", header);
      const answer = await request.send("{broken");
      expect([answer.status, answer.text, answer.type]).toEqual([403, "Forbidden", "text/plain"]);
    }
  });

  it("may read with a key that may only read, exports included, and answers 403 when it writes", async () => {
    const { organizationId, environmentId, developmentId } = tenant;
    await upsert({ userId: "u" }).expect(202);
    const key = await buildApiKey(server.db, { organizationId, permissions: { [environmentId]: "read" } });
    const call = (method: "get" | "post" | "delete", path: string) =>
      server.request[method](path).set("authorization", `Bearer ${key}`);
    for (const path of ["/v2/users/u", "/v1/users/u", "/v1/surveys", "/v1/responses", "/v1/themes", "/sprig/v1/surveys"])
      await call("get", path).expect(200);
    for (const path of ["/v2/users", "/v1/users", "/v1/users/u", "/v1/users/u/events", "/v1/users/bulk", "/v2/purge/visitors"])
      await call("post", path)
        .send({ userId: "u", userIds: ["u"], name: "A" })
        .expect(403, "Forbidden");
    await call("delete", "/v2/purge/visitors/x").expect(403, "Forbidden");
    const both = await buildApiKey(server.db, {
      organizationId,
      permissions: { [environmentId]: "read", [developmentId]: "write" },
    });
    // It reads where it writes.
    await server.request.get("/v2/users/u").set("authorization", `API-Key ${both}`).expect(404, "Not Found");
    const none = await buildApiKey(server.db, { organizationId, permissions: {} });
    await server.request.get("/v1/surveys").set("authorization", `API-Key ${none}`).expect(403, "Forbidden");
  });

  it("selects the environment", async () => {
    const { organizationId, developmentId } = tenant;
    const key = await buildApiKey(server.db, { organizationId, permissions: { [developmentId]: "write" } });
    await server.request.post("/v2/users").set("authorization", `API-Key ${key}`).send({ userId: "u" }).expect(202);
    await tenant.call("get", "/v2/users/u").expect(404, "Not Found");
    await server.request.get("/v2/users/u").set("authorization", `Bearer ${key}`).expect(200);
  });
});

describe("POST /v2/users", () => {
  it("answers 202 with the text Accepted, at the root and below /sprig, and the user is there at once", async () => {
    const answer = await upsert({ userId: "u", attributes: {} }).expect(202, "Accepted");
    expect(answer.type).toBe("text/plain");
    await tenant.post("/sprig/v2/users/", { userId: 7 }).expect(202, "Accepted");
    expect(await tenant.user("u")).toEqual({
      id: (await tenant.contact("u"))?.visitorId,
      externalUserId: "u",
      createdAt: (await tenant.contact("u"))?.createdAt.getTime(),
      attributes: {},
      events: [],
    });
    expect((await tenant.call("get", "/sprig/v2/users/7").expect(200)).body.externalUserId).toBe("7");
  });

  it("takes the vendor's own example", async () => {
    const body = {
      userId: "12347",
      email: "jane@example.com",
      attributes: { completed_flow: false, plan: "enterprise" },
      events: [{ event: "Clicked Signup", timestamp: 1_612_739_790_947 }],
    };
    await upsert(body).expect(202);
    const at = 1_612_739_790_947;
    expect(await tenant.user("12347")).toMatchObject({
      emailAddress: "jane@example.com",
      attributes: { completed_flow: false, plan: "enterprise" },
      events: [{ event: "Clicked Signup", count: 1, createdAt: at, updatedAt: at }],
    });
  });

  it("sets the address from emailAddress, else email, else the attribute email, which is not a second one", async () => {
    await upsert({ userId: "a", emailAddress: "a@x.io", email: "b@x.io", attributes: { email: "c@x.io", n: 1 } }).expect(202);
    expect(await tenant.user("a")).toMatchObject({ emailAddress: "a@x.io", attributes: { n: 1 } });
    await upsert({ userId: "a", emailAddress: "", email: "b@x.io" }).expect(202);
    expect((await tenant.user("a")).emailAddress).toBe("b@x.io");
    await upsert({ userId: "a", attributes: { email: "c@x.io" } }).expect(202);
    expect(await tenant.user("a")).toMatchObject({ emailAddress: "c@x.io", attributes: { n: 1 } });
    await upsert({ userId: "a", emailAddress: "", attributes: { email: "" } }).expect(202);
    expect(await tenant.user("a")).toMatchObject({ emailAddress: "c@x.io", attributes: { n: 1 } });
    await upsert({ userId: "b", attributes: { email: "none" } }).expect(202);
    const other = await tenant.user("b");
    expect([other.attributes, other.emailAddress]).toEqual([{ email: "none" }, undefined]);
  });

  it("leaves both addresses when another user has it, and applies the rest", async () => {
    await upsert({ userId: "a", emailAddress: "a@x.io" }).expect(202);
    await upsert({ userId: "b", emailAddress: "b@x.io" }).expect(202);
    await upsert({ userId: "b", emailAddress: "a@x.io", attributes: { plan: "pro" } }).expect(202);
    expect(await tenant.user("a")).toMatchObject({ emailAddress: "a@x.io" });
    expect(await tenant.user("b")).toMatchObject({ emailAddress: "b@x.io", attributes: { plan: "pro" } });
  });

  it("merges attributes, keeps their types and names, and takes null for nothing", async () => {
    await upsert({ userId: "u", attributes: { plan: "free", "Job Title": "Pilot", seats: 3, ratio: 0.5, trial: true } });
    await upsert({ userId: "u", attributes: { plan: "pro", seats: null, never: null } }).expect(202);
    expect((await tenant.user("u")).attributes).toEqual({
      plan: "pro",
      "Job Title": "Pilot",
      seats: 3,
      ratio: 0.5,
      trial: true,
    });
  });

  it("stores dotted and nested attributes alike, and lists as JSON", async () => {
    await upsert({ userId: "dotted", attributes: { "details.name.first": "Ada", "tags.x": '[1,"a"]' } }).expect(202);
    await upsert({ userId: "nested", attributes: { details: { name: { first: "Ada" } }, tags: { x: [1, "a"] } } }).expect(202);
    const expected = { "details.name.first": "Ada", "tags.x": '[1,"a"]' };
    expect((await tenant.user("dotted")).attributes).toEqual(expected);
    expect((await tenant.user("nested")).attributes).toEqual(expected);
  });

  it("takes 100 attributes, and keeps 500 of a user", async () => {
    const values = (from: number, count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${from + n}`, from + n]));
    for (let from = 0; from < 500; from += 100)
      await upsert({ userId: "u", attributes: values(from, 100) }).expect(202, "Accepted");
    await upsert({ userId: "u", attributes: { ...values(490, 20), k0: "new" } }).expect(202);
    const { attributes } = await tenant.user("u");
    expect([Object.keys(attributes).length, attributes.k0, attributes.k499, attributes.k500]).toEqual([
      500,
      "new",
      499,
      undefined,
    ]);
    expect((await upsert({ userId: "v", attributes: values(0, 101) }).expect(400)).body).toEqual(ERROR);
    expect((await upsert({ userId: "v", attributes: { a: values(0, 100), b: null } }).expect(400)).body).toEqual(ERROR);
    await tenant.call("get", "/v2/users/v").expect(404);
  });

  it("counts events by name; one without a time is of now, one at the same time is the same", async () => {
    const before = Date.now();
    await upsert({ userId: "u", events: [{ event: "A", timestamp: null }, { event: "A" }] }).expect(202);
    const [first] = (await tenant.user("u")).events;
    expect(first).toMatchObject({ event: "A", count: 2 });
    expect(first.createdAt).toBeGreaterThanOrEqual(before);
    const events = [
      { event: "B", timestamp: "2021-02-07T23:16:30.947Z" },
      { event: "B", timestamp: 1_612_739_790_947 },
      { event: "B", timestamp: 1_612_739_912_314 },
    ];
    for (let times = 0; times < 2; times++) await upsert({ userId: "u", events }).expect(202);
    expect((await tenant.user("u")).events[0]).toEqual({
      event: "B",
      count: 2,
      createdAt: 1_612_739_790_947,
      updatedAt: 1_612_739_912_314,
    });
    expect((await tenant.events()).map(({ source }) => source)).toEqual(Array(4).fill("sprig"));
  });

  it("answers 422 to an event more than a day ahead, and stores nothing", async () => {
    const event = (hours: number) => ({ userId: "u", events: [{ event: "A", timestamp: Date.now() + hours * 3_600_000 }] });
    expect((await upsert(event(25)).expect(422)).body).toEqual(ERROR);
    await tenant.call("get", "/v2/users/u").expect(404);
    await upsert(event(23)).expect(202);
  });

  it.each([
    ["no JSON", "{broken"],
    ["an empty body", ""],
    ["a list", []],
    ["a text", '"x"'],
    ["no userId", { attributes: {} }],
    ["a userId of null", { userId: null }],
    ["an empty userId", { userId: "" }],
    ["a blank userId", { userId: "  " }],
    ["a userId that is an object", { userId: {} }],
    ["a userId that is true", { userId: true }],
    ["a userId that is too long", { userId: "x".repeat(256) }],
    ["a userId that cannot be stored", { userId: "a\u0000b" }],
    ["an emailAddress that is none", { userId: "u", emailAddress: "nobody" }],
    ["an email that is none", { userId: "u", email: "a@b" }],
    ["an emailAddress that is no text", { userId: "u", emailAddress: 5 }],
    ["attributes that are a list", { userId: "u", attributes: [] }],
    ["attributes that are a text", { userId: "u", attributes: "x" }],
    ["an attribute without a name", { userId: "u", attributes: { "": 1 } }],
    ["an attribute that cannot be stored", { userId: "u", attributes: { a: "\u0000" } }],
    ["events that are an object", { userId: "u", events: {} }],
    ["an event that is a text", { userId: "u", events: ["A"] }],
    ["an event without a name", { userId: "u", events: [{ timestamp: 1 }] }],
    ["an event with a blank name", { userId: "u", events: [{ event: " " }] }],
    ["an event whose name is too long", { userId: "u", events: [{ event: "x".repeat(256) }] }],
    ["a timestamp that is no time", { userId: "u", events: [{ event: "A", timestamp: "yesterday" }] }],
    ["a timestamp that is true", { userId: "u", events: [{ event: "A", timestamp: true }] }],
  ])("answers 400 to %s", async (_title, body) => {
    const answer = await upsert(body).set("content-type", "application/json").expect(400);
    expect(answer.body).toEqual(ERROR);
    await tenant.call("get", "/v2/users/u").expect(404);
  });

  it("takes JSON whatever the content type says, and members that it does not know", async () => {
    const body = JSON.stringify({ userId: "u", type: "identify" });
    for (const type of ["application/json; charset=utf-8", "text/plain", "application/x-www-form-urlencoded"])
      await upsert(body).set("content-type", type).expect(202);
    const bare = await fetch(`${server.baseUrl}/v2/users`, {
      method: "POST",
      headers: { authorization: `API-Key ${tenant.apiKey}` },
      body: Buffer.from(body),
    });
    expect(bare.status).toBe(202);
  });

  it("answers 413 to more than 1 MB", async () => {
    const answer = await upsert({ userId: "u", attributes: { a: "x".repeat(1024 * 1024) } }).expect(413);
    expect(answer.body).toEqual({ error: "Payload too large" });
  });
});

describe("GET /v2/users/{userId}", () => {
  it.each([
    ["signs", "% # [ ] $ @ * &"],
    ["a path and a query", "a/b?c=d"],
    ["an escape", "%25"],
    ["letters", "ü 漢"],
    ["the longest id of signs", "%".repeat(255)],
    ["the longest id of letters", "漢".repeat(255)],
    ["a word of the contract", "bulk"],
  ])("finds %s", async (_title, userId) => {
    await upsert({ userId }).expect(202);
    expect((await tenant.user(userId)).externalUserId).toBe(userId);
  });

  it("answers 404 with text to an unknown user, a neighbour's, and an id that nobody can have", async () => {
    const neighbour = await openTenant(server);
    await neighbour.post("/v2/users", { userId: "theirs" }).expect(202);
    for (const id of ["nobody", "theirs", "a%00b"]) {
      const answer = await tenant.call("get", `/v2/users/${id}`).expect(404, "Not Found");
      expect(answer.type).toBe("text/plain");
    }
  });
});

describe("paths", () => {
  it("answers 404 with text to paths and methods that are not served", async () => {
    for (const [method, path] of [
      ["put", "/v2/users"],
      ["patch", "/v2/users/u"],
      ["get", "/v2/users"],
      ["get", "/v2/nothing"],
      ["get", "/sprig/nothing"],
      ["get", "/sprig/v1/identify"],
      ["get", "/v1/nothing"],
      ["put", "/v1/users/u"],
    ] as const) {
      const answer = await tenant.call(method, path);
      expect([path, answer.status, answer.text]).toEqual([path, 404, "Not Found"]);
    }
    await server.request.get("/v2/nothing").expect(404, "Not Found");
  });

  it("does not stand in the way of the contract that shares /v1", async () => {
    const token = `Token ${tenant.apiKey}`;
    await server.request.get("/v1/users").set("authorization", token).expect(200, {});
    await server.request.post("/v1/identify").set("authorization", token).send({ user_id: "u" }).expect(202);
    await server.request
      .post("/v1/users/bulk_identify")
      .set("authorization", token)
      .send({ users: [{ user_id: "v" }] })
      .expect(202);
    const unknown = await server.request.get("/v1/nothing").set("authorization", token).expect(404);
    expect(unknown.body).toEqual({ errors: [expect.objectContaining({ error: "not_found" })] });
    await tenant.post("/v1/users", { id: "w" }).expect(200);
    await tenant.call("get", "/v1/users/u").expect(200);
  });
});

describe("settings", () => {
  it("answers 429 with text beyond 1,000 requests a second when Sprig's limits are on", async () => {
    const limited = await startTestServer({ RATE_LIMIT: true, SPRIG_RATE_LIMIT: true });
    try {
      const own = await openTenant(limited);
      await own.post("/v1/users", { id: "u" }).expect(200);
      for (let sent = 1; sent < 1_000; sent += 111)
        await Promise.all(Array.from({ length: 111 }, () => own.call("get", "/v1/themes")));
      const answer = await own.call("get", "/v1/users/u").expect(429);
      expect(answer.text).toBe("Your application has made too many requests in too short a time.");
      expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
      await own.call("get", "/v2/users/u").expect(200);
    } finally {
      await limited.close();
    }
  });

  it("refuses events that no action class names, in strict mode, and links the configured company", async () => {
    const strict = await startTestServer({ SPRIG_STRICT_EVENTS: true, SPRIG_COMPANY_ATTRIBUTE: "companyId" });
    try {
      const own = await openTenant(strict);
      const { environmentId } = own;
      await strict.db.prisma.actionClass.create({
        data: { id: "a1", environmentId, name: "Known", type: "code", key: "known" },
      });
      const events = (...names: string[]) => ({ userId: "u", events: names.map((event) => ({ event })) });
      expect((await own.post("/v2/users", events("Known", "Unknown")).expect(422)).body).toEqual(ERROR);
      await own.post("/v2/users", events("Known", "known")).expect(202);
      await own.post("/v1/users/u/events", { name: "Unknown" }).expect(404, "Not Found");
      await own.post("/v1/users/u/events", { name: "Known" }).expect(201);
      await own.post("/v2/users", { userId: "u", attributes: { companyId: "acme" } }).expect(202);
      const company = await strict.services.companies.find(environmentId, "acme");
      expect((await own.contact("u"))?.companyId).toBe(company?.id);
      expect((await own.user("u")).attributes).toEqual({ companyId: "acme" });
    } finally {
      await strict.close();
    }
  });
});
