/** Lists of rows as they are sent: as JSON, as lines of JSON, as CSV, alone or in a form. Source: userpilot-api §4.4, §4.5. */
import multipart from "@fastify/multipart";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { drainBody } from "../../http/drain-body.ts";
import type { JobInput, JobService } from "../../jobs/service.ts";
import { Problem } from "../../shared/problem.ts";
import { refusal } from "./envelope.ts";

const MAX_FILE_BYTES = 50 * 1024 * 1024;

/** A list that is being received. */
export interface Upload {
  format: "json" | "ndjson" | "csv";
  fileName: string | null;
  /** Throws `too_large` beyond {@link MAX_FILE_BYTES}. */
  bytes: AsyncIterable<Uint8Array>;
  /** How many bytes were read. */
  size(): number;
}

/** Has bodies of the scope arrive as streams. */
export async function acceptUploads(app: FastifyInstance): Promise<void> {
  app.removeAllContentTypeParsers();
  await app.register(multipart, {
    limits: { files: 1, fileSize: Number.MAX_SAFE_INTEGER, fields: 20, fieldNameSize: 200, fieldSize: 16_384, headerPairs: 50 },
    throwFileSizeLimit: false,
  });
  app.addContentTypeParser("*", (_request, payload, done) => done(null, payload));
}

/**
 * Passes the list to `receive`, and takes the rest of the body when it was refused, within reason.
 * @param formats what the route takes as a raw body; in a form, the file's name and type decide between lines and CSV
 */
export async function withUpload<Result>(
  request: FastifyRequest,
  formats: readonly Upload["format"][],
  receive: (upload: Upload) => Promise<Result>,
): Promise<Result> {
  try {
    return await receive(await openUpload(request, formats));
  } catch (error) {
    await drainBody(request, { maxBytes: 2 * MAX_FILE_BYTES });
    throw error;
  }
}

async function openUpload(request: FastifyRequest, formats: readonly Upload["format"][]): Promise<Upload> {
  if (request.isMultipart()) return openForm(request, formats);
  const type = (request.headers["content-type"] ?? "application/json").split(";", 1)[0]?.trim().toLowerCase() ?? "";
  const format = RAW_FORMATS[type];
  if (format === undefined || !formats.includes(format))
    throw refusal("unsupported_media_type", "The body must be of a media type that this call takes");
  return toUpload(format, null, request.raw);
}

const RAW_FORMATS: Readonly<Record<string, Upload["format"]>> = {
  "application/json": "json",
  "application/x-ndjson": "ndjson",
  "application/ndjson": "ndjson",
  "text/csv": "csv",
};

async function openForm(request: FastifyRequest, formats: readonly Upload["format"][]): Promise<Upload> {
  try {
    for await (const part of request.parts()) {
      if (part.type !== "file") continue;
      if (part.fieldname !== "file") {
        part.file.resume();
        continue;
      }
      const isCsv = formats.includes("csv") && (/csv|excel/i.test(part.mimetype) || /\.csv$/i.test(part.filename));
      return toUpload(isCsv ? "csv" : "ndjson", part.filename, part.file);
    }
  } catch (error) {
    throw new Problem("malformed", "The form cannot be read", { cause: error });
  }
  throw refusal("invalid_type", "The form has no part named file");
}

function toUpload(format: Upload["format"], fileName: string | null, source: AsyncIterable<Uint8Array>): Upload {
  let size = 0;
  return { format, fileName, bytes: counted(), size: () => size };

  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      size += chunk.length;
      if (size > MAX_FILE_BYTES)
        throw new Problem("too_large", `A file must not be larger than ${MAX_FILE_BYTES / 1024 / 1024} MB`);
      yield chunk;
    }
  }
}

/** Receives rows into a job; forgets it when receiving them fails. */
export async function receiveJob(
  jobs: JobService,
  input: JobInput,
  upload: Upload,
  fill: (intake: Awaited<ReturnType<JobService["begin"]>>) => Promise<void>,
) {
  const intake = await jobs.begin(input);
  try {
    await fill(intake);
    return await intake.submit({ fileSize: upload.fileName === null ? 0 : upload.size() });
  } catch (error) {
    await intake.discard();
    throw error;
  }
}
