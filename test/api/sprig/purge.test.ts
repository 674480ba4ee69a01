/** `/v2/purge/visitors`: purge, its state, and taking it back. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { ERROR, type OpenTenant, openTenant, startTestServer, type TestServer } from "./support.ts";

let server: TestServer;
let tenant: OpenTenant;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  tenant = await openTenant(server);
  await tenant.post("/v2/users", { userId: "u", emailAddress: "u@x.io", events: [{ event: "A" }] }).expect(202);
  await tenant.post("/v2/users", { userId: "v" }).expect(202);
});

const purge = (body: object) => tenant.post("/v2/purge/visitors", body);
const status = async (id: string) => (await tenant.call("get", `/v2/purge/visitors/${id}`).expect(200)).body;
const DAY_MS = 24 * 60 * 60_000;

describe("POST /v2/purge/visitors", () => {
  it("erases at once with a delay of 0, the unknown ids ignored", async () => {
    const { body } = await purge({ externalUserIds: ["u", "nobody"], delaySeconds: 0 }).expect(200);
    expect(body).toEqual({ requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    await tenant.call("get", "/v2/users/u").expect(404);
    await tenant.call("get", "/v2/users/v").expect(200);
    expect(await tenant.events()).toEqual([]);
    expect(await status(body.requestId)).toMatchObject({ status: "completed", finishedAt: expect.any(Number) });
  });

  it.each([
    ["address", async () => ({ emails: ["u@x.io"] })],
    ["visitor id", async () => ({ visitorIds: [(await tenant.user("u")).id.toUpperCase()] })],
  ])("finds users by their %s", async (_title, ids) => {
    await purge({ ...(await ids()), delaySeconds: 0 }).expect(200);
    await tenant.call("get", "/v2/users/u").expect(404);
    await tenant.call("get", "/v2/users/v").expect(200);
  });

  it("waits ten days by default, within which it can be taken back", async () => {
    const { requestId } = (await purge({ userIds: ["u"] }).expect(200)).body;
    const pending = await status(requestId);
    expect(pending).toEqual({
      requestId,
      status: "pending",
      createdAt: expect.any(Number),
      runAt: pending.createdAt + 10 * DAY_MS,
      finishedAt: null,
    });
    await tenant.call("get", "/v2/users/u").expect(200);
    const path = `/sprig/v2/purge/visitors/${requestId}`;
    for (let times = 0; times < 2; times++)
      expect((await tenant.call("delete", path).expect(200)).body).toMatchObject({ requestId, status: "cancelled" });
    expect((await status(requestId)).status).toBe("cancelled");
  });

  it("runs when its time comes, and is only of those who were there", async () => {
    const { requestId } = (await purge({ userIds: ["u", "later"], delaySeconds: 1 }).expect(200)).body;
    await tenant.post("/v2/users", { userId: "later" }).expect(202);
    await tenant.call("get", "/v2/users/u").expect(200);
    await vi.waitFor(async () => expect((await status(requestId)).status).toBe("completed"), { timeout: 20_000, interval: 100 });
    await tenant.call("get", "/v2/users/u").expect(404);
    await tenant.call("get", "/v2/users/later").expect(200);
  }, 30_000);

  it("gives every request an id of its own", async () => {
    const ids = await Promise.all([1, 2].map(async () => (await purge({ userIds: ["u"] }).expect(200)).body.requestId));
    expect(new Set(ids).size).toBe(2);
  });

  it("takes 100 ids", async () => {
    const ids = Array.from({ length: 98 }, (_, n) => n);
    await purge({ userIds: [...ids, "u"], emails: ["nobody@x.io"], visitorIds: [null, " "] }).expect(200);
  });

  it.each([
    ["nobody's ids", { userIds: ["x"], emails: ["x@x.io"], visitorIds: [randomUUID(), "no uuid"] }],
    ["no ids", {}],
    ["empty lists", { userIds: [], emails: [], visitorIds: [], delaySeconds: 0 }],
    ["101 ids", { userIds: ["u", ...Array.from({ length: 50 }, String)], emails: Array.from({ length: 50 }, String) }],
    ["a list that is none", { userIds: "u" }],
    ["an id that is none", { userIds: ["u", {}] }],
    ["a negative delay", { userIds: ["u"], delaySeconds: -1 }],
    ["a delay of half a second", { userIds: ["u"], delaySeconds: 0.5 }],
    ["a delay that is a text", { userIds: ["u"], delaySeconds: "0" }],
    ["a delay beyond every date", { userIds: ["u"], delaySeconds: 1e15 }],
    ["a list instead of an object", []],
  ])("answers 400 to %s", async (_title, body) => {
    expect((await purge(body).expect(400)).body).toEqual(ERROR);
    expect(await server.db.prisma.erasure.count({ where: { environmentId: tenant.environmentId } })).toBe(0);
  });

  it("answers 400 to a neighbour's users", async () => {
    const neighbour = await openTenant(server);
    await neighbour.post("/v2/users", { userId: "theirs" }).expect(202);
    await purge({ userIds: ["theirs"], delaySeconds: 0 }).expect(400);
    await neighbour.call("get", "/v2/users/theirs").expect(200);
  });
});

describe("/v2/purge/visitors/{requestId}", () => {
  it("answers 409 to taking back what has been carried out", async () => {
    const { requestId } = (await purge({ userIds: ["u"], delaySeconds: 0 }).expect(200)).body;
    expect((await tenant.call("delete", `/v2/purge/visitors/${requestId}`).expect(409)).body).toEqual(ERROR);
  });

  it("answers 404 with text to an unknown request and to a neighbour's", async () => {
    const { requestId } = (await purge({ userIds: ["u"] }).expect(200)).body;
    const neighbour = await openTenant(server);
    for (const method of ["get", "delete"] as const) {
      for (const id of [randomUUID(), "x"]) await tenant.call(method, `/v2/purge/visitors/${id}`).expect(404, "Not Found");
      await neighbour.call(method, `/v2/purge/visitors/${requestId}`).expect(404, "Not Found");
    }
    expect((await status(requestId)).status).toBe("pending");
  });
});
