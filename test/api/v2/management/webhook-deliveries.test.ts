import { pino } from "pino";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { migrate } from "../../../../src/db/migrate.ts";
import { newId } from "../../../../src/shared/ids.ts";
import type { PermissionLevel } from "../../../../src/shared/principal.ts";
import { buildApiKey, buildSurvey, buildTenant, type Tenant } from "../../../support/build.ts";
import { createEmptyDatabase, type EmptyDatabase } from "../../../support/empty-database.ts";
import { ANSWERABLE } from "../../../support/responses.ts";
import { startTestServer, type TestServer } from "../../../support/server.ts";
import { type Answer, type Received, type Receiver, startReceiver } from "../../../webhooks/receiver.ts";

let database: EmptyDatabase;
let server: TestServer;
let tenant: Tenant;
let neighbour: Tenant;
let receiver: Receiver;
let answer: Answer;
beforeAll(async () => {
  database = await createEmptyDatabase(); // of its own, because the worker takes every event there is
  await migrate({ url: database.url, log: pino({ level: "silent" }) });
  server = await startTestServer({ DATABASE_URL: database.url, WEBHOOK_ALLOWED_CIDRS: ["127.0.0.0/8"] });
  server.services.webhookWorker.start();
});
afterAll(async () => {
  await server.close();
  await database.drop();
});
beforeEach(async () => {
  [tenant, neighbour] = [await buildTenant(server.db), await buildTenant(server.db)];
  answer = (response) => response.writeHead(204).end();
  receiver = await startReceiver((response, request) => answer(response, request));
  return () => receiver.close();
});

const PATH = "/api/v2/management/webhooks";
const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const MESSAGE_ID = expect.stringMatching(/^[0-9a-f]{64}$/);
const UNAUTHORIZED = { error: { code: 401, message: "Unauthorized" } };
const notFound = (field: string) => ({ error: { code: 404, message: "Not Found", details: [{ field, issue: "not found" }] } });
const conflict = (issue: string) => ({ error: { code: 409, message: "Conflict", details: [{ field: "error", issue }] } });

const send = (method: "get" | "post" | "put", path: string, body?: object, apiKey = tenant.apiKey) => {
  const request = server.request[method](`${PATH}/${path}`).set("x-api-key", apiKey);
  return body === undefined ? request : request.send(body);
};
async function makeWebhook(triggers = ["responseCreated"]): Promise<{ id: string; secret: string }> {
  const { environmentId, apiKey } = tenant;
  const webhook = { environmentId, name: null, url: receiver.url, source: "user", triggers, surveyIds: [] };
  return (await server.request.post(PATH).set("x-api-key", apiKey).send(webhook).expect(201)).body.data;
}
async function respond(): Promise<string> {
  const { environmentId } = tenant;
  const { id: surveyId } = await buildSurvey(server.db, { environmentId, document: ANSWERABLE });
  const path = `/api/v2/client/${environmentId}/responses`;
  const { body } = await server.request
    .post(path)
    .send({ surveyId, finished: false, data: { q1: "Hi" } })
    .expect(200);
  return body.data.id;
}
const keyOf = (permission: PermissionLevel) =>
  buildApiKey(server.db, { ...tenant, permissions: { [tenant.environmentId]: permission } });
const verify = ({ headers, body }: Received, secret: string) =>
  new Webhook(secret).verify(body, Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])));
const first = (): Received => {
  const [message] = receiver.received;
  if (message === undefined) throw new Error("nothing was received");
  return message;
};

describe("GET /webhooks/{id}/deliveries", () => {
  it("answers 200 with the deliveries, the newest first, and every attempt", async () => {
    const { id: webhookId } = await makeWebhook();
    const [arrived] = [await respond(), await receiver.waitFor(1)];
    answer = (response) => response.writeHead(503).end("a text that nobody may see");
    const [refused] = [await respond(), await receiver.waitFor(2)];
    await expect.poll(async () => (await send("get", `${webhookId}/deliveries`)).text).toContain("http_status");
    const { body, text } = await send("get", `${webhookId}/deliveries`).expect(200);
    const { environmentId } = tenant;
    const common = {
      id: MESSAGE_ID,
      webhookId,
      workspaceId: environmentId,
      environmentId,
      event: "responseCreated",
      surveyId: expect.any(String),
      attempts: 1,
      createdAt: ISO,
      updatedAt: ISO,
      lastDurationMs: expect.any(Number),
    };
    const attempt = { attempt: 1, startedAt: ISO, durationMs: expect.any(Number) };
    expect(body).toEqual({
      data: [
        {
          ...common,
          ...{
            subjectId: refused,
            responseId: refused,
            status: "pending",
            nextAttemptAt: ISO,
            lastStatus: 503,
            lastError: "http_status",
          },
          log: [{ ...attempt, status: 503, error: "http_status" }],
        },
        {
          ...common,
          ...{
            subjectId: arrived,
            responseId: arrived,
            status: "delivered",
            nextAttemptAt: null,
            lastStatus: 204,
            lastError: null,
          },
          log: [{ ...attempt, status: 204, error: null }],
        },
      ],
      meta: { total: 2, limit: 50, offset: 0 },
    });
    expect(text).not.toContain("nobody may see");
    expect(receiver.received.map(({ headers }) => headers["webhook-id"])).toEqual([body.data[1].id, body.data[0].id]);

    const ids = async (query: string) =>
      (await send("get", `${webhookId}/deliveries?${query}`).expect(200)).body.data.map(
        ({ responseId }: { responseId: string }) => responseId,
      );
    expect(await ids("order=asc&limit=1")).toEqual([arrived]);
    expect(await ids("skip=1")).toEqual([arrived]);
    expect(await ids("status=pending")).toEqual([refused]);
    expect(await ids("status=failed")).toEqual([]);
    expect(await ids("event=responseFinished")).toEqual([]);
    await send("get", `${webhookId}/deliveries?status=lost`).expect(422);
    const one = await send("get", `${webhookId}/deliveries/${body.data[0].id}`).expect(200);
    expect(one.body).toEqual({ data: body.data[0] });
  });

  it("answers 401 for a neighbour's webhook, 404 for none and 422 for what is no id", async () => {
    const { id } = await makeWebhook();
    expect((await send("get", `${id}/deliveries`, undefined, neighbour.apiKey).expect(401)).body).toEqual(UNAUTHORIZED);
    expect((await send("get", `${newId()}/deliveries`).expect(404)).body).toEqual(notFound("webhook"));
    expect((await send("get", `${id}/deliveries/${"0".repeat(64)}`).expect(404)).body).toEqual(notFound("delivery"));
    await send("get", `${id}/deliveries/x`).expect(422);
    await send("get", `${id}/deliveries`, undefined, await keyOf("read")).expect(200);
  });
});

describe("POST /webhooks/{id}/deliveries/{deliveryId}/replay", () => {
  it("answers 202 and delivers once more under the same id", async () => {
    const { id, secret } = await makeWebhook();
    await respond();
    await receiver.waitFor(1);
    const deliveryId = first().headers["webhook-id"];
    await expect.poll(async () => (await send("get", `${id}/deliveries/${deliveryId}`)).body.data.status).toBe("delivered");
    const { body } = await send("post", `${id}/deliveries/${deliveryId}/replay`).expect(202);
    expect(body.data).toMatchObject({ id: deliveryId, webhookId: id });
    const [, again] = await receiver.waitFor(2);
    expect(again?.headers["webhook-id"]).toBe(deliveryId);
    expect(again?.body).toBe(first().body);
    expect(again && verify(again, secret)).toMatchObject({ event: "responseCreated" });
    await expect
      .poll(async () => (await send("get", `${id}/deliveries/${deliveryId}`)).body.data)
      .toMatchObject({
        status: "delivered",
        attempts: 2,
      });
  });

  it("answers 401 without write, 404 for another webhook's delivery and 409 while it is being sent", async () => {
    answer = () => undefined;
    const { id } = await makeWebhook();
    const { id: other } = await makeWebhook(["responseFinished"]);
    await respond();
    await receiver.waitFor(1);
    const path = (webhook: string) => `${webhook}/deliveries/${first().headers["webhook-id"]}/replay`;
    expect((await send("post", path(id), undefined, await keyOf("read")).expect(401)).body).toEqual(UNAUTHORIZED);
    expect((await send("post", path(other)).expect(404)).body).toEqual(notFound("delivery"));
    expect((await send("post", path(id)).expect(409)).body).toEqual(conflict("The delivery is being sent at this moment"));
  });
});

describe("POST /webhooks/{id}/replay", () => {
  it("answers 202 with how many, and delivers those of the time that have failed", async () => {
    answer = (response) => response.writeHead(410).end();
    const { id } = await makeWebhook();
    const before = new Date().toISOString();
    const responses = [await respond(), await respond(), await respond()];
    await receiver.waitFor(3);
    await expect.poll(async () => (await send("get", `${id}/deliveries?status=failed`)).body.meta.total).toBe(3);
    const after = new Date().toISOString();
    const replay = async (range: object) => (await send("post", `${id}/replay`, range).expect(202)).body;
    expect(await replay({ startDate: "2020-01-01T00:00:00Z", endDate: before })).toEqual({ data: { replayed: 0 } });
    answer = (response) => response.writeHead(200).end();
    expect(await replay({ startDate: before, endDate: after })).toEqual({ data: { replayed: 3 } });
    await receiver.waitFor(6);
    await expect.poll(async () => (await send("get", `${id}/deliveries?status=delivered`)).body.meta.total).toBe(3);
    const again = receiver.received.slice(3).map(({ body }) => JSON.parse(body).data.id);
    expect(again.sort()).toEqual(responses.sort());
    expect(await replay({ startDate: before, endDate: after })).toEqual({ data: { replayed: 0 } });
    expect(await replay({ startDate: before, endDate: after, statuses: ["delivered"] })).toEqual({ data: { replayed: 3 } });
    await receiver.waitFor(9);
  });

  it("answers 400 without a body, 422 for a range that is none, 401 without write and 404 for no webhook", async () => {
    const { id } = await makeWebhook();
    const range = { startDate: "2026-01-01T00:00:00Z", endDate: "2026-01-02T00:00:00Z" };
    await send("post", `${id}/replay`).expect(400);
    await send("post", `${id}/replay`, { ...range, endDate: "2025-01-02T00:00:00Z" }).expect(422);
    await send("post", `${id}/replay`, { startDate: "yesterday" }).expect(422);
    await send("post", `${id}/replay`, { ...range, statuses: ["pending"] }).expect(422);
    await send("post", `${id}/replay`, range, await keyOf("read")).expect(401);
    expect((await send("post", `${newId()}/replay`, range).expect(404)).body).toEqual(notFound("webhook"));
  });
});

describe("POST /webhooks/{id}/test", () => {
  it("answers 200 with what came of a signed message that looks like a real one", async () => {
    const { id: webhookId, secret } = await makeWebhook(["responseUpdated"]);
    const { body } = await send("post", `${webhookId}/test`).expect(200);
    expect(body).toEqual({
      data: {
        id: MESSAGE_ID,
        event: "responseUpdated",
        isDelivered: true,
        status: 204,
        error: null,
        durationMs: expect.any(Number),
      },
    });
    expect(first().headers["webhook-id"]).toBe(body.data.id);
    expect(verify(first(), secret)).toMatchObject({
      webhookId,
      event: "responseUpdated",
      data: { finished: false, contact: { userId: "test-user" }, survey: { title: "Test survey" } },
    });
    await send("post", `${webhookId}/test`, { event: "responseFinished" }).expect(200);
    expect(JSON.parse(receiver.received[1]?.body ?? "")).toMatchObject({ event: "responseFinished", data: { finished: true } });
    expect((await send("get", `${webhookId}/deliveries`)).body.meta.total).toBe(0);
  });

  it("answers 200 when the endpoint refuses or is not there, 401 without write and 422 for an unknown event", async () => {
    answer = (response) => response.writeHead(500).end();
    const { id } = await makeWebhook();
    const test = async () => (await send("post", `${id}/test`, {}).expect(200)).body.data;
    expect(await test()).toMatchObject({ isDelivered: false, status: 500, error: "http_status" });
    await send("post", `${id}/test`, { event: "testEndpoint" }).expect(422);
    await send("post", `${id}/test`, {}, await keyOf("read")).expect(401);
    await server.db.prisma.webhook.updateMany({ where: { id }, data: { url: "http://10.0.0.1/x" } });
    expect(await test()).toMatchObject({ isDelivered: false, status: null, error: "address_refused" });
  });
});

describe("POST /webhooks/{id}/rotate-secret", () => {
  it("answers 200 with a new secret; for a while both sign", async () => {
    const { id, secret } = await makeWebhook();
    const { body } = await send("post", `${id}/rotate-secret`, { overlapSeconds: 3_600 }).expect(200);
    expect(body).toEqual({
      data: { secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/), previousSecretExpiresAt: ISO },
    });
    expect(body.data.secret).not.toBe(secret);
    expect(Math.abs(Date.parse(body.data.previousSecretExpiresAt) - Date.now() - 3_600_000)).toBeLessThan(60_000);
    await send("post", `${id}/test`).expect(200);
    expect(verify(first(), secret)).toMatchObject({ webhookId: id });
    expect(verify(first(), body.data.secret)).toMatchObject({ webhookId: id });
    expect((await send("get", `${id}/status`)).body.data.previousSecretExpiresAt).toBe(body.data.previousSecretExpiresAt);
    const stored = await server.db.prisma.webhook.findFirstOrThrow({ where: { id } });
    expect(JSON.stringify(stored)).not.toContain(body.data.secret.slice("whsec_".length));
  });

  it("answers 200 to no overlap, after which the old secret is worth nothing, 422 to a long one and 401 without write", async () => {
    const { id, secret } = await makeWebhook();
    await send("post", `${id}/rotate-secret`, { overlapSeconds: 10_000_000 }).expect(422);
    await send("post", `${id}/rotate-secret`, {}, await keyOf("read")).expect(401);
    const { body } = await send("post", `${id}/rotate-secret`, { overlapSeconds: 0 }).expect(200);
    await send("post", `${id}/test`).expect(200);
    expect(() => verify(first(), secret)).toThrow();
    expect(verify(first(), body.data.secret)).toMatchObject({ webhookId: id });
  });
});

describe("GET /webhooks/{id}/status and what switches a webhook on again", () => {
  const switchOff = (id: string) =>
    server.db.prisma.webhook.updateMany({ where: { id }, data: { disabledAt: new Date(), failingSince: new Date() } });

  it("answer 200 with how it fares", async () => {
    const { id: webhookId } = await makeWebhook();
    const { environmentId } = tenant;
    expect((await send("get", `${webhookId}/status`).expect(200)).body).toEqual({
      data: {
        webhookId,
        workspaceId: environmentId,
        environmentId,
        isEnabled: true,
        disabledAt: null,
        failingSince: null,
        consecutiveFailures: 0,
        lastDeliveredAt: null,
        waiting: 0,
        previousSecretExpiresAt: null,
      },
    });
    answer = (response) => response.writeHead(500).end();
    await respond();
    await expect
      .poll(async () => (await send("get", `${webhookId}/status`)).body.data)
      .toMatchObject({ isEnabled: true, failingSince: ISO, consecutiveFailures: 1, waiting: 1 });
    await send("get", `${webhookId}/status`, undefined, neighbour.apiKey).expect(401);
    expect((await send("get", `${newId()}/status`).expect(404)).body).toEqual(notFound("webhook"));
  });

  it("a webhook that is switched off gets nothing and refuses replays with 409 until POST enable", async () => {
    const { id } = await makeWebhook();
    await switchOff(id);
    await respond();
    await expect
      .poll(async () => (await send("get", `${id}/deliveries`)).body.data)
      .toMatchObject([{ status: "failed", attempts: 0, lastError: "webhook_off", log: [] }]);
    expect((await send("get", `${id}/status`)).body.data).toMatchObject({ isEnabled: false, disabledAt: ISO });
    const range = { startDate: "2020-01-01T00:00:00Z", endDate: "2100-01-01T00:00:00Z" };
    expect((await send("post", `${id}/replay`, range).expect(409)).body).toEqual(
      conflict("The webhook is switched off; switch it on first"),
    );
    await send("post", `${id}/enable`, undefined, await keyOf("read")).expect(401);
    expect((await send("post", `${id}/enable`).expect(200)).body.data).toMatchObject({ isEnabled: true, failingSince: null });
    expect((await send("post", `${id}/replay`, range).expect(202)).body).toEqual({ data: { replayed: 1 } });
    await receiver.waitFor(1);
  });

  it("PUT of the webhook switches it on, too", async () => {
    const { id } = await makeWebhook();
    await switchOff(id);
    const webhook = { name: null, url: receiver.url, source: "user", triggers: ["responseCreated"], surveyIds: [] };
    await send("put", id, webhook).expect(200);
    expect((await send("get", `${id}/status`)).body.data).toMatchObject({ isEnabled: true, disabledAt: null });
    await respond();
    await receiver.waitFor(1);
  });
});
