import { FormbricksAPI } from "@formbricks/api";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildTenant, type Tenant } from "../../support/build.ts";
import { startTestServer, type TestServer } from "../../support/server.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../../support/temporary-folder.ts";
import { buildSurvey } from "./live-survey.ts";

let folder: TemporaryFolder;
let server: TestServer;
let tenant: Tenant;
let client: FormbricksAPI;

beforeAll(async () => {
  folder = makeTemporaryFolder();
  server = await startTestServer({ DATA_DIR: folder.path, UPLOAD_MAX_BYTES: 1_000 });
  tenant = await buildTenant(server.db);
  client = new FormbricksAPI({ apiHost: server.baseUrl, environmentId: tenant.environmentId });
});
afterAll(async () => {
  await server.close();
  folder.remove();
});

const buildUploadSurvey = () =>
  buildSurvey(server.db, {
    environmentId: tenant.environmentId,
    document: { questions: [{ id: "photo", type: "fileUpload" }] },
  });

const png = (bytes: Buffer) => ({
  name: "a photo.png",
  type: "image/png",
  base64: `data:image/png;base64,${bytes.toString("base64")}`,
});

test("@formbricks/api 3.0.0 uploads a file, without knowing of elements", async () => {
  const surveyId = await buildUploadSurvey();
  const bytes = Buffer.from("89504e470d0a1a0a", "hex");
  const fileUrl = await client.client.storage.uploadFile(png(bytes), { surveyId, allowedFileExtensions: ["png"] });
  expect(fileUrl).toMatch(`/storage/${tenant.environmentId}/private/surveys/${surveyId}/elements/photo/a%20photo--fid--`);
  const { body } = await server.request.get(fileUrl).set("x-api-key", tenant.apiKey).expect(200);
  expect(body).toEqual(bytes);
});

test("@formbricks/api 3.0.0 understands that a file is too large", async () => {
  const surveyId = await buildUploadSurvey();
  await expect(client.client.storage.uploadFile(png(Buffer.alloc(1_001)), { surveyId })).rejects.toThrow(/large|size/i);
});

test("@formbricks/api 3.0.0 sets attributes of a contact that exists", async () => {
  await server.request.get(`/api/v1/client/${tenant.environmentId}/identify/contacts/u`).expect(200);
  const answer = await client.client.attribute.update({ userId: "u", attributes: { firstName: "Ada" } });
  expect(answer).toMatchObject({ ok: true, data: { changed: true } });
  expect(await client.client.attribute.update({ userId: "nobody", attributes: {} })).toMatchObject({
    ok: false,
    error: { status: 404 },
  });
});
