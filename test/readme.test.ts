/** The README's table of variables is made from the configuration's own description. */
import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { describeConfig } from "../src/config/env.ts";

const START = "<!-- configuration: made by `describeConfig`, held equal by test/readme.test.ts -->";
const END = "<!-- /configuration -->";

function table(): string {
  const rows = describeConfig().map(
    ({ name, default: value, description }) => `| \`${name}\` | ${value === "" ? "" : `\`${value}\``} | ${description} |`,
  );
  return ["| variable | default | meaning |", "| --- | --- | --- |", ...rows].join("\n");
}

test("the README's configuration table is current (after a change: UPDATE_README=1 npm test -- test/readme.test.ts)", () => {
  const readme = readFileSync("README.md", "utf8");
  const [before = "", rest = ""] = readme.split(START);
  const [, after = ""] = rest.split(END);
  const current = `${before}${START}\n\n${table()}\n\n${END}${after}`;
  if (process.env.UPDATE_README) writeFileSync("README.md", current);
  expect(readFileSync("README.md", "utf8")).toBe(current);
});

/** What the container image or the composition settles. */
const SETTLED = [
  "HOST",
  "PORT",
  "DATA_DIR",
  "DATABASE_URL",
  "DATABASE_DIRECT_URL",
  "DATABASE_PREPARED_STATEMENTS",
  "MIGRATE_ON_START",
];

test("docker-compose.yml passes on every other variable, and .env.example knows it", () => {
  const composition = readFileSync("docker-compose.yml", "utf8");
  const example = readFileSync(".env.example", "utf8");
  const names = describeConfig()
    .map(({ name }) => name)
    .filter((name) => !SETTLED.includes(name));
  const isPassedOn = (name: string) => composition.includes(`      ${name}: \${${name}:`);
  expect(names.filter((name) => !isPassedOn(name))).toEqual([]);
  expect(names.filter((name) => !new RegExp(`^#?${name}=`, "m").test(example))).toEqual([]);
});
