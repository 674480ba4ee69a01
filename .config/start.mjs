// `npm start`: builds when the sources changed, then becomes the server, in one process so that signals reach it.
import { buildIfStale } from "./build.mjs";

await buildIfStale();
await import("../dist/main.js");
