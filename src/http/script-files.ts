/**
 * The scripts that SDKs load from the server: Mortar's own, or in their place the files of an operator's folder.
 * Source: client-api §16.3, sdk-contract §8.1.
 */
import { access } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fastifyStatic from "@fastify/static";
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from "fastify";
import { Problem } from "../shared/problem.ts";
import { chooseEncoding, type Encoding } from "./accept-encoding.ts";
import { answerOtherMethods } from "./methods.ts";
import { answerUnknownPath } from "./unknown-path.ts";

/** Nothing else of a folder is served. */
const TYPES = {
  "formbricks.umd.cjs": "application/javascript; charset=UTF-8",
  "formbricks.umd.cjs.map": "application/json; charset=utf-8",
  "links.umd.cjs": "application/javascript; charset=UTF-8",
  "links.umd.cjs.map": "application/json; charset=utf-8",
  "playground.umd.cjs": "application/javascript; charset=UTF-8",
  "playground.umd.cjs.map": "application/json; charset=utf-8",
  "surveys.umd.cjs": "application/javascript; charset=UTF-8",
  "surveys.umd.cjs.map": "application/json; charset=utf-8",
} as const;
type Script = keyof typeof TYPES;

const HEADERS = {
  "access-control-allow-origin": "*",
  "cache-control": "public, max-age=3600, s-maxage=2592000, stale-while-revalidate=3600, stale-if-error=86400",
  vary: "Accept-Encoding",
};

/** Compressed scripts lie beside the scripts. */
const EXTENSIONS = { br: ".br", gzip: ".gz" } as const satisfies Record<Encoding, string>;

/** Where `npm run build` puts our own; the same place seen from src and from dist. */
const BUILT_FOLDER = fileURLToPath(new URL("../../dist/web-sdk/", import.meta.url));

export interface ScriptFilesOptions {
  /** Files in it take the place of our own. */
  folder: string | undefined;
  /** Where our own are; default: where `npm run build` puts them. */
  builtFolder?: string;
}

/** Prefix `/js`. A script that is not there answers 404 and says what to do. */
export const scriptFiles: FastifyPluginAsync<ScriptFilesOptions> = async (app, { folder, builtFolder = BUILT_FOLDER }) => {
  const otherMethods = answerOtherMethods(app);
  answerUnknownPath(app);
  const send = await scriptSender(app, [folder, builtFolder]);
  for (const name of Object.keys(TYPES).filter(isScript))
    app.get(`/${name}`, HIDDEN, (request, reply) => send(name, request, reply));
  otherMethods.close();
};

/** Prefix `/api/packages`: where loaders before 3.0.1 and the first React Native SDKs look for the same scripts. */
export const packageFiles: FastifyPluginAsync<ScriptFilesOptions> = async (app, { folder, builtFolder = BUILT_FOLDER }) => {
  const otherMethods = answerOtherMethods(app);
  answerUnknownPath(app);
  const send = await scriptSender(app, [folder, builtFolder]);
  for (const name of ["js", "app", "website"])
    app.get(`/${name}`, HIDDEN, (request, reply) => send("formbricks.umd.cjs", request, reply));
  app.get("/surveys", HIDDEN, (request, reply) => send("surveys.umd.cjs", request, reply));
  otherMethods.close();
};

const HIDDEN = { schema: { hide: true, operationId: "getScript" } };

const isScript = (name: string): name is Script => name in TYPES;

async function scriptSender(app: Parameters<FastifyPluginAsync>[0], folders: readonly (string | undefined)[]) {
  await app.register(fastifyStatic, { root: process.cwd(), serve: false }); // each file names its folder
  return send;

  async function send(name: Script, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    reply.header("access-control-allow-origin", "*");
    const root = await folderOf(name);
    const encoding = chooseEncoding([request.headers["accept-encoding"] ?? []].flat().join(","));
    const isCompressed = encoding !== null && (await exists(root, name + EXTENSIONS[encoding]));
    reply.headers(HEADERS).type(TYPES[name]);
    if (isCompressed) reply.header("content-encoding", encoding);
    const file = isCompressed ? name + EXTENSIONS[encoding] : name;
    return reply.sendFile(file, root, { contentType: false, cacheControl: false, index: false });
  }

  async function folderOf(name: Script): Promise<string> {
    for (const candidate of folders) if (candidate !== undefined && (await exists(candidate, name))) return candidate;
    const remedy = `run npm run build, or put ${name} into a folder and name the folder in SDK_ASSETS_DIR`;
    throw new Problem("not_found", `This server has no ${name}: ${remedy}`, { details: {} });
  }
}

const exists = (folder: string, name: string): Promise<boolean> =>
  access(join(folder, name)).then(
    () => true,
    () => false,
  );
