/** What Segment's, RudderStack's and other clients really send to Userpilot. Source: userpilot-api §1 to §4, marks [C]. */
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
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

type Method = "get" | "post" | "delete";

const contact = (userId: string) => tenant.contact(userId);
const countCompanies = () => server.db.prisma.company.count({ where: { environmentId: tenant.environmentId } });

describe.each(["/", "/userpilot/"])("Segment's destination with the endpoint ending in %s", (base) => {
  /** It puts its paths after an endpoint that ends in a slash, and sends its headers with every method. */
  const send = (method: Method, path: string, body?: object) => {
    const request = server.request[method](`${base}${path}`)
      .set("authorization", `Token ${tenant.apiKey}`)
      .set("content-type", "application/json")
      .set("x-api-version", "2020-09-22");
    return body === undefined ? request : request.send(JSON.stringify(body));
  };

  it("tests its authentication with GET v1/validate, which has a content type and no body", async () => {
    await send("get", "v1/validate").expect(200, {});
    await send("get", "v1/users").expect(200, {});
    const refused = await server.request.get(`${base}v1/validate`).set("authorization", "Token NX-1a2b3c4d").expect(401);
    expect(refused.body).toEqual(envelope(401, "unauthorized"));
  });

  it("identifies a user with traits, of which some are empty and createdAt is not renamed", async () => {
    const metadata = {
      name: "Ada Lovelace",
      email: "ada@example.com",
      createdAt: "2023-01-01T00:00:00.000Z",
      age: 36,
      beta: true,
    };
    await send("post", "v1/identify", { user_id: "user-1", metadata }).expect(202, {});
    expect(await contact("user-1")).toMatchObject({
      email: "ada@example.com",
      attributes: {
        name: "Ada Lovelace",
        firstName: "Ada",
        lastName: "Lovelace",
        created_at: "2023-01-01T00:00:00.000Z",
        age: 36,
        beta: true,
      },
    });
    await send("post", "v1/identify", { user_id: "user-1", metadata: { name: "", email: "", createdAt: "" } }).expect(202);
    expect(await contact("user-1")).toMatchObject({ email: "ada@example.com", attributes: { name: "Ada Lovelace" } });
  });

  it("identifies under the anonymous id when there is no other", async () => {
    const anonymousId = "507f191e-810c-19729-de860ea";
    await send("post", "v1/identify", { user_id: anonymousId, metadata: {} }).expect(202);
    expect(await contact(anonymousId)).not.toBeNull();
  });

  it("sends a company and later a user of it", async () => {
    await send("post", "v1/companies/identify", { company_id: "company-1", metadata: { name: "Acme", employees: 12 } }).expect(
      202,
    );
    await send("post", "v1/identify", { user_id: "user-1", metadata: {}, company: { id: "company-1" } }).expect(202);
    const company = await tenant.company("company-1");
    expect(company?.attributes).toEqual({ name: "Acme", employees: 12 });
    expect((await contact("user-1"))?.companyId).toBe(company?.id);
  });

  it("tracks an event, and is told when it has no user id", async () => {
    const event = { event_name: "Order Completed", metadata: { total: 10.5, currency: "USD" } };
    await send("post", "v1/track", { user_id: "user-1", ...event }).expect(202, {});
    expect(await tenant.events()).toMatchObject([{ name: "Order Completed", properties: { total: 10.5, currency: "USD" } }]);
    for (const none of [{}, { user_id: "" }, { user_id: null }])
      expect((await send("post", "v1/track", { ...none, ...event }).expect(400)).body).toEqual(envelope(400, "missing_user_id"));
  });

  it("deletes exactly one user, or an empty id when the event had none", async () => {
    await send("post", "v1/identify", { user_id: "user-1" }).expect(202);
    await send("delete", "v1/users", { users: ["user-1"] }).expect(202, { message: "1 user has been scheduled for deletion" });
    await vi.waitFor(async () => expect(await contact("user-1")).toBeNull(), { timeout: 15_000, interval: 30 });
    expect((await send("delete", "v1/users", { users: [""] }).expect(400)).body).toEqual(envelope(400, "empty_list"));
  });

  it("uses ids that only its generators make up", async () => {
    for (const user_id of ["%Zs#[kFv$@]", "O[e!@4H#%", "  *&^  "]) {
      await send("post", "v1/identify", { user_id }).expect(202);
      expect((await contact(user_id.trim()))?.userId).toBe(user_id.trim());
    }
  });
});

describe.each(["", "/userpilot"])("RudderStack's destination with the address ending in %j", (base) => {
  const post = (path: string, body: object) =>
    server.request
      .post(`${base}/v1${path}`)
      .set({ Authorization: `Token ${tenant.apiKey}`, "X-API-Version": "2020-09-22", "Content-Type": "application/json" })
      .send(JSON.stringify(body));

  it("identifies with the company both beside the traits and among them", async () => {
    const company = { id: "company-1", name: "Acme", industry: "Tools" };
    const metadata = { email: "ada@example.com", name: "Ada", plan: "pro", company, address: { city: "London" } };
    await post("/identify", { user_id: "user-1", metadata, company }).expect(202, {});
    expect(await contact("user-1")).toMatchObject({
      email: "ada@example.com",
      attributes: { name: "Ada", firstName: "Ada", plan: "pro", "address.city": "London" },
      companyId: (await tenant.company("company-1"))?.id,
    });
    expect((await tenant.company("company-1"))?.attributes).toEqual({ name: "Acme", industry: "Tools" });
    expect(await countCompanies()).toBe(1);
  });

  it("identifies a company for a group call", async () => {
    await post("/companies/identify", { company_id: "company-1", metadata: { name: "Acme", plan: null } }).expect(202, {});
    expect((await tenant.company("company-1"))?.attributes).toEqual({ name: "Acme" });
  });

  it("tracks with event_name, and in April 2025 did with event", async () => {
    await post("/track", { user_id: "user-1", event_name: "Clicked", metadata: { n: 1 } }).expect(202, {});
    await post("/track", { user_id: "user-1", event: "Clicked", metadata: { n: 2, nested: { a: [1] } } }).expect(202, {});
    expect((await tenant.events()).map(({ name, properties }) => [name, properties]).sort()).toEqual([
      ["Clicked", { n: 1 }],
      ["Clicked", { n: 2, "nested.a": "[1]" }],
    ]);
  });
});

describe("other clients", () => {
  it("the C# client sends token in lower case, an empty company, and dates as texts of seconds", async () => {
    const post = (path: string, body: object) =>
      server.request.post(`/v1${path}`).set("authorization", `token ${tenant.apiKey}`).send(body);
    await post("/identify", { user_id: "user@tenant", metadata: { created_at: "1519205055" }, company: {} }).expect(202);
    expect(await contact("user@tenant")).toMatchObject({
      companyId: null,
      attributes: { created_at: "2018-02-21T09:24:15.000Z" },
    });
    await post("/track", { user_id: "anonymous", event_name: "Visited", metadata: {}, company: {} }).expect(202);
    expect(await contact("anonymous")).not.toBeNull();
  });

  it("one sends the time inside of the metadata, and null for what it does not know", async () => {
    await tenant.post("/v1/identify", { user_id: "u", metadata: { plan: null, seats: 3 }, company: null }).expect(202);
    expect((await contact("u"))?.attributes).toEqual({ seats: 3 });
    const metadata = { timestamp: "2024-01-15T10:30:00Z", note: null };
    await tenant.post("/v1/track", { user_id: "u", event_name: "e", metadata }).expect(202);
    await tenant.post("/v1/track", { user_id: "u", event_name: "f", metadata: { timestamp: null }, timestamp: null }).expect(202);
    const [old, recent] = await tenant.events();
    expect(old?.occurredAt.toISOString()).toBe("2024-01-15T10:30:00.000Z");
    expect(recent?.occurredAt.getTime()).toBeGreaterThan(Date.now() - 60_000);
  });
});
