/**
 * A run over all contracts, wrong turns included, with values that occur nowhere else: none of them is in the log at its
 * most talkative, and in the database each is where it belongs and nowhere else.
 */
import { randomBytes } from "node:crypto";
import { Writable } from "node:stream";
import { setTimeout } from "node:timers/promises";
import { pino } from "pino";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { readConfig } from "../../src/config/env.ts";
import { SEALED_COLUMNS } from "../../src/sealed-secrets/service.ts";
import { createServer, type Server } from "../../src/server.ts";
import { signUserId } from "../../src/shared/user-signature.ts";
import { buildSurvey, buildTenant, type Tenant } from "../support/build.ts";

const canary = (name: string) => `${name}${randomBytes(9).toString("hex")}`;

/** What is told to the server about people, and where each may end up: `table.column`. */
const email = `${canary("mail")}@example.com`;
const userId = canary("user");
const attribute = canary("plan");
const answer = canary("answer");
const unknownKey = `fbk_${canary("nokey")}`;
const receiverPath = canary("path");

let server: Server;
let ours: Tenant;
let logged = "";
let webhookSecret: string;
let identifySecret: string;
let rotatedSecret: string;
let madeKey: string;

beforeAll(async () => {
  const sink = new Writable({
    write(chunk, _encoding, done) {
      logged += String(chunk);
      done();
    },
  });
  const config = {
    ...readConfig({
      RATE_LIMIT: "off",
      ACCESS_LOG: "all",
      DATABASE_POOL_SIZE: "4",
      DANGEROUSLY_ALLOW_WEBHOOK_INTERNAL_URLS: "on",
    }),
    ENCRYPTION_KEY: "an encryption key for tests only, 0123456789",
  };
  server = await createServer({ config, url: inject("databaseUrl"), log: pino({ level: "trace" }, sink) });
  await server.app.ready();
  ours = await buildTenant(server.db);
  await run();
});
afterAll(() => server.close());

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
type Headers = Record<string, string>;

async function call(method: Method, url: string, payload?: object | string, headers: Headers = {}) {
  const type = { "content-type": "application/json" };
  return server.app.inject({ method, url, headers: { ...type, ...headers }, ...(payload !== undefined && { payload }) });
}

async function succeed(...request: Parameters<typeof call>) {
  const response = await call(...request);
  expect([request[0], request[1].replace(userId, "USER"), response.statusCode]).toEqual([
    request[0],
    request[1].replace(userId, "USER"),
    expect.toSatisfy((status: number) => status < 300),
  ]);
  return response;
}

async function run(): Promise<void> {
  const { environmentId, organizationId, apiKey } = ours;
  const key = { "x-api-key": apiKey };
  const vendorKey = await vendorApiKey();
  const question = { id: "q1", type: "openText", headline: { default: "Hi?" }, required: false };
  const document = { blocks: [{ id: "b1", name: "Block", elements: [question] }] };
  const { id: surveyId } = await buildSurvey(server.db, { environmentId, document });

  const webhook = { name: "n", url: `http://127.0.0.1:9/${receiverPath}`, source: "user", triggers: ["responseFinished"] };
  const made = (
    await succeed("POST", "/api/v2/management/webhooks", { ...webhook, workspaceId: environmentId, surveyIds: [] }, key)
  ).json();
  webhookSecret = made.data.secret;
  const sentTwice = { ...key, "idempotency-key": "once" };
  const keyBody = { label: "l", environmentPermissions: [{ environmentId, permission: "read" }] };
  const { data } = (await succeed("POST", `/api/v2/organizations/${organizationId}/api-keys`, keyBody, sentTwice)).json();
  madeKey = data.apiKey;
  const rotation = (await succeed("POST", `/api/v2/management/webhooks/${made.data.id}/rotate-secret`, {}, sentTwice)).json();
  rotatedSecret = rotation.data.secret;
  const place = `/api/v2/organizations/${organizationId}/environments/${environmentId}/identify-secret`;
  identifySecret = (await succeed("POST", `${place}/rotate`, {}, sentTwice)).json().data.secret;
  server.startDelivering();

  const signed = { userId, userIdSignature: signUserId(identifySecret, userId) };
  await succeed("POST", `/api/v2/client/${environmentId}/user`, { ...signed, attributes: { email, plan: attribute } });
  await succeed("POST", `/api/v1/client/${environmentId}/displays`, { surveyId, ...signed });
  await succeed("POST", `/api/v1/client/${environmentId}/responses`, {
    surveyId,
    ...signed,
    finished: true,
    data: { q1: answer },
  });
  await succeed("GET", "/api/v1/management/contacts", undefined, key);
  await succeed("GET", `/api/v2/management/responses?surveyId=${surveyId}`, undefined, key);
  await succeed(
    "POST",
    "/v1/identify",
    { user_id: userId, metadata: { plan: attribute } },
    { authorization: `Token ${vendorKey}` },
  );
  await succeed("POST", "/v1/track", { user_id: userId, event_name: "e", metadata: {} }, { authorization: `Token ${vendorKey}` });
  await succeed("POST", "/v2/users", { userId, attributes: { plan: attribute } }, { authorization: `API-Key ${vendorKey}` });
  await succeed("GET", `/v2/users/${userId}`, undefined, { authorization: `API-Key ${vendorKey}` });
  await takeWrongTurns(surveyId);
  await firstDelivery();
}

/** The receiver does not answer, which is logged. */
async function firstDelivery(): Promise<void> {
  const find = `select 1 from webhook_deliveries where "environmentId" = $1 and "lastError" is not null`;
  for (let waits = 0; (await server.db.query(find, [ours.environmentId])).length === 0; waits++) {
    if (waits > 100) throw new Error("No delivery was tried");
    await setTimeout(100);
  }
}

async function vendorApiKey(): Promise<string> {
  const { organizationId, environmentId } = ours;
  const { secret } = await server.services.apiKeys.create({
    label: "vendor",
    organizationId,
    permissions: { [environmentId]: "write" },
  });
  return secret;
}

/** Requests that are refused, with the same values in them. */
async function takeWrongTurns(surveyId: string): Promise<void> {
  const { environmentId } = ours;
  const key = { "x-api-key": ours.apiKey };
  const bad: Parameters<typeof call>[] = [
    ["GET", "/api/v1/management/me", undefined, { "x-api-key": unknownKey }],
    ["GET", "/api/v2/me", undefined, { authorization: `Bearer ${unknownKey}` }],
    ["POST", "/v1/identify", { user_id: userId }, { authorization: `Token ${unknownKey}` }],
    ["GET", `/v2/users/${userId}`, undefined, { authorization: `API-Key ${unknownKey}` }],
    ["POST", `/api/v2/client/${environmentId}/user`, `{"userId":"${userId}","attributes":{"email":"${email}"`],
    ["POST", `/api/v2/client/${environmentId}/user`, { userId, userIdSignature: signUserId(identifySecret, email) }],
    ["POST", `/api/v2/client/${environmentId}/user`, { userId, attributes: { email: [email] } }],
    ["POST", `/api/v1/client/${environmentId}/responses`, { surveyId, finished: answer, data: { q1: answer } }],
    ["POST", `/api/v1/client/${environmentId}/responses`, { surveyId, finished: true, data: { [answer]: `${answer}\u0000` } }],
    ["POST", "/api/v2/management/contacts", { workspaceId: environmentId, attributes: { email, userId } }, key],
    ["POST", "/api/v2/management/contacts", { workspaceId: environmentId, attributes: { email: `${email} ` } }, key],
    ["GET", `/api/v2/management/contacts/${userId}?email=${encodeURIComponent(email)}`, undefined, key],
    ["GET", `/api/v1/client/${environmentId}/identify/contacts/${userId}?userIdSignature=${answer}`],
    ["GET", `/nowhere/${userId}?key=${ours.apiKey}`],
    ["GET", `/api/v2/management/contacts/%?email=${encodeURIComponent(email)}`, undefined, key],
    [
      "POST",
      "/v1/users/bulk",
      `user_id,plan\n"${userId},${attribute}`,
      { authorization: `API-Key ${unknownKey}`, "content-type": "text/csv" },
    ],
  ];
  for (const [at, request] of bad.entries())
    expect([at, (await call(...request)).statusCode]).toEqual([at, expect.toSatisfy((status: number) => status >= 400)]);
}

test("the log at level trace has none of the keys, secrets, ids, addresses, attributes and answers", () => {
  expect(logged.split("\n").length).toBeGreaterThan(20);
  const told = {
    email,
    userId,
    attribute,
    answer,
    unknownKey,
    receiverPath,
    webhookSecret,
    rotatedSecret,
    identifySecret,
    madeKey,
  };
  const found = Object.entries({ ...told, apiKey: ours.apiKey }).filter(([, value]) => logged.includes(value));
  const lines = found.map(([name, value]) => [name, logged.split("\n").find((line) => line.includes(value))]);
  expect(lines).toEqual([]);
});

/** Columns with the value in them, of any row of the database. */
async function placesOf(value: string): Promise<string[]> {
  const tables = await server.db.query<{ name: string }>(
    `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
     where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`,
  );
  const places: string[] = [];
  for (const { name } of tables) {
    const columns = await server.db.query<{ column: string }>(
      `select distinct c.key as column from ${name} t, jsonb_each_text(to_jsonb(t)) c where strpos(c.value, $1) > 0`,
      [value],
    );
    places.push(...columns.map(({ column }) => `${name.replace(/^public\./, "")}.${column}`));
  }
  return places.sort();
}

test("keys and secrets are nowhere in the database as they are", async () => {
  const secrets = { webhookSecret, rotatedSecret, identifySecret, unknownKey, madeKey, apiKey: ours.apiKey };
  const places = await Promise.all(Object.entries(secrets).map(async ([name, value]) => [name, await placesOf(value)]));
  expect(Object.fromEntries(places)).toEqual(Object.fromEntries(Object.keys(secrets).map((name) => [name, []])));
  const bare = ours.apiKey.replace(/^fbk_/, "");
  expect(await placesOf(bare)).toEqual([]);
});

test("what people are and say is where it belongs", async () => {
  const told = { email, userId, attribute, answer, receiverPath };
  const places = await Promise.all(Object.entries(told).map(async ([name, value]) => [name, await placesOf(value)]));
  expect(Object.fromEntries(places)).toEqual({
    email: ["contacts.email", "responses.contactAttributes", "webhook_events.payload"],
    userId: ["contacts.userId", "responses.contactAttributes", "webhook_events.payload"],
    attribute: ["contacts.attributes", "responses.contactAttributes", "webhook_events.payload"],
    answer: ["responses.data", "webhook_events.payload"],
    receiverPath: ["webhooks.url"],
  });
});

test("what is sealed is in the columns that are resealed, and in no other", async () => {
  const columns = await server.db.query<{ table: string; column: string }>(
    `select table_name as table, column_name as column from information_schema.columns
     where table_schema = 'public' and data_type in ('text', 'character varying')`,
  );
  const sealed: { table: string; column: string }[] = [];
  for (const { table, column } of columns) {
    const [row] = await server.db.query(`select 1 from "${table}" where "${column}" ~ '^v1\\.[0-9a-f]{8}\\.' limit 1`);
    if (row) sealed.push({ table, column });
  }
  const name = ({ table, column }: { table: string; column: string }) => `${table}.${column}`;
  expect(SEALED_COLUMNS.map(name)).toEqual(expect.arrayContaining(sealed.map(name)));
  expect(sealed.map(name)).toEqual(
    expect.arrayContaining(["webhooks.secret", "environments.identifySecret", "idempotency_keys.answer"]),
  );
});
