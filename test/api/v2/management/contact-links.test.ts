import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createContactLinkTokens } from "../../../../src/contact-links/token.ts";
import { createSingleUseLinks } from "../../../../src/responses/single-use.ts";
import { newId } from "../../../../src/shared/ids.ts";
import { createSecretBox } from "../../../../src/shared/secret-box.ts";
import { buildApiKey, buildContact, buildSurvey, buildTenant, type Tenant } from "../../../support/build.ts";
import { startTestServer, type TestServer } from "../../../support/server.ts";

const ENCRYPTION_KEY = "an encryption key for these links only, 0123456789";
const PUBLIC_URL = "https://forms.example.com";
const DAY_MS = 86_400_000;

let server: TestServer;
let tenant: Tenant;
let neighbour: Tenant;
beforeAll(async () => {
  server = await startTestServer({ ENCRYPTION_KEY, PUBLIC_URL });
  [tenant, neighbour] = [await buildTenant(server.db), await buildTenant(server.db)];
});
afterAll(() => server.close());

const UNAUTHORIZED = { error: { code: 401, message: "Unauthorized" } };
const FORBIDDEN = { error: { code: 403, message: "Forbidden" } };
const MESSAGES: Record<number, string> = { 400: "Bad Request", 404: "Not Found", 422: "Unprocessable Entity" };
const problem = (code: number, ...details: [field: string, issue: string][]) => ({
  error: { code, message: MESSAGES[code], details: details.map(([field, issue]) => ({ field, issue })) },
});
const NO_SURVEY = problem(404, ["survey", "not found"]);

const get = (path: string, { apiKey }: Pick<Tenant, "apiKey"> = tenant) =>
  server.request.get(`/api/v2/management/surveys/${path}`).set("x-api-key", apiKey);
const ofContact = (surveyId: string, contactId: string, query = "") => `${surveyId}/contact-links/contacts/${contactId}${query}`;
const ofSegment = (surveyId: string, segmentId: string, query = "") => `${surveyId}/contact-links/segments/${segmentId}${query}`;
const buildLinkSurvey = (change: Partial<Parameters<typeof buildSurvey>[1]> = {}) =>
  buildSurvey(server.db, { environmentId: tenant.environmentId, type: "link", ...change });
const buildPerson = (attributes: Record<string, string | number> = {}, change: object = {}) =>
  buildContact(server.db, { environmentId: tenant.environmentId, userId: newId(), attributes, ...change });

async function buildSegment(plan: string, environmentId = tenant.environmentId) {
  const root = { type: "attribute", contactAttributeKey: "plan" };
  const resource = { id: newId(), root, value: plan, qualifier: { operator: "equals" } };
  const filters = [{ id: newId(), connector: null, resource }];
  return server.db.prisma.segment.create({ data: { id: newId(), environmentId, title: newId(), filters } });
}

/** Whom a link is for, as the server itself reads it. */
function subjectOf(surveyUrl: string) {
  const { origin, pathname } = new URL(surveyUrl);
  expect([origin, pathname.slice(0, 3)]).toEqual([PUBLIC_URL, "/c/"]);
  return createContactLinkTokens({ encryptionKey: ENCRYPTION_KEY, now: Date.now }).read(pathname.slice(3));
}

describe("GET …/surveys/{surveyId}/contact-links/contacts/{contactId}", () => {
  it("answers 200 with a link of the contact's own, with and without a slash at the end", async () => {
    const [survey, contact] = [await buildLinkSurvey(), await buildPerson()];
    for (const slash of ["", "/"]) {
      const { body } = await get(ofContact(survey.id, contact.id, slash)).expect(200);
      expect(body).toEqual({ data: { surveyUrl: expect.any(String), expiresAt: null } });
      expect(subjectOf(body.data.surveyUrl)).toEqual({ contactId: contact.id, surveyId: survey.id });
    }
  });

  it("makes a link that expires", async () => {
    const [survey, contact] = [await buildLinkSurvey(), await buildPerson()];
    const { surveyUrl, expiresAt } = (await get(ofContact(survey.id, contact.id, "?expirationDays=7")).expect(200)).body.data;
    expect(Math.abs(Date.parse(expiresAt) - Date.now() - 7 * DAY_MS)).toBeLessThan(60_000);
    const token = new URL(surveyUrl).pathname.slice(3);
    const readAt = (now: number) => createContactLinkTokens({ encryptionKey: ENCRYPTION_KEY, now: () => now }).read(token);
    expect(readAt(Date.now() + 6 * DAY_MS)).toMatchObject({ contactId: contact.id, surveyId: survey.id });
    expect(readAt(Date.now() + 8 * DAY_MS)).toBe("expired");
  });

  it("makes a single-use link that the gate lets in", async () => {
    const survey = await buildLinkSurvey({ document: { singleUse: { enabled: true, isEncrypted: false } } });
    const { id } = await buildPerson();
    const { surveyUrl } = (await get(ofContact(survey.id, id)).expect(200)).body.data;
    const singleUseId = new URL(surveyUrl).searchParams.get("suId");
    const check = { surveyId: survey.id, isEncrypted: false, singleUseId, url: surveyUrl };
    expect(createSingleUseLinks({ encryptionKey: ENCRYPTION_KEY }).check(check)).toBeNull();
  });

  it("encrypts the single-use id where the survey asks for it", async () => {
    const survey = await buildLinkSurvey({ document: { singleUse: { enabled: true, isEncrypted: true } } });
    const { id } = await buildPerson();
    const { surveyUrl } = (await get(ofContact(survey.id, id)).expect(200)).body.data;
    const query = new URL(surveyUrl).searchParams;
    expect(query.has("suToken")).toBe(false);
    const opened = createSecretBox(ENCRYPTION_KEY).open(query.get("suId") ?? "");
    const singleUseId = opened.split(":").at(-1);
    const check = { surveyId: survey.id, isEncrypted: true, singleUseId, url: surveyUrl };
    expect(createSingleUseLinks({ encryptionKey: ENCRYPTION_KEY }).check(check)).toBeNull();
  });

  it("answers 400 for a survey without links and to a contact who has responded", async () => {
    const [survey, app, contact] = [await buildLinkSurvey(), await buildLinkSurvey({ type: "app" }), await buildPerson()];
    expect((await get(ofContact(app.id, contact.id)).expect(400)).body).toEqual(problem(400, ["surveyId", "Not a link survey"]));
    const { environmentId } = tenant;
    const response = { id: newId(), environmentId, surveyId: survey.id, contactId: contact.id, finished: false, data: {} };
    await server.db.prisma.response.create({ data: response });
    expect((await get(ofContact(survey.id, contact.id)).expect(400)).body).toEqual(
      problem(400, ["contactId", "Already responded"]),
    );
  });

  it("answers 404 to an unknown survey or contact and to a neighbour's contact, 401 for a neighbour's survey", async () => {
    const [survey, contact] = [await buildLinkSurvey(), await buildPerson()];
    const { environmentId } = neighbour;
    const [foreignSurvey, foreignContact] = [await buildLinkSurvey({ environmentId }), await buildPerson({}, { environmentId })];
    expect((await get(ofContact(newId(), contact.id)).expect(404)).body).toEqual(NO_SURVEY);
    for (const id of [newId(), foreignContact.id])
      expect((await get(ofContact(survey.id, id)).expect(404)).body).toEqual(problem(404, ["contact", "not found"]));
    expect((await get(ofContact(foreignSurvey.id, foreignContact.id)).expect(401)).body).toEqual(UNAUTHORIZED);
    const orgOnly = await buildTenant(server.db, { permission: null });
    expect((await get(ofContact(survey.id, contact.id), orgOnly).expect(401)).body).toEqual(UNAUTHORIZED);
  });

  it("answers 422 to what is no id and no number of days, 200 to a key that may read", async () => {
    expect((await get(ofContact("Nope!", "Nope!")).expect(422)).body).toEqual(
      problem(422, ["surveyId", "Invalid cuid2"], ["contactId", "Invalid cuid2"]),
    );
    const [survey, contact] = [await buildLinkSurvey(), await buildPerson()];
    for (const days of ["0", "366", "1.5", "x", ""]) {
      const response = await get(ofContact(survey.id, contact.id, `?expirationDays=${days}`)).expect(422);
      expect(response.body.error.details).toMatchObject([{ field: "expirationDays" }]);
    }
    const apiKey = await buildApiKey(server.db, { ...tenant, permissions: { [tenant.environmentId]: "read" } });
    await get(ofContact(survey.id, contact.id), { apiKey }).expect(200);
  });
});

describe("GET …/surveys/{surveyId}/contact-links/segments/{segmentId}", () => {
  it("answers 200 with links for the segment's contacts, newest first, page by page", async () => {
    const [survey, segment] = [await buildLinkSurvey(), await buildSegment("linked")];
    const first = await buildPerson({ plan: "linked", age: 35 }, { email: `${newId()}@example.com` });
    const second = await buildPerson({ plan: "linked" });
    await buildPerson({ plan: "other" });
    const { body } = await get(ofSegment(survey.id, segment.id)).expect(200);
    const link = ({ id }: { id: string }) => ({ contactId: id, surveyUrl: expect.any(String), expiresAt: null });
    expect(body).toEqual({ data: [link(second), link(first)], meta: { total: 2, limit: 50, offset: 0 } });
    expect(subjectOf(body.data[0].surveyUrl)).toEqual({ contactId: second.id, surveyId: survey.id });
    const page = await get(ofSegment(survey.id, segment.id, "?limit=1&skip=1&expirationDays=1.5")).expect(200);
    expect(page.body).toMatchObject({
      data: [{ contactId: first.id, expiresAt: expect.stringContaining("T") }],
      meta: { total: 2, limit: 1, offset: 1 },
    });
    const shown = await get(ofSegment(survey.id, segment.id, "?attributeKeys=email,age,%20nobody,constructor")).expect(200);
    expect(shown.body.data[1].attributes).toEqual({ email: expect.stringContaining("@"), age: "35" });
    expect(shown.body.data[0]).not.toHaveProperty("attributes");
  });

  it("answers 403 unless the survey has links and is in progress", async () => {
    const segment = await buildSegment("any");
    for (const change of [{ type: "app" }, { status: "paused" }, { status: "draft" }] as const) {
      const survey = await buildLinkSurvey(change);
      expect((await get(ofSegment(survey.id, segment.id)).expect(403)).body).toEqual(FORBIDDEN);
    }
  });

  it("answers 404 to an unknown survey or segment, 400 to another environment's segment, 401 for a neighbour's survey", async () => {
    const [survey, segment] = [await buildLinkSurvey(), await buildSegment("any")];
    expect((await get(ofSegment(newId(), segment.id)).expect(404)).body).toEqual(NO_SURVEY);
    expect((await get(ofSegment(survey.id, newId())).expect(404)).body).toEqual(problem(404, ["segment", "not found"]));
    for (const environmentId of [tenant.developmentId, neighbour.environmentId]) {
      const foreign = await buildSegment("any", environmentId);
      expect((await get(ofSegment(survey.id, foreign.id)).expect(400)).body).toEqual(
        problem(400, ["segmentId", "Environment mismatch"]),
      );
    }
    const foreignSurvey = await buildLinkSurvey({ environmentId: neighbour.environmentId });
    expect((await get(ofSegment(foreignSurvey.id, segment.id)).expect(401)).body).toEqual(UNAUTHORIZED);
  });

  it("answers 422 to a bad page, days, ids and more than 20 keys", async () => {
    const [survey, segment] = [await buildLinkSurvey(), await buildSegment("any")];
    const keys = Array.from({ length: 21 }, (_, index) => `key${index}`).join(",");
    const issuesOf = async (query: string) => (await get(ofSegment(survey.id, segment.id, query)).expect(422)).body;
    for (const query of ["limit=1.5", "limit=0", "limit=251", "skip=-1", "expirationDays=0", "expirationDays=366"])
      expect((await issuesOf(`?${query}`)).error.details).toMatchObject([{ field: query.split("=")[0] }]);
    expect(await issuesOf(`?attributeKeys=${keys}`)).toEqual(problem(422, ["attributeKeys", "You can have max 20 keys."]));
    expect((await get(ofSegment("Nope!", segment.id)).expect(422)).body).toEqual(problem(422, ["surveyId", "Invalid cuid2"]));
  });
});
