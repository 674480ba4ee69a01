/** `@formbricks/api` 3.0.0 against the server: displays and answers of users that it names by their own ids. */
import { FormbricksAPI } from "@formbricks/api";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newId } from "../../src/shared/ids.ts";
import { buildSurvey, buildTenant, type Tenant } from "../support/build.ts";
import { ANSWERABLE } from "../support/responses.ts";
import { startTestServer, type TestServer } from "../support/server.ts";

let server: TestServer;
let tenant: Tenant;
let surveyId: string;
let client: FormbricksAPI["client"];

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

async function startClient(): Promise<void> {
  tenant = await buildTenant(server.db);
  ({ id: surveyId } = await buildSurvey(server.db, { environmentId: tenant.environmentId, document: ANSWERABLE }));
  ({ client } = new FormbricksAPI({ apiHost: server.baseUrl, environmentId: tenant.environmentId }));
}

const identify = async (userId: string) =>
  (await server.request.post(`/api/v2/client/${tenant.environmentId}/user`).send({ userId }).expect(200)).body.data.state.data;

/** What the client makes of a 200 and of an error. */
const ok = (data: unknown) => ({ ok: true, data });
const error = (status: number, message: string, path: string, details?: object) => ({
  ok: false,
  error: {
    ...{ code: "network_error", status, message },
    url: new URL(`${server.baseUrl}/api/v1/client/${tenant.environmentId}/${path}`),
    ...(details && { details }),
  },
});
const SAVED = { id: expect.any(String), quotaFull: false };

describe("@formbricks/api", () => {
  beforeAll(startClient);

  it("records a display, answers card by card and finishes, all for one contact", async () => {
    const { contactId } = await identify("ada");
    const display = await client.display.create({ surveyId, userId: "ada" });
    expect(display).toEqual(ok({ id: expect.any(String), contactId, surveyId }));
    const displayId = display.ok ? display.data.id : "";

    const created = await client.response.create({
      ...{ surveyId, userId: "ada", displayId, finished: false },
      ...{ data: { q1: "Fine" }, ttc: { q1: 731.2 }, meta: { source: "app", url: "https://app.example/cart" } },
    });
    expect(created).toEqual(ok(SAVED));
    const responseId = created.ok ? created.data.id : "";
    const half = await client.response.update({
      responseId,
      finished: false,
      data: { mail: "ada@example.com" },
      ttc: { mail: 12 },
    });
    expect(half).toEqual(ok(SAVED));
    const whole = await client.response.update({ responseId, finished: true, data: { pick: "Red" }, ttc: { pick: 3.5 } });
    expect(whole).toEqual(ok(SAVED));

    const { display: displays, response: responses } = server.db.prisma;
    const { environmentId } = tenant;
    expect(await displays.findMany({ where: { environmentId } })).toMatchObject([{ id: displayId, surveyId, contactId }]);
    expect(await responses.findMany({ where: { environmentId } })).toMatchObject([
      {
        ...{ id: responseId, surveyId, contactId, displayId, finished: true },
        data: { q1: "Fine", mail: "ada@example.com", pick: "Red" },
        ttc: { q1: 731.2, mail: 12, pick: 3.5, _total: 746.7 },
      },
    ]);
    expect(await identify("ada")).toMatchObject({ displays: [{ surveyId }], responses: [surveyId] });
  });

  it("answers for nobody", async () => {
    const created = await client.response.create({ surveyId, finished: true, data: { q1: "Anonymous" } });
    expect(created).toEqual(ok(SAVED));
    const id = created.ok ? created.data.id : "";
    const row = await server.db.prisma.response.findFirst({ where: { environmentId: tenant.environmentId, id } });
    expect(row).toMatchObject({ contactId: null, finished: true, data: { q1: "Anonymous" } });
  });

  it("is told what is wrong, and never meets an answer that it cannot read", async () => {
    const id = newId();
    expect(await client.display.create({ surveyId: id })).toMatchObject(error(404, "Survey not found", "displays"));
    expect(await client.response.create({ surveyId: id, finished: true, data: {} })).toMatchObject({
      ok: false,
      error: { status: 404 },
    });
    expect(await client.response.update({ responseId: id, finished: true, data: {} })).toMatchObject(
      error(404, "Response not found", `responses/${id}`),
    );
    const finished = await client.response.create({ surveyId, finished: true, data: { q1: "Done" } });
    const responseId = finished.ok ? finished.data.id : "";
    expect(await client.response.update({ responseId, finished: true, data: { q1: "More" } })).toEqual(
      error(400, "Response is already finished", `responses/${responseId}`, { code: "response_already_finished" }),
    );
    const nowhere = new FormbricksAPI({ apiHost: server.baseUrl, environmentId: id });
    expect(await nowhere.client.display.create({ surveyId })).toMatchObject({ ok: false, error: { status: 404 } });
  });
});
