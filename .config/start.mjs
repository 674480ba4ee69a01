// `npm start`: builds when the sources changed, then becomes the server. One process (and `exec` in the script, for npm
// hands a signal to the shell that it starts, which would die of it and leave the server behind).
import { buildIfStale } from "./build.mjs";

await buildIfStale();
await import("../dist/main.js");
