import type supertest from "supertest";
import { expect } from "vitest";
import { buildTenant } from "../../support/build.ts";
import { startTestServer, type TestServer } from "../../support/server.ts";

type Method = "get" | "post" | "put" | "patch" | "delete";

/** A tenant seen through the Sprig contract. */
export async function openTenant(server: TestServer) {
  const tenant = await buildTenant(server.db);
  const { environmentId } = tenant;
  const call = (method: Method, path: string, scheme = "API-Key") =>
    server.request[method](path).set("authorization", `${scheme} ${tenant.apiKey}`);
  return { ...tenant, call, post, user, contact, events };

  function post(path: string, body: string | object, scheme?: string): supertest.Test {
    return call("post", path, scheme).send(body);
  }

  /** The user as `GET /v2/users/{userId}` answers. */
  async function user(userId: string) {
    return (await call("get", `/v2/users/${encodeURIComponent(userId)}`).expect(200)).body;
  }

  function contact(userId: string) {
    return server.services.contacts.find(environmentId, { userId });
  }

  function events() {
    return server.db.prisma.event.findMany({ where: { environmentId }, orderBy: { occurredAt: "asc" } });
  }
}

export type OpenTenant = Awaited<ReturnType<typeof openTenant>>;
export { startTestServer, type TestServer };

/** The answer to a request that is refused with a reason. */
export const ERROR = { error: expect.any(String) };
