import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
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

  test("that is not in the folder answers 404 and says what to do", async () => {
    const { body, headers } = await server.request.get("/js/surveys.umd.cjs").expect(404);
    expect(body).toEqual({
      code: "not_found",
      message:
        "surveys.umd.cjs is not in the folder of SDK_ASSETS_DIR: put surveys.umd.cjs into a folder and name the folder in SDK_ASSETS_DIR",
      details: {},
    });
    expect(headers).toMatchObject({ "access-control-allow-origin": "*", "cache-control": "private, no-store" });
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

test("without SDK_ASSETS_DIR a script answers 404 and says what to do", async () => {
  const bare = await startTestServer();
  const { body } = await bare.request.get("/js/formbricks.umd.cjs").expect(404);
  expect(body.message).toBe(
    "This server was given no scripts for SDKs: put formbricks.umd.cjs into a folder and name the folder in SDK_ASSETS_DIR",
  );
  await bare.close();
});
