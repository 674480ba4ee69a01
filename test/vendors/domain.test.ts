/** Companies, events, jobs and erasures, as the contracts of other vendors use them. */
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { VERBATIM_RULES } from "../../src/contacts/service.ts";
import { buildTenant, type Tenant } from "../support/build.ts";
import { startTestServer, type TestServer } from "../support/server.ts";

let server: TestServer;
let tenant: Tenant;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  tenant = await buildTenant(server.db);
});

const configuration = () => server.services.environments.configuration(tenant.environmentId);

async function identify(userId: string, attributes: Record<string, string | number | boolean | null>, companyId?: string) {
  return server.services.contacts.identify({
    environment: await configuration(),
    userId,
    attributes: new Map(Object.entries(attributes)),
    rules: VERBATIM_RULES,
    device: null,
    ...(companyId !== undefined && { company: { companyId, attributes: new Map() } }),
  });
}

async function track(
  userId: string,
  name: string,
  more: { messageId?: string; companyId?: string; createsContact?: boolean } = {},
) {
  return server.services.events.track({
    environment: await configuration(),
    userId,
    name,
    occurredAt: Date.now(),
    properties: { amount: 3 },
    source: "test",
    createsContact: more.createsContact ?? true,
    ...(more.messageId !== undefined && { sameAs: { messageId: more.messageId } }),
    ...(more.companyId !== undefined && { company: { companyId: more.companyId, attributes: new Map() } }),
  });
}

const contact = (userId: string) => server.services.contacts.find(tenant.environmentId, { userId });

describe("identify with verbatim attributes", () => {
  it("keeps keys and types as they come, and what does not fit a key's type as text", async () => {
    await identify("u", { "Job title": "Pilot", seats: 3, trial: true, since: "2024-01-15T10:30:00+02:00", "a.b.$": "x" });
    const second = await identify("u", { seats: "many", trial: false, since: "soon" });
    expect(second.attributes).toEqual({ "Job title": "Pilot", seats: "many", trial: false, since: "soon", "a.b.$": "x" });
    expect(second.notes).toMatchObject([
      { kind: "type_mismatch", key: "seats" },
      { kind: "type_mismatch", key: "since" },
    ]);
    const keys = (await configuration()).attributeKeys;
    expect([keys.get("seats"), keys.get("trial"), keys.get("since")]).toEqual(["number", "boolean", "date"]);
  });

  it("keeps a text that is no address as an attribute until an address comes", async () => {
    expect(await identify("u", { email: "n/a" })).toMatchObject({ email: null, attributes: { email: "n/a" } });
    expect(await identify("u", { email: "a@b.c" })).toMatchObject({ email: "a@b.c", attributes: {} });
  });

  it("puts the contact into a company and moves it to another", async () => {
    const first = await identify("u", {}, "acme");
    const acme = await server.services.companies.find(tenant.environmentId, "acme");
    expect(first.companyId).toBe(acme?.id);
    expect((await identify("u", { plan: "pro" })).companyId).toBe(acme?.id);
    const moved = await identify("u", {}, "other");
    expect(moved.companyId).toBe((await server.services.companies.find(tenant.environmentId, "other"))?.id);
    expect(moved.attributes).toEqual({ plan: "pro" });
  });

  it("notes when a value was changed, not when it was repeated", async () => {
    await identify("u", { plan: "free", seats: 1 });
    await identify("u", { plan: "pro", seats: 1 });
    const [row] = await server.db.query<{ times: object }>(
      `select "attributeTimes" as times from contacts where "environmentId" = $1`,
      [tenant.environmentId],
    );
    expect(row?.times).toEqual({ plan: expect.any(Number) });
  });
});

describe("companies", () => {
  it("are made once by a hundred calls at the same time, which lose no attribute", async () => {
    const { companies } = server.services;
    const calls = Array.from({ length: 100 }, (_, n) =>
      companies.identify(tenant.environmentId, { companyId: "acme", attributes: new Map([[`k${n}`, n]]) }),
    );
    const ids = new Set((await Promise.all(calls)).map(({ id }) => id));
    expect(ids.size).toBe(1);
    const company = await companies.find(tenant.environmentId, "acme");
    expect(Object.keys(company?.attributes ?? {})).toHaveLength(100);
  });
});

describe("events", () => {
  it("are stored with the company that the contact has then", async () => {
    const { companyId } = await identify("u", {}, "acme");
    expect(await track("u", "Clicked")).toBe("stored");
    const [event] = await server.db.prisma.event.findMany({ where: { environmentId: tenant.environmentId } });
    expect(event).toMatchObject({ name: "Clicked", companyId, properties: { amount: 3 }, source: "test" });
  });

  it("are stored once per message id for 24 hours", async () => {
    expect(await track("u", "Clicked", { messageId: "m" })).toBe("stored");
    expect(await track("u", "Clicked", { messageId: "m" })).toBe("repeated");
    await server.db.query(`update events set "createdAt" = now() - interval '25 hours' where "environmentId" = $1`, [
      tenant.environmentId,
    ]);
    expect(await track("u", "Clicked", { messageId: "m" })).toBe("stored");
    expect(await track("u", "Clicked", { messageId: "m" })).toBe("repeated");
  });

  it("make a contact of an unknown person, or do not, as asked", async () => {
    expect(await track("nobody", "Clicked", { createsContact: false })).toBe("unknown_person");
    expect(await contact("nobody")).toBeNull();
    expect(await track("somebody", "Clicked", { companyId: "acme" })).toBe("stored");
    expect((await contact("somebody"))?.companyId).not.toBeNull();
  });
});

describe("erasures", () => {
  async function erase(targets: object, more: { delaySeconds?: number; suppress?: boolean } = {}) {
    const { id } = await server.services.erasures.request({
      environmentId: tenant.environmentId,
      targets,
      mode: "anonymise",
      delaySeconds: 0,
      apiKeyId: null,
      source: "test",
      ...more,
    });
    return id;
  }
  const completed = (id: string) =>
    vi.waitFor(
      async () => {
        const erasure = await server.services.erasures.find(tenant.environmentId, id);
        expect(erasure.status).toBe("completed");
        return erasure;
      },
      { timeout: 15_000, interval: 50 },
    );

  it("delete the contact with its events and say so in a receipt", async () => {
    await identify("u", { email: "u@example.com" });
    await track("u", "Clicked");
    const erasure = await completed(await erase({ emails: ["u@example.com"] }));
    expect(erasure.receipt).toMatchObject({ contacts: 1, identities: [expect.any(String), expect.any(String)] });
    expect(await contact("u")).toBeNull();
    expect(await server.db.prisma.event.count({ where: { environmentId: tenant.environmentId } })).toBe(0);
  });

  it("keep late events from bringing the person back, but not a new identify", async () => {
    await identify("u", {});
    await completed(await erase({ userIds: ["u"] }));
    expect(await track("u", "Clicked")).toBe("erased_person");
    expect(await contact("u")).toBeNull();
    await identify("u", { plan: "new" });
    expect(await track("u", "Clicked")).toBe("stored");
  });

  it("can be asked not to", async () => {
    await completed(await erase({ userIds: ["u"] }, { suppress: false }));
    expect(await track("u", "Clicked")).toBe("stored");
  });

  it("wait for their time and can be cancelled until then", async () => {
    await identify("u", {});
    const id = await erase({ userIds: ["u"] }, { delaySeconds: 3_600 });
    expect(await server.services.erasures.cancel(tenant.environmentId, id)).toMatchObject({ status: "cancelled" });
    expect(await contact("u")).not.toBeNull();
    await expect(server.services.erasures.cancel(tenant.developmentId, id)).rejects.toMatchObject({ kind: "not_found" });
  });

  it("delete a company and leave its persons", async () => {
    await identify("u", {}, "acme");
    await completed(await erase({ companyIds: ["acme"] }));
    expect(await server.services.companies.find(tenant.environmentId, "acme")).toBeNull();
    expect(await contact("u")).toMatchObject({ companyId: null });
  });
});
