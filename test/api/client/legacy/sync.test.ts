import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { newId } from "../../../../src/shared/ids.ts";
import { buildContact, buildTenant, type Tenant } from "../../../support/build.ts";
import { startTestServer, type TestServer } from "../../../support/server.ts";
import { buildSegment, buildSurvey } from "../live-survey.ts";

let server: TestServer;
let tenant: Tenant;

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  tenant = await buildTenant(server.db);
});

const sync = (userId = "u", id = tenant.environmentId) =>
  server.request.get(`/api/v1/client/${id}/app/sync/${userId}?version=2.0.0`);

const only = (attribute: string, value: string) => [
  {
    id: newId(),
    connector: null,
    resource: {
      id: newId(),
      root: { type: "attribute", contactAttributeKey: attribute },
      qualifier: { operator: "equals" },
      value,
    },
  },
];

test("answers 200 with the surveys that the contact is to see, in words of its own", async () => {
  const { environmentId } = tenant;
  const attributes = { firstName: "Ada", language: "de-DE" };
  const { id: contactId } = await buildContact(server.db, { environmentId, userId: "u", attributes });
  const everyone = await buildSegment(server.db, environmentId, []);
  const adas = await buildSegment(server.db, environmentId, only("firstName", "Ada"));
  const others = await buildSegment(server.db, environmentId, only("firstName", "Bob"));
  const elements = [{ id: "q1", type: "openText", required: true, headline: { default: "Hi #recall:firstName/fallback:you#" } }];
  const document = {
    displayOption: "respondMultiple",
    recontactDays: 0,
    hiddenFields: { enabled: true, fieldIds: ["lastName"] },
    welcomeCard: { enabled: true, headline: { default: "#recall:lastName/fallback:x# #recall:email/fallback:nobody#" } },
    blocks: [{ id: "b", name: "Block 1", elements, buttonLabel: { default: "Next" } }],
  };
  const shown = await buildSurvey(server.db, { environmentId, segmentId: adas, document });
  const seen = await buildSurvey(server.db, { environmentId, segmentId: everyone, document: { displayOption: "displayOnce" } });
  await buildSurvey(server.db, { environmentId, segmentId: others, document });
  await buildSurvey(server.db, { environmentId, segmentId: everyone, document, status: "paused" });
  await server.db.prisma.display.create({ data: { environmentId, id: newId(), surveyId: seen, contactId } });
  await server.db.prisma.project.update({
    where: { id: tenant.projectId },
    data: { styling: { allowStyleOverwrite: true, brandColor: { light: "#123456" } } },
  });

  const { body, headers } = await sync().expect(200);
  expect(headers["cache-control"]).toBe("private, no-store");
  const settings = expect.objectContaining({ recontactDays: 7, brandColor: "#123456", highlightBorderColor: null });
  expect(body).toEqual({
    data: { surveys: [expect.any(Object)], actionClasses: [], language: "de", project: settings, product: settings },
  });
  const question = { ...elements[0], headline: { default: "Hi Ada" } };
  expect(body.data.surveys[0]).toMatchObject({
    id: shown,
    status: "inProgress",
    questions: [{ ...question, buttonLabel: { default: "Next" } }],
    blocks: [{ id: "b", elements: [question] }],
    welcomeCard: { headline: { default: "#recall:lastName/fallback:x# nobody" } },
  });
});

test("creates the contact, and leaves out the language it has not", async () => {
  const { body } = await sync("new%20one").expect(200);
  expect(body.data).toEqual({ surveys: [], actionClasses: [], project: expect.any(Object), product: expect.any(Object) });
  const contacts = await server.db.prisma.contact.findMany({ where: { environmentId: tenant.environmentId } });
  expect(contacts).toMatchObject([{ userId: "new one" }]);
});

test("keeps surveys back for the days between two of them", async () => {
  const { environmentId } = tenant;
  const { id: contactId } = await buildContact(server.db, { environmentId, userId: "u" });
  const surveyId = await buildSurvey(server.db, { environmentId, document: { displayOption: "respondMultiple" } });
  await server.db.prisma.display.create({ data: { environmentId, id: newId(), surveyId, contactId } });
  expect((await sync().expect(200)).body.data.surveys).toEqual([]);
  expect((await sync("another").expect(200)).body.data.surveys).toMatchObject([{ id: surveyId }]);
});

test("answers 404 to an unknown environment, 400 to a bad user id, 200 to OPTIONS and exists in v1 only", async () => {
  expect((await sync("u", "cunknown").expect(404)).body.details).toEqual({
    resource_id: "cunknown",
    resource_type: "Workspace",
  });
  expect((await sync("a%00b").expect(400)).body.code).toBe("bad_request");
  const path = `client/${tenant.environmentId}/app/sync/u`;
  expect((await server.request.options(`/api/v1/${path}`).expect(200)).body).toEqual({ data: {} });
  await server.request.get(`/api/v2/${path}`).expect(404);
});
