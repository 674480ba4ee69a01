/**
 * `POST /storage/local`: takes an uploaded file when there is no object store that clients could send it to. Current
 * clients post the form that `POST /storage` answered; those before September 2025 post JSON with the file as base64
 * and the signing data beside it, or in `X-…` headers. Source: client-api §15.1, §16.5; sdk-contract §5.
 */
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import multipart from "@fastify/multipart";
import type { FastifyInstance, FastifyPluginAsync, FastifyRequest } from "fastify";
import { z } from "zod";
import { countedAddress } from "../../http/counted-address.ts";
import { acceptAnything, parseJson } from "../../http/json-body.ts";
import type { RateBucket } from "../../http/rate-limit.ts";
import { forbidden, invalid, Problem } from "../../shared/problem.ts";
import { fileTooLarge } from "../../uploads/service.ts";
import { ClientError, ClientParams, clientData } from "./envelope.ts";
import type { ClientApiOptions } from "./options.ts";

/** Of one address: the permission is limited where it is given. */
const BUCKET: RateBucket = { name: "storage-local", limit: 100, windowMs: 60_000 };

/** Of a JSON body beside the file. */
const JSON_OVERHEAD_BYTES = 65_536;

/** Browsers and HTTP libraries say this of what they know no type of. */
const UNDECLARED = "application/octet-stream";

const Received = z.object({ message: z.string() }).meta({ id: "FileReceived" });

const EncodedFile = z.object({
  fileBase64String: z.string(),
  fileType: z.string(),
  fileName: z.string(),
  signature: z.string(),
});

export const storageLocalRoute: FastifyPluginAsync<ClientApiOptions> = async (app, { generation, services, limiter }) => {
  const { environments, uploads } = services;
  app.removeAllContentTypeParsers();
  await app.register(multipart, {
    // The file's own limit is the store's: that one says so in the words clients know.
    limits: { files: 1, fileSize: Number.MAX_SAFE_INTEGER, fields: 20, fieldNameSize: 200, fieldSize: 16_384, headerPairs: 50 },
    throwFileSizeLimit: false,
  });
  acceptEncodedFiles(app, uploads.maxBytes);
  app.options("/:environmentId/storage/local", { schema: { hide: true, operationId: "clientPreflight" } }, async () => ({
    data: {},
  }));

  app.post<{ Params: { environmentId: string } }>(
    "/:environmentId/storage/local",
    {
      config: { takesFiles: true },
      schema: {
        operationId: `${generation}UploadFile`,
        summary: "Upload a file",
        description: "Takes the form of `POST /storage`: its fields first, then the file in the field `file`.",
        tags: ["Client API - Storage"],
        consumes: ["multipart/form-data", "application/json"],
        params: ClientParams,
        response: {
          200: clientData(Received),
          201: clientData(Received),
          400: ClientError,
          403: ClientError,
          404: ClientError,
          409: ClientError,
          413: ClientError,
          429: ClientError,
          500: ClientError,
          503: ClientError,
        },
      },
      validatorCompiler: acceptAnything,
    },
    async (request, reply) => {
      await limiter.count(BUCKET, countedAddress(request.ip));
      const { id: environmentId } = await environments.configuration(request.params.environmentId);
      const isForm = request.isMultipart();
      await uploads.receive({ environmentId, ...(isForm ? await readForm(request) : readEncodedFile(request)) });
      reply.status(isForm ? 201 : 200);
      return { data: { message: "File uploaded successfully" } };
    },
  );
};

/** Stops at the file, whose bytes follow; what comes after it is left out. */
async function readForm(request: FastifyRequest) {
  const fields = new Map<string, string>();
  try {
    for await (const part of request.parts()) {
      if (part.type === "file" && part.fieldname === "file") {
        const partType = part.mimetype === UNDECLARED ? undefined : part.mimetype;
        const contentType = fields.get("Content-Type");
        if (contentType === undefined) throw invalid("The form has no field Content-Type before the file");
        return { token: tokenOf(fields), key: fields.get("key"), contentTypes: [contentType, partType], bytes: part.file };
      }
      if (part.type === "file") part.file.resume();
      else if (typeof part.value === "string") fields.set(part.fieldname, part.value);
    }
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem("malformed", "Malformed form data", { details: { error: messageOf(error) }, cause: error });
  }
  throw invalid("The form has no file", { issues: [{ field: "file", issue: "Required" }] });
}

function tokenOf(fields: ReadonlyMap<string, string>): string {
  const token = fields.get("token");
  if (token === undefined) throw forbidden("The permission to upload is invalid or has expired");
  return token;
}

function readEncodedFile({ body, headers }: FastifyRequest) {
  const given = parseJson(body);
  const { success, data, error } = EncodedFile.safeParse({
    fileType: headers["x-file-type"],
    fileName: headers["x-file-name"],
    signature: headers["x-signature"],
    ...(typeof given === "object" && given),
  });
  if (!success) {
    const issues = error.issues.map(({ path, message }) => ({ field: path.join("."), issue: message }));
    throw invalid("Fields are missing or incorrectly formatted", { issues });
  }
  const { contentType, bytes } = decodeFile(data.fileBase64String);
  return {
    token: data.signature,
    fileName: decodeName(data.fileName),
    contentTypes: [data.fileType, contentType],
    bytes: Readable.from([bytes]),
  };
}

/** The bytes of base64 text, or of a data URL with the type it says. */
function decodeFile(text: string): { contentType: string | undefined; bytes: Buffer } {
  const [, contentType, encoded = text] = /^data:([^,]*?)(?:;base64),(.*)$/s.exec(text) ?? [];
  if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(encoded))
    throw invalid("Fields are missing or incorrectly formatted", {
      issues: [{ field: "fileBase64String", issue: "Invalid base64-encoded string" }],
    });
  return { contentType: contentType === "" ? undefined : contentType, bytes: Buffer.from(encoded, "base64") };
}

/** Clients escape the name for a URL; one that is no escaped name is taken as it is. */
function decodeName(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** Takes a body of any other type as bytes: base64 makes four of three. */
function acceptEncodedFiles(app: FastifyInstance, maxBytes: number): void {
  const bodyLimit = Math.ceil(maxBytes / 3) * 4 + JSON_OVERHEAD_BYTES;
  app.addContentTypeParser("*", async (_request: FastifyRequest, payload: IncomingMessage) => {
    const chunks: Buffer[] = [];
    let seen = 0;
    for await (const chunk of payload) {
      seen += chunk.length;
      if (seen > bodyLimit) throw fileTooLarge(maxBytes);
      chunks.push(chunk);
    }
    return chunks.length === 0 ? undefined : Buffer.concat(chunks);
  });
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : "Invalid form data");
