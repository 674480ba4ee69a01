// Compiles src to dist, and bundles the web SDK. `--if-stale` skips the work when nothing under src, prisma or .config is newer than the last build.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const stamp = join(root, "dist/.built");

export async function buildIfStale() {
  if (
    !existsSync(join(root, "src")) ||
    (existsSync(stamp) && newest(["src", "prisma", ".config", "package.json"]) <= statSync(stamp).mtimeMs)
  )
    return;
  await build();
}

async function build() {
  await import("./generate.mjs");
  const typescript = dirname(createRequire(import.meta.url).resolve("typescript/package.json"));
  execFileSync(process.execPath, [join(typescript, "bin/tsc"), "-p", join(root, "src/tsconfig.json")], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  const { buildWebSdk } = await import("./build-web-sdk.mjs");
  await buildWebSdk();
  writeFileSync(stamp, "");
}

/** The latest modification time (ms) below the paths. */
function newest(paths) {
  let latest = 0;
  for (const path of paths) {
    const stat = statSync(join(root, path));
    if (!stat.isDirectory()) latest = Math.max(latest, stat.mtimeMs);
    else if (!path.endsWith("generated"))
      latest = Math.max(latest, newest(readdirSync(join(root, path)).map((name) => join(path, name))));
  }
  return latest;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await (process.argv.includes("--if-stale") ? buildIfStale() : build());
