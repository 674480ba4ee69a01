/**
 * Distils published OpenAPI documents into what tests compare with: paths, methods, success statuses, and the names and
 * types of what bodies have. No text of theirs is kept.
 *
 * Usage: tsx test/published/run-distil.ts <document.json>… > test/published/operations.json
 */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { type Distilled, distil } from "./distil.ts";

const documents: Record<string, Distilled[]> = {};
for (const file of process.argv.slice(2))
  documents[basename(file).replace(/\.\w+$/, "")] = distil(JSON.parse(readFileSync(file, "utf8")));
process.stdout.write(`${JSON.stringify(documents, null, 1)}\n`);
