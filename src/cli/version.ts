import { readFileSync } from "node:fs";

/** The release, as package.json names it; the same place seen from `src/cli` and from `dist/cli`. */
export function readVersion(): string {
  const { version }: { version: string } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  return version;
}
