/** `/v1/users` and the CSV file. */
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

const countContacts = () => server.db.prisma.contact.count({ where: { environmentId: tenant.environmentId } });

describe("/v1/users", () => {
  it("creates, returns, merges and reads a user", async () => {
    const created = await tenant.post("/v1/users", { id: "u", emailAddress: "u@x.io", attributes: { plan: "free", n: 1 } });
    expect([created.status, created.body]).toEqual([
      200,
      { userId: "u", emailAddress: "u@x.io", attributes: { plan: "free", n: 1 } },
    ]);
    const again = await tenant.post("/sprig/v1/users", { userId: "u", attributes: { plan: "pro" } }).expect(200);
    expect(again.body).toEqual({ userId: "u", emailAddress: "u@x.io", attributes: { plan: "pro", n: 1 } });
    const updated = await tenant.post("/v1/users/u", { attributes: { n: 2, plan: null } }).expect(200);
    expect(updated.body).toEqual({ userId: "u", emailAddress: "u@x.io", attributes: { plan: "pro", n: 2 } });
    expect((await tenant.call("get", "/v1/users/u").expect(200)).body).toEqual(updated.body);
  });

  it("knows a user by the e-mail address alone, with or without an id", async () => {
    const body = { emailAddress: "a@x.io", attributes: { plan: "free" } };
    const anonymous = { userId: null, emailAddress: "a@x.io", attributes: { plan: "free" } };
    for (let times = 0; times < 2; times++) expect((await tenant.post("/v1/users", body).expect(200)).body).toEqual(anonymous);
    await tenant.post("/v1/users", { id: "b", emailAddress: "b@x.io", attributes: { n: 1 } }).expect(200);
    const known = await tenant.post("/v1/users", { emailAddress: "b@x.io", attributes: { n: 2 } }).expect(200);
    expect(known.body).toEqual({ userId: "b", emailAddress: "b@x.io", attributes: { n: 2 } });
    expect(await countContacts()).toBe(2);
  });

  it("makes one user of many calls at once with one address", async () => {
    const calls = Array.from({ length: 8 }, (_, n) =>
      tenant.post("/v1/users", { emailAddress: "a@x.io", attributes: { [`k${n}`]: n } }),
    );
    for (const { status } of await Promise.all(calls)) expect(status).toBe(200);
    expect(await countContacts()).toBe(1);
    const { body } = await tenant.post("/v1/users", { emailAddress: "a@x.io" }).expect(200);
    expect(Object.keys(body.attributes)).toHaveLength(8);
  });

  it("answers 400 to neither id nor address, and to what is wrong", async () => {
    for (const body of [{}, { id: "" }, { attributes: { email: "a@x.io" } }, { id: {} }, { id: "u", emailAddress: "x" }, [], "{"])
      expect((await tenant.post("/v1/users", body).set("content-type", "application/json").expect(400)).body).toEqual(ERROR);
    expect(await countContacts()).toBe(0);
  });

  it("answers 404 with text to an unknown user, who is not made", async () => {
    await tenant.call("get", "/v1/users/nobody").expect(404, "Not Found");
    await tenant.post("/v1/users/nobody", { attributes: { a: 1 } }).expect(404, "Not Found");
    await tenant.post("/v1/users/nobody/events", { name: "A" }).expect(404, "Not Found");
    expect(await countContacts()).toBe(0);
  });

  it("finds ids of any characters", async () => {
    const id = "% # [ ] $ @ */&";
    const path = `/v1/users/${encodeURIComponent(id)}`;
    await tenant.post("/v1/users", { id }).expect(200);
    expect((await tenant.post(path, { attributes: { a: 1 } }).expect(200)).body).toMatchObject({ userId: id });
    await tenant.post(`${path}/events`, { name: "A" }).expect(201);
  });
});

describe("POST /v1/users/{userId}/events", () => {
  beforeEach(() => tenant.post("/v1/users", { id: "u" }).expect(200));

  it("answers 201 and stores the event at its time", async () => {
    await tenant.post("/v1/users/u/events", { name: "A", timestamp: "2021-02-07T23:16:30.947Z" }).expect(201, "Created");
    await tenant.post("/v1/users/u/events", { name: "A", timestamp: 1_612_739_790_947 }).expect(201);
    await tenant.post("/v1/users/u/events", { name: "A" }).expect(201);
    const [event] = (await tenant.user("u")).events;
    expect(event).toMatchObject({ event: "A", count: 2, createdAt: 1_612_739_790_947 });
    expect(Math.abs(event.updatedAt - Date.now())).toBeLessThan(60_000);
  });

  it("answers 400 to no name and no time, 422 to a time of the future", async () => {
    for (const body of [{}, { name: "" }, { name: 5 }, { name: "A", timestamp: "soon" }, []])
      expect((await tenant.post("/v1/users/u/events", body).expect(400)).body).toEqual(ERROR);
    await tenant.post("/v1/users/u/events", { name: "A", timestamp: Date.now() + 25 * 3_600_000 }).expect(422);
  });
});

describe("POST /v1/users/bulk", () => {
  const upload = (csv: string) => tenant.call("post", "/v1/users/bulk").set("content-type", "text/csv").send(csv);

  it("loads every row but those that cannot be used, which it names", async () => {
    const csv = [
      "user_id,email,plan,Job Title",
      "a,a@x.io,pro,Pilot",
      ",b@x.io,free,",
      ",,nobody,",
      "c,,,",
      "e,no address,pro,",
      "f,,pro,last",
    ];
    const { body } = await upload(csv.join("\r\n")).expect(200);
    expect(body).toEqual({
      accepted: 4,
      rejected: [
        { row: 3, error: expect.any(String) },
        { row: 5, error: expect.any(String) },
      ],
    });
    expect(await tenant.user("a")).toMatchObject({ emailAddress: "a@x.io", attributes: { plan: "pro", "Job Title": "Pilot" } });
    expect((await tenant.user("c")).attributes).toEqual({});
    expect((await tenant.user("f")).attributes).toEqual({ plan: "pro", "Job Title": "last" });
    const b = await server.services.contacts.find(tenant.environmentId, { email: "b@x.io" });
    expect([b?.userId, b?.attributes]).toEqual([null, { plan: "free" }]);
  });

  it("names a broken line in the middle and loads those after it", async () => {
    const { body } = await upload("user_id,plan\na,pro\nb,pro,too,many\nc,pro\n").expect(200);
    expect(body).toEqual({ accepted: 2, rejected: [{ row: 2, error: expect.any(String) }] });
    await tenant.call("get", "/v2/users/a").expect(200);
    await tenant.call("get", "/v2/users/b").expect(404);
    await tenant.call("get", "/v2/users/c").expect(200);
  });

  it("takes an empty file, and answers 400 to JSON and 413 to more than 65,000 rows", async () => {
    expect((await upload("user_id\n").expect(200)).body).toEqual({ accepted: 0, rejected: [] });
    expect((await tenant.post("/v1/users/bulk", { user_id: "a" }).expect(400)).body).toEqual(ERROR);
    const rows = Array.from({ length: 65_001 }, (_, n) => `u${n}`);
    expect((await upload(["user_id", ...rows].join("\n")).expect(413)).body).toEqual({ error: "Payload too large" });
    expect(await countContacts()).toBe(0);
  });

  it("answers 413 to more than 50 MB", async () => {
    const row = `a,${"x".repeat(100_000)}\n`;
    const answer = await upload(`user_id,x\n${row.repeat(530)}`).expect(413);
    expect(answer.body).toEqual({ error: "Payload too large" });
    expect(await countContacts()).toBe(0);
  });
});
