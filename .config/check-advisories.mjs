// Whether a package that we ship has a published advisory, of severity high or worse. Asks the registry, so it is no part of
// `npm run check`; where the registry does not answer that question, it says so and lets the build go on.
import { spawnSync } from "node:child_process";

const { stdout } = spawnSync("npm", ["audit", "--omit=dev", "--json"], { encoding: "utf8", timeout: 120_000 });
const report = parse(stdout);
if (report?.metadata?.vulnerabilities === undefined) {
  console.log("advisories: the registry does not answer; nothing was checked");
} else {
  const found = Object.values(report.vulnerabilities).filter(({ severity }) => severity === "high" || severity === "critical");
  for (const { name, severity, range } of found) console.error(`${severity}: ${name} ${range}; see npm audit`);
  const { total } = report.metadata.vulnerabilities;
  console.log(`advisories: ${total} in what is shipped, ${found.length} of them high or critical`);
  if (found.length > 0) process.exitCode = 1;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
