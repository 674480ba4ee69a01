import { mkdirSync, readdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { newId } from "../../../src/shared/ids.ts";
import { createUploadTokens } from "../../../src/uploads/upload-token.ts";
import { buildTenant, type Tenant } from "../../support/build.ts";
import { startTestServer, type TestServer } from "../../support/server.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../../support/temporary-folder.ts";

const MAX_BYTES = 1_000;
const PNG = Buffer.from("89504e470d0a1a0a0000", "hex");

let folder: TemporaryFolder;
let server: TestServer;
let tenant: Tenant;
let surveyId: string;

beforeAll(async () => {
  folder = makeTemporaryFolder();
  server = await startTestServer({ DATA_DIR: folder.path, UPLOAD_MAX_BYTES: MAX_BYTES });
});
afterAll(async () => {
  await server.close();
  folder.remove();
});
beforeEach(async () => {
  tenant = await buildTenant(server.db);
  surveyId = await buildSurvey([
    { id: "photo", type: "fileUpload" },
    { id: "name", type: "openText" },
  ]);
});

async function buildSurvey(elements: object[], environmentId = tenant.environmentId): Promise<string> {
  const id = newId();
  const document = { blocks: [{ id: "b", name: "Block", elements }] };
  await server.db.prisma.survey.create({ data: { environmentId, id, name: "s", type: "app", document } });
  return id;
}

const wish = (changes: object = {}) => ({
  fileName: "My photo.PNG",
  fileType: "image/png",
  surveyId,
  elementId: "photo",
  ...changes,
});

const ask = (body: unknown, { version = "v1", id = tenant.environmentId } = {}) =>
  server.request.post(`/api/${version}/client/${id}/storage`).send(body as object);

const slot = async (changes?: object) => (await ask(wish(changes)).expect(200)).body.data;

interface Sent {
  type?: string;
  bytes?: Buffer;
  fields?: Record<string, string>;
}

/** Posts the form as clients do: the fields first, the file last. */
function upload(
  { signedUrl, presignedFields }: { signedUrl: string; presignedFields: Record<string, string> },
  { type = "image/png", bytes = PNG, fields = {} }: Sent = {},
): Promise<Response> {
  const form = new FormData();
  for (const [name, value] of Object.entries({ ...presignedFields, ...fields })) form.append(name, value);
  form.append("file", new Blob([new Uint8Array(bytes)], { type }), "anything.bin");
  return fetch(signedUrl, { method: "POST", body: form });
}

const read = (fileUrl: string) => server.request.get(fileUrl).set("x-api-key", tenant.apiKey);

const drafts = () => readdirSync(join(folder.path, "uploads", ".incoming"));

describe.each(["v1", "v2"])("POST /api/%s/client/{environmentId}/storage", (version) => {
  test("answers 200 with a form, which takes the file, and the address where it can be read", async () => {
    const { body, headers } = await ask(wish(), { version }).expect(200);
    const name = expect.stringMatching(/^My photo--fid--[0-9a-f-]{36}\.png$/);
    expect(body.data).toEqual({
      signedUrl: `${server.baseUrl}/api/${version}/client/${tenant.environmentId}/storage/local`,
      presignedFields: {
        key: expect.stringContaining(`${tenant.environmentId}/private/surveys/${surveyId}/elements/photo/My photo--fid--`),
        "Content-Type": "image/png",
        success_action_status: "201",
        token: expect.any(String),
      },
      fileUrl: expect.stringMatching(
        new RegExp(
          `^/storage/${tenant.environmentId}/private/surveys/${surveyId}/elements/photo/My%20photo--fid--[0-9a-f-]{36}\\.png$`,
        ),
      ),
      updatedFileName: name,
      signingData: { signature: expect.any(String), timestamp: expect.any(Number), uuid: expect.any(String) },
    });
    expect(headers["cache-control"]).toBe("private, no-store");
    const answer = await upload(body.data);
    expect(answer.status).toBe(201);
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
    const file = await read(body.data.fileUrl).expect(200);
    expect(file.body).toEqual(PNG);
    expect(file.headers).toMatchObject({
      "content-type": "image/png",
      "content-length": "10",
      "cache-control": "no-store, no-cache, must-revalidate",
      "x-content-type-options": "nosniff",
      "content-disposition": expect.stringMatching(/^inline; filename\*=UTF-8''My%20photo--fid--/),
    });
    expect(drafts()).toEqual([]);
  });

  test("OPTIONS answers 200; that of the form may be cached", async () => {
    const path = `/api/${version}/client/${tenant.environmentId}/storage`;
    const { body, headers } = await server.request.options(path).expect(200);
    expect(body).toEqual({ data: {} });
    expect(headers["cache-control"]).toBe("public, s-maxage=3600, max-age=3600");
    expect((await server.request.options(`${path}/local`).expect(200)).body).toEqual({ data: {} });
  });

  test("an unknown environment answers 404, before the body is looked at", async () => {
    const { body } = await ask("{", { version, id: "NOT-AN-ID" }).expect(404);
    expect(body).toEqual({
      code: "not_found",
      message: "Workspace not found",
      details: { resource_id: "NOT-AN-ID", resource_type: "Workspace" },
    });
  });
});

describe("POST storage", () => {
  test("takes a legacy id and answers addresses under the environment's id", async () => {
    const legacyId = `cl${tenant.environmentId.slice(2)}`;
    await server.db.prisma.environment.update({ where: { id: tenant.environmentId }, data: { legacyId } });
    const { body } = await ask(wish(), { id: legacyId }).expect(200);
    expect(body.data.fileUrl).toMatch(`/storage/${tenant.environmentId}/private/`);
    expect((await upload(body.data)).status).toBe(201);
    await read(body.data.fileUrl.replace(tenant.environmentId, legacyId)).expect(200);
  });

  test("reads surveys of questions too", async () => {
    const id = newId();
    const document = { questions: [{ id: "q1", type: "fileUpload", allowedFileExtensions: ["pdf"] }] };
    await server.db.prisma.survey.create({
      data: { environmentId: tenant.environmentId, id, name: "s", type: "link", document },
    });
    await ask(wish({ surveyId: id, elementId: "q1", fileName: "a.pdf", fileType: "application/pdf" })).expect(200);
  });

  test("without elementId means the survey's only element for files, and answers 400 if there are two", async () => {
    const { elementId: _, ...body } = wish();
    expect((await ask(body).expect(200)).body.data.fileUrl).toContain("/elements/photo/");
    const two = await buildSurvey([
      { id: "a", type: "fileUpload" },
      { id: "b", type: "fileUpload" },
    ]);
    expect((await ask({ ...body, surveyId: two }).expect(400)).body).toEqual({
      code: "bad_request",
      message: "Fields are missing or incorrectly formatted",
      details: { elementId: "Invalid input: expected string, received undefined" },
    });
  });

  test("a body that is no JSON answers 400, one of more than 2 MiB 413", async () => {
    const path = `/api/v1/client/${tenant.environmentId}/storage`;
    const { body } = await server.request.post(path).set("content-type", "text/plain").send("{").expect(400);
    expect(body).toMatchObject({ message: "Malformed JSON input, please check your request body" });
    expect((await ask(wish({ note: "x".repeat(2_097_152) })).expect(413)).body.code).toBe("payload_too_large");
  });

  test.each([[[]], ["text"], [null], [{}]])("the body %j answers 400 and lists every field", async (body) => {
    const answer = await server.request
      .post(`/api/v1/client/${tenant.environmentId}/storage`)
      .set("content-type", "application/json")
      .send(JSON.stringify(body))
      .expect(400);
    const missing = "Invalid input: expected string, received undefined";
    expect(answer.body).toEqual({
      code: "bad_request",
      message: "Fields are missing or incorrectly formatted",
      details: { fileName: missing, fileType: missing, surveyId: missing, elementId: missing },
    });
  });

  test.each([
    [{ fileName: "  " }, { fileName: "Too small: expected string to have >=1 characters" }],
    [{ surveyId: "NO" }, { surveyId: "Invalid cuid2" }],
    [{ elementId: "a/b" }, { elementId: "Invalid string: must match pattern /^[a-zA-Z0-9_-]+$/" }],
    [{ elementId: "" }, { elementId: "Invalid string: must match pattern /^[a-zA-Z0-9_-]+$/" }],
    [{ elementId: null }, { elementId: "Invalid input: expected string, received null" }],
    [{ fileName: "photo" }, { fileName: "File name must have an extension" }],
    [{ fileName: "page.svg", fileType: "image/svg+xml" }, { fileName: "File type is not allowed" }],
    [{ fileType: "text/html" }, { fileType: "File type does not match the file extension" }],
    [{ allowedFileExtensions: ["pdf"] }, { fileName: "File extension is not in the list of allowed extensions" }],
    [
      { allowedFileExtensions: ["svg"] },
      { "allowedFileExtensions.0": expect.stringContaining("Invalid option: expected one of") },
    ],
  ])("%j answers 400", async (changes, details) => {
    expect((await ask(wish(changes)).expect(400)).body).toEqual({
      code: "bad_request",
      message: "Fields are missing or incorrectly formatted",
      details,
    });
  });

  test("an unknown survey answers 404, another environment's 400", async () => {
    expect((await ask(wish({ surveyId: "cunknown" })).expect(404)).body).toEqual({
      code: "not_found",
      message: "Survey not found",
      details: { resource_id: "cunknown", resource_type: "Survey" },
    });
    const foreign = await buildSurvey([{ id: "photo", type: "fileUpload" }], tenant.developmentId);
    expect((await ask(wish({ surveyId: foreign })).expect(400)).body).toEqual({
      code: "bad_request",
      message: "Survey does not belong to the workspace",
      details: { surveyId: foreign, workspaceId: tenant.environmentId },
    });
  });

  test("an element or a survey that takes no files answers 400", async () => {
    const none = await buildSurvey([{ id: "photo", type: "openText" }]);
    expect((await ask(wish({ surveyId: none })).expect(400)).body.message).toBe("Survey does not allow file uploads");
    expect((await ask(wish({ elementId: "name" })).expect(400)).body.message).toBe("Element does not allow file uploads");
    const pdf = await buildSurvey([{ id: "photo", type: "fileUpload", allowedFileExtensions: ["pdf"] }]);
    expect((await ask(wish({ surveyId: pdf })).expect(400)).body.message).toBe("File extension is not allowed for this element");
  });

  test.each([".png", "...png", "---.png", "#.png"])("the name %j answers 400, at fileName", async (fileName) => {
    const { body } = await ask(wish({ fileName })).expect(400);
    expect(body).toEqual({ code: "bad_request", message: "Invalid input", details: { fileName: "Invalid file name" } });
  });

  test.each([
    "../../../etc/passwd.png",
    "..\\..\\windows\\system.png",
    "%2e%2e%2fescape.png",
    "a\u0000b.png",
    "line\r\nbreak.png",
    "\u202Egnp.png.png",
    "CON.png",
    "nul.tar.png",
    `${"x".repeat(5_000)}.png`,
    `${"日本語のとても長い名前".repeat(50)}.png`,
    'it\'s (a) "test"; 100%*?.png',
    "~.png",
  ])("the name %j is made harmless and the file can be read", async (fileName) => {
    const place = await slot({ fileName });
    expect(place.fileUrl.split("/")).toHaveLength(9);
    expect((await upload(place)).status).toBe(201);
    expect((await read(place.fileUrl).expect(200)).body).toEqual(PNG);
    const kept = join(folder.path, "uploads", tenant.environmentId, "private", "surveys", surveyId, "elements", "photo");
    expect(readdirSync(kept)).toHaveLength(1);
  });
});

describe("POST storage/local", () => {
  const bad = (message: string, details: object) => ({ code: "bad_request", message, details });

  test("takes a file that is as large as allowed, or empty", async () => {
    for (const size of [0, 1, MAX_BYTES]) {
      const place = await slot();
      expect((await upload(place, { bytes: Buffer.alloc(size, 7) })).status).toBe(201);
      expect((await read(place.fileUrl).expect(200)).headers["content-length"]).toBe(String(size));
    }
  });

  test.each([MAX_BYTES + 1, MAX_BYTES * 3, MAX_BYTES * 20])("answers 413 with EntityTooLarge to %i bytes", async (size) => {
    const place = await slot();
    const answer = await upload(place, { bytes: Buffer.alloc(size, 7) });
    expect(answer.status).toBe(413);
    expect(await answer.json()).toEqual({
      code: "payload_too_large",
      message: "Payload Too Large",
      details: { error: "EntityTooLarge: a file must not exceed 1000 bytes" },
    });
    await read(place.fileUrl).expect(404);
    expect(drafts()).toEqual([]);
  });

  test("answers 400 to a file whose part, or form, says another type than was announced", async () => {
    const place = await slot();
    const lie = bad("The file is not of the type that was announced", { "Content-Type": "image/png" });
    for (const sent of [{ type: "text/html" }, { fields: { "Content-Type": "text/html" } }]) {
      const answer = await upload(place, sent);
      expect(answer.status).toBe(400);
      expect(await answer.json()).toEqual(lie);
    }
    expect((await upload(place, { type: "" })).status).toBe(201);
  });

  test("answers 403 to a token that is missing, forged, expired, another environment's or for another file", async () => {
    const place = await slot();
    const other = await slot();
    const { signedUrl, presignedFields } = place;
    const { token, ...withoutToken } = presignedFields;
    const tokens = (now: number) =>
      createUploadTokens({ encryptionKey: "an encryption key for tests only, 0123456789", now: () => now });
    const permit = {
      environmentId: tenant.environmentId,
      key: presignedFields.key,
      contentType: "image/png",
      maxBytes: MAX_BYTES,
      expiresAt: Date.now() - 1,
    };
    const expired = tokens(0).issue(permit);
    const foreign = signedUrl.replace(tenant.environmentId, tenant.developmentId);
    for (const answer of [
      await upload({ signedUrl, presignedFields: withoutToken }),
      await upload(place, { fields: { token: "" } }),
      await upload(place, { fields: { token: `${token}x` } }),
      await upload(place, { fields: { token: `v1.${Buffer.from("{}").toString("base64url")}.x` } }),
      await upload(place, { fields: { token: expired } }),
      await upload(place, { fields: { key: other.presignedFields.key } }),
      await upload({ signedUrl: foreign, presignedFields }),
    ]) {
      expect(answer.status).toBe(403);
      expect(await answer.json()).toEqual({
        code: "forbidden",
        message: "The permission to upload is invalid or has expired",
        details: {},
      });
    }
    expect((await upload(place)).status).toBe(201);
  });

  test("keeps the first file: a second one with the same token answers 409", async () => {
    const place = await slot();
    const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => upload(place, { bytes: Buffer.alloc(100, n) })));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, ...Array.from({ length: 9 }, () => 409)]);
    const { body } = await read(place.fileUrl).expect(200);
    expect(new Set(body)).toHaveProperty("size", 1);
    expect(drafts()).toEqual([]);
  });

  test("takes many files at once", async () => {
    const places = await Promise.all(Array.from({ length: 30 }, () => slot()));
    const answers = await Promise.all(places.map((place, n) => upload(place, { bytes: Buffer.alloc(900, n) })));
    expect(answers.every(({ status }) => status === 201)).toBe(true);
    for (const [n, { fileUrl }] of places.entries()) expect((await read(fileUrl)).body).toEqual(Buffer.alloc(900, n));
  });

  test.each([
    ["has no file", '--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n', "The form has no file"],
    ["is no form", "nonsense", "Malformed form data"],
    ["breaks off", '--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n1', "Malformed form data"],
    [
      "has the file first",
      '--x\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n1\r\n--x--\r\n',
      "The form has no field Content-Type before the file",
    ],
  ])("a form that %s answers 400", async (_, text, message) => {
    const { body } = await server.request
      .post(`/api/v1/client/${tenant.environmentId}/storage/local`)
      .set("content-type", "multipart/form-data; boundary=x")
      .send(text)
      .expect(400);
    expect(body).toMatchObject({ code: "bad_request", message });
  });

  test("an upload that breaks off leaves nothing behind", async () => {
    const place = await slot();
    const fields = Object.entries(place.presignedFields as Record<string, string>);
    const head = fields.map(([name, value]) => `--x\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`);
    const sending = httpRequest(place.signedUrl, {
      method: "POST",
      headers: { "content-type": "multipart/form-data; boundary=x", "content-length": "100000" },
    });
    sending.on("error", () => undefined);
    sending.write(
      `${head.join("")}--x\r\ncontent-disposition: form-data; name="file"; filename="a"\r\ncontent-type: image/png\r\n\r\nabc`,
    );
    await expect.poll(drafts).toHaveLength(1);
    sending.destroy();
    await expect.poll(drafts).toHaveLength(0);
    await read(place.fileUrl).expect(404);
  });

  test("takes the base64 of older clients with the signing data in the body, or in headers", async () => {
    const path = `/api/v1/client/${tenant.environmentId}/storage/local`;
    for (const [fileBase64String, asHeaders] of [
      [PNG.toString("base64"), false],
      [`data:image/png;base64,${PNG.toString("base64")}`, true],
    ] as const) {
      const { fileUrl, signingData, updatedFileName } = await slot();
      const fileName = encodeURIComponent(updatedFileName);
      const { signature, timestamp, uuid } = signingData;
      const { body } = asHeaders
        ? await server.request
            .post(path)
            .set({ "x-file-name": fileName, "x-file-type": "image/png", "x-signature": signature, "x-uuid": uuid })
            .send({ fileBase64String })
            .expect(200)
        : await server.request
            .post(path)
            .set("content-type", "text/plain")
            .send(JSON.stringify({ fileBase64String, fileName, fileType: "image/png", surveyId, signature, timestamp, uuid }))
            .expect(200);
      expect(body).toEqual({ data: { message: "File uploaded successfully" } });
      expect((await read(fileUrl).expect(200)).body).toEqual(PNG);
    }
  });

  test("refuses what older clients send wrong: 400, 403 and 413", async () => {
    const path = `/api/v1/client/${tenant.environmentId}/storage/local`;
    const { signingData, updatedFileName: fileName } = await slot();
    const good = { fileBase64String: PNG.toString("base64"), fileType: "image/png", fileName, signature: signingData.signature };
    const send = (changes: object) => server.request.post(path).send({ ...good, ...changes });
    await server.request.post(path).expect(400);
    expect((await server.request.post(path).send({}).expect(400)).body.details).toHaveProperty("fileBase64String");
    await send({ fileBase64String: "<html>" }).expect(400);
    await send({ fileBase64String: "data:text/html;base64,AAAA" }).expect(400);
    await send({ fileType: "text/html" }).expect(400);
    await send({ fileName: "other.png" }).expect(403);
    await send({ fileName: `../${fileName}` }).expect(403);
    await send({ signature: "forged" }).expect(403);
    const large = await send({ fileBase64String: Buffer.alloc(MAX_BYTES + 1).toString("base64") }).expect(413);
    expect(large.text).toContain("EntityTooLarge");
    const huge = await send({ fileBase64String: "A".repeat(80_000) }).expect(413);
    expect(huge.text).toContain("EntityTooLarge");
    await send({}).expect(200);
  });

  test("removes what a killed process left, and no draft that is being written", async () => {
    const own = makeTemporaryFolder();
    const incoming = join(own.path, "uploads", ".incoming");
    mkdirSync(incoming, { recursive: true });
    writeFileSync(join(incoming, "old"), "x");
    utimesSync(join(incoming, "old"), new Date(0), new Date(0));
    writeFileSync(join(incoming, "fresh"), "x");
    const another = await startTestServer({ DATA_DIR: own.path });
    const { body } = await another.request.post(`/api/v1/client/${tenant.environmentId}/storage`).send(wish()).expect(200);
    expect((await upload(body.data)).status).toBe(201);
    expect(readdirSync(incoming)).toEqual(["fresh"]);
    await another.close();
    own.remove();
  });
});

describe("symbolic links below the folder of uploads", () => {
  test("are not followed: what they lead to answers 404 and is not written to", async () => {
    const outside = join(folder.path, "outside");
    mkdirSync(outside, { recursive: true });
    writeFileSync(join(outside, "secret.png"), "secret");
    const root = join(folder.path, "uploads", tenant.environmentId);
    mkdirSync(join(root, "public"), { recursive: true });
    mkdirSync(join(root, "private"), { recursive: true });
    symlinkSync(join(outside, "secret.png"), join(root, "public", "link.png"));
    symlinkSync(outside, join(root, "public", "folder"));
    symlinkSync(outside, join(root, "private", "surveys"));
    await server.request.get(`/storage/${tenant.environmentId}/public/link.png`).expect(404);
    await server.request.get(`/storage/${tenant.environmentId}/public/folder/secret.png`).expect(404);
    const answer = await upload(await slot());
    expect(answer.status).toBe(500);
    expect(await answer.json()).toEqual({ code: "internal_server_error", message: "Internal server error", details: {} });
    expect(readdirSync(outside)).toEqual(["secret.png"]);
  });
});

describe("limits", () => {
  test("a thirty-first question of one address within a minute answers 429", async () => {
    const limited = await startTestServer({ DATA_DIR: folder.path, RATE_LIMIT: true });
    const path = `/api/v1/client/${tenant.environmentId}/storage`;
    const answers = await Promise.all(Array.from({ length: 62 }, () => limited.request.post(path).send(wish())));
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]?.body).toEqual({
      code: "too_many_requests",
      message: "Maximum number of requests reached. Please try again later.",
      details: {},
    });
    expect(Number(refused[0]?.headers["retry-after"])).toBeGreaterThan(0);
    await limited.close();
  });
});
