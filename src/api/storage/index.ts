/**
 * `GET /storage/{id}/{public|private}/{path}`: uploaded files. The id is an environment's, or its legacy id.
 * Source: client-api §15.2, management-api-v1 §11.2.
 */
import { Readable } from "node:stream";
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { authenticate } from "../../http/authentication.ts";
import { createErrorHandler } from "../../http/errors.ts";
import { answerOtherMethods } from "../../http/methods.ts";
import { answerUnknownPath } from "../../http/unknown-path.ts";
import type { Services } from "../../services.ts";
import { fileExtension } from "../../shared/file-extension.ts";
import { requireEnvironment } from "../../shared/principal.ts";
import { invalid } from "../../shared/problem.ts";
import type { FileAccess, ServedFile, UploadService } from "../../uploads/service.ts";
import { parseByteRange } from "./byte-range.ts";
import { presentStorageError, StorageError } from "./envelope.ts";

interface StorageApiOptions {
  services: Services;
}

interface FileRoute {
  Params: { environmentId: string; "*": string };
}

const CACHING: Record<FileAccess, string> = {
  public: "public, max-age=31536000, immutable",
  private: "no-store, no-cache, must-revalidate",
};

export const storageApi: FastifyPluginAsync<StorageApiOptions> = async (app, { services }) => {
  const otherMethods = answerOtherMethods(app);
  app.setErrorHandler(createErrorHandler(presentStorageError));
  answerUnknownPath(app);
  await app.register(publicFiles, { services });
  await app.register(privateFiles, { services });
  app.get("/:environmentId/*", { schema: { hide: true, operationId: "refuseFileAccess" } }, async () => {
    throw invalid("Fields are missing or incorrectly formatted", {
      issues: [{ field: "accessType", issue: 'Invalid option: expected one of "public"|"private"' }],
    });
  });
  otherMethods.close();
};

const publicFiles: FastifyPluginAsync<StorageApiOptions> = async (app, { services: { environments, uploads } }) => {
  app.get<FileRoute>("/:environmentId/public/*", { schema: describe("public") }, async (request, reply) => {
    const { params } = request;
    const { id } = await environments.configuration(params.environmentId);
    const file = await findFile(uploads, [id, params.environmentId], "public", params["*"]);
    reply.header("access-control-allow-origin", "*");
    return sendFile({ uploads, file, access: "public", request, reply });
  });
};

const privateFiles: FastifyPluginAsync<StorageApiOptions> = async (app, { services }) => {
  const { apiKeys, environments, uploads } = services;
  authenticate(app, apiKeys);
  app.get<FileRoute>("/:environmentId/private/*", { schema: describe("private") }, async (request, reply) => {
    const { params, principal } = request;
    const { id } = await environments.configuration(params.environmentId);
    requireEnvironment(principal, id, "read");
    const file = await findFile(uploads, [id, params.environmentId], "private", params["*"]);
    return sendFile({ uploads, file, access: "private", request, reply });
  });
};

const describe = (access: FileAccess) => ({
  operationId: `get${access === "public" ? "Public" : "Private"}File`,
  summary: `A ${access} file`,
  tags: ["Storage"],
  response: {
    200: { description: "The file", content: { "application/octet-stream": { schema: z.string() } } },
    206: { description: "The range that was asked for", content: { "application/octet-stream": { schema: z.string() } } },
    416: z.null().meta({ description: "No such range" }),
    400: StorageError,
    ...(access === "private" && { 401: StorageError }),
    404: StorageError,
    500: StorageError,
    503: StorageError,
  },
});

function findFile(uploads: UploadService, ownerIds: string[], access: FileAccess, path: string): Promise<ServedFile> {
  const segments = path.split("/");
  if (fileExtension(segments.at(-1) ?? "") === null && !segments.includes(".."))
    throw invalid("Fields are missing or incorrectly formatted", {
      issues: [{ field: "fileName", issue: "File name must have an extension" }],
    });
  return uploads.findFile([...new Set(ownerIds)], access, segments);
}

interface Sending {
  uploads: UploadService;
  file: ServedFile;
  access: FileAccess;
  request: Pick<FastifyRequest, "headers" | "method">;
  reply: FastifyReply;
}

async function sendFile({ uploads, file, access, request, reply }: Sending): Promise<FastifyReply> {
  reply.headers({
    "cache-control": CACHING[access],
    "accept-ranges": "bytes",
    "last-modified": file.lastModified.toUTCString(),
    "content-disposition": `${isShown(file) ? "inline" : "attachment"}; filename*=UTF-8''${encodeName(file.name)}`,
  });
  const range = parseByteRange(request.headers.range, file.size);
  if (range === "unsatisfiable")
    return reply.status(416).header("content-range", `bytes */${file.size}`).header("cache-control", "no-store").send();
  if (range) reply.status(206).header("content-range", `bytes ${range.start}-${range.end}/${file.size}`);
  reply.type(file.contentType).header("content-length", range ? range.end - range.start + 1 : file.size);
  // Fastify takes the length of a HEAD's answer from its payload, unless that is a stream.
  return reply.send(request.method === "HEAD" ? Readable.from([]) : await uploads.readFile(file, range));
}

/** Whether a browser may show the file in its place: nothing that could run as a page of ours. */
const isShown = ({ contentType }: ServedFile): boolean =>
  /^(image|video)\//.test(contentType) ? contentType !== "image/svg+xml" : contentType === "application/pdf";

/** As RFC 8187 wants it: what `encodeURIComponent` leaves and a header's parameter may not have, escaped too. */
const encodeName = (name: string): string =>
  encodeURIComponent(name).replace(/['()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
