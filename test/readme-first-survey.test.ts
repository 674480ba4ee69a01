/** The README's first survey, and its administration by script, pasted into a shell as a reader would. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Child, runProcess } from "./support/child-process.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "./support/temporary-folder.ts";

const ADDRESS = "http://127.0.0.1:3000";

let folder: TemporaryFolder;
let server: Child;

beforeAll(() => {
  folder = makeTemporaryFolder();
  server = runProcess("src/main.ts", [], { PORT: "0", DATA_DIR: join(folder.path, "data") });
});
afterAll(async () => {
  server.process.kill("SIGTERM");
  await server.exited;
  folder.remove();
});

test("every line of the README's first survey works, one after the other", async () => {
  const [, address = ""] = await server.waitFor(/^Mortar listens on (\S+);/m);
  const script = readBlocks("Your first survey").join("\n");
  expect(script).toContain(ADDRESS);
  // The last line shows what the lines before have called the rows that they made.
  const names = 'echo "$SURVEY $SEGMENT $CONTACT $SHOWN $RESPONSE"';
  const lines = ["set -eu", script.replace(ADDRESS, address), names];
  const { stdout, stderr } = await promisify(execFile)("sh", ["-c", lines.join("\n")], { cwd: folder.path });
  expect(stderr).toBe("");

  const printed = stdout.trimEnd().split("\n");
  const ids = printed.pop()?.split(" ") ?? [];
  expect(ids).toEqual(Array(5).fill(expect.stringMatching(/^c[a-z0-9]{24}$/)));
  const [survey, segment] = ids;
  expect(printed).toEqual([
    `[ [ '${survey}', 'Checkout done' ] ]`,
    `[ '${segment}' ]`,
    `{ id: '${ids[4]}', quotaFull: false }`,
    "[ { how: 'Quick and easy', again: 5 } ]",
  ]);
});

test("every line of the README's administration by script works, and can be pasted twice", async () => {
  const [, address = ""] = await server.waitFor(/^Mortar listens on (\S+);/m);
  const [names = ""] = readBlocks("Your first survey");
  const [script = ""] = readBlocks("Administer it by script");
  const lines = ["set -eu", names.replace(ADDRESS, address), script, 'echo "$PROJECT"', script, 'echo "$PROJECT"'];
  const { stdout, stderr } = await promisify(execFile)("sh", ["-c", lines.join("\n")], { cwd: folder.path });
  expect(stderr).toBe("");
  const environmentIds = stdout.match(/^c[a-z0-9]{24}$/gm) ?? [];
  expect(environmentIds).toHaveLength(2);
  expect(new Set(environmentIds).size).toBe(1); // the project was made once
  expect(stdout.match(/secret: 'fbk_[\w-]{43}'/g)).toHaveLength(2);
  expect(stdout.match(/'createApiKey'/g)?.length).toBeGreaterThanOrEqual(2);
});

/** The shell blocks of the section. */
function readBlocks(heading: string): string[] {
  const [, rest = ""] = readFileSync("README.md", "utf8").split(`## ${heading}\n`);
  const [section = ""] = rest.split(/^## /m);
  return [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = ""]) => block);
}
