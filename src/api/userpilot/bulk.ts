/** `POST /users/bulk_identify` and `POST /companies/bulk_identify`: lists as background jobs. Source: userpilot-api §4.4. */
import type { FastifyPluginAsync } from "fastify";
import { z } from "zod";
import { acceptAnything } from "../../http/json-body.ts";
import type { FailedRow, JobIntake, JobRow } from "../../jobs/service.ts";
import { Problem } from "../../shared/problem.ts";
import { ERRORS, refusal, UserpilotError } from "./envelope.ts";
import { presentJob, UserpilotJob } from "./jobs.ts";
import { readerOf, TAGS, type UserpilotOptions } from "./options.ts";
import { type Row, readRows } from "./rows.ts";
import { acceptUploads, receiveJob, type Upload, withUpload } from "./upload.ts";
import {
  type Attributes,
  type CompanyValue,
  createReader,
  firstGiven,
  isObject,
  type ReadOptions,
  readId,
  readObject,
  readOptionalId,
  readProperties,
  readUser,
} from "./values.ts";

const MAX_ROWS = 10_000;

/** Jobs of these types wait for one another. */
const BULK_TYPES = ["bulk_identify_users", "bulk_identify_companies"];

const UserRows = z
  .object({
    users: z.array(
      z.object({
        user_id: z.union([z.string(), z.number()]),
        company_id: z.union([z.string(), z.number()]).optional(),
        metadata: z.record(z.string(), z.unknown()).nullish(),
      }),
    ),
  })
  .meta({ id: "UserpilotBulkUsers" });

const CompanyRows = z
  .object({
    companies: z.array(
      z.object({ company_id: z.union([z.string(), z.number()]), metadata: z.record(z.string(), z.unknown()).nullish() }),
    ),
  })
  .meta({ id: "UserpilotBulkCompanies" });

export const bulkRoutes: FastifyPluginAsync<UserpilotOptions> = async (app, { services: { jobs }, hidden }) => {
  await acceptUploads(app);
  for (const { list, operationId, type, body, read } of [
    { list: "users", operationId: "userpilotBulkIdentifyUsers", type: "bulk_identify_users", body: UserRows, read: readUserRow },
    {
      list: "companies",
      operationId: "userpilotBulkIdentifyCompanies",
      type: "bulk_identify_companies",
      body: CompanyRows,
      read: readCompanyRow,
    },
  ])
    app.post(
      `/${list}/bulk_identify`,
      {
        schema: {
          operationId,
          summary: `Identify many ${list}`,
          description: `At most ${MAX_ROWS} rows, as JSON, as lines of JSON, or as a file of such lines in the form field \`file\`. Rows that cannot be used are listed in the job; the others are.`,
          tags: TAGS,
          hide: hidden,
          body,
          response: { 202: UserpilotJob, 409: UserpilotError, ...ERRORS },
        },
        validatorCompiler: acceptAnything,
      },
      async (request, reply) => {
        const { strict } = readerOf(request);
        const { environmentId, principal } = request;
        const job = await withUpload(request, ["json", "ndjson"], (upload) =>
          receiveJob(
            jobs,
            { environmentId, apiKeyId: principal.apiKeyId, type, exclusiveWith: BULK_TYPES, fileName: upload.fileName },
            upload,
            (intake) => fillIntake(intake, upload, list, (value) => read(value, { strict })),
          ),
        );
        reply.status(202);
        return presentJob(job, Date.now());
      },
    );
};

async function fillIntake(
  intake: JobIntake,
  upload: Upload,
  list: string,
  read: (value: unknown) => JobRow | Omit<FailedRow, "row">,
): Promise<void> {
  let rows = 0;
  for await (const item of readRows(upload, list)) {
    rows = item.row;
    if (rows <= MAX_ROWS) await keepRow(intake, item, read);
  }
  if (rows > MAX_ROWS) throw new Problem("too_large", `A request must not have more than ${MAX_ROWS} rows`);
  if (rows === 0) throw refusal("empty_list", `${list} must have at least one row`);
}

/** Keeps what `read` makes of the row, or notes why it cannot be used. */
export async function keepRow(
  intake: JobIntake,
  item: Row,
  read: (value: unknown) => JobRow | Omit<FailedRow, "row">,
): Promise<void> {
  const { row } = item;
  if ("broken" in item) {
    intake.reject({ row, id: null, code: "invalid_row", message: item.broken });
    return;
  }
  const result = read(item.value);
  if ("kind" in result) await intake.add(row, result);
  else intake.reject({ row, ...result });
}

function readUserRow(value: unknown, options: ReadOptions): JobRow | Omit<FailedRow, "row"> {
  if (!isObject(value)) return NO_OBJECT;
  const reader = createReader(options);
  const userId = readId(reader, value.user_id, "user_id", "missing_user_id");
  const companyId = readOptionalId(reader, value.company_id, "company_id");
  const outer = companyId === undefined ? undefined : { companyId, attributes: new Map() };
  const { attributes, company } = readUser(reader, readObject(reader, value.metadata, "metadata"), outer);
  const [first] = reader.refusals;
  if (first || userId === undefined) return failure(userId, first);
  return { kind: "contact", userId, attributes: toRecord(attributes), ...(company && { company: toPart(company) }) };
}

function readCompanyRow(value: unknown, options: ReadOptions): JobRow | Omit<FailedRow, "row"> {
  if (!isObject(value)) return NO_OBJECT;
  const reader = createReader(options);
  const companyId = readId(reader, firstGiven(value.company_id, value.id), "company_id", "missing_company_id");
  const attributes = readProperties(reader, readObject(reader, value.metadata, "metadata"), "metadata");
  const [first] = reader.refusals;
  if (first || companyId === undefined) return failure(companyId, first);
  return { kind: "company", company: toPart({ companyId, attributes }) };
}

const NO_OBJECT = { id: null, code: "invalid_row", message: "The row is not an object" };

/** A row's failure in the words of the first rule it breaks. */
export const failure = (id: string | undefined, reason = { slug: "invalid_row", message: "The row cannot be used" }) => ({
  id: id ?? null,
  code: reason.slug,
  message: reason.message,
});

export const toRecord = (attributes: Attributes) => Object.fromEntries(attributes);

export const toPart = ({ companyId, attributes }: CompanyValue) => ({ companyId, attributes: toRecord(attributes) });
