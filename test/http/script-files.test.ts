import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import Fastify from "fastify";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { scriptFiles } from "../../src/http/script-files.ts";
import type { Problem } from "../../src/shared/problem.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";

let folder: TemporaryFolder;
let server: TestServer;

beforeAll(async () => {
  folder = makeTemporaryFolder();
  writeFileSync(join(folder.path, "formbricks.umd.cjs"), "globalThis.formbricks = {};");
  writeFileSync(join(folder.path, "formbricks.umd.cjs.map"), "{}");
  writeFileSync(join(folder.path, "other.js"), "secret");
  server = await startTestServer({ SDK_ASSETS_DIR: folder.path });
});
afterAll(async () => {
  await server.close();
  folder.remove();
});

describe("a script of SDK_ASSETS_DIR", () => {
  test("answers 200 as JavaScript to pages of any origin", async () => {
    const { text, headers } = await server.request.get("/js/formbricks.umd.cjs?x=1").buffer(true).expect(200);
    expect(text).toBe("globalThis.formbricks = {};");
    expect(headers).toMatchObject({
      "content-type": "application/javascript; charset=UTF-8",
      "access-control-allow-origin": "*",
      "cache-control": "public, max-age=3600, s-maxage=2592000, stale-while-revalidate=3600, stale-if-error=86400",
      "x-content-type-options": "nosniff",
    });
    expect(headers).not.toHaveProperty("cross-origin-resource-policy");
  });

  test("answers HEAD, and 304 to who has it already", async () => {
    const { headers } = await server.request.head("/js/formbricks.umd.cjs").expect(200);
    expect(headers["content-length"]).toBe("27");
    await server.request
      .get("/js/formbricks.umd.cjs")
      .set("if-none-match", headers.etag ?? "")
      .expect(304);
  });

  test("is found behind the two slashes of older loaders", async () => {
    await server.request.get("//js/formbricks.umd.cjs").expect(200);
  });

  test("has its source map beside it", async () => {
    const { headers } = await server.request.get("/js/formbricks.umd.cjs.map").expect(200);
    expect(headers["content-type"]).toBe("application/json; charset=utf-8");
  });
});

test.each(["/js/other.js", "/js/", "/js/..%2fother.js", "/js/formbricks.umd.cjs/x"])("%s is not served", async (path) => {
  const { text, status } = await server.request.get(path).redirects(1);
  expect(status).toBe(404);
  expect(text).not.toContain("secret");
});

test("another method answers 405", async () => {
  await server.request.post("/js/formbricks.umd.cjs").expect(405);
});

describe("our own script", () => {
  const path = "/js/formbricks.umd.cjs";
  const get = (accepted: string) => server.request.get(path).set("accept-encoding", accepted);
  let server: TestServer;

  beforeAll(async () => {
    execFileSync(process.execPath, [".config/build-web-sdk.mjs"]);
    server = await startTestServer();
  });
  afterAll(() => server.close());

  test("is served without SDK_ASSETS_DIR", async () => {
    const { text, headers } = await get("identity").buffer(true).expect(200);
    expect(text).toContain("sourceMappingURL=formbricks.umd.cjs.map");
    expect(headers).toMatchObject({ "content-type": "application/javascript; charset=UTF-8", vary: "Accept-Encoding" });
    expect(headers).not.toHaveProperty("content-encoding");
  });

  test.each([
    ["gzip, deflate, br", "br", 14_000],
    ["gzip", "gzip", 15_000],
  ])("is sent compressed to who accepts %s", async (accepted, encoding, limit) => {
    const plain = await get("identity").buffer(true);
    const { text, headers } = await get(accepted).buffer(true).expect(200);
    expect(headers).toMatchObject({
      "content-encoding": encoding,
      "content-type": "application/javascript; charset=UTF-8",
      "access-control-allow-origin": "*",
      vary: "Accept-Encoding",
    });
    expect(Number(headers["content-length"])).toBeLessThan(limit);
    expect(text).toBe(plain.text);
  });

  test("answers 304 to who has that coding of it already", async () => {
    const { headers } = await get("br");
    await get("br").set("if-none-match", String(headers.etag)).expect(304);
    await get("gzip").set("if-none-match", String(headers.etag)).expect(200);
  });

  test("stays where SDK_ASSETS_DIR has another script only", async () => {
    const others = makeTemporaryFolder();
    writeFileSync(join(others.path, "surveys.umd.cjs"), "others");
    const mixed = await startTestServer({ SDK_ASSETS_DIR: others.path });
    const { text } = await mixed.request.get(path).buffer(true).expect(200);
    expect(text).toContain("sourceMappingURL=formbricks.umd.cjs.map");
    expect((await mixed.request.get("/js/surveys.umd.cjs").buffer(true).expect(200)).text).toBe("others");
    await mixed.close();
    others.remove();
  });
});

describe("where loaders before 3.0.1 look", () => {
  test.each(["js", "app", "website"])("/api/packages/%s is the same script", async (name) => {
    const { text, headers } = await server.request.get(`/api/packages/${name}`).buffer(true).expect(200);
    expect(text).toBe("globalThis.formbricks = {};");
    expect(headers["access-control-allow-origin"]).toBe("*");
  });

  test("/api/packages/surveys is the renderer", async () => {
    writeFileSync(join(folder.path, "surveys.umd.cjs"), "renderer");
    expect((await server.request.get("/api/packages/surveys").buffer(true).expect(200)).text).toBe("renderer");
  });

  test("nothing else is", async () => {
    await server.request.get("/api/packages/other").expect(404);
  });
});

test("a script that was neither built nor provided is not found, and it is said what to do", async () => {
  const app = Fastify();
  app.setErrorHandler<Problem>(({ kind, message }, _request, reply) => reply.code(404).send({ kind, message }));
  const empty = makeTemporaryFolder();
  await app.register(scriptFiles, { prefix: "/js", folder: undefined, builtFolder: empty.path });
  const { body, headers } = await app.inject("/js/surveys.umd.cjs.map");
  expect(JSON.parse(body)).toEqual({
    kind: "not_found",
    message:
      "This server has no surveys.umd.cjs.map: run npm run build, or put surveys.umd.cjs.map into a folder and name the folder in SDK_ASSETS_DIR",
  });
  expect(headers).toMatchObject({ "access-control-allow-origin": "*" });
  await app.close();
  empty.remove();
});
