/** `POST /v1/users/bulk`: users from a CSV file. Source: sprig-api §7. */
import type { FastifyPluginAsync, FastifyRequest } from "fastify";
import { z } from "zod";
import { readCsv } from "../../http/csv-rows.ts";
import { drainBody } from "../../http/drain-body.ts";
import { acceptAnything } from "../../http/json-body.ts";
import type { JobIntake, JobRow, JobService } from "../../jobs/service.ts";
import { invalid, Problem } from "../../shared/problem.ts";
import { BODY_ERRORS } from "./envelope.ts";
import { type SprigOptions, TAGS } from "./options.ts";
import { readAddress, readAttributes, readOptionalId } from "./values.ts";

const MAX_FILE_BYTES = 50 * 1024 * 1024;
const MAX_ROWS = 65_000;
const MAX_RECORD_BYTES = 1024 * 1024;

/** How long the answer waits for the rows to be written; they are written in any case. */
const MAX_WAIT_MS = 30_000;

const REFUSED_TYPES = /^\s*(application\/json|multipart\/)/i;

interface Rejection {
  row: number;
  error: string;
}

const Result = z
  .object({
    accepted: z.int(),
    rejected: z.array(z.object({ row: z.int().meta({ description: "The first after the header is 1" }), error: z.string() })),
  })
  .meta({ id: "SprigBulkResult" });

export const bulkRoute: FastifyPluginAsync<SprigOptions> = async (app, { services: { jobs }, hidden }) => {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, payload, done) => done(null, payload));
  app.post(
    "/users/bulk",
    {
      schema: {
        operationId: "sprigBulkUsers",
        summary: "Create or update users from a CSV file (v1)",
        description: `The first line names the columns: \`user_id\` and/or \`email\`, all others are attributes. At most ${MAX_ROWS} rows and 50 MB. A row that cannot be used is named; the others are.`,
        tags: TAGS,
        hide: hidden,
        consumes: ["text/csv"],
        body: z.string(),
        response: { 200: Result, ...BODY_ERRORS },
      },
      validatorCompiler: acceptAnything,
    },
    async (request) => {
      try {
        return await receiveFile(jobs, request);
      } catch (error) {
        await drainBody(request, { maxBytes: 2 * MAX_FILE_BYTES });
        throw error;
      }
    },
  );
};

async function receiveFile(jobs: JobService, request: FastifyRequest): Promise<z.infer<typeof Result>> {
  if (REFUSED_TYPES.test(request.headers["content-type"] ?? "")) throw invalid("The body must be text/csv");
  const { environmentId, principal } = request;
  const intake = await jobs.begin({
    environmentId,
    apiKeyId: principal.apiKeyId,
    type: "sprig_bulk_users",
    exclusiveWith: [],
    fileName: null,
  });
  const rejected = await fillIntake(intake, limited(request.raw)).catch(async (error: unknown) => {
    await intake.discard();
    throw error;
  });
  const submitted = await intake.submit({ fileSize: 0 });
  const job = await jobs.settle(environmentId, submitted.id, { timeoutMs: MAX_WAIT_MS });
  const known = new Set(rejected.map(({ row }) => row));
  const later = job.failedRows.flatMap(({ row, message }) => (known.has(row) ? [] : { row, error: message }));
  return {
    accepted: job.totalRows - job.failedRowCount,
    rejected: [...rejected, ...later].sort((a, b) => a.row - b.row),
  };
}

async function* limited(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > MAX_FILE_BYTES) throw new Problem("too_large", `A file must not be larger than ${MAX_FILE_BYTES} bytes`);
    yield chunk;
  }
}

async function fillIntake(intake: JobIntake, bytes: AsyncIterable<Uint8Array>): Promise<Rejection[]> {
  const rejected: Rejection[] = [];
  for await (const item of readCsv(bytes, { maxRecordBytes: MAX_RECORD_BYTES })) {
    const { row } = item;
    if (row > MAX_ROWS) throw new Problem("too_large", `A file must not have more than ${MAX_ROWS} rows`);
    const result = "broken" in item ? item.broken : readRow(item.value);
    if (typeof result === "string") {
      rejected.push({ row, error: result });
      intake.reject({ row, id: null, code: "invalid_row", message: result });
    } else await intake.add(row, result);
  }
  return rejected;
}

/** What becomes of a row, or why it cannot be used. */
function readRow({ user_id, email, ...others }: Record<string, string>): JobRow | string {
  try {
    const userId = readOptionalId(user_id, "user_id");
    const address = readAddress(email, "email");
    const attributes = Object.fromEntries(readAttributes(others));
    if (userId !== undefined)
      return { kind: "contact", userId, attributes: address === undefined ? attributes : { ...attributes, email: address } };
    return address === undefined ? "user_id or email is required" : { kind: "address", email: address, attributes };
  } catch (error) {
    if (error instanceof Problem) return error.message;
    throw error;
  }
}
