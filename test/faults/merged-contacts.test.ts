/** A server that hears of no change, while another one merges contacts. */
import { afterAll, beforeAll, beforeEach, expect, inject, it } from "vitest";
import { buildContact, buildTenant, buildWebhook, type Tenant } from "../support/build.ts";
import { readOutbox } from "../support/responses.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";

let proxy: TcpProxy;
let deaf: TestServer;
let other: TestServer;
let tenant: Tenant;
beforeAll(async () => {
  const url = new URL(inject("databaseUrl"));
  proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) });
  url.port = String(proxy.port);
  [deaf, other] = [await startTestServer({ DATABASE_DIRECT_URL: url.href }), await startTestServer()];
  proxy.delay(Number.POSITIVE_INFINITY); // a connection that looks alive
});
afterAll(async () => {
  await proxy.cut();
  await deaf.close();
  await other.close();
});
beforeEach(async () => {
  tenant = await buildTenant(other.db);
});

const identify = (userId: string, attributes: object = {}) =>
  deaf.request.post(`/api/v2/client/${tenant.environmentId}/user`).send({ userId, attributes }).expect(200);
const userpilot = (path: string, body: object) =>
  deaf.request.post(path).set("authorization", `Token ${tenant.apiKey}`).set("x-api-version", "2020-09-22").send(body);

/** Has the first contacts of the environment merged, by the server that the deaf one does not hear. */
async function merge() {
  await identify("before"); // the environment is cached now, without aliases
  const { environmentId, apiKey } = tenant;
  const kept = await buildContact(other.db, { environmentId, userId: "kept" });
  const gone = await buildContact(other.db, { environmentId, userId: "gone" });
  await other.request
    .post(`/api/v2/management/contacts/${kept.id}/merge`)
    .set("x-api-key", apiKey)
    .send(JSON.stringify({ from: gone.id }))
    .expect(200);
  return kept.id;
}
const contacts = async () => {
  const rows = await other.db.prisma.contact.findMany({
    where: { environmentId: tenant.environmentId, userId: { not: "before" } },
  });
  return rows.map(({ id, userId, attributes }) => ({ id, userId, attributes }));
};

it("identifies the contact that goes on by the user id of the other, and makes none", async () => {
  const id = await merge();
  const { body } = await identify("gone");
  expect(body.data.state.data).toMatchObject({ contactId: id, userId: "gone" });
  await identify("gone", { language: "de" });
  expect(await contacts()).toEqual([{ id, userId: "kept", attributes: { language: "de-DE" } }]);
});

it("does so with attribute keys that are new", async () => {
  const id = await merge();
  const { body } = await identify("gone", { shoe_size: 44 });
  expect(body.data.state.data).toMatchObject({ contactId: id, userId: "gone" });
  expect(await contacts()).toEqual([{ id, userId: "kept", attributes: { shoe_size: 44 } }]);
});

it("does so with a company, and in lists", async () => {
  const id = await merge();
  await userpilot("/v1/identify", { user_id: "gone", metadata: { plan: "pro" }, company: { id: "acme" } }).expect(202);
  await userpilot("/v1/users/bulk_identify", { users: [{ user_id: "gone", metadata: { seats: 3 } }] }).expect(202);
  const attributes = { plan: "pro", seats: 3 };
  await expect.poll(contacts).toEqual([{ id, userId: "kept", attributes }]);
});

it("tells webhooks that the contact that goes on was changed", async () => {
  await buildWebhook(other.db, { ...tenant, triggers: ["contactCreated", "contactUpdated"] });
  await other.db.prisma.contactAttributeKey.create({
    data: { environmentId: tenant.environmentId, id: "plan", key: "plan", dataType: "string" },
  });
  const id = await merge();
  await identify("gone", { plan: "pro" });
  const told = (await readOutbox(other, tenant.environmentId)).map(({ type, payload }) => ({ type, payload }));
  expect(told.at(-1)).toMatchObject({ type: "contactUpdated", payload: { id, userId: "kept", changedKeys: ["plan"] } });
  expect(told.filter(({ type }) => type === "contactCreated")).toHaveLength(1); // the one from before
});
