import type supertest from "supertest";
import { expect, vi } from "vitest";
import { buildTenant } from "../../support/build.ts";
import { startTestServer, type TestServer } from "../../support/server.ts";

type Method = "get" | "post" | "put" | "delete";

/** A tenant seen through the Userpilot contract. */
export async function openTenant(server: TestServer) {
  const tenant = await buildTenant(server.db);
  const { environmentId } = tenant;
  const call = (method: Method, path: string) =>
    server.request[method](path).set("authorization", `Token ${tenant.apiKey}`).set("x-api-version", "2020-09-22");
  return { ...tenant, call, post, jobDone, contact, company, events };

  function post(path: string, body: string | object): supertest.Test {
    return call("post", path).send(body);
  }

  /** The job when it has ended. */
  async function jobDone(id: string) {
    return vi.waitFor(
      async () => {
        const { body } = await call("get", `/v1/background_jobs/${id}`).expect(200);
        expect(["completed", "failed"]).toContain(body.status);
        return body;
      },
      { timeout: 25_000, interval: 50 },
    );
  }

  function contact(userId: string) {
    return server.services.contacts.find(environmentId, { userId });
  }

  function company(companyId: string) {
    return server.services.companies.find(environmentId, companyId);
  }

  function events() {
    return server.db.prisma.event.findMany({ where: { environmentId }, orderBy: { occurredAt: "asc" } });
  }
}

export type OpenTenant = Awaited<ReturnType<typeof openTenant>>;
export { startTestServer, type TestServer };

/** The envelope of one error. */
export const envelope = (status: number, slug: string) => ({
  errors: [{ error: slug, error_code: String(status), message: expect.any(String), details: expect.any(String) }],
});
