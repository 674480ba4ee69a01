import { pino } from "pino";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, expect, it } from "vitest";
import { migrate } from "../../src/db/migrate.ts";
import { buildSurvey, buildTenant, type Tenant } from "../support/build.ts";
import { createEmptyDatabase, type EmptyDatabase } from "../support/empty-database.ts";
import { ANSWERABLE } from "../support/responses.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { type Receiver, startReceiver } from "./receiver.ts";

let database: EmptyDatabase;
let server: TestServer;
let tenant: Tenant;
let receiver: Receiver;
beforeAll(async () => {
  database = await createEmptyDatabase();
  await migrate({ url: database.url, log: pino({ level: "silent" }) });
  server = await startTestServer({
    DATABASE_URL: database.url,
    PUBLIC_URL: "https://mortar.example",
    WEBHOOK_ALLOWED_CIDRS: ["127.0.0.0/8"],
  });
  server.services.webhookWorker.start();
  tenant = await buildTenant(server.db);
  receiver = await startReceiver();
});
afterAll(async () => {
  await receiver.close();
  await server.close();
  await database.drop();
});

it("a response that is sent to the client API arrives, signed, at the webhook that was made over the management API", async () => {
  const { environmentId, apiKey } = tenant;
  const { id: surveyId } = await buildSurvey(server.db, { environmentId, document: ANSWERABLE });
  const { body: made } = await server.request
    .post("/api/v2/management/webhooks")
    .set("x-api-key", apiKey)
    .send({
      environmentId,
      name: null,
      url: `${receiver.url}/hook?x=1`,
      source: "user",
      triggers: ["responseCreated", "responseFinished"],
      surveyIds: [surveyId],
    })
    .expect(201);
  const file = `/storage/${environmentId}/private/surveys/${surveyId}/elements/file/plan--fid--1.pdf`;
  const data = { q1: "Great", file: [file] };
  const answered = await server.request
    .post(`/api/v2/client/${environmentId}/responses`)
    .send({ surveyId, finished: true, data, ttc: { q1: 1200 } })
    .expect(200);

  const messages = await receiver.waitFor(2);
  const bodies = messages.map(({ body, headers }) => {
    expect(headers["content-type"]).toBe("application/json");
    expect(headers["webhook-id"]).toMatch(/^[0-9a-f]{64}$/);
    expect(headers["webhook-timestamp"]).toMatch(/^\d{10}$/);
    return new Webhook(made.data.secret).verify(body, { ...stringHeaders(headers) });
  });
  const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  const message = (event: string) => ({
    webhookId: made.data.id,
    event,
    data: {
      id: answered.body.data.id,
      createdAt: ISO,
      updatedAt: ISO,
      surveyId,
      finished: true,
      endingId: null,
      data: { q1: "Great", file: [`https://mortar.example${file}`] },
      variables: {},
      ttc: { q1: 1200, _total: 1200 },
      meta: expect.any(Object),
      contact: null,
      contactAttributes: null,
      singleUseId: null,
      language: null,
      displayId: null,
      tags: [],
      survey: { title: `Survey ${surveyId}`, type: "app", status: "inProgress", createdAt: ISO, updatedAt: ISO },
    },
  });
  expect(bodies).toEqual([message("responseCreated"), message("responseFinished")]);
  expect(messages.map(({ path }) => path)).toEqual(["/hook?x=1", "/hook?x=1"]);
});

const stringHeaders = (headers: Record<string, string | string[] | undefined>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
