/** A client that a generator makes of the OpenAPI document compiles, and works against the server. */
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { generateApi } from "swagger-typescript-api";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildTenant, type Tenant } from "../support/build.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";

const run = promisify(execFile);
const BINARIES = resolve("node_modules/.bin");

/** What somebody would write with it. The last line does not compile without the types of the document. */
const USAGE = `
import { Api } from "./client";

const [baseUrl = "", key = "", environmentId = "", organizationId = ""] = process.argv.slice(2);
const api = new Api({ baseUrl, baseApiParams: { headers: { "x-api-key": key } } });

const identified = await api.api.v2Identify(environmentId, { userId: "ada", attributes: { plan: "pro" } });
const userId: string | null = identified.data.data.state.data.userId;
const users = await api.api.getUsers(organizationId, { limit: 5 });
const emails: string[] = users.data.data.map(({ email }) => email);
const refused = await api.api.getUsers("cwrong", {}).catch((answer) => answer.error.error.code);
// @ts-expect-error no operation is called so
const unknown = api.api.getNothing;
console.log(JSON.stringify({ userId, emails, refused, unknown: typeof unknown }));
`;

const CONFIG = {
  compilerOptions: {
    target: "es2022",
    module: "esnext",
    moduleResolution: "bundler",
    lib: ["es2022", "dom"],
    types: ["node"],
    typeRoots: [resolve("node_modules/@types")],
    strict: true,
    noEmit: true,
    skipLibCheck: true,
  },
  files: ["client.ts", "usage.ts"],
};

const folder = makeTemporaryFolder();
let server: TestServer;
let tenant: Tenant;
beforeAll(async () => {
  server = await startTestServer();
  tenant = await buildTenant(server.db);
  await generateApi({ input: resolve("openapi/mortar.json"), output: folder.path, fileName: "client.ts", silent: true });
  writeFileSync(join(folder.path, "usage.ts"), USAGE);
  writeFileSync(join(folder.path, "package.json"), '{"type":"module"}');
  writeFileSync(join(folder.path, "tsconfig.json"), JSON.stringify(CONFIG));
});
afterAll(async () => {
  await server.close();
  folder.remove();
});

test("the generated client compiles, with calls that are checked", async () => {
  const compiled = await run(join(BINARIES, "tsc"), ["-p", folder.path]).catch((error: unknown) => error);
  expect(compiled).toMatchObject({ stdout: "" });
}, 60_000);

test("it identifies a user, lists users, and is told what it may not do", async () => {
  const parameters = [server.baseUrl, tenant.apiKey, tenant.environmentId, tenant.organizationId];
  const { stdout } = await run(join(BINARIES, "tsx"), [join(folder.path, "usage.ts"), ...parameters]);
  const emails = [`owner-${tenant.ownerId}@example.com`];
  expect(JSON.parse(stdout)).toEqual({ userId: "ada", emails, refused: 401, unknown: "undefined" });
});
