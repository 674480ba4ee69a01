/** The conformance checklist, a test per row. Source: sprig-api §10. What each rule is in full is tested beside. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
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

const upsert = (body: object, scheme?: string) => tenant.post("/v2/users", body, scheme);
const purge = (body: object, scheme?: string) => tenant.post("/v2/purge/visitors", body, scheme);

describe("Sprig's conformance checklist", () => {
  it("1. API-Key and Bearer work for users and purges; Token or nothing is answered with 403 and no JSON", async () => {
    for (const scheme of ["API-Key", "Bearer"]) {
      await upsert({ userId: scheme }, scheme).expect(202);
      await purge({ userIds: [scheme] }, scheme).expect(200);
    }
    const nothing = (path: string) => server.request.post(path).send({ userId: "u", userIds: ["u"] });
    for (const path of ["/v2/users", "/v2/purge/visitors"])
      for (const request of [tenant.post(path, { userId: "u", userIds: ["u"] }, "Token"), nothing(path)]) {
        const answer = await request;
        expect([answer.status, answer.text, answer.type]).toEqual([403, "Forbidden", "text/plain"]);
      }
    expect(await tenant.contact("u")).toBeNull();
  });

  it("2. a userId with empty attributes, and one alone, are answered with 202 Accepted", async () => {
    await upsert({ userId: "a", attributes: {} }).expect(202, "Accepted");
    await upsert({ userId: "b" }).expect(202, "Accepted");
    for (const id of ["a", "b"]) expect((await tenant.user(id)).attributes).toEqual({});
  });

  it("3. email and emailAddress both set the address, and the vendor's example is accepted as it is", async () => {
    await upsert({ userId: "a", email: "a@example.com" }).expect(202);
    await upsert({ userId: "b", emailAddress: "b@example.com" }).expect(202);
    for (const id of ["a", "b"]) expect((await tenant.user(id)).emailAddress).toBe(`${id}@example.com`);
    await upsert({
      userId: "12347",
      email: "jane@example.com",
      attributes: { completed_flow: "false", plan: "enterprise" },
      events: [{ event: "Clicked Signup", timestamp: 1_612_739_790_947 }],
    }).expect(202, "Accepted");
    expect(await tenant.user("12347")).toMatchObject({
      emailAddress: "jane@example.com",
      attributes: { completed_flow: "false", plan: "enterprise" },
      events: [{ event: "Clicked Signup", count: 1 }],
    });
  });

  it("4. dotted keys and nested objects give the same stored attributes", async () => {
    await upsert({ userId: "dotted", attributes: { "customer.name.first": "Ada", "customer.age": 36 } }).expect(202);
    await upsert({ userId: "nested", attributes: { customer: { name: { first: "Ada" }, age: 36 } } }).expect(202);
    expect((await tenant.user("nested")).attributes).toEqual((await tenant.user("dotted")).attributes);
  });

  it("5. an event whose timestamp is null is answered with 202 and is of now", async () => {
    const before = Date.now();
    await upsert({ userId: "u", events: [{ event: "A", timestamp: null }] }).expect(202);
    const [event] = await tenant.events();
    expect(event?.occurredAt.getTime()).toBeGreaterThanOrEqual(before);
    expect(event?.occurredAt.getTime()).toBeLessThanOrEqual(Date.now());
  });

  it("6. a user can be read at once, events count up, and an unknown user is answered with 404", async () => {
    for (const timestamp of [1_600_000_000_000, 1_700_000_000_000]) {
      await upsert({ userId: "u", events: [{ event: "A", timestamp }] }).expect(202);
      expect((await tenant.user("u")).events[0]).toMatchObject({
        event: "A",
        createdAt: 1_600_000_000_000,
        updatedAt: timestamp,
      });
    }
    expect((await tenant.user("u")).events[0].count).toBe(2);
    const unknown = await tenant.call("get", "/v2/users/nobody").expect(404, "Not Found");
    expect(unknown.type).toBe("text/plain");
  });

  it("7. a purge takes known ids beside unknown ones, refuses none and 101, runs at once or leaves the user readable", async () => {
    for (const id of ["now", "later"]) await upsert({ userId: id }).expect(202);
    expect((await purge({ userIds: ["nobody", "no one"], delaySeconds: 0 }).expect(400)).body).toEqual(ERROR);
    expect(
      (await purge({ userIds: Array.from({ length: 101 }, (_, n) => (n === 0 ? "now" : `x${n}`)) }).expect(400)).body,
    ).toEqual(ERROR);
    const { body } = await purge({ userIds: ["now", "nobody"], delaySeconds: 0 }).expect(200);
    expect(body).toEqual({ requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    await tenant.call("get", "/v2/users/now").expect(404);
    await purge({ userIds: ["later"] }).expect(200);
    await tenant.call("get", "/v2/users/later").expect(200);
  });

  it("8. ids with % # [ * & come back through an encoded path exactly as they were sent", async () => {
    for (const id of ["%", "100%25", "#1", "a[0]", "*", "a&b=c", "%23[*&"]) {
      await upsert({ userId: id }).expect(202);
      expect((await tenant.user(id)).externalUserId).toBe(id);
    }
  });

  it("9. an invalid address and 101 attributes are answered with 400 and an error", async () => {
    expect((await upsert({ userId: "u", emailAddress: "nobody" }).expect(400)).body).toEqual(ERROR);
    const attributes = Object.fromEntries(Array.from({ length: 101 }, (_, n) => [`k${n}`, n]));
    expect((await upsert({ userId: "u", attributes }).expect(400)).body).toEqual(ERROR);
    expect(await tenant.contact("u")).toBeNull();
  });

  it("10. the legacy call takes an event with an ISO 8601 time and answers 201", async () => {
    await upsert({ userId: "u" }).expect(202);
    await tenant.post("/v1/users/u/events", { name: "A", timestamp: "2021-02-07T23:16:30.947Z" }).expect(201);
    expect((await tenant.user("u")).events).toMatchObject([{ event: "A", count: 1, createdAt: 1_612_739_790_947 }]);
  });
});
