/** `GET /background_jobs`: what became of lists and imports. Source: userpilot-api §4.4, §4.6. */
import type { FastifyPluginAsync } from "fastify";
import { z } from "zod";
import { acceptAnything } from "../../http/json-body.ts";
import type { Job } from "../../jobs/service.ts";
import { notFound } from "../../shared/problem.ts";
import { ERRORS, UserpilotError } from "./envelope.ts";
import { TAGS, type UserpilotOptions } from "./options.ts";

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 1_000;

export const UserpilotJob = z
  .object({
    job_id: z.string().meta({ example: "bulk:jobs:NX-1a2b3c4d:9536d797-7039-4d30-8c11-ac437367d732" }),
    type: z.string().meta({ example: "bulk_identify_users" }),
    status: z.enum(["queued", "validating", "processing", "completed", "failed"]),
    submitted_at: z.string(),
    start_time: z.string().nullable(),
    end_time: z.string().nullable(),
    elapsed_time: z.int().meta({ description: "In seconds" }),
    filename: z.string().nullable(),
    file_size: z.int(),
    total_rows: z.int(),
    completed_rows: z.int(),
    failed_row_count: z.int(),
    failed_rows: z
      .array(z.object({ row: z.int(), id: z.string().nullable(), error_code: z.string(), message: z.string() }))
      .meta({ description: "The first 1,000 rows that could not be used; the others were" }),
    links: z.string(),
  })
  .meta({ id: "UserpilotJob" });

export const jobRoutes: FastifyPluginAsync<UserpilotOptions> = async (app, { services: { jobs }, hidden }) => {
  app.get<{ Querystring: { limit?: string } }>(
    "/background_jobs",
    {
      schema: {
        operationId: "userpilotListJobs",
        summary: "List background jobs",
        tags: TAGS,
        hide: hidden,
        querystring: z.object({ limit: z.coerce.number().int().optional() }),
        response: { 200: z.array(UserpilotJob), ...ERRORS },
      },
      validatorCompiler: acceptAnything,
    },
    async ({ environmentId, query }) => {
      const limit = Number(query.limit);
      const isUsable = Number.isInteger(limit) && limit > 0;
      const found = await jobs.list(environmentId, { limit: isUsable ? Math.min(limit, MAX_LIMIT) : DEFAULT_LIMIT });
      return found.map((job) => presentJob(job, Date.now()));
    },
  );

  app.get<{ Params: { jobId: string } }>(
    "/background_jobs/:jobId",
    {
      schema: {
        operationId: "userpilotGetJob",
        summary: "Read a background job",
        tags: TAGS,
        hide: hidden,
        params: z.object({ jobId: z.string() }),
        response: { 200: UserpilotJob, 404: UserpilotError, ...ERRORS },
      },
      validatorCompiler: acceptAnything,
    },
    async ({ environmentId, params: { jobId } }) => {
      const job = await jobs.find(environmentId, jobId.split(":").at(-1) ?? "");
      if (wireId(job) !== jobId) throw notFound("job", jobId);
      return presentJob(job, Date.now());
    },
  );
};

export function presentJob(job: Job, now: number): z.infer<typeof UserpilotJob> {
  const { type, status, createdAt, startedAt, finishedAt, fileName, fileSize, totalRows, completedRows } = job;
  const elapsedMs = startedAt === null ? 0 : (finishedAt?.getTime() ?? now) - startedAt.getTime();
  return {
    job_id: wireId(job),
    type,
    status: status === "receiving" ? "validating" : status,
    submitted_at: seconds(createdAt),
    start_time: startedAt && seconds(startedAt),
    end_time: finishedAt && seconds(finishedAt),
    elapsed_time: Math.max(0, Math.floor(elapsedMs / 1_000)),
    filename: fileName,
    file_size: fileSize,
    total_rows: totalRows,
    completed_rows: completedRows,
    failed_row_count: job.failedRowCount,
    failed_rows: job.failedRows.map(({ row, id, code, message }) => ({ row, id, error_code: code, message })),
    links: `/v1/background_jobs/${wireId(job)}`,
  };
}

/** In the vendor's form, with the environment where that has the application. */
const wireId = ({ id, type, environmentId }: Job): string =>
  `${type === "import" ? "import" : "bulk"}:jobs:NX-${environmentId}:${id}`;

const seconds = (date: Date): string => date.toISOString().replace(/\.\d{3}Z$/, "Z");
