/** Lists of users and companies, imports, and the jobs they become. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
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

const users = (count: number) => Array.from({ length: count }, (_, n) => ({ user_id: `u${n}`, metadata: { n } }));
const lines = (rows: object[]) => rows.map((row) => JSON.stringify(row)).join("\n");
const bulk = (body: string | object) => tenant.post("/v1/users/bulk_identify", body);
const countContacts = () => server.db.prisma.contact.count({ where: { environmentId: tenant.environmentId } });

describe("POST /v1/users/bulk_identify", () => {
  it("answers 202 with a job that identifies every row", async () => {
    const body = {
      users: [
        { user_id: "a", company_id: "acme", metadata: { plan: "pro", name: "Ada Lovelace", email: "ada@example.com" } },
        { user_id: 7 },
        { user_id: "a", metadata: { plan: "max" } },
      ],
    };
    const { body: job } = await bulk(body).expect(202);
    expect(job).toMatchObject({
      type: "bulk_identify_users",
      status: "queued",
      submitted_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      start_time: null,
      end_time: null,
      filename: null,
      file_size: 0,
      total_rows: 3,
      links: `/v1/background_jobs/${job.job_id}`,
    });
    expect(job.job_id).toMatch(/^bulk:jobs:NX-/);
    expect(await tenant.jobDone(job.job_id)).toMatchObject({
      status: "completed",
      completed_rows: 3,
      failed_rows: [],
      elapsed_time: expect.any(Number),
    });
    const attributes = { plan: "max", name: "Ada Lovelace", firstName: "Ada", lastName: "Lovelace" };
    expect(await tenant.contact("a")).toMatchObject({ email: "ada@example.com", attributes });
    expect((await tenant.contact("a"))?.companyId).toBe((await tenant.company("acme"))?.id);
    expect(await tenant.contact("7")).not.toBeNull();
  });

  it("names the rows that cannot be used and uses the others", async () => {
    const rows = [{ user_id: "a" }, { metadata: {} }, 5, { user_id: "b", metadata: [] }, { user_id: "c" }];
    const { body: job } = await bulk({ users: rows }).expect(202);
    expect(await tenant.jobDone(job.job_id)).toMatchObject({
      status: "completed",
      total_rows: 5,
      completed_rows: 5,
      failed_row_count: 3,
      failed_rows: [
        { row: 2, id: null, error_code: "missing_user_id" },
        { row: 3, id: null, error_code: "invalid_row" },
        { row: 4, id: "b", error_code: "invalid_type" },
      ],
    });
    expect(await countContacts()).toBe(2);
  });

  it("gives an address that two rows claim to the first", async () => {
    const { body: job } = await bulk({ users: ["a", "b"].map((user_id) => ({ user_id, metadata: { email: "x@y.z", n: 1 } })) });
    expect(await tenant.jobDone(job.job_id)).toMatchObject({ status: "completed", failed_rows: [] });
    expect([(await tenant.contact("a"))?.email, (await tenant.contact("b"))?.email]).toEqual(["x@y.z", null]);
    expect((await tenant.contact("b"))?.attributes).toEqual({ n: 1 });
  });

  it("takes 10,000 rows and answers 413 to 10,001", async () => {
    const { body } = await bulk({ users: users(10_001) }).expect(413);
    expect(body).toEqual(envelope(413, "payload_too_large"));
    expect((await tenant.call("get", "/v1/background_jobs").expect(200)).body).toEqual([]);
    const { body: job } = await bulk({ users: users(10_000) }).expect(202);
    expect(await tenant.jobDone(job.job_id)).toMatchObject({ status: "completed", completed_rows: 10_000 });
    expect(await countContacts()).toBe(10_000);
  }, 60_000);

  it("takes a file of lines, a raw body of lines, and gives the file's name and size", async () => {
    const file = `${lines(users(3))}\n\n`;
    const form = await tenant
      .call("post", "/userpilot/v1/users/bulk_identify")
      .field("note", "x")
      .attach("file", Buffer.from(file), { filename: "users.ndjson", contentType: "application/octet-stream" })
      .expect(202);
    expect(form.body).toMatchObject({ filename: "users.ndjson", file_size: file.length, total_rows: 3 });
    await tenant.jobDone(form.body.job_id);
    const broken = `${lines([{ user_id: "x" }])}\n{broken\n${lines([{ user_id: "y" }])}`;
    const { body: job } = await bulk(broken).set("content-type", "application/x-ndjson").expect(202);
    expect(await tenant.jobDone(job.job_id)).toMatchObject({
      total_rows: 3,
      failed_rows: [{ row: 2, id: null, error_code: "invalid_row" }],
    });
    expect(await countContacts()).toBe(5);
  });

  it("answers 409 while another job of the key has not ended, of users and companies alike", async () => {
    await server.db.prisma.job.create({
      data: {
        environmentId: tenant.environmentId,
        id: "running",
        type: "bulk_identify_companies",
        status: "processing",
        apiKeyId: (await server.services.apiKeys.authenticate(tenant.apiKey)).apiKeyId,
      },
    });
    expect((await bulk({ users: users(1) }).expect(409)).body).toEqual(envelope(409, "job_in_progress"));
    await tenant.post("/v1/companies/bulk_identify", { companies: [{ company_id: "a" }] }).expect(409);
    await server.db.query(`update jobs set status = 'completed' where id = 'running'`);
    await bulk({ users: users(1) }).expect(202);
  });

  it("lets one of two jobs in that begin at once", async () => {
    const responses = await Promise.all(Array.from({ length: 5 }, () => bulk({ users: users(200) })));
    const accepted = responses.filter(({ status }) => status === 202);
    expect(accepted.length).toBeGreaterThanOrEqual(1);
    expect(responses.every(({ status }) => status === 202 || status === 409)).toBe(true);
    for (const { body } of accepted) await tenant.jobDone(body.job_id);
  });

  it.each([
    [400, "empty_list", {}],
    [400, "empty_list", { users: [] }],
    [400, "empty_list", { users: null }],
    [400, "invalid_type", { users: {} }],
    [400, "invalid_json", "[]"],
    [400, "invalid_json", '{"users":['],
  ])("answers %i %s: %j", async (status, slug, body) => {
    const response = await bulk(body).set("content-type", "application/json").expect(status);
    expect(response.body).toEqual(envelope(status, slug));
    await bulk({ users: users(1) }).expect(202); // and nothing is in the way afterwards
  });

  it("answers 415 to another media type, 400 to a form without file", async () => {
    expect((await bulk("a,b").set("content-type", "text/csv").expect(415)).body).toEqual(envelope(415, "unsupported_media_type"));
    const form = await tenant.call("post", "/v1/users/bulk_identify").field("note", "x").expect(400);
    expect(form.body).toEqual(envelope(400, "invalid_type"));
  });

  it("answers 413 to a file of more than 50 MB", async () => {
    const line = `${JSON.stringify({ user_id: "u", metadata: { k: "x".repeat(60_000) } })}\n`;
    const response = await bulk(line.repeat(900)).set("content-type", "application/x-ndjson").expect(413);
    expect(response.body).toEqual(envelope(413, "payload_too_large"));
  }, 60_000);
});

describe("POST /v1/companies/bulk_identify", () => {
  it("identifies companies without users", async () => {
    const rows = [
      { company_id: "a", metadata: { x: 1 } },
      { company_id: "b" },
      { metadata: {} },
      { company_id: "a", metadata: { y: 2 } },
    ];
    const { body: job } = await tenant.post("/v1/companies/bulk_identify", { companies: rows }).expect(202);
    expect(await tenant.jobDone(job.job_id)).toMatchObject({
      type: "bulk_identify_companies",
      failed_rows: [{ row: 3, error_code: "missing_company_id" }],
    });
    expect((await tenant.company("a"))?.attributes).toEqual({ x: 1, y: 2 });
    expect(await tenant.company("b")).not.toBeNull();
    expect(await countContacts()).toBe(0);
  });
});

describe("GET /v1/background_jobs", () => {
  it("lists the newest first, and shows one by its id with raw and encoded colons", async () => {
    const ids: string[] = [];
    for (let n = 0; n < 3; n++) {
      const { body } = await bulk({ users: users(1) }).expect(202);
      await tenant.jobDone(body.job_id);
      ids.unshift(body.job_id);
    }
    const { body: list } = await tenant.call("get", "/v1/background_jobs").expect(200);
    expect(list.map(({ job_id }: { job_id: string }) => job_id)).toEqual(ids);
    expect((await tenant.call("get", "/v1/background_jobs?limit=2").expect(200)).body).toHaveLength(2);
    const encoded = encodeURIComponent(ids[0] ?? "");
    expect((await tenant.call("get", `/v1/background_jobs/${encoded}`).expect(200)).body).toEqual(list[0]);
  });

  it("answers 404 to an unknown job and to a neighbour's", async () => {
    const neighbour = await openTenant(server);
    const { body: job } = await bulk({ users: users(1) }).expect(202);
    for (const id of ["nonsense", "bulk:jobs:NX-1:2", job.job_id.split(":").at(-1)])
      expect((await tenant.call("get", `/v1/background_jobs/${id}`).expect(404)).body).toEqual(envelope(404, "not_found"));
    await neighbour.call("get", `/v1/background_jobs/${job.job_id}`).expect(404);
    expect((await neighbour.call("get", "/v1/background_jobs").expect(200)).body).toEqual([]);
  });
});

describe("POST /v1/imports", () => {
  const upload = (content: string, filename: string) =>
    tenant.call("post", "/v1/imports").attach("file", Buffer.from(content), { filename });
  const row = (more: object) => ({ inserted_at: "2024-01-01T00:00:00Z", source: "backend-http-import", ...more });

  it("loads lines of every kind", async () => {
    const file = lines([
      row({ event_type: "identify_company", company_id: "acme", user_id: "ignored", metadata: { plan: "pro" } }),
      row({
        event_type: "identify_user",
        user_id: "u",
        company_id: "acme",
        metadata: { city: "Rome", first_seen_at: "2020-01-01" },
      }),
      row({ event_type: "track", user_id: "u", event_name: "Paid", metadata: { amount: 5 } }),
      row({
        event_type: "page_view",
        user_id: "u",
        source: "web-client",
        hostname: "old.example",
        pathname: "/old",
        url: "https://app.example/new?x=1",
        user_agent:
          "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
      }),
    ]);
    const { body: job } = await upload(file, "history.ndjson").expect(200);
    expect(job).toMatchObject({ type: "import", status: "queued", filename: "history.ndjson", file_size: file.length });
    expect(await tenant.jobDone(job.job_id)).toMatchObject({ status: "completed", completed_rows: 4, failed_rows: [] });
    const contact = await tenant.contact("u");
    expect(contact).toMatchObject({ attributes: { city: "Rome" }, companyId: (await tenant.company("acme"))?.id });
    expect(contact?.firstSeenAt.toISOString()).toBe("2020-01-01T00:00:00.000Z");
    expect((await tenant.company("acme"))?.attributes).toEqual({ plan: "pro" });
    const events = await tenant.events();
    expect(events.map(({ name }) => name).sort()).toEqual(["Paid", "page_view"]);
    expect(events.find(({ name }) => name === "page_view")?.properties).toEqual({
      hostname: "app.example",
      pathname: "/new",
      browser: "Chrome",
      operating_system: "Windows",
      source: "web-client",
    });
  });

  it("loads a CSV file, names a broken line in the middle and loads the rest", async () => {
    const file = [
      "event_type,inserted_at,source,user_id,company_id,event_name,metadata",
      'identify_user,2024-01-01 10:00:00.123456,backend-http,a,,,"{""plan"":""pro"",""note"":""two\\nlines""}"',
      "track,2024-01-02,backend-http,a,,Paid",
      "track,2024-01-03,backend-http,a,,Paid,{broken",
      'track,2024-01-04,backend-http,b,,"Paid,\ntwice","{""amount"":5}"',
      "",
    ].join("\r\n");
    const { body: job } = await upload(file, "history.csv").expect(200);
    expect(await tenant.jobDone(job.job_id)).toMatchObject({
      status: "completed",
      total_rows: 4,
      completed_rows: 4,
      failed_rows: [
        { row: 2, error_code: "invalid_row" },
        { row: 3, id: "a", error_code: "invalid_type" },
      ],
    });
    expect((await tenant.contact("a"))?.attributes).toEqual({ plan: "pro", note: "two\nlines" });
    expect(await tenant.events()).toMatchObject([{ name: "Paid,\ntwice", properties: { amount: 5 } }]);
  });

  it("never lets an older row replace a newer value, whatever the order and whoever wrote it", async () => {
    await tenant.post("/v1/identify", { user_id: "u", metadata: { live: "now" } }).expect(202);
    const identify = (at: string, metadata: object) =>
      row({ event_type: "identify_user", user_id: "u", inserted_at: at, metadata });
    const load = async (rows: object[]) => tenant.jobDone((await upload(lines(rows), "x.ndjson").expect(200)).body.job_id);
    await load([
      identify("2024-03-01", { plan: "newest" }),
      identify("2024-01-01", { plan: "old", city: "Rome", live: "then" }),
      identify("2024-02-01", { city: "Oslo", gone: "x" }),
      identify("2024-02-02", { gone: null }),
    ]);
    expect((await tenant.contact("u"))?.attributes).toEqual({ live: "now", plan: "newest", city: "Oslo" });
    await load([identify("2024-02-15", { plan: "between", city: "Bonn" }), identify("2024-01-15", { gone: "again" })]);
    expect((await tenant.contact("u"))?.attributes).toEqual({ live: "now", plan: "newest", city: "Bonn" });
  });

  it("does nothing twice when the same file comes again", async () => {
    const file = lines([
      row({ event_type: "track", user_id: "u", event_name: "Paid" }),
      row({ event_type: "track", user_id: "u", event_name: "Paid", inserted_at: "2024-01-01T00:00:00.000001Z" }),
    ]);
    for (let times = 0; times < 2; times++) await tenant.jobDone((await upload(file, "x.ndjson").expect(200)).body.job_id);
    expect(await tenant.events()).toHaveLength(2);
  });

  it.each([
    [{ event_type: "dance", user_id: "u" }, "invalid_type"],
    [{ event_type: "track", event_name: "e" }, "missing_user_id"],
    [{ event_type: "track", user_id: "u" }, "missing_event_name"],
    [{ event_type: "identify_company" }, "missing_company_id"],
    [{ event_type: "identify_user", user_id: "u", inserted_at: "soon" }, "invalid_type"],
    [{ event_type: "identify_user", user_id: "u", source: "elsewhere" }, "invalid_type"],
    [{ event_type: "page_view", user_id: "u", source: "web-client", user_agent: "x" }, "invalid_type"],
    [{ event_type: "page_view", user_id: "u", source: "web-client", url: "https://a.b/c" }, "invalid_type"],
    [{ event_type: "identify_user", user_id: "u", metadata: "x" }, "invalid_type"],
  ])("names the row %j as %s", async (more, code) => {
    const { body: job } = await upload(lines([row(more)]), "x.ndjson").expect(200);
    expect((await tenant.jobDone(job.job_id)).failed_rows).toMatchObject([{ row: 1, error_code: code }]);
  });

  it("answers 400 to an empty file and 409 while another import runs", async () => {
    expect((await upload("", "x.csv").expect(400)).body).toEqual(envelope(400, "empty_list"));
    await server.db.prisma.job.create({
      data: {
        environmentId: tenant.environmentId,
        id: "running",
        type: "import",
        status: "queued",
        apiKeyId: (await server.services.apiKeys.authenticate(tenant.apiKey)).apiKeyId,
      },
    });
    expect((await upload("x", "x.ndjson").expect(409)).body).toEqual(envelope(409, "job_in_progress"));
    await bulk({ users: users(1) }).expect(202);
  });
});
