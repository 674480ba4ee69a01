/** `POST /imports`: a file of what happened in the past. Source: userpilot-api §4.5. */
import type { FastifyPluginAsync } from "fastify";
import type { FailedRow, JobRow } from "../../jobs/service.ts";
import { isoDate } from "../../shared/iso-date.ts";
import { describeUserAgent } from "../../shared/user-agent.ts";
import { failure, keepRow, toPart, toRecord } from "./bulk.ts";
import { ERRORS, refusal, type Slug, UserpilotError } from "./envelope.ts";
import { presentJob, UserpilotJob } from "./jobs.ts";
import { readerOf, SOURCE, TAGS, type UserpilotOptions } from "./options.ts";
import { readRows } from "./rows.ts";
import { acceptUploads, receiveJob, withUpload } from "./upload.ts";
import {
  type CompanyValue,
  createReader,
  isObject,
  type Reader,
  type ReadOptions,
  readEventProperties,
  readId,
  readObject,
  readOptionalId,
  readProperties,
  readUser,
  timeOf,
} from "./values.ts";

const SOURCES = ["web-client", "backend-http", "backend-hubspot", "backend-salesforce", "backend-segment", "backend-http-import"];

export const importRoute: FastifyPluginAsync<UserpilotOptions> = async (app, { services: { jobs }, hidden }) => {
  await acceptUploads(app);
  app.post(
    "/imports",
    {
      schema: {
        operationId: "userpilotImport",
        summary: "Import history",
        description:
          "A CSV file or lines of JSON in the form field `file`. Rows take effect in the order of their `inserted_at`; none replaces what was set later.",
        tags: TAGS,
        hide: hidden,
        consumes: ["multipart/form-data"],
        response: { 200: UserpilotJob, 409: UserpilotError, ...ERRORS },
      },
    },
    async (request) => {
      const { strict } = readerOf(request);
      const { environmentId, principal } = request;
      const job = await withUpload(request, ["csv", "ndjson"], (upload) =>
        receiveJob(
          jobs,
          { environmentId, apiKeyId: principal.apiKeyId, type: "import", exclusiveWith: ["import"], fileName: upload.fileName },
          upload,
          async (intake) => {
            let rows = 0;
            for await (const item of readRows(upload, "rows")) {
              rows++;
              await keepRow(intake, item, (value) => readImportRow(value, { strict }));
            }
            if (rows === 0) throw refusal("empty_list", "The file has no rows");
          },
        ),
      );
      return presentJob(job, Date.now());
    },
  );
};

/** What a row of any kind must say of itself. */
interface RowHead {
  at: number;
  instant: string;
  value: Record<string, unknown>;
  metadata: Record<string, unknown>;
  company: CompanyValue | undefined;
}

function readImportRow(value: unknown, options: ReadOptions): JobRow | Omit<FailedRow, "row"> {
  if (!isObject(value)) return failure(undefined, { slug: "invalid_row", message: "The row is not an object" });
  const reader = createReader(options);
  const isCompany = value.event_type === "identify_company";
  const userId = isCompany ? undefined : readId(reader, value.user_id, "user_id", "missing_user_id");
  const companyId = isCompany
    ? readId(reader, value.company_id, "company_id", "missing_company_id")
    : readOptionalId(reader, value.company_id, "company_id");
  const metadata = readObject(reader, parseCell(value.metadata), "metadata");
  const company = companyId === undefined ? undefined : { companyId, attributes: new Map() };
  const instant = typeof value.inserted_at === "string" ? value.inserted_at.trim() : "";
  const inserted = isoDate(instant, { offsets: true });
  if (inserted === undefined) reader.refuse("invalid_type", "inserted_at must be an ISO 8601 time");
  checkSource(reader, value, isCompany);
  const head = { at: inserted === undefined ? 0 : Date.parse(inserted), instant, value, metadata, company };
  const row = isCompany ? readCompanyRow(reader, head) : readPersonRow(reader, head, userId ?? "");
  const [first] = reader.refusals;
  return first || !row ? failure(userId ?? companyId, first) : row;
}

/** In a CSV cell, metadata is JSON. */
function parseCell(metadata: unknown): unknown {
  if (typeof metadata !== "string") return metadata;
  try {
    return JSON.parse(metadata);
  } catch {
    return metadata; // and refused, as it is no object
  }
}

function checkSource(reader: Reader, value: Record<string, unknown>, isCompany: boolean): void {
  if (!SOURCES.some((source) => source === value.source))
    reader.refuse("invalid_type", "source must be one of the documented ones");
  if (value.source !== "web-client" || isCompany) return;
  const hasPage = isText(value.url) || (isText(value.hostname) && isText(value.pathname));
  if (!hasPage) reader.refuse("invalid_type", "source web-client needs url, or hostname and pathname");
  if (!isText(value.user_agent)) reader.refuse("invalid_type", "source web-client needs user_agent");
}

const isText = (value: unknown): value is string => typeof value === "string" && value.trim() !== "";

function readCompanyRow(reader: Reader, { at, metadata, company }: RowHead): JobRow | undefined {
  if (!company) return undefined;
  const attributes = readProperties(reader, metadata, "metadata");
  return { kind: "company", company: toPart({ ...company, attributes }), at };
}

function readPersonRow(reader: Reader, head: RowHead, userId: string): JobRow | undefined {
  const { at, instant, value, metadata } = head;
  switch (value.event_type) {
    case "identify_user": {
      const { attributes, company } = readUser(reader, metadata, head.company);
      const [firstSeenAt, lastSeenAt] = [timeOf(metadata.first_seen_at), timeOf(metadata.last_seen_at)];
      return {
        kind: "contact",
        userId,
        attributes: toRecord(attributes),
        ...(company && { company: toPart(company) }),
        at,
        ...(firstSeenAt !== undefined && { firstSeenAt }),
        ...(lastSeenAt !== undefined && { lastSeenAt }),
      };
    }
    case "track":
    case "page_view": {
      const isPage = value.event_type === "page_view";
      const missing: Slug = "missing_event_name";
      const name = isPage ? "page_view" : readId(reader, value.event_name, "event_name", missing);
      const properties = { ...pageOf(value), ...readEventProperties(reader, metadata) };
      const company = head.company && { company: toPart(head.company) };
      return { kind: "event", userId, ...company, at, source: SOURCE, name: name ?? "", instant, properties };
    }
    default:
      reader.refuse("invalid_type", "event_type must be identify_user, identify_company, page_view or track");
      return undefined;
  }
}

/** Where and with what a person was. A url overrides hostname and pathname. */
function pageOf(value: Record<string, unknown>): Record<string, string> {
  const url = isText(value.url) && URL.canParse(value.url) ? new URL(value.url) : undefined;
  const agent = isText(value.user_agent) ? describeUserAgent(value.user_agent) : undefined;
  const page = {
    hostname: url?.hostname ?? value.hostname,
    pathname: url?.pathname ?? value.pathname,
    browser: value.browser ?? agent?.browser,
    operating_system: value.operating_system ?? agent?.os,
    source: value.source,
  };
  return Object.fromEntries(Object.entries(page).flatMap(([key, text]) => (isText(text) ? [[key, text]] : [])));
}
