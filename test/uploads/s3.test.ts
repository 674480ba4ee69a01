import { createHmac } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { newId } from "../../src/shared/ids.ts";
import { buildTenant, type Tenant } from "../support/build.ts";
import { type S3Server, startS3Server } from "../support/s3-server.ts";
import { startTestServer, type TestServer } from "../support/server.ts";

const BYTES = Buffer.from("0123456789");

let store: S3Server;
let server: TestServer;
let tenant: Tenant;
let surveyId: string;

const configOf = ({ bucket, endpoint, credentials }: S3Server) => ({
  S3_BUCKET: bucket,
  S3_ENDPOINT: endpoint,
  S3_REGION: "eu-central-1",
  S3_FORCE_PATH_STYLE: true,
  S3_ACCESS_KEY_ID: credentials.accessKeyId,
  S3_SECRET_ACCESS_KEY: credentials.secretAccessKey,
});

beforeAll(async () => {
  store = await startS3Server();
  server = await startTestServer(configOf(store));
});
afterAll(async () => {
  await server.close();
  await store.close();
});
beforeEach(async () => {
  tenant = await buildTenant(server.db);
  surveyId = newId();
  const document = { blocks: [{ id: "b", name: "Block", elements: [{ id: "film", type: "fileUpload" }] }] };
  await server.db.prisma.survey.create({
    data: { environmentId: tenant.environmentId, id: surveyId, name: "s", type: "app", document },
  });
});

const ask = ({ request } = server) =>
  request
    .post(`/api/v2/client/${tenant.environmentId}/storage`)
    .send({ fileName: "mein Film.mp4", fileType: "video/mp4", surveyId, elementId: "film" });

function upload({
  signedUrl,
  presignedFields,
}: {
  signedUrl: string;
  presignedFields: Record<string, string>;
}): Promise<Response> {
  const form = new FormData();
  for (const [name, value] of Object.entries(presignedFields)) form.append(name, value);
  form.append("file", new Blob([BYTES], { type: "video/mp4" }), "x.mp4");
  return fetch(signedUrl, { method: "POST", body: form });
}

const read = (fileUrl: string) => server.request.get(fileUrl).set("x-api-key", tenant.apiKey);

describe("with an S3-compatible store", () => {
  test("a file goes to the store by its form and is read through the server", async () => {
    const { body } = await ask().expect(200);
    expect(body.data).not.toHaveProperty("signingData");
    expect(body.data.signedUrl).toBe(`${store.endpoint}/${store.bucket}`);
    expect((await upload(body.data)).status).toBe(201);
    const file = await read(body.data.fileUrl).expect(200);
    expect(file.body).toEqual(BYTES);
    expect(file.headers).toMatchObject({
      "content-type": "video/mp4",
      "content-length": "10",
      "cache-control": "no-store, no-cache, must-revalidate",
      "accept-ranges": "bytes",
    });
    const part = await read(body.data.fileUrl).set("range", "bytes=2-4").expect(206);
    expect(part.headers).toMatchObject({ "content-range": "bytes 2-4/10", "content-length": "3" });
    expect(part.body).toEqual(BYTES.subarray(2, 5));
    await read(body.data.fileUrl).set("range", "bytes=10-").expect(416);
    await server.request.head(body.data.fileUrl).set("x-api-key", tenant.apiKey).expect("content-length", "10").expect(200);
  });

  test("the form's policy holds key, type, size and two minutes, and is signed", async () => {
    const { presignedFields } = (await ask().expect(200)).body.data;
    const policy = JSON.parse(Buffer.from(presignedFields.Policy, "base64").toString());
    const { key } = presignedFields;
    expect(key).toMatch(
      new RegExp(`^${tenant.environmentId}/private/surveys/${surveyId}/elements/film/mein Film--fid--[0-9a-f-]{36}\\.mp4$`),
    );
    expect(policy.conditions).toEqual(
      expect.arrayContaining([
        ["content-length-range", 0, 10_485_760],
        { key },
        { "Content-Type": "video/mp4" },
        { bucket: store.bucket },
      ]),
    );
    const lifetimeMs = Date.parse(policy.expiration) - Date.now();
    expect(lifetimeMs).toBeGreaterThan(100_000);
    expect(lifetimeMs).toBeLessThan(130_000);
    expect(presignedFields["X-Amz-Signature"]).toBe(sign(presignedFields, store.credentials.secretAccessKey));
  });

  test("a file that is not there answers 404", async () => {
    expect((await read(`/storage/${tenant.environmentId}/private/none.mp4`).expect(404)).body.message).toBe("file not found");
  });

  test("a file is deleted, and one that is not there is as good as deleted", async () => {
    const { presignedFields, ...slot } = (await ask().expect(200)).body.data;
    expect((await upload({ ...slot, presignedFields })).status).toBe(201);
    const [ownerId = "", , ...path] = presignedFields.key.split("/");
    for (const _time of [1, 2]) await server.services.uploads.removeFile({ ownerId, path });
    await read(slot.fileUrl).expect(404);
  });

  test("the server takes no files itself: 403", async () => {
    const { presignedFields } = (await ask().expect(200)).body.data;
    const signedUrl = `${server.baseUrl}/api/v2/client/${tenant.environmentId}/storage/local`;
    expect((await upload({ signedUrl, presignedFields: { ...presignedFields, token: "v1.e30.x" } })).status).toBe(403);
  });

  test("a store that refuses or is away answers 500 with a code that SDKs know", async () => {
    const wrongKey = await startTestServer({ ...configOf(store), S3_ACCESS_KEY_ID: "wrong" });
    const away = await startTestServer({ ...configOf(store), S3_ENDPOINT: "http://127.0.0.1:9" });
    for (const broken of [wrongKey, away]) {
      const path = `/storage/${tenant.environmentId}/public/a.mp4`;
      expect((await broken.request.get(path).expect(500)).body).toEqual({
        code: "internal_server_error",
        message: "File storage is not configured correctly. Please check your file upload settings.",
        details: { storage_error_code: "s3_client_error" },
      });
      await broken.close();
    }
  });
});

/** Signature version 4 of a form, written down anew from its definition. */
function sign(fields: Record<string, string>, secret: string): string {
  const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest();
  const [, date = "", region = "", service = "", end = ""] = (fields["X-Amz-Credential"] ?? "").split("/");
  const key = [region, service, end].reduce((previous, part) => hmac(previous, part), hmac(`AWS4${secret}`, date));
  return hmac(key, fields.Policy ?? "").toString("hex");
}
