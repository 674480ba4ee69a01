// Whether every package of package-lock.json comes under a licence that we may ship (or, of tools, use). Needs no network:
// the licences stand in the lock file. Part of `npm run check`.
import { readFileSync } from "node:fs";

/** What may be part of the image. */
const SHIPPED = [
  "MIT",
  "Apache-2.0",
  "ISC",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "0BSD",
  "BlueOak-1.0.0",
  "Unlicense",
  "CC0-1.0",
  "Zlib",
  "Python-2.0",
];
/** What tools may have beside it: file-wise copyleft that reaches nothing of ours. */
const TOOLS = [...SHIPPED, "MPL-2.0", "EPL-2.0"];

/** Packages whose package.json says it in a way that npm does not copy; looked up in their licence or readme files. */
const LOOKED_UP = {
  "busboy@0.3.1": "MIT",
  "dicer@0.3.0": "MIT",
  "humanize-number@0.0.2": "MIT",
  "only@0.0.2": "MIT",
  "seq-queue@0.0.5": "MIT",
  "streamsearch@0.1.2": "MIT",
};

const { packages } = JSON.parse(readFileSync(new URL("../package-lock.json", import.meta.url), "utf8"));
const refused = Object.entries(packages).flatMap(([path, { version, license, dev, devOptional }]) => {
  if (path === "") return [];
  const name = `${path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length)}@${version}`;
  const said = license ?? LOOKED_UP[name];
  return isAllowed(said, dev || devOptional ? TOOLS : SHIPPED) ? [] : [`${name}: ${said ?? "no licence"}`];
});

for (const line of refused) console.error(`licence not on the list: ${line}`);
if (refused.length > 0) process.exit(1);

/** @param expression an SPDX expression without nested brackets */
function isAllowed(expression, list) {
  if (expression === undefined) return false;
  const alternatives = expression.replace(/^\(|\)$/g, "").split(/ or /i);
  return alternatives.some((alternative) => alternative.split(/ and /i).every((licence) => list.includes(licence)));
}
