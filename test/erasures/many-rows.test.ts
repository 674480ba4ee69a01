/** Erasures that go through many rows: lists that wait to be processed, companies of many persons. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { newId } from "../../src/shared/ids.ts";
import { buildContact, buildTenant } from "../support/build.ts";
import { startTestServer, type TestServer } from "../support/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

/** More chunks and more reports than one statement goes through. */
const CHUNKS = 130;
const REPORTS = 450;

it("take the person out of every list that waits, and out of every report, however many there are", async () => {
  const { environmentId, apiKey } = await buildTenant(server.db);
  const { id } = await buildContact(server.db, { environmentId, userId: "gone", email: "gone@example.com" });
  const jobs = [newId(), newId()];
  for (const jobId of jobs)
    await server.db.prisma.job.create({ data: { environmentId, id: jobId, type: "bulk_identify_users", status: "receiving" } });
  const row = (n: number, content: object) => [n, { kind: "contact", attributes: {}, ...content }];
  const rows = [
    row(1, { userId: "gone" }),
    row(2, { userId: "stays" }),
    row(3, { userId: "other", attributes: { email: "Gone@Example.com" } }),
    [4, { kind: "address", email: "gone@example.com", attributes: {} }],
  ];
  for (const jobId of jobs)
    await server.db.query(
      `insert into job_chunks ("environmentId", "jobId", position, rows)
       select $1, $2, n, case when n % 3 = 0 then $3::jsonb else $4::jsonb end from generate_series(0, $5::int - 1) as n`,
      [environmentId, jobId, JSON.stringify(rows), JSON.stringify([rows[1]]), CHUNKS / 2],
    );
  await server.db.query(
    `insert into jobs ("environmentId", id, type, status, "failedRows", "updatedAt")
     select $1, $2 || n, 'bulk_identify_users', 'completed', $3::jsonb, now() from generate_series(1, ${REPORTS}) as n`,
    [
      environmentId,
      newId(),
      JSON.stringify([
        { row: 1, id: "gone" },
        { row: 2, id: "stays" },
      ]),
    ],
  );
  await server.request.delete(`/api/v1/management/contacts/${id}`).set("x-api-key", apiKey).expect(200);
  const chunks = await server.db.query<{ rows: unknown }>(`select distinct rows from job_chunks where "environmentId" = $1`, [
    environmentId,
  ]);
  expect(chunks).toEqual([{ rows: [rows[1]] }]);
  const reports = await server.db.query(
    `select "failedRows", count(*)::int as count from jobs where "environmentId" = $1 and status = 'completed' group by 1`,
    [environmentId],
  );
  expect(reports).toEqual([
    {
      failedRows: [
        { row: 1, id: null },
        { row: 2, id: "stays" },
      ],
      count: REPORTS,
    },
  ]);
});

it("take a company away from all its persons, however many they are", async () => {
  const { environmentId } = await buildTenant(server.db);
  await server.db.prisma.company.create({ data: { environmentId, id: "c", companyId: "acme" } });
  await server.db.query(
    `insert into contacts ("environmentId", id, "companyId", "updatedAt") select $1, n::text, 'c', now() from generate_series(1, 10001) as n`,
    [environmentId],
  );
  const { erasures } = server.services;
  const { id } = await erasures.request({
    ...{ environmentId, targets: { companyIds: ["acme"] }, mode: "delete", delaySeconds: 0, apiKeyId: null, source: "test" },
  });
  await expect.poll(async () => (await erasures.find(environmentId, id)).receipt).toMatchObject({ companies: 1, contacts: 0 });
  expect(await server.db.prisma.contact.count({ where: { environmentId, companyId: null } })).toBe(10_001);
});
