// Bundles the scripts that SDKs load from the server, each also compressed. By itself (`npm run dev`, tests) it takes a
// folder to write to, in the place of dist/web-sdk.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Script → where it begins. */
const ENTRIES = {
  "formbricks.umd.cjs": "src/web-sdk/core/main.ts",
  "links.umd.cjs": "src/web-sdk/links/main.ts",
  "playground.umd.cjs": "src/web-sdk/playground/main.tsx",
  "surveys.umd.cjs": "src/web-sdk/surveys/main.ts",
};

/** Others' code in a script, whose licence wants to be told. */
const LICENCES = { "playground.umd.cjs": "@formbricks/js" };

/** A script defines its global in any kind of page: AMD's `define` is left alone, for nobody would ask it. */
export async function buildWebSdk(folder = join(root, "dist/web-sdk")) {
  const { build } = await import("esbuild");
  mkdirSync(folder, { recursive: true });
  await Promise.all(
    Object.entries(ENTRIES).map(async ([name, entry]) => {
      const { outputFiles } = await build({
        absWorkingDir: root,
        entryPoints: [entry],
        outfile: join(folder, name),
        bundle: true,
        minify: true,
        format: "iife",
        jsx: "automatic",
        jsxImportSource: "preact",
        target: ["es2020"],
        charset: "utf8",
        sourcemap: true,
        legalComments: "none",
        logLevel: "warning",
        write: false,
        ...bannerOf(name),
      });
      for (const { path, contents } of outputFiles) {
        writeFileSync(path, contents);
        writeFileSync(`${path}.gz`, gzipSync(contents, { level: 9 }));
        writeFileSync(`${path}.br`, brotliCompressSync(contents));
      }
    }),
  );
}

function bannerOf(name) {
  const dependency = LICENCES[name];
  if (dependency === undefined) return {};
  const licence = readFileSync(join(root, "node_modules", dependency, "LICENSE"), "utf8");
  return { banner: { js: `/*! With ${dependency}:\n${licence.trim()}\n*/` } };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildWebSdk(process.argv[2]);
