import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { buildApiKey, buildTenant, type Tenant } from "../../../support/build.ts";
import { startTestServer, type TestServer } from "../../../support/server.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../../../support/temporary-folder.ts";
import { BAD_JSON, fields, message, NO_KEY, NO_PERMISSION, NO_TENANT } from "./answers.ts";

const PNG = Buffer.from("89504e470d0a1a0a0000", "hex");

let folder: TemporaryFolder;
let server: TestServer;
let tenant: Tenant;
beforeAll(async () => {
  folder = makeTemporaryFolder();
  server = await startTestServer({ DATA_DIR: folder.path });
});
afterAll(async () => {
  await server.close();
  folder.remove();
});
beforeEach(async () => {
  tenant = await buildTenant(server.db);
});

const PATH = "/api/v1/management/storage";
const ask = (body: unknown = {}, apiKey = tenant.apiKey) =>
  server.request
    .post(PATH)
    .set("x-api-key", apiKey)
    .send(
      typeof body === "string"
        ? body
        : JSON.stringify({ workspaceId: tenant.environmentId, fileName: "Logo.png", fileType: "image/png", ...Object(body) }),
    );

describe("POST /api/v1/management/storage", () => {
  it("answers 200 with a form that takes the file, which anyone may read then", async () => {
    const { data } = (await ask().expect(200)).body;
    const fileName = expect.stringMatching(/^Logo--fid--[0-9a-f-]{36}\.png$/);
    expect(data).toEqual({
      signedUrl: `${server.baseUrl}/api/v1/client/${tenant.environmentId}/storage/local`,
      presignedFields: {
        key: `${tenant.environmentId}/public/${data.updatedFileName}`,
        "Content-Type": "image/png",
        success_action_status: "201",
        token: expect.any(String),
      },
      fileUrl: `${server.baseUrl}/storage/${tenant.environmentId}/public/${data.updatedFileName}`,
      updatedFileName: fileName,
      signingData: { signature: expect.any(String), timestamp: expect.any(Number), uuid: expect.any(String) },
    });
    const form = new FormData();
    for (const [name, value] of Object.entries<string>(data.presignedFields)) form.set(name, value);
    form.set("file", new Blob([PNG], { type: "image/png" }), "Logo.png");
    expect((await fetch(data.signedUrl, { method: "POST", body: form })).status).toBe(201);
    const file = await fetch(data.fileUrl);
    expect(file.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    expect(Buffer.from(await file.arrayBuffer())).toEqual(PNG);
  });

  it.each([
    ["no extension", { fileName: "logo" }, { fileName: "File name must have an extension" }],
    ["an extension that is not allowed", { fileName: "logo.svg" }, { fileName: "File type is not allowed" }],
    ["another type", { fileType: "image/jpeg" }, { fileType: "File type does not match the file extension" }],
    [
      "an extension that is not in the caller's list",
      { allowedFileExtensions: ["pdf"] },
      { fileName: "File extension is not in the list of allowed extensions" },
    ],
    ["no name", { fileName: " " }, { fileName: "Too small: expected string to have >=1 characters" }],
  ])("answers 400 to %s", async (_name, change, details) => {
    expect((await ask(change).expect(400)).body).toEqual(fields(details));
  });

  it("answers 400 when nothing is left of the name", async () => {
    expect((await ask({ fileName: "...png" }).expect(400)).body).toEqual(
      message("Invalid input", { fileName: "Invalid file name" }),
    );
  });

  it("answers 400 and 401 in the order of the checks", async () => {
    const neighbour = await buildTenant(server.db);
    const reader = await buildApiKey(server.db, { ...tenant, permissions: { [tenant.environmentId]: "read" } });
    expect((await server.request.post(PATH).send("{").expect(401)).body).toEqual(NO_KEY);
    expect((await ask("{").expect(400)).body).toEqual(BAD_JSON);
    expect((await ask({ workspaceId: "" }).expect(400)).body).toEqual(NO_TENANT);
    expect((await ask({ workspaceId: neighbour.environmentId, fileName: 5 }).expect(401)).body).toEqual(NO_PERMISSION);
    expect((await ask({}, reader).expect(401)).body).toEqual(NO_PERMISSION);
  });

  it("answers 429 when a key has asked five times in a minute", async () => {
    const limited = await startTestServer({ DATA_DIR: folder.path, RATE_LIMIT: true });
    try {
      const statuses: number[] = [];
      const send = () => limited.request.post(PATH).set("x-api-key", tenant.apiKey).send("{");
      // A minute may end meanwhile, so up to two budgets are served.
      while (statuses.at(-1) !== 429 && statuses.length <= 10) statuses.push((await send()).status);
      expect(statuses.at(-1)).toBe(429);
      expect(statuses.length).toBeGreaterThan(5);
    } finally {
      await limited.close();
    }
  });
});
