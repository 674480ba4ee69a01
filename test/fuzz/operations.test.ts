/**
 * Every operation of the OpenAPI document with requests that are right, nearly right and wrong: none is answered by a 5xx,
 * and every answer is one that the document has. `FUZZ_RUNS=300` sends more of them, `FUZZ_SEED` others; a failure names
 * the seed and the shortest request that it found.
 */
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { operatorFor } from "../../src/cli/operator.ts";
import { newId } from "../../src/shared/ids.ts";
import { CALLS } from "../permissions/calls.ts";
import { createObjectMakers, type Ids, type Kind, kindsOf } from "../permissions/objects.ts";
import { isKeyed } from "../permissions/operations.ts";
import { buildApiKey, buildTenant, type Tenant } from "../support/build.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { faultOf } from "./answers.ts";
import { type Operation, operations } from "./document.ts";
import { planFor, requestOf } from "./requests.ts";

const RUNS = Number(process.env.FUZZ_RUNS ?? 20);
const SEED = Number(process.env.FUZZ_SEED ?? 1);

let server: TestServer;
let ours: Tenant;
let apiKey: string;
let ids: Ids;
let displayId: string;
let elsewhere: Ids;

beforeAll(async () => {
  server = await startTestServer();
  ours = await buildTenant(server.db);
  elsewhere = await createObjectMakers(server.db, await buildTenant(server.db)).all();
  ids = await createObjectMakers(server.db, ours).all();
  displayId = newId();
  const { environmentId } = ours;
  await server.db.prisma.display.create({ data: { id: displayId, environmentId, surveyId: ids.survey } });
  apiKey = await buildApiKey(server.db, {
    ...ours,
    permissions: { [ours.environmentId]: "manage" },
    organizationAccess: { read: true, write: true },
  });
});
afterAll(() => server.close());

/** User ids that had to be signed would keep every client call from what it does. */
afterEach(() => server.services.identifySecrets.switchOff(operatorFor(ours), ours.organizationId, ours.environmentId));

test.each(operations.map((operation) => [operation.id, operation] as const))(
  "%s answers as documented, whatever it is asked",
  async (_, operation) => {
    const kinds = isKeyed(operation.id) ? kindsOf(CALLS[operation.id]) : [];
    const known = [...Object.values(ids), ...Object.values(elsewhere), newId()];
    const property = fc.asyncProperty(planFor(operation, known), async (plan) => {
      const request = requestOf(operation, plan, { ids: await freshIds(operation, kinds), displayId, apiKey });
      const fault = faultOf(operation, await server.app.inject(request));
      expect(fault === null ? null : { fault, request }).toBeNull();
    });
    await fc.assert(property, { seed: SEED, numRuns: RUNS, interruptAfterTimeLimit: 100_000, endOnFailure: RUNS < 100 });
  },
  120_000,
);

/** Reads share their objects; what is written is made anew for each request. */
async function freshIds({ method }: Operation, kinds: readonly Kind[]): Promise<Ids> {
  return method === "GET" ? ids : { ...ids, ...(await createObjectMakers(server.db, ours).some(kinds)) };
}
