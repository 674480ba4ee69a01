// `npm run mortar -- <command>`: builds when the sources changed, then runs the command line.
import { buildIfStale } from "./build.mjs";

await buildIfStale();
await import("../dist/cli/main.js");
