import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { QUEUE_MIGRATIONS } from "./job-queue.ts";

it("knows how many migrations the installed queue has", () => {
  const folder = fileURLToPath(new URL("../sql", import.meta.resolve("graphile-worker")));
  expect(readdirSync(folder).filter((name) => name.endsWith(".sql"))).toHaveLength(QUEUE_MIGRATIONS);
});
