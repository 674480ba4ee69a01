/** Lists that are sent whole unless a part is asked for, when they are long. Source: management-api-v1 §18, #15. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { buildSurvey, buildTenant, type Tenant } from "../../../support/build.ts";
import { startTestServer, type TestServer } from "../../../support/server.ts";

const ROWS = 3_210;

let server: TestServer;
let tenant: Tenant;
let surveyId: string;
beforeAll(async () => {
  server = await startTestServer();
  tenant = await buildTenant(server.db);
  const { environmentId, developmentId } = tenant;
  ({ id: surveyId } = await buildSurvey(server.db, { environmentId }));
  for (const [owner, first] of [
    [environmentId, 1],
    [developmentId, 2],
  ] as const)
    await server.db.query(
      `insert into contacts ("environmentId", id, "createdAt", "updatedAt", "userId", attributes)
       select $1, 'c' || lpad(n::text, 24, '0'), now() + make_interval(secs => n), now(), 'user-' || n, jsonb_build_object('plan', 'p' || n)
       from generate_series($2::int, ${ROWS}, 2) n`,
      [owner, first],
    );
  for (const [n, key] of ["userId", "plan"].entries())
    await server.db.query(
      `insert into contact_attribute_keys ("environmentId", id, "createdAt", "updatedAt", key, type)
       select e, 'ck' || md5(e || $2), now() + make_interval(secs => $3::int), now(), $2, 'custom' from unnest($1::text[]) e
       on conflict do nothing`,
      [[environmentId, developmentId], key, n],
    );
  await server.db.query(
    `insert into responses ("environmentId", id, "createdAt", "updatedAt", "surveyId", finished, data)
     select $1, 'c' || lpad(n::text, 24, '0'), now() - make_interval(secs => n), now(), $2, true, '{}' from generate_series(1, ${ROWS}) n`,
    [environmentId, surveyId],
  );
});
afterAll(() => server.close());

async function list(path: string): Promise<Record<string, unknown>[]> {
  const { body, headers } = await server.request.get(`/api/v1/management/${path}`).set("x-api-key", tenant.apiKey).expect(200);
  expect(headers["content-type"]).toBe("application/json; charset=utf-8");
  expect(Object.keys(body)).toEqual(["data"]);
  return body.data;
}

it.each(["contacts", "people"])("GET answers 200 with all %s of both environments, the oldest first", async (kind) => {
  const whole = await list(kind);
  expect(whole.map(({ id }) => id)).toEqual(Array.from({ length: ROWS }, (_, i) => `c${String(i + 1).padStart(24, "0")}`));
  const parts = [await list(`${kind}?limit=1500`), await list(`${kind}?limit=1000&offset=1500`), await list(`${kind}?skip=2500`)];
  expect(parts.flat()).toEqual(whole);
});

it("GET answers 200 with all attributes, those of a contact together, and with a part of them", async () => {
  const whole = await list("contact-attributes");
  expect(whole.map(({ value }) => value)).toEqual(Array.from({ length: ROWS }, (_, i) => [`user-${i + 1}`, `p${i + 1}`]).flat());
  expect(await list("contact-attributes?limit=2001&offset=2999")).toEqual(whole.slice(2_999, 5_000));
  expect(await list(`contact-attributes?skip=${2 * ROWS}`)).toEqual([]);
  expect(await list("contact-attributes?limit=3")).toEqual(whole.slice(0, 3));
});

it.each([
  ["of all surveys", ""],
  ["of one survey", "surveyId=<survey>&"],
])("GET answers 200 with as many responses %s as are asked for, the newest first", async (_, filter) => {
  const query = filter.replace("<survey>", surveyId);
  const whole = await list(`responses?${query}limit=5000`);
  expect(whole.map(({ id }) => id)).toEqual(Array.from({ length: ROWS }, (__, i) => `c${String(i + 1).padStart(24, "0")}`));
  const parts = [await list(`responses?${query}limit=1700`), await list(`responses?${query}limit=1510&skip=1700`)];
  expect(parts.flat()).toEqual(whole);
});

it("GET answers 404 for a survey that is not there, however many are asked for", async () => {
  await server.request
    .get("/api/v1/management/responses?surveyId=cm5mg4rsa000008l44kqs9w1x&limit=5000")
    .set("x-api-key", tenant.apiKey)
    .expect(404);
});
