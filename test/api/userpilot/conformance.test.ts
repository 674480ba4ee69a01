/** The conformance checklist, a test per row. Source: userpilot-api §8. What each rule is in full is tested beside. */
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

const identify = (body: object) => tenant.post("/v1/identify", body);
const attributes = async (userId = "u") => (await tenant.contact(userId))?.attributes;
const countContacts = () => server.db.prisma.contact.count({ where: { environmentId: tenant.environmentId } });
const countCompanies = () => server.db.prisma.company.count({ where: { environmentId: tenant.environmentId } });
const users = (count: number) => Array.from({ length: count }, (_, n) => ({ user_id: `u${n}`, metadata: { n } }));

describe("Userpilot's conformance checklist", () => {
  it("1. token, Token and TOKEN authenticate, and a missing header is answered with 401 and the envelope", async () => {
    for (const scheme of ["token", "Token", "TOKEN"])
      await server.request
        .post("/v1/identify")
        .set("authorization", `${scheme} ${tenant.apiKey}`)
        .send({ user_id: scheme })
        .expect(202, {});
    expect(await countContacts()).toBe(3);
    const answer = await server.request.post("/v1/identify").send({ user_id: "u" }).expect(401);
    expect(answer.body).toEqual({
      errors: [{ error: "unauthorized", error_code: "401", message: "Unauthorized", details: "Invalid API key" }],
    });
    expect(answer.type).toBe("application/json");
  });

  it("2. identify with company.id and with company.company_id produce the same company", async () => {
    await identify({ user_id: "a", company: { id: "acme", plan: "pro" } }).expect(202);
    await identify({ user_id: "b", company: { company_id: "acme", seats: 5 } }).expect(202);
    expect(await countCompanies()).toBe(1);
    const company = await tenant.company("acme");
    expect(company?.attributes).toEqual({ plan: "pro", seats: 5 });
    for (const id of ["a", "b"]) expect((await tenant.contact(id))?.companyId).toBe(company?.id);
  });

  it("3. a company both at the top and inside metadata is one company, and no attribute is called company", async () => {
    const company = { id: "acme", name: "Acme" };
    await identify({ user_id: "u", metadata: { plan: "pro", company }, company }).expect(202);
    expect(await countCompanies()).toBe(1);
    expect(await attributes()).toEqual({ plan: "pro" });
  });

  it("4. an empty company is answered with 202, one with a name but no id with 400", async () => {
    await identify({ user_id: "u", company: {} }).expect(202, {});
    expect((await identify({ user_id: "v", company: { name: "x" } }).expect(400)).body).toEqual(
      envelope(400, "missing_company_id"),
    );
    expect([await countContacts(), await countCompanies()]).toEqual([1, 0]);
  });

  it("5. null removes an attribute, and the same call again changes nothing", async () => {
    await identify({ user_id: "u", metadata: { plan: "pro", seats: 1 } }).expect(202);
    await identify({ user_id: "u", metadata: { plan: null } }).expect(202);
    const read = () => server.db.prisma.contact.findMany({ where: { environmentId: tenant.environmentId } });
    const once = await read();
    expect(once).toMatchObject([{ attributes: { seats: 1 } }]);
    await identify({ user_id: "u", metadata: { plan: null } }).expect(202);
    expect(await read()).toEqual(once);
  });

  it("6. an empty name, email and createdAt are answered with 202, and no e-mail address is stored", async () => {
    await identify({ user_id: "u", metadata: { name: "", email: "", createdAt: "" } }).expect(202);
    expect(await tenant.contact("u")).toMatchObject({ email: null, attributes: {} });
  });

  it("7. track without user_id is answered with 400, for an unknown user with 202", async () => {
    expect((await tenant.post("/v1/track", { event_name: "e" }).expect(400)).body).toEqual(envelope(400, "missing_user_id"));
    await tenant.post("/v1/track", { user_id: "unknown", event_name: "e" }).expect(202, {});
    expect(await tenant.events()).toMatchObject([{ name: "e", contactId: (await tenant.contact("unknown"))?.id }]);
  });

  it("8. ids with % # [ ] $ @ come back exactly as they were sent", async () => {
    const ids = ["%", "100%25", "#1", "a[0]", "]", "$user", "ada@example.com", "%41#[x]$@*"];
    for (const id of ids) {
      await identify({ user_id: id, company: { id } }).expect(202);
      await tenant.post("/v1/track", { user_id: id, event_name: "e" }).expect(202);
    }
    const stored = await server.db.prisma.contact.findMany({
      where: { environmentId: tenant.environmentId },
      include: { company: true },
    });
    const pairs = stored.map(({ userId, company }) => [userId, company?.companyId]);
    expect(pairs.sort()).toEqual(ids.map((id) => [id, id]).sort());
    expect(await tenant.events()).toHaveLength(ids.length);
  });

  it("9. DELETE /v1/users with a JSON body works, and the deleted user is gone from every read API", async () => {
    const email = "ada@example.com";
    await identify({ user_id: "u", metadata: { email } }).expect(202);
    await tenant.post("/v1/track", { user_id: "u", event_name: "e" }).expect(202);
    const id = (await tenant.contact("u"))?.id;
    const management = (path: string) => server.request.get(path).set("x-api-key", tenant.apiKey);
    const sprig = (path: string) => server.request.get(path).set("authorization", `API-Key ${tenant.apiKey}`);
    await management(`/api/v1/management/contacts/${id}`).expect(200);
    await tenant
      .call("delete", "/v1/users")
      .set("content-type", "application/json")
      .send('{"users":["u"]}')
      .expect(202, { message: "1 user has been scheduled for deletion" });
    await vi.waitFor(async () => expect(await tenant.contact("u")).toBeNull(), { timeout: 15_000, interval: 30 });
    await management(`/api/v1/management/contacts/${id}`).expect(404);
    const { text } = await management("/api/v1/management/contacts").expect(200);
    expect(text).not.toContain(email);
    for (const path of ["/v2/users/u", "/v1/users/u"]) await sprig(path).expect(404);
    expect(await tenant.events()).toEqual([]);
  });

  it("10. a list of 10,000 rows completes, 10,001 are answered with 413, and a second list meanwhile with 409", async () => {
    const bulk = (count: number) => tenant.post("/v1/users/bulk_identify", { users: users(count) });
    expect((await bulk(10_001).expect(413)).body).toEqual(envelope(413, "payload_too_large"));
    const { body: job } = await bulk(10_000).expect(202);
    expect((await bulk(1).expect(409)).body).toEqual(envelope(409, "job_in_progress"));
    expect(await tenant.jobDone(job.job_id)).toMatchObject({ status: "completed", completed_rows: 10_000, failed_rows: [] });
    expect(await countContacts()).toBe(10_000);
  }, 60_000);

  it("11. without X-API-Version, with a wrong one, and with any Accept the result is the same", async () => {
    const headers = [
      {},
      { "x-api-version": "2020-09-22" },
      { "x-api-version": "nonsense" },
      { accept: "text/html" },
      { accept: "" },
    ];
    for (const [at, extra] of headers.entries()) {
      const answer = await server.request
        .post("/v1/identify")
        .set({ authorization: `Token ${tenant.apiKey}`, ...extra })
        .send({ user_id: `u${at}`, metadata: { plan: "pro" } });
      expect([answer.status, answer.body, answer.type]).toEqual([202, {}, "application/json"]);
      expect(await attributes(`u${at}`)).toEqual({ plan: "pro" });
    }
  });

  it("12. a thousand concurrent identifies of one new user create one contact", async () => {
    const calls = Array.from({ length: 1_000 }, (_, n) => identify({ user_id: "u", metadata: { [`k${n % 20}`]: n % 20 } }));
    for (const { status } of await Promise.all(calls)) expect(status).toBe(202);
    expect(await countContacts()).toBe(1);
    expect(Object.keys((await attributes()) ?? {})).toHaveLength(20);
  });
});
