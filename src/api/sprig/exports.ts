/** `GET /v1/surveys`, `/v1/responses` and `/v1/themes`: exports. Source: sprig-api §6. */
import type { FastifyPluginAsync, FastifyRequest } from "fastify";
import { z } from "zod";
import { acceptAnything } from "../../http/json-body.ts";
import type { Principal } from "../../shared/principal.ts";
import { invalid } from "../../shared/problem.ts";
import type { SurveyRecord } from "../../surveys/service.ts";
import { ERRORS } from "./envelope.ts";
import { numberOf, questionsOf, type RowOptions, responseRows, STATUSES, statusOf, surveyRow } from "./export-rows.ts";
import { type SprigOptions, TAGS } from "./options.ts";

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;
const MAX_TIME = 8.64e15;

const time = z.coerce.number().int().min(0).max(MAX_TIME).optional();
const flag = z.stringbool({ truthy: ["true", "1"], falsy: ["false", "0", ""] }).default(false);
const statuses = z
  .union([z.string(), z.array(z.string())])
  .default([])
  .transform((given) => [given].flat().flatMap((list) => list.split(",")))
  .pipe(z.array(z.enum(STATUSES)));

const Query = z.object({
  start: time.meta({ description: "Created at or after, in milliseconds since the epoch" }),
  end: time.meta({ description: "Created at or before" }),
  cursor: z.string().optional().meta({ description: "From the page before" }),
  limit: z.coerce.number().int().min(1).max(MAX_LIMIT).default(DEFAULT_LIMIT),
  sid: z.coerce.number().int().optional().meta({ description: "Of one survey" }),
  status: statuses.meta({ description: "Of surveys in one of these states; a list with commas, or repeated" }),
  "status[]": statuses,
});

const ResponseQuery = Query.extend({
  with_urls: flag,
  with_meta: flag,
  with_snapshots: flag.meta({ description: "No effect: there are none" }),
  with_custom_metadata: flag.meta({ description: "No effect: there is none" }),
  with_deleted_responses: flag.meta({ description: "No effect: deleted responses are gone" }),
});

const SurveyRow = z.object({
  id: z.int(),
  name: z.string(),
  type: z.string(),
  status: z.enum(STATUSES),
  platform: z.string(),
  createdAt: z.int(),
  updatedAt: z.int(),
  launchedAt: z.int().nullable(),
  completedAt: z.int().nullable(),
  totalResponseLimit: z.number().nullable(),
  constraints: z.array(z.unknown()),
  questions: z.array(
    z.object({
      id: z.int(),
      type: z.string(),
      questionText: z.string(),
      options: z.array(z.string()),
      optionsProperties: z.array(z.unknown()),
      routingOptions: z.array(z.unknown()),
    }),
  ),
});

const ResponseRow = z.object({
  createdAt: z.int(),
  updatedAt: z.int(),
  externalUserId: z.string().nullable(),
  questionId: z.int(),
  questionText: z.string(),
  questionType: z.string(),
  response: z.unknown(),
  responseGroupUid: z.string(),
  surveyId: z.int(),
  visitorId: z.int().nullable(),
  visitorUuid: z.string().nullable(),
  selectedIndexes: z.array(z.int()).optional(),
  url: z.string().nullable().optional(),
  meta: z.record(z.string(), z.unknown()).optional(),
});

const pageOf = <Row extends z.ZodType>(row: Row) => z.object({ cursor: z.string().optional(), data: z.array(row) });

export const exportRoutes: FastifyPluginAsync<SprigOptions> = async (app, { services, hidden }) => {
  const { contacts, responseManagement, surveys } = services;

  app.get(
    "/surveys",
    {
      schema: {
        operationId: "sprigExportSurveys",
        summary: "Export surveys",
        tags: TAGS,
        hide: hidden,
        querystring: Query,
        response: { 200: pageOf(SurveyRow), ...ERRORS },
      },
      validatorCompiler: acceptAnything,
    },
    async (request) => {
      const query = readQuery(Query, request.query);
      const { start = 0, end = MAX_TIME, limit } = query;
      const [offset] = readCursor(query.cursor);
      const chosen = (await findSurveys(request, query)).filter(
        ({ createdAt }) => createdAt.getTime() >= start && createdAt.getTime() <= end,
      );
      const next = offset + limit;
      return {
        ...(next < chosen.length && { cursor: makeCursor(next, 0) }),
        data: chosen.slice(offset, next).map(surveyRow),
      };
    },
  );

  app.get(
    "/responses",
    {
      schema: {
        operationId: "sprigExportResponses",
        summary: "Export responses",
        description: "A row for each answer to a question.",
        tags: TAGS,
        hide: hidden,
        querystring: ResponseQuery,
        response: { 200: pageOf(ResponseRow), ...ERRORS },
      },
      validatorCompiler: acceptAnything,
    },
    async (request) => {
      const query = readQuery(ResponseQuery, request.query);
      const { limit } = query;
      const options = { withUrls: query.with_urls, withMeta: query.with_meta };
      const bySurvey = new Map((await findSurveys(request, query)).map((survey) => [survey.id, questionsOf(survey)]));
      let [offset, skipped] = readCursor(query.cursor);
      const data: ReturnType<typeof responseRows> = [];
      if (bySurvey.size === 0) return { data };
      for await (const { found, visitors, isLast } of readResponses(request, query, bySurvey, offset)) {
        for (const response of found) {
          const questions = bySurvey.get(response.surveyId) ?? [];
          const visitor = visitors.get(response.contact?.id ?? "") ?? null;
          const rows = responseRows(response, questions, visitor, options satisfies RowOptions).slice(skipped);
          const room = limit - data.length;
          data.push(...rows.slice(0, room));
          if (rows.length > room) return { cursor: makeCursor(offset, skipped + room), data };
          offset++;
          skipped = 0;
        }
        if (data.length === limit && !isLast) return { cursor: makeCursor(offset, 0), data };
      }
      return { data };
    },
  );

  app.get(
    "/themes",
    {
      schema: {
        operationId: "sprigExportThemes",
        summary: "Export themes",
        description: "There are none here: the list is always empty.",
        tags: TAGS,
        hide: hidden,
        response: { 200: z.object({ data: z.array(z.never()) }), ...ERRORS },
      },
      validatorCompiler: acceptAnything,
    },
    async () => ({ data: [] }),
  );

  /** Oldest first, so that what is made while pages are read comes at their end. */
  async function findSurveys(request: FastifyRequest, query: z.output<typeof Query>): Promise<SurveyRecord[]> {
    const wanted = new Set<string>(
      [...query.status, ...query["status[]"]].map((status) => (status === "NEW" ? "DRAFT" : status)),
    );
    const all = await surveys.list(callerOf(request), { offset: 0, withArchived: true });
    return all
      .filter((survey) => wanted.size === 0 || wanted.has(statusOf(survey)))
      .filter(({ id }) => query.sid === undefined || numberOf(id) === query.sid)
      .sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime() || (a.id < b.id ? -1 : 1));
  }

  /** Page by page from the one at `skip`, as long as somebody asks for more. */
  async function* readResponses(
    request: FastifyRequest,
    { sid, start, end, limit }: z.output<typeof ResponseQuery>,
    bySurvey: ReadonlyMap<string, unknown>,
    skip: number,
  ) {
    const [surveyId] = sid === undefined ? [] : bySurvey.keys();
    let cursor: string | undefined;
    do {
      const { rows: found, nextCursor } = await responseManagement.listPage(callerOf(request), {
        surveyId,
        limit,
        skip: cursor === undefined ? skip : 0,
        cursor,
        sortBy: "createdAt",
        order: "asc",
        filterDateField: "createdAt",
        startDate: start === undefined ? undefined : new Date(start),
        endDate: end === undefined ? undefined : new Date(end),
      });
      yield { found, visitors: await visitorsOf(request, found), isLast: nextCursor === null };
      cursor = nextCursor ?? undefined;
    } while (cursor !== undefined);
  }

  function visitorsOf({ environmentId }: FastifyRequest, found: readonly { contact: { id: string } | null }[]) {
    return contacts.findVisitorIds(
      environmentId,
      found.flatMap(({ contact }) => contact?.id ?? []),
    );
  }
};

/** The caller, as far as it stands for the environment that the key selects. */
const callerOf = ({ principal, environmentId }: FastifyRequest): Principal => ({
  ...principal,
  permissions: new Map([...principal.permissions].filter(([id]) => id === environmentId)),
});

function readQuery<Schema extends z.ZodType>(schema: Schema, query: unknown): z.output<Schema> {
  const { data, error } = schema.safeParse(query);
  if (error) throw invalid(`${error.issues[0]?.path.join(".")}: ${error.issues[0]?.message}`);
  return data;
}

/** Of the first thing not read yet, and how many of its rows were: `[offset, rows]`. */
const makeCursor = (offset: number, rows: number): string => Buffer.from(`${offset}.${rows}`).toString("base64");

function readCursor(cursor: string | undefined): [number, number] {
  if (cursor === undefined || cursor === "") return [0, 0];
  const match = /^(\d{1,10})\.(\d{1,10})$/.exec(Buffer.from(cursor, "base64").toString());
  if (!match) throw invalid("cursor: is not one of this export");
  return [Number(match[1]), Number(match[2])];
}
