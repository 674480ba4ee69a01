/** Who has a network of IPv6 addresses is one client. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { newId } from "../../src/shared/ids.ts";
import { buildTenant, type Tenant } from "../support/build.ts";
import { startTestServer, type TestServer } from "../support/server.ts";

const LIMIT = 20;

let server: TestServer;
let tenant: Tenant;
beforeAll(async () => {
  server = await startTestServer({ RATE_LIMIT: true, RATE_LIMIT_CLIENT: LIMIT });
  tenant = await buildTenant(server.db);
});
afterAll(() => server.close());

/** A request of another address each time. */
async function statuses(count: number, addressOf: (n: number) => string, request: { url: string; body: string; type: string }) {
  const found: number[] = [];
  for (let n = 0; n < count; n++) {
    const { statusCode } = await server.app.inject({
      ...{ method: "POST", url: request.url, payload: request.body, remoteAddress: addressOf(n) },
      headers: { "content-type": request.type },
    });
    found.push(statusCode);
  }
  return found;
}

const identify = () => ({
  url: `/api/v2/client/${tenant.environmentId}/user`,
  body: '{"userId":"ada"}',
  type: "application/json",
});

it("the client API counts addresses of one network of 64 bits together, and those of others by themselves", async () => {
  // Two windows may be touched, each of which takes the limit.
  const ofOne = await statuses(3 * LIMIT, (n) => `2001:db8:1:2::${n.toString(16)}`, identify());
  expect(ofOne.filter((status) => status === 200).length).toBeLessThanOrEqual(2 * LIMIT);
  expect(ofOne).toContain(429);
  const ofMany = await statuses(3 * LIMIT, (n) => `2001:db8:2:${n.toString(16)}::1`, identify());
  expect(new Set(ofMany)).toEqual(new Set([200]));
});

it("a PIN cannot be tried from each address of a network", async () => {
  const enter = { url: `/s/${newId()}`, body: "pin=0000", type: "application/x-www-form-urlencoded" };
  const tries = await statuses(25, (n) => `2001:db8:3:4::${n.toString(16)}`, enter);
  expect(tries.filter((status) => status === 429).length).toBeGreaterThanOrEqual(5);
});
