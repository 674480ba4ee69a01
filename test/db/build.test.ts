import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildContact, buildTenant } from "../support/build.ts";
import { startTestServer, type TestServer } from "../support/server.ts";

describe("the test support", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer();
  });
  afterAll(() => server.close());

  it("builds tenants whose configuration the services read", async () => {
    const [one, other] = await Promise.all([buildTenant(server.db), buildTenant(server.db)]);
    const configuration = await server.services.environments.configuration(one.environmentId);
    expect(configuration).toMatchObject({ id: one.environmentId, projectId: one.projectId, organizationId: one.organizationId });
    expect([...configuration.attributeKeys.keys()].sort()).toEqual(["email", "firstName", "language", "lastName", "userId"]);
    expect(one.environmentId).not.toBe(other.environmentId);
  });

  it("builds contacts", async () => {
    const { environmentId } = await buildTenant(server.db);
    const { id } = await buildContact(server.db, { environmentId, userId: "ada", attributes: { plan: "pro" } });
    const found = await server.db.prisma.contact.findUnique({
      where: { environmentId_userId: { environmentId, userId: "ada" } },
    });
    expect(found).toMatchObject({ id, attributes: { plan: "pro" } });
  });

  it("answers 200 ready over HTTP", async () => {
    const { status, body } = await server.request.get("/ready");
    expect({ status, body }).toEqual({ status: 200, body: { status: "ready" } });
  });
});
