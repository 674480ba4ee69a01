import { mkdirSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { buildApiKey, buildTenant, type Tenant } from "../../support/build.ts";
import { startTestServer, type TestServer } from "../../support/server.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../../support/temporary-folder.ts";

const BYTES = Buffer.from("0123456789");
const PRIVATE_PATH = "private/surveys/s/elements/e/a.mp4";

let folder: TemporaryFolder;
let server: TestServer;
let tenant: Tenant;

beforeAll(async () => {
  folder = makeTemporaryFolder();
  server = await startTestServer({ DATA_DIR: folder.path });
  writeFileSync(join(folder.path, "secret.png"), "secret");
});
afterAll(async () => {
  await server.close();
  folder.remove();
});
beforeEach(async () => {
  tenant = await buildTenant(server.db);
});

/** A file as an upload, or a copy of another server's uploads, left it. */
function keep(path: string, ownerId = tenant.environmentId): void {
  const file = join(folder.path, "uploads", ownerId, path);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, BYTES);
}

const get = (path: string, id = tenant.environmentId) => server.request.get(`/storage/${id}/${path}`);

/** Without the corrections that HTTP clients make to a path. */
function getRaw(path: string): Promise<number | undefined> {
  const { hostname, port } = new URL(server.baseUrl);
  return new Promise((resolve, reject) => {
    httpRequest({ hostname, port, path }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on("error", reject)
      .end();
  });
}

describe("a public file", () => {
  test("answers 200 to anyone and may be cached for ever", async () => {
    keep("public/logo--fid--1.png");
    const { body, headers } = await get("public/logo--fid--1.png").expect(200);
    expect(body).toEqual(BYTES);
    expect(headers).toMatchObject({
      "content-type": "image/png",
      "content-length": "10",
      "cache-control": "public, max-age=31536000, immutable",
      "access-control-allow-origin": "*",
      "x-content-type-options": "nosniff",
      "content-disposition": "inline; filename*=UTF-8''logo--fid--1.png",
    });
    expect(headers).not.toHaveProperty("cross-origin-resource-policy");
  });

  test("answers HEAD with the headers only", async () => {
    keep("public/a.png");
    const { headers, body } = await server.request.head(`/storage/${tenant.environmentId}/public/a.png`).expect(200);
    expect(headers["content-length"]).toBe("10");
    expect(body).toEqual({});
  });

  test("can lie under the legacy id, and is found by either", async () => {
    const legacyId = `cl${tenant.environmentId.slice(2)}`;
    await server.db.prisma.environment.update({ where: { id: tenant.environmentId }, data: { legacyId } });
    keep("public/new.png");
    keep("public/old.png", legacyId);
    await get("public/new.png", legacyId).expect(200);
    await get("public/old.png", legacyId).expect(200);
    await get("public/new.png").expect(200);
  });

  test.each([
    ["a.png", "image/png", "inline"],
    ["a.webp", "image/webp", "inline"],
    ["a.mp4", "video/mp4", "inline"],
    ["a.pdf", "application/pdf", "inline"],
    ["a.txt", "text/plain", "attachment"],
    ["a.mp3", "audio/mpeg", "attachment"],
    ["a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "attachment"],
    ["a.html", "application/octet-stream", "attachment"],
    ["a.svg", "application/octet-stream", "attachment"],
    ["a.js", "application/octet-stream", "attachment"],
  ])("%s is sent as %s, %s", async (name, type, disposition) => {
    keep(`public/${name}`);
    const { headers } = await get(`public/${name}`).expect(200);
    expect(headers["content-type"]).toBe(type);
    expect(headers["content-disposition"]).toBe(`${disposition}; filename*=UTF-8''${name}`);
  });

  test("has a name that no header breaks on", async () => {
    keep("public/it's (ü) 100%.png");
    const { headers } = await get(`public/${encodeURIComponent("it's (ü) 100%.png")}`).expect(200);
    expect(headers["content-disposition"]).toBe("inline; filename*=UTF-8''it%27s%20%28%C3%BC%29%20100%25.png");
  });

  test.each([
    ["bytes=2-4", 206, "234", "bytes 2-4/10"],
    ["bytes=7-", 206, "789", "bytes 7-9/10"],
    ["bytes=-2", 206, "89", "bytes 8-9/10"],
    ["bytes=10-", 416, "", "bytes */10"],
  ])("the range %s answers %i", async (range, status, text, contentRange) => {
    keep("public/a.mp4");
    const { body, headers } = await get("public/a.mp4").set("range", range).buffer(true).parse(collect).expect(status);
    expect(String(body)).toBe(text);
    expect(headers["content-range"]).toBe(contentRange);
  });
});

type Parser = Parameters<ReturnType<typeof get>["parse"]>[0];
const collect: Parser = (response, done) => {
  let text = "";
  response.on("data", (chunk) => {
    text += String(chunk);
  });
  response.on("end", () => done(null, text));
};

describe("a private file", () => {
  const notAuthenticated = {
    code: "not_authenticated",
    message: "Not authenticated",
    details: { "x-Api-Key": "Header not provided or API Key invalid" },
  };

  test("answers 200 to a key with read on the environment, in either header, and is not cached", async () => {
    keep(PRIVATE_PATH);
    const { organizationId, environmentId } = tenant;
    const reader = await buildApiKey(server.db, { organizationId, permissions: { [environmentId]: "read" } });
    const { headers } = await get(PRIVATE_PATH).set("x-api-key", reader).expect(200);
    expect(headers["cache-control"]).toBe("no-store, no-cache, must-revalidate");
    expect(headers).not.toHaveProperty("access-control-allow-origin");
    await get(PRIVATE_PATH).set("authorization", `Bearer ${reader}`).expect(200);
  });

  test("answers 401 without a key or with a wrong one, whether it is there or not", async () => {
    keep(PRIVATE_PATH);
    expect((await get(PRIVATE_PATH).expect(401)).body).toEqual(notAuthenticated);
    expect((await get(PRIVATE_PATH).set("x-api-key", "fbk_wrong").expect(401)).body).toEqual(notAuthenticated);
    expect((await get("private/none.png").expect(401)).body).toEqual(notAuthenticated);
  });

  test("answers 401 to a key of a neighbour and to one of another environment", async () => {
    keep(PRIVATE_PATH);
    const neighbour = await buildTenant(server.db);
    const { organizationId, developmentId } = tenant;
    const other = await buildApiKey(server.db, { organizationId, permissions: { [developmentId]: "manage" } });
    for (const key of [neighbour.apiKey, other])
      expect((await get(PRIVATE_PATH).set("x-api-key", key).expect(401)).body).toEqual({
        code: "unauthorized",
        message: "You are not authorized to access this resource",
        details: {},
      });
  });
});

describe("what is not there", () => {
  test("an unknown file answers 404", async () => {
    expect((await get("public/none.png").expect(404)).body).toEqual({
      code: "not_found",
      message: "file not found",
      details: { resource_id: "none.png", resource_type: "file" },
    });
    keep("public/folder.png/a.png");
    await get("public/folder.png").expect(404);
    await get("public/folder.png/a.png/b.png").expect(404);
    await get(`public/${"x".repeat(900)}.png`).expect(404);
  });

  test("an unknown environment answers 404", async () => {
    expect((await get("public/a.png", "cunknown").expect(404)).body).toMatchObject({ message: "Workspace not found" });
  });

  test("another access than public and private, or a name without an extension, answers 400", async () => {
    const { body } = await get("secret/a.png").expect(400);
    expect(body).toEqual({
      code: "bad_request",
      message: "Fields are missing or incorrectly formatted",
      details: { accessType: 'Invalid option: expected one of "public"|"private"' },
    });
    expect((await get("public/a").expect(400)).body.details).toEqual({ fileName: "File name must have an extension" });
  });

  test.each([
    "../secret.png",
    "../../secret.png",
    "..%2fsecret.png",
    "%2e%2e/%2e%2e/secret.png",
    "%2E%2E%2F%2e%2e%2Fsecret.png",
    "..%5c..%5csecret.png",
    "..\\..\\secret.png",
    "./a.png",
    "a%00.png",
    "%0d%0aset-cookie:a.png",
    "%2fetc%2fsecret.png",
    `${"x".repeat(2_000)}.png`,
  ])("the path public/%s answers 400", async (path) => {
    keep("public/a.png");
    expect(await getRaw(`/storage/${tenant.environmentId}/public/${path}`)).toBe(400);
  });

  test("escapes are undone once only, and broken ones answer 400", async () => {
    expect(await getRaw(`/storage/${tenant.environmentId}/public/%252e%252e%252fsecret.png`)).toBe(404);
    expect(await getRaw(`/storage/${tenant.environmentId}/public/%zz.png`)).toBe(400);
    expect(await getRaw(`/storage/..%2f..%2f/public/secret.png`)).toBe(404);
    expect(await getRaw(`/storage/.incoming/public/secret.png`)).toBe(404);
  });

  test("another method answers 405", async () => {
    await server.request.post(`/storage/${tenant.environmentId}/public/a.png`).expect(405);
  });
});
