// Writes the Prisma client to src/db/generated. The CLI wants a schema engine binary although generating needs
// none, and would download one; naming any executable keeps `npm ci` free of downloads outside the registry.
import { execFileSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const schema = fileURLToPath(new URL("../prisma/schema.prisma", import.meta.url));
const generated = fileURLToPath(new URL("../src/db/generated/client.ts", import.meta.url));
const cli = findPrismaCli();

const isCurrent = existsSync(generated) && statSync(generated).mtimeMs >= statSync(schema).mtimeMs;
if (cli && !isCurrent) {
  execFileSync(process.execPath, [cli, "generate", "--config", ".config/prisma.ts", "--no-hints"], {
    cwd: fileURLToPath(new URL("..", import.meta.url)),
    env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, PRISMA_HIDE_UPDATE_MESSAGE: "1" },
    stdio: ["ignore", "ignore", "inherit"],
  });
}

/** The CLI's entry, or null in an install without development dependencies (which runs from dist and needs none). */
function findPrismaCli() {
  try {
    return createRequire(import.meta.url).resolve("prisma/build/index.js");
  } catch {
    return null;
  }
}
