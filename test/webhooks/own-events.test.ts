/** Events beyond the published ones, as the outbox has them when the call that caused them is answered. */
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { createContactWatch, VERBATIM_RULES } from "../../src/contacts/service.ts";
import { newId } from "../../src/shared/ids.ts";
import { buildContact, buildSurvey, buildTenant, buildWebhook, type Tenant } from "../support/build.ts";
import { ANSWERABLE, readOutbox } from "../support/responses.ts";
import { startTestServer, type TestServer } from "../support/server.ts";

const CONTACT_EVENTS = ["contactCreated", "contactUpdated", "contactDeleted", "segmentEntered", "segmentLeft"];
const OWN_EVENTS = [...CONTACT_EVENTS, "displayCreated", "eventTracked"];
const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

let server: TestServer;
let tenant: Tenant;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  tenant = await buildTenant(server.db);
});

const buildOwnSurvey = () => buildSurvey(server.db, { environmentId: tenant.environmentId, document: ANSWERABLE });
const listen = (triggers: readonly string[] = OWN_EVENTS) => buildWebhook(server.db, { ...tenant, triggers });
const told = async () =>
  (await readOutbox(server, tenant.environmentId)).map(({ type, payload }) => [type, payload] as [string, unknown]);
const types = async () => (await told()).map(([type]) => type);
const identify = (body: object, userAgent = "Mozilla/5.0 (X11; Linux x86_64) Firefox/143.0") =>
  server.request.post(`/api/v2/client/${tenant.environmentId}/user`).set("user-agent", userAgent).send(body).expect(200);
const display = (body: object) => server.request.post(`/api/v1/client/${tenant.environmentId}/displays`).send(body).expect(200);
const manage = (method: "post" | "put" | "delete", path: string, body?: object) =>
  server.request[method](`/api/v2/management/${path}`).set("x-api-key", tenant.apiKey).send(body);
const userpilot = (path: string, body: object) =>
  server.request
    .post(path)
    .set("authorization", `Token ${tenant.apiKey}`)
    .set("x-api-version", "2020-09-22")
    .send(body)
    .expect(202);
const track = (body: object) => userpilot("/v1/track", body);
const contactIdOf = async (userId: string) =>
  (await server.db.prisma.contact.findFirstOrThrow({ where: { environmentId: tenant.environmentId, userId } })).id;

/** A contact as events tell of it. */
const contact = (change: object) => ({
  ...{ id: expect.any(String), userId: null, email: null, companyId: null, attributes: {} },
  ...{ createdAt: ISO, updatedAt: ISO },
  ...change,
});

async function buildSegment(title: string, filters: object[]): Promise<string> {
  const id = newId();
  const { environmentId } = tenant;
  await server.db.prisma.segment.create({ data: { environmentId, id, title, filters } });
  return id;
}
const leaf = (root: object, operator: string, value: unknown, connector: "and" | "or" | null = null) => ({
  id: newId(),
  connector,
  resource: { id: newId(), root, qualifier: { operator }, value },
});
const attributeLeaf = (contactAttributeKey: string, value: string, connector: "and" | null = null) =>
  leaf({ type: "attribute", contactAttributeKey }, "equals", value, connector);

describe("where nobody listens", () => {
  it("nothing is written for what nobody asks for, and contacts are written as ever", async () => {
    await listen(["responseFinished"]);
    const { transaction } = server.db;
    const callers: string[] = []; // those of others may be jobs that other tests have left in the queue
    const spy = vi.spyOn(server.db, "transaction").mockImplementation((work) => {
      callers.push(new Error().stack ?? "");
      return transaction(work);
    });
    const { id: surveyId } = await buildOwnSurvey();
    await identify({ userId: "u", attributes: { email: "u@example.com" } });
    expect(callers.filter((stack) => stack.includes("src/contacts/"))).toEqual([]);
    spy.mockRestore();
    await display({ surveyId, userId: "u" });
    await track({ user_id: "u", event_name: "Upgraded" });
    const path = `/api/v2/client/${tenant.environmentId}/responses`;
    await server.request
      .post(path)
      .send({ surveyId, finished: false, data: { q1: "a" } })
      .expect(200);
    expect(await types()).toEqual([]);
  });

  it("it is told as soon as somebody does, and no longer than that", async () => {
    await identify({ userId: "before" });
    const body = { environmentId: tenant.environmentId, name: null, url: "https://8.8.8.8/", source: "user", surveyIds: [] };
    const { body: made } = await manage("post", "webhooks", { ...body, triggers: ["contactCreated"] }).expect(201);
    await identify({ userId: "while" });
    await manage("delete", `webhooks/${made.data.id}`).expect(200);
    await identify({ userId: "after" });
    expect(await told()).toEqual([["contactCreated", contact({ userId: "while" })]]);
  });
});

describe("contacts", () => {
  it("that identify makes or changes are told of once, with what changed", async () => {
    await listen();
    const attributes = { email: "ada@example.com", plan: "free", seats: 3 };
    await identify({ userId: "ada", attributes });
    await identify({ userId: "ada", attributes });
    await identify({ userId: "ada", attributes: { plan: "pro", language: "de", email: "ada@example.org" } });
    const created = contact({ userId: "ada", email: "ada@example.com", attributes: { plan: "free", seats: 3 } });
    const changed = contact({ ...created, email: "ada@example.org", attributes: { plan: "pro", seats: 3, language: "de-DE" } });
    expect(await told()).toEqual([
      ["contactCreated", created],
      ["contactUpdated", { ...changed, changedKeys: ["email", "language", "plan"] }],
    ]);
  });

  it("are told of each change, however many calls for one contact come at once", async () => {
    await listen(["contactCreated", "contactUpdated"]);
    await identify({ userId: "u", attributes: { plan: "0" } });
    const plans = Array.from({ length: 20 }, (_, n) => `${n + 1}`);
    await Promise.all(plans.map((plan) => identify({ userId: "u", attributes: { plan } })));
    await Promise.all(plans.map(() => identify({ userId: "many at once" })));
    const changes = (await told()).map(([, payload]) => payload);
    const { attributes } = await server.db.prisma.contact.findFirstOrThrow({
      where: { environmentId: tenant.environmentId, userId: "u" },
    });
    const ofU = changes.filter((payload) => JSON.stringify(payload).includes('"userId":"u"'));
    expect(ofU.at(-1)).toMatchObject({ attributes });
    expect((await types()).filter((type) => type === "contactCreated")).toHaveLength(2);
  });

  it("that are managed are told of: made, uploaded, deleted", async () => {
    await listen();
    const { environmentId } = tenant;
    const { body } = await manage("post", "contacts", {
      environmentId,
      attributes: { userId: "made", email: "made@example.com" },
    }).expect(201);
    const value = (key: string, text: string) => ({ attributeKey: { key, name: key }, value: text });
    await manage("put", "contacts/bulk", {
      environmentId,
      contacts: [
        { attributes: [value("email", "new@example.com")] },
        { attributes: [value("email", "made@example.com"), value("firstName", "Ada")] },
      ],
    }).expect(200);
    const made = { id: body.data.id, userId: "made", email: "made@example.com" };
    const [first, ...others] = await told();
    expect(first).toEqual(["contactCreated", contact(made)]);
    expect(others).toHaveLength(2);
    expect(others).toContainEqual(["contactCreated", contact({ email: "new@example.com" })]);
    expect(others).toContainEqual([
      "contactUpdated",
      contact({ ...made, attributes: { firstName: "Ada" }, changedKeys: ["firstName"] }),
    ]);
    await manage("delete", `contacts/${made.id}`).expect(200);
    // As of an erasure: what was not told yet is not told any more.
    const [left, deleted, ...more] = await told();
    expect(left).toEqual(["contactCreated", contact({ email: "new@example.com" })]);
    expect(deleted).toEqual(["contactDeleted", { id: made.id, userId: null, email: null, deletedAt: ISO }]);
    expect(more).toEqual([]);
  });

  it("that are erased are told of by their ids only, and what was not told yet is not told any more", async () => {
    await listen();
    await identify({ userId: "secret-person", attributes: { email: "secret-person@example.com" } });
    const id = await contactIdOf("secret-person");
    await server.request
      .delete("/v1/users")
      .set("authorization", `Token ${tenant.apiKey}`)
      .set("x-api-version", "2020-09-22")
      .send({ users: ["secret-person"] })
      .expect(202);
    await expect.poll(types, { timeout: 20_000 }).toEqual(["contactDeleted"]);
    expect(await told()).toEqual([["contactDeleted", { id, userId: null, email: null, deletedAt: ISO }]]);
  });

  it("that lists bring are told of in the same way", async () => {
    await listen();
    const users = [
      { user_id: "listed", metadata: { email: "listed@example.com" } },
      { user_id: "listed", metadata: { plan: "pro" } },
    ];
    await userpilot("/v1/users/bulk_identify", { users });
    await expect.poll(types, { timeout: 20_000 }).toEqual(["contactCreated"]);
    const attributes = { plan: "pro" };
    expect(await told()).toEqual([["contactCreated", contact({ userId: "listed", email: "listed@example.com", attributes })]]);
  });
});

describe("contacts that were merged", () => {
  it("are told of as those that go on, when lists bring their former user ids", async () => {
    const { environmentId } = tenant;
    const kept = await buildContact(server.db, { environmentId, userId: "kept" });
    const gone = await buildContact(server.db, { environmentId, userId: "gone" });
    await manage("post", `contacts/${kept.id}/merge`, { from: gone.id }).expect(200);
    await listen(["contactCreated", "contactUpdated"]);
    await userpilot("/v1/users/bulk_identify", { users: [{ user_id: "gone", metadata: { plan: "pro" } }] });
    await expect.poll(types, { timeout: 20_000 }).toEqual(["contactUpdated"]);
    const changed = contact({ id: kept.id, userId: "kept", attributes: { plan: "pro" }, changedKeys: ["plan"] });
    expect(await told()).toEqual([["contactUpdated", changed]]);
  });
});

describe("contacts that are made", () => {
  it("do not wait for others that are made at the same time", async () => {
    await listen();
    const environment = await server.services.environments.configuration(tenant.environmentId);
    const watch = createContactWatch({ outbox: { append: async () => undefined, announce: () => undefined }, now: Date.now });
    await server.db.transaction((tx) =>
      watch.around(tx, environment, { userIds: ["slow"] }, async () => {
        await identify({ userId: "quick" });
      }),
    );
    expect(await types()).toEqual(["contactCreated"]);
  });

  it("are told of once, though one call knows the user id and another the address", async () => {
    await listen(["contactCreated", "contactUpdated"]);
    const rounds = Array.from({ length: 20 }, (_, n) => `${n}@example.com`);
    const byAddress = (email: string) =>
      server.services.contacts.identifyByEmail(environment, { email, attributes: new Map() }, VERBATIM_RULES);
    const environment = await server.services.environments.configuration(tenant.environmentId);
    for (const email of rounds) await Promise.all([identify({ userId: email, attributes: { email } }), byAddress(email)]);
    const made = (await told()).filter(([type]) => type === "contactCreated").map(([, payload]) => payload);
    const ids = await server.db.prisma.contact.findMany({ where: { environmentId: tenant.environmentId }, select: { id: true } });
    expect(made).toHaveLength(ids.length);
  });
});

describe("segments", () => {
  it("are entered and left by what identify changes, each told once", async () => {
    const payers = await buildSegment("Payers", [attributeLeaf("plan", "pro")]);
    const free = await buildSegment("Free riders", [attributeLeaf("plan", "free")]);
    await server.db.prisma.contactAttributeKey.create({
      data: { environmentId: tenant.environmentId, id: newId(), key: "plan", dataType: "string" },
    });
    await listen(["segmentEntered", "segmentLeft"]);
    await identify({ userId: "u", attributes: { plan: "free" } });
    await identify({ userId: "u", attributes: { plan: "free", language: "de" } });
    await identify({ userId: "u", attributes: { plan: "pro" } });
    const of = (plan: string, more: object = {}) => contact({ userId: "u", attributes: { plan, ...more } });
    expect(await told()).toEqual([
      ["segmentEntered", { segment: { id: free, title: "Free riders" }, contact: of("free") }],
      ["segmentLeft", { segment: { id: free, title: "Free riders" }, contact: of("pro", { language: "de-DE" }) }],
      ["segmentEntered", { segment: { id: payers, title: "Payers" }, contact: of("pro", { language: "de-DE" }) }],
    ]);
  });

  it("remember a survey that was seen before a thousand others", async () => {
    const { environmentId } = tenant;
    const [{ id: first }, { id: other }] = [await buildOwnSurvey(), await buildOwnSurvey()];
    const within = { amount: 3, unit: "months" };
    const seen = leaf({ type: "surveyInteraction" }, "haveSeen", { surveyScope: "specific", surveyIds: [first], within }, "and");
    await buildSegment("Seen and paid", [attributeLeaf("plan", "pro"), seen]);
    await server.db.prisma.contactAttributeKey.create({ data: { environmentId, id: newId(), key: "plan", dataType: "string" } });
    const { id: contactId } = await buildContact(server.db, { environmentId, userId: "u" });
    const own = { environmentId, contactId };
    await server.db.prisma.display.createMany({
      data: [
        { ...own, id: newId(), surveyId: first, createdAt: new Date(Date.now() - 30 * 86_400_000) },
        ...Array.from({ length: 1_000 }, () => ({ ...own, id: newId(), surveyId: other })),
      ],
    });
    await listen(["segmentEntered", "segmentLeft"]);
    await identify({ userId: "u", attributes: { plan: "pro" } });
    expect(await types()).toEqual(["segmentEntered"]);
  });

  it("may ask for the caller's device", async () => {
    const phones = await buildSegment("Payers on phones", [
      attributeLeaf("plan", "pro"),
      leaf({ type: "device", deviceType: "phone" }, "equals", "phone", "and"),
    ]);
    await server.db.prisma.contactAttributeKey.create({
      data: { environmentId: tenant.environmentId, id: newId(), key: "plan", dataType: "string" },
    });
    await listen(["segmentEntered", "segmentLeft"]);
    const iphone = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148";
    await identify({ userId: "desktop", attributes: { plan: "pro" } });
    await identify({ userId: "phone", attributes: { plan: "pro" } }, iphone);
    expect(await told()).toEqual([
      [
        "segmentEntered",
        { segment: { id: phones, title: "Payers on phones" }, contact: expect.objectContaining({ userId: "phone" }) },
      ],
    ]);
  });
});

describe("displays", () => {
  it("are told of once, with the contact that they made", async () => {
    await listen();
    const { id: surveyId } = await buildOwnSurvey();
    const { body } = await display({ surveyId, userId: "viewer" });
    await display({ surveyId, userId: "viewer" }); // sent again
    const anonymous = await display({ surveyId });
    const viewer = { id: await contactIdOf("viewer"), userId: "viewer" };
    expect(await told()).toEqual([
      ["contactCreated", contact(viewer)],
      ["displayCreated", { id: body.data.id, createdAt: ISO, surveyId, contact: viewer }],
      ["displayCreated", { id: anonymous.body.data.id, createdAt: ISO, surveyId, contact: null }],
    ]);
    const events = await server.db.prisma.outboxEvent.findMany({ where: { environmentId: tenant.environmentId, surveyId } });
    expect(events.map(({ contactId }) => contactId).sort()).toEqual([viewer.id, null].sort());
  });
});

describe("what people do", () => {
  it("is told of once, with its properties", async () => {
    await listen(["eventTracked"]);
    await buildContact(server.db, { environmentId: tenant.environmentId, userId: "doer" });
    const sent = { user_id: "doer", event_name: "Upgraded", metadata: { plan: "pro" }, message_id: "m-1" };
    await track(sent);
    await track({ ...sent, event_name: "Paid" });
    expect(await told()).toContainEqual([
      "eventTracked",
      {
        id: expect.any(String),
        name: "Upgraded",
        occurredAt: ISO,
        properties: { plan: "pro" },
        source: "userpilot",
        contact: { id: await contactIdOf("doer"), userId: "doer" },
      },
    ]);
  });
});
