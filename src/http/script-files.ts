/**
 * The two scripts that SDKs load from the server. Mortar does not bring them; an operator provides them in a folder.
 * Source: client-api §16.3, sdk-contract §8.1.
 */
import { access } from "node:fs/promises";
import { join } from "node:path";
import fastifyStatic from "@fastify/static";
import type { FastifyPluginAsync } from "fastify";
import { Problem } from "../shared/problem.ts";
import { answerOtherMethods } from "./methods.ts";
import { answerUnknownPath } from "./unknown-path.ts";

/** Nothing else of the folder is served. */
const TYPES = {
  "formbricks.umd.cjs": "application/javascript; charset=UTF-8",
  "formbricks.umd.cjs.map": "application/json; charset=utf-8",
  "surveys.umd.cjs": "application/javascript; charset=UTF-8",
  "surveys.umd.cjs.map": "application/json; charset=utf-8",
} as const;

const HEADERS = {
  "access-control-allow-origin": "*",
  "cache-control": "public, max-age=3600, s-maxage=2592000, stale-while-revalidate=3600, stale-if-error=86400",
};

export interface ScriptFilesOptions {
  /** Undefined: none were provided. */
  folder: string | undefined;
}

/** Prefix `/js`. A script that is not there answers 404 and says what to do. */
export const scriptFiles: FastifyPluginAsync<ScriptFilesOptions> = async (app, { folder }) => {
  const otherMethods = answerOtherMethods(app);
  answerUnknownPath(app);
  await app.register(fastifyStatic, { root: folder ?? process.cwd(), serve: false });
  for (const [name, type] of Object.entries(TYPES))
    app.get(`/${name}`, { schema: { hide: true } }, async (_request, reply) => {
      reply.header("access-control-allow-origin", "*");
      await requireFile(folder, name);
      return reply.headers(HEADERS).type(type).sendFile(name, folder, { contentType: false, cacheControl: false, index: false });
    });
  otherMethods.close();
};

async function requireFile(folder: string | undefined, name: string): Promise<void> {
  const remedy = `put ${name} into a folder and name the folder in SDK_ASSETS_DIR`;
  if (folder === undefined) throw missing(`This server was given no scripts for SDKs: ${remedy}`);
  await access(join(folder, name)).catch(() => {
    throw missing(`${name} is not in the folder of SDK_ASSETS_DIR: ${remedy}`);
  });
}

const missing = (message: string) => new Problem("not_found", message, { details: {} });
