/**
 * Every operation × every sort of key, and every id swapped for another tenant's. What is expected comes from the table
 * of permissions and from the contracts' envelopes (expected.ts), the calls from calls.ts.
 */
import { createHash, randomBytes } from "node:crypto";
import type { LightMyRequestResponse } from "fastify";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { newId } from "../../src/shared/ids.ts";
import { buildApiKey, buildTenant, type Tenant } from "../support/build.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { CALLS, type KeyedOperation } from "./calls.ts";
import { type Holder, type Outcome, outcomeOf, refusalOf } from "./expected.ts";
import { createObjectMakers, digest, type Ids, type Kind, kindsOf } from "./objects.ts";
import { isKeyed, listOperations, type Operation, send } from "./operations.ts";

interface Key extends Holder {
  name: string;
  secret: string | null;
}

/** Some 1,800 requests: ten seconds where nothing else runs. */
const TIMEOUT_MS = 120_000;

let server: TestServer;
let ours: Tenant;
let theirs: Tenant;
let operations: (Operation & { id: KeyedOperation })[];
let keys: Key[];
/** What is only read may be read again and again. */
let ourIds: Ids;
let theirIds: Ids;

beforeAll(async () => {
  // Webhooks lead to this machine, where nobody takes them.
  server = await startTestServer({ USERPILOT_DELETE_DELAY_SECONDS: 86_400, DANGEROUSLY_ALLOW_WEBHOOK_INTERNAL_URLS: true });
  ours = await buildTenant(server.db);
  theirs = await buildTenant(server.db);
  operations = (await listOperations(server.app)).flatMap((operation) => {
    const { id } = operation;
    return isKeyed(id) ? [{ ...operation, id }] : [];
  });
  keys = await makeKeys();
  ourIds = await makeIds(ours);
  theirIds = await makeIds(theirs);
});
afterAll(() => server.close());

test("every operation that needs a key is in the matrix, and has a call", () => {
  expect(operations.map(({ id }) => id).sort()).toEqual(Object.keys(CALLS).sort());
});

test(
  "every key is answered as the table says, and who is refused changes and sees nothing",
  async () => {
    const wrong: unknown[] = [];
    for (const operation of operations) {
      const kinds = kindsOf(CALLS[operation.id]);
      const namesObjects = kinds.length > 0 && !FILTERS_ONLY.has(operation.id);
      const ids = await freshIds(ours, operation, kinds);
      await jobsDone();
      const made = await digest(server.db, ours);
      const [refused, let_in] = split(keys, (key) => isRefused(outcomeOf(operation, key, { namesObjects })));
      for (const key of refused) {
        const answer = await send(server.app, operation, key.secret, CALLS[operation.id](ids));
        const mismatch = compareRefusal(operation, outcomeOf(operation, key, { namesObjects }), answer);
        if (mismatch !== null) wrong.push([operation.id, key.name, mismatch]);
      }
      if (String(await digest(server.db, ours)) !== String(made)) wrong.push([operation.id, "a refused call changed something"]);
      for (const key of let_in) {
        const own = await freshIds(ours, operation, kinds);
        const answer = await send(server.app, operation, key.secret, CALLS[operation.id](own));
        const mismatch = compareAdmission(operation, outcomeOf(operation, key, { namesObjects }), answer);
        if (mismatch !== null) wrong.push([operation.id, key.name, mismatch]);
      }
      if (GRANTS.has(operation.id)) keys = await makeKeys(); // who made it may use it
    }
    expect(wrong).toEqual([]);
  },
  TIMEOUT_MS,
);

test(
  "the key that may do everything in its tenant succeeds, and with any id of another tenant's does not",
  async () => {
    const wrong: unknown[] = [];
    const before = await digest(server.db, theirs);
    for (const operation of operations) {
      const kinds = kindsOf(CALLS[operation.id]);
      const secret = await buildApiKey(server.db, { ...ours, ...EVERYTHING(ours) });
      const ids = await freshIds(ours, operation, kinds);
      const control = await send(server.app, operation, secret, CALLS[operation.id](ids));
      const expected = CONTROL[operation.id] ?? [200, 201, 202];
      if (!expected.includes(control.statusCode)) wrong.push([operation.id, "control", control.statusCode, control.body]);
      for (const kind of kinds) {
        const swapped = { ...(await freshIds(ours, operation, kinds)), [kind]: theirIds[kind] };
        const answer = await send(server.app, operation, secret, CALLS[operation.id](swapped));
        const mismatch = compareSwap(operation, kind, answer);
        if (mismatch !== null) wrong.push([operation.id, kind, mismatch]);
      }
    }
    if (String(await digest(server.db, theirs)) !== String(before)) wrong.push("something of the other tenant changed");
    expect(wrong).toEqual([]);
  },
  TIMEOUT_MS,
);

test("what needs no key asks for none, and takes no notice of one", async () => {
  const wrong: unknown[] = [];
  const { environmentId } = await buildTenant(server.db); // whose user ids nobody has to sign
  for (const operation of await listOperations(server.app)) {
    if (isKeyed(operation.id)) continue;
    const call = {
      path: { environmentId, filePath: "a.png", userId: "u" },
      ...(operation.method !== "GET" && { body: {} }),
    };
    const [plain, keyed] = [await send(server.app, operation, null, call), await send(server.app, operation, "garbage", call)];
    if ([401, 403].includes(plain.statusCode) || plain.statusCode !== keyed.statusCode)
      wrong.push([operation.id, plain.statusCode, keyed.statusCode]);
  }
  expect(wrong).toEqual([]);
});

/** Lists that find nothing for what a key does not reach, and do not tell whether it exists. Source: management-api-v2 §2.3. */
const FILTERS_ONLY = new Set<KeyedOperation>(["getResponses"]);

/** What gives its caller more than they held. */
const GRANTS = new Set<KeyedOperation>(["createProject", "createWorkspace"]);

/**
 * What takes permissions on environments beside access to the organization, and is 403 without. Their own tests say who
 * may; the project here is one that nobody may manage.
 */
const TAKES_MORE = new Set<KeyedOperation>([
  "deleteProject",
  "deleteWorkspace",
  "createApiKey",
  "setIdentifySecret",
  "rotateIdentifySecret",
  "dropPreviousIdentifySecret",
  "deleteIdentifySecret",
]);

/** What the key that may do everything is answered, where that is no success. */
const CONTROL: { [Id in KeyedOperation]?: readonly number[] } = {
  getPrivateFile: [404], // nobody has uploaded it
  getMe: [400], // the key has two environments
  updateWorkspaceTeam: [404], // the team does not use the project yet
  updateProjectTeam: [404],
  deleteWorkspaceTeam: [404],
  deleteProjectTeam: [404],
  deleteProject: [403], // nobody was given its environments
  deleteWorkspace: [403],
};

const EVERYTHING = ({ environmentId, developmentId }: Tenant) =>
  ({
    permissions: { [environmentId]: "manage", [developmentId]: "read" },
    organizationAccess: { read: true, write: true },
  }) as const;

async function makeKeys(): Promise<Key[]> {
  const { db } = server;
  const { environmentId, developmentId } = ours;
  const none = { isKnown: true, here: null, elsewhere: null, organization: null };
  const on = (permissions: Parameters<typeof buildApiKey>[1]["permissions"]) => buildApiKey(db, { ...ours, permissions });
  const access = (read: boolean, write: boolean) =>
    buildApiKey(db, { ...ours, permissions: {}, organizationAccess: { read, write } });
  const nobody = { ...none, isKnown: false };
  return [
    { name: "no key", secret: null, ...nobody },
    { name: "empty", secret: "", ...nobody },
    { name: "garbage", secret: "garbage", ...nobody },
    { name: "unknown", secret: `fbk_${randomBytes(32).toString("base64url")}`, ...nobody },
    { name: "revoked", secret: await makeRevokedKey(), ...nobody },
    { name: "legacy", secret: await makeLegacyKey(), ...none, here: "manage" },
    { name: "read", secret: await on({ [environmentId]: "read" }), ...none, here: "read" },
    { name: "write", secret: await on({ [environmentId]: "write" }), ...none, here: "write" },
    { name: "manage", secret: await on({ [environmentId]: "manage" }), ...none, here: "manage" },
    { name: "organization read", secret: await access(true, false), ...none, organization: "read" },
    { name: "organization write", secret: await access(false, true), ...none, organization: "write" },
    { name: "another environment", secret: await on({ [developmentId]: "manage" }), ...none, elsewhere: "manage" },
    {
      name: "read here, manage elsewhere",
      secret: await on({ [environmentId]: "read", [developmentId]: "manage" }),
      ...none,
      here: "read",
      elsewhere: "manage",
    },
    {
      name: "another organization",
      secret: await buildApiKey(db, {
        ...theirs,
        permissions: { [theirs.environmentId]: "manage" },
        organizationAccess: { read: true, write: true },
      }),
      ...none,
      elsewhere: "manage",
      isOutsider: true,
    },
  ];
}

/** What calls before have left to do in the background is not laid to those that follow. */
async function jobsDone(): Promise<void> {
  const where = { environmentId: { in: [ours.environmentId, ours.developmentId] }, finishedAt: null };
  await vi.waitFor(async () => expect(await server.db.prisma.job.count({ where })).toBe(0), { timeout: TIMEOUT_MS / 2 });
}

/** Was good, and was used, a moment ago. */
async function makeRevokedKey(): Promise<string> {
  const secret = await buildApiKey(server.db, { ...ours, permissions: { [ours.environmentId]: "manage" } });
  const { apiKeyId } = await server.services.apiKeys.authenticate(secret);
  await server.services.apiKeys.revoke({ id: apiKeyId });
  return secret;
}

async function makeLegacyKey(): Promise<string> {
  const secret = randomBytes(16).toString("hex");
  const { organizationId, ownerId, environmentId } = ours;
  const lookupHash = createHash("sha256").update(secret).digest("hex");
  const permissions = { [environmentId]: "manage" };
  await server.db.prisma.apiKey.create({
    data: { id: newId(), organizationId, label: "old", createdBy: ownerId, lookupHash, isLegacy: true, permissions },
  });
  return secret;
}

async function makeIds(tenant: Tenant): Promise<Ids> {
  const makers = createObjectMakers(server.db, tenant);
  return makers.all();
}

/** Reads share their objects; what is written is made anew for each call. */
async function freshIds(tenant: Tenant, { method }: Operation, kinds: readonly Kind[]): Promise<Ids> {
  if (method === "GET") return ourIds;
  return { ...ourIds, ...(await createObjectMakers(server.db, tenant).some(kinds)) };
}

const isRefused = (outcome: Outcome): outcome is Exclude<Outcome, "allowed" | "own"> =>
  outcome !== "allowed" && outcome !== "own";

function split<Item>(items: readonly Item[], test: (item: Item) => boolean): [Item[], Item[]] {
  return [items.filter(test), items.filter((item) => !test(item))];
}

/** Null when the answer is the refusal that the contract has for it. */
function compareRefusal(operation: Operation, outcome: Outcome, answer: LightMyRequestResponse): unknown {
  if (!isRefused(outcome)) return { outcome };
  const refusal = refusalOf(operation, outcome);
  if (answer.statusCode !== refusal.status)
    return { expected: refusal.status, status: answer.statusCode, body: answer.body.slice(0, 200) };
  if ("text" in refusal) return answer.body === refusal.text ? null : answer.body;
  return includes(answer.json(), refusal.json) ? null : answer.body;
}

const includes = (value: unknown, part: unknown): boolean => {
  try {
    expect(value).toMatchObject(Object(part));
    return true;
  } catch {
    return false;
  }
};

/** Null when the call was let in, and shows nothing that its key does not reach. */
function compareAdmission(
  { id, permission, path }: (typeof operations)[number],
  outcome: Outcome,
  answer: LightMyRequestResponse,
): unknown {
  const { statusCode, body } = answer;
  if (statusCode === 403 && TAKES_MORE.has(id)) return null;
  const isFound = statusCode < 400 || [400, 404, 409].includes(statusCode);
  if (!isFound || statusCode >= 500) return { outcome, status: statusCode, body: body.slice(0, 200) };
  if (outcome === "allowed") return null;
  const seen = OUR_ROWS.filter((kind) => body.includes(ourIds[kind]));
  // Vendors' ids are the customer's own, and mean someone else in another environment.
  return seen.length === 0 || permission.audience === "vendor" ? null : { path, seen };
}

const OUR_ROWS: readonly Kind[] = [
  "environment",
  "survey",
  "contact",
  "actionClass",
  "attributeKey",
  "response",
  "segment",
  "language",
  "tag",
  "webhook",
];

/** An id of a stranger's is unknown or refused; a filter by one finds nothing. */
function compareSwap({ id, permission }: Operation, kind: Kind, { statusCode, body }: LightMyRequestResponse): unknown {
  const isRefusal = [400, 401, 403, 404].includes(statusCode);
  if (permission.audience === "vendor" && kind === "userId") return null; // the customer's own id, in the key's environment
  if (id === "createApiKey" && kind === "environment" && statusCode === 422) return null; // as one that there is not
  if (isRefusal || isEmptyList(statusCode, body)) return null;
  return { id, status: statusCode, body: body.slice(0, 200) };
}

function isEmptyList(status: number, body: string): boolean {
  if (status !== 200) return false;
  const { data }: { data?: unknown } = JSON.parse(body);
  return Array.isArray(data) && data.length === 0;
}
