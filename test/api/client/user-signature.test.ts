/** Signed user ids: off unless the environment, or the installation, has a secret. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { operatorFor } from "../../../src/cli/operator.ts";
import { signUserId } from "../../../src/shared/user-signature.ts";
import { buildSurvey, buildTenant, type Tenant } from "../../support/build.ts";
import { startTestServer, type TestServer } from "../../support/server.ts";

const DEFAULT_SECRET = "the secret of the whole installation";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const QUESTION = { id: "q1", type: "openText", headline: { default: "Hi?" }, required: false };
const DOCUMENT = { blocks: [{ id: "b1", name: "Block", elements: [QUESTION] }] };

const placeOf = (tenant: Tenant) => [operatorFor(tenant), tenant.organizationId, tenant.environmentId] as const;

interface Call {
  name: string;
  method: "GET" | "POST" | "PUT";
  path: string;
  body?: object;
}

/** Every call that names the user `ada`. */
async function callsOf({ environmentId }: Tenant): Promise<Call[]> {
  const { id: surveyId } = await buildSurvey(server.db, { environmentId, document: DOCUMENT });
  const [v1, v2] = [`/api/v1/client/${environmentId}`, `/api/v2/client/${environmentId}`];
  const userId = "ada";
  return [
    { name: "identify, v1", method: "POST", path: `${v1}/user`, body: { userId } },
    { name: "identify, v2", method: "POST", path: `${v2}/user`, body: { userId } },
    { name: "display", method: "POST", path: `${v1}/displays`, body: { surveyId, userId } },
    { name: "response", method: "POST", path: `${v1}/responses`, body: { surveyId, userId, finished: false, data: {} } },
    { name: "identify a contact", method: "GET", path: `${v1}/identify/contacts/ada` },
    { name: "identify a person", method: "GET", path: `${v2}/identify/people/ada` },
    { name: "identify an app's person", method: "GET", path: `${v1}/app/people/ada` },
    { name: "create a person", method: "POST", path: `${v1}/people`, body: { userId } },
    { name: "attributes of a contact", method: "PUT", path: `${v1}/contacts/ada/attributes`, body: { attributes: {} } },
    { name: "attributes of a person", method: "PUT", path: `${v1}/people/ada/attributes`, body: { attributes: {} } },
    { name: "sync", method: "GET", path: `${v1}/app/sync/ada` },
  ];
}

/** The signature comes as a member of the body, of the query where there is none, or as a header. */
const send = (at: TestServer, { method, path, body }: Call, signature?: string, as: "member" | "header" = "member") => {
  const member = signature !== undefined && as === "member" ? { userIdSignature: signature } : {};
  return at.app.inject({
    method,
    url: path,
    headers: { ...(signature !== undefined && as === "header" && { "x-user-id-signature": signature }) },
    ...(body ? { payload: { ...body, ...member } } : { query: member }),
  });
};

const statuses = async (calls: Call[], signature?: string, as?: "member" | "header") => {
  const answers: Record<string, number> = {};
  for (const call of calls) answers[call.name] = (await send(server, call, signature, as)).statusCode;
  return answers;
};

const all = (calls: Call[], status: number) => Object.fromEntries(calls.map(({ name }) => [name, status]));

test("no call that names a user wants a signature in an environment without a secret", async () => {
  const calls = await callsOf(await buildTenant(server.db));
  expect(await statuses(calls)).toEqual(all(calls, 200));
});

test("every call that names a user is 401 without a signature, 403 with another's and 200 with the user's", async () => {
  const tenant = await buildTenant(server.db);
  const calls = await callsOf(tenant);
  await statuses(calls); // the configuration is cached now
  const { secret } = await server.services.identifySecrets.rotate(...placeOf(tenant));
  expect(await statuses(calls)).toEqual(all(calls, 401));
  expect(await statuses(calls, signUserId(secret, "bob"))).toEqual(all(calls, 403));
  expect(await statuses(calls, signUserId(secret, "ada"))).toEqual(all(calls, 200));
  expect(await statuses(calls, signUserId(secret, "ada"), "header")).toEqual(all(calls, 200));
});

test("a refusal has the contract's envelope, and writes nothing", async () => {
  const tenant = await buildTenant(server.db);
  const [call] = await callsOf(tenant);
  await server.services.identifySecrets.rotate(...placeOf(tenant));
  if (!call) throw new Error("There is a call");
  const [missing, wrong] = [await send(server, call), await send(server, call, "0".repeat(64))];
  expect(missing.json()).toEqual({ code: "not_authenticated", message: expect.stringContaining("is missing"), details: {} });
  expect(wrong.json()).toEqual({
    code: "forbidden",
    message: "userIdSignature is not the signature of this user id",
    details: {},
  });
  expect(missing.headers).toMatchObject({ "access-control-allow-origin": "*" });
  expect(await server.db.prisma.contact.count({ where: { environmentId: tenant.environmentId } })).toBe(0);
});

test("a display and a response without a user need no signature", async () => {
  const tenant = await buildTenant(server.db);
  await server.services.identifySecrets.rotate(...placeOf(tenant));
  const anonymous = (await callsOf(tenant)).filter(({ name }) => ["display", "response"].includes(name));
  for (const { body, ...call } of anonymous)
    expect((await send(server, { ...call, body: { ...body, userId: undefined } })).statusCode).toBe(200);
  expect(anonymous).toHaveLength(2);
});

test("two secrets are good after a rotation, one after the former was dropped, none is asked for once it is off", async () => {
  const tenant = await buildTenant(server.db);
  const [call] = await callsOf(tenant);
  if (!call) throw new Error("There is a call");
  const { identifySecrets } = server.services;
  const one = await identifySecrets.rotate(...placeOf(tenant));
  const other = await identifySecrets.rotate(...placeOf(tenant));
  expect([one.hasPrevious, other.hasPrevious]).toEqual([false, true]);
  const answers = async () => {
    const signatures = [one, other].map(({ secret }) => signUserId(secret, "ada"));
    return Promise.all([...signatures, undefined].map(async (each) => (await send(server, call, each)).statusCode));
  };
  expect(await answers()).toEqual([200, 200, 401]);
  await identifySecrets.dropPrevious(...placeOf(tenant));
  expect(await answers()).toEqual([403, 200, 401]);
  await identifySecrets.switchOff(...placeOf(tenant));
  expect(await answers()).toEqual([200, 200, 200]);
  await expect(identifySecrets.rotate(operatorFor(tenant), tenant.organizationId, "none")).rejects.toMatchObject({
    kind: "not_found",
  });
});

test("a secret that cannot be opened lets nobody in", async () => {
  const tenant = await buildTenant(server.db);
  const [call] = await callsOf(tenant);
  await server.db.query(`update environments set "identifySecret" = 'v1.00000000.AAAA' where id = $1`, [tenant.environmentId]);
  if (!call) throw new Error("There is a call");
  expect((await send(server, call)).statusCode).toBe(401);
  expect((await send(server, call, signUserId("", "ada"))).statusCode).toBe(403);
});

test("IDENTIFY_SECRET holds for environments that have none of their own", async () => {
  const strict = await startTestServer({ IDENTIFY_SECRET: [DEFAULT_SECRET] });
  try {
    const tenant = await buildTenant(strict.db);
    const [call] = await callsOf(tenant);
    if (!call) throw new Error("There is a call");
    expect((await send(strict, call)).statusCode).toBe(401);
    expect((await send(strict, call, signUserId(DEFAULT_SECRET, "ada"))).statusCode).toBe(200);
    const { secret } = await strict.services.identifySecrets.rotate(...placeOf(tenant));
    expect((await send(strict, call, signUserId(DEFAULT_SECRET, "ada"))).statusCode).toBe(403);
    expect((await send(strict, call, signUserId(secret, "ada"))).statusCode).toBe(200);
  } finally {
    await strict.close();
  }
});
