/** What Segment's and RudderStack's destinations really send to Sprig. Source: sprig-api §1, §3, §5, marks [C]. */
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

describe.each(["", "/sprig"])("Segment's cloud destination with the address ending in %j", (base) => {
  const post = (path: string, body: object) =>
    server.request
      .post(`${base}${path}`)
      .set({ Authorization: `Bearer ${tenant.apiKey}`, "Content-Type": "application/json", Accept: "application/json" })
      .send(JSON.stringify(body));

  it("identifies with traits that it has flattened, lists left as they are", async () => {
    const attributes = { "customerDetails.name.first": "Ada", plan: "pro", tags: ["a", "b"], beta: true, seats: 3 };
    const answer = await post("/v2/users", { userId: "user-1", emailAddress: "ada@example.com", attributes }).expect(202);
    expect(answer.text).toBe("Accepted");
    expect(await tenant.user("user-1")).toMatchObject({
      emailAddress: "ada@example.com",
      attributes: { ...attributes, tags: '["a","b"]' },
    });
    await post("/v2/users", { userId: "user-1", attributes: {} }).expect(202);
  });

  it("tracks with one event, whose timestamp is null where the source's cannot be read", async () => {
    const track = (timestamp: number | null) => ({ userId: "user-1", events: [{ event: "Order Completed", timestamp }] });
    await post("/v2/users", track(1_612_739_790_947)).expect(202);
    await post("/v2/users", { ...track(null), attributes: {} }).expect(202);
    expect((await tenant.user("user-1")).events).toMatchObject([
      { event: "Order Completed", count: 2, createdAt: 1_612_739_790_947 },
    ]);
  });

  it("has a user forgotten at once under externalUserIds", async () => {
    await post("/v2/users", { userId: "user-1" }).expect(202);
    await post("/v2/purge/visitors", { externalUserIds: ["user-1"], delaySeconds: 0 }).expect(200);
    await tenant.call("get", "/v2/users/user-1").expect(404);
  });
});

describe.each(["", "/sprig"])("RudderStack's destination with the address ending in %j", (base) => {
  const post = (path: string, body: object, apiKey = tenant.apiKey) =>
    server.request
      .post(`${base}${path}`)
      .set({ accept: "application/json", authorization: `API-Key ${apiKey}`, "content-type": "application/json" })
      .send(JSON.stringify(body));

  it("identifies with the address twice and with nested traits", async () => {
    const attributes = { email: "ada@example.com", firstName: "Ada", address: { city: "London" }, tags: [1, { a: 1 }] };
    await post("/v2/users", { userId: "user-1", emailAddress: "ada@example.com", attributes }).expect(202, "Accepted");
    expect(await tenant.user("user-1")).toMatchObject({
      emailAddress: "ada@example.com",
      attributes: { firstName: "Ada", "address.city": "London", tags: '[1,{"a":1}]' },
    });
    expect((await tenant.user("user-1")).attributes).not.toHaveProperty("email");
  });

  it("tracks with an event and its time in milliseconds", async () => {
    const events = [{ event: "Clicked", timestamp: 1_612_739_790_947 }];
    await post("/v2/users", { userId: "user-1", events }).expect(202);
    await post("/v2/users", { userId: "user-1", events }).expect(202); // it sends again what it is not sure of
    expect((await tenant.user("user-1")).events).toMatchObject([{ event: "Clicked", count: 1 }]);
  });

  it("deletes users, and takes 400 for nobody to delete and 403 Forbidden for a wrong key", async () => {
    await post("/v2/users", { userId: "user-1" }).expect(202);
    const userIds = ["user-1", "user-2"];
    expect((await post("/v2/purge/visitors", { userIds }).expect(200)).body).toEqual({ requestId: expect.any(String) });
    expect((await post("/v2/purge/visitors", { userIds: ["user-2"] }).expect(400)).body).toEqual(ERROR);
    const refused = await post("/v2/purge/visitors", { userIds }, "wrong").expect(403);
    expect([refused.text, refused.type]).toEqual(["Forbidden", "text/plain"]);
  });
});
