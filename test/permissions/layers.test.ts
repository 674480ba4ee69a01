/**
 * Levels are held twice: the edge lets in what the table allows, and every service looks at the rows it touches. Here each
 * of the two stands alone: services are handed another caller than the edge let in.
 */
import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createApp } from "../../src/app.ts";
import { readConfig } from "../../src/config/env.ts";
import { createRateLimiter } from "../../src/http/rate-limit.ts";
import { PERMISSION_LEVELS, type PermissionLevel, type Principal } from "../../src/shared/principal.ts";
import { buildApiKey, buildTenant, type Tenant } from "../support/build.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { CALLS, type KeyedOperation } from "./calls.ts";
import { refusalOf } from "./expected.ts";
import { createObjectMakers, type Ids, kindsOf } from "./objects.ts";
import { isKeyed, listOperations, type Operation, send } from "./operations.ts";

let server: TestServer;
let tenant: Tenant;
let operations: (Operation & { id: KeyedOperation })[];
let ids: Ids;

beforeAll(async () => {
  server = await startTestServer({ DANGEROUSLY_ALLOW_WEBHOOK_INTERNAL_URLS: true });
  tenant = await buildTenant(server.db);
  ids = await createObjectMakers(server.db, tenant).all();
  operations = (await listOperations(server.app)).flatMap((operation) => {
    const { id } = operation;
    return isKeyed(id) && operation.permission.audience !== "vendor" ? [{ ...operation, id }] : [];
  });
});
afterAll(() => server.close());

/** Operations whose route alone decides, as no service is asked on behalf of the caller. */
const ROUTE_ALONE = new Set<KeyedOperation>(["getPrivateFile", "requestPublicUpload"]);

test.each([0, 1, 2])(
  "services refuse a caller below the level of the operation, whomever the edge and %i calls before let in",
  async (before) => {
    let below: Principal["permissions"] = new Map();
    let calls = 0;
    const app = await appWith((caller) =>
      calls++ < before ? caller : { ...caller, permissions: below, organizationAccess: { read: below.size > 0, write: false } },
    );
    const wrong: unknown[] = [];
    for (const operation of operations) {
      const { id, permission } = operation;
      const kinds = kindsOf(CALLS[id]);
      if (permission.level === "none" || kinds.length === 0 || ROUTE_ALONE.has(id)) continue;
      const lower = PERMISSION_LEVELS[PERMISSION_LEVELS.indexOf(permission.level) - 1];
      below = new Map(lower === undefined ? [] : [[tenant.environmentId, lower]]);
      const own = { ...ids, ...(await createObjectMakers(server.db, tenant).some(kinds)) };
      calls = 0;
      const answer = await send(app, operation, tenant.apiKey, CALLS[id](own));
      if (calls <= before && before > 0) continue; // nobody was asked a second time
      const isRefused = [401, 403].includes(answer.statusCode) || (id === "getResponses" && answer.json().data.length === 0);
      if (!isRefused) wrong.push([id, answer.statusCode, answer.body.slice(0, 200)]);
    }
    await app.close();
    expect(wrong).toEqual([]);
  },
);

test("the edge refuses a key below the level of the operation, whatever services would let it do", async () => {
  const app = await appWith((caller) => ({
    ...caller,
    organizationAccess: { read: true, write: true },
    permissions: new Map([...caller.permissions.keys()].map((id) => [id, "manage"])),
  }));
  const wrong: unknown[] = [];
  for (const operation of operations) {
    const { id, permission } = operation;
    if (permission.level === "none" || permission.level === "read") continue;
    const lower = PERMISSION_LEVELS[PERMISSION_LEVELS.indexOf(permission.level) - 1] ?? "read";
    const key = await buildApiKey(server.db, { ...tenant, ...lowerKey(permission.scope, lower) });
    const answer = await send(app, operation, key, CALLS[id](ids));
    const { status } = refusalOf(operation, permission.scope === "organization" ? "unauthenticated" : "forbidden");
    if (answer.statusCode !== status) wrong.push([id, answer.statusCode, answer.body.slice(0, 200)]);
  }
  await app.close();
  expect(wrong).toEqual([]);
});

const lowerKey = (scope: string, level: PermissionLevel) =>
  scope === "organization"
    ? { permissions: {}, organizationAccess: { read: true, write: false } }
    : { permissions: { [tenant.environmentId]: level } };

/** The server's app, whose services take every caller for another. */
function appWith(disguise: (caller: Principal) => Principal) {
  const config = { ...readConfig({ RATE_LIMIT: "off" }), ENCRYPTION_KEY: "an encryption key for tests only, 0123456789" };
  const yes = async () => true;
  return createApp({
    config,
    services: disguised(server.services, disguise),
    log: pino({ level: "silent" }),
    limiter: createRateLimiter({ enabled: false, limits: { client: 1, environment: 1, management: 1 } }),
    readiness: { isDatabaseReachable: yes, isCacheCurrent: () => true, isMigrated: yes, isAccepting: () => true },
    overload: null,
    metrics: null,
    tracing: null,
  });
}

function disguised<Target extends object>(target: Target, disguise: (caller: Principal) => Principal): Target {
  return new Proxy(target, {
    get(object, name) {
      const member: unknown = Reflect.get(object, name);
      if (typeof member === "function")
        return (first: unknown, ...rest: unknown[]) =>
          Reflect.apply(member, object, [isPrincipal(first) ? disguise(first) : first, ...rest]);
      return typeof member === "object" && member !== null && !(member instanceof Map) ? disguised(member, disguise) : member;
    },
  });
}

const isPrincipal = (value: unknown): value is Principal =>
  typeof value === "object" &&
  value !== null &&
  "apiKeyId" in value &&
  "permissions" in value &&
  value.permissions instanceof Map;
