import type { Database, Transaction } from "../db/database.ts";
import { findOwnedRow } from "../db/owned-row.ts";
import type { PermissionLevel, Principal } from "../shared/principal.ts";
import { withAbsoluteFiles } from "./storage-urls.ts";

export type ResponseReading = ReturnType<typeof createResponseReading>;

/** How many responses are listed of everything the caller may see, when no number is asked for. */
const MAX_UNASKED = 1_000;

/** The same of one survey. Source: management-api-v1 §10.1. */
const SURVEY_PAGE = 25;

/** A response as stored, with those it belongs to; JSON of an import may hold anything. */
export interface ResponseRecord {
  id: string;
  environmentId: string;
  /** Of the environment, when it has a second id. */
  legacyEnvironmentId: string | null;
  createdAt: Date;
  updatedAt: Date;
  finished: boolean;
  surveyId: string;
  contactId: string | null;
  contact: { id: string; userId: string | null } | null;
  endingId: string | null;
  data: Record<string, unknown>;
  variables: Record<string, unknown>;
  /** In ms. */
  ttc: Record<string, unknown>;
  meta: Record<string, unknown>;
  contactAttributes: Record<string, unknown> | null;
  singleUseId: string | null;
  language: string | null;
  displayId: string | null;
  tags: ResponseTag[];
}

export interface ResponseTag {
  id: string;
  name: string;
  /** ISO 8601. */
  createdAt: string;
  /** ISO 8601. */
  updatedAt: string;
}

/** SQL: the columns of a {@link ResponseRecord}, of responses `t`. */
export const RESPONSE_COLUMNS = `
  t.id, t."environmentId", t."createdAt", t."updatedAt", t.finished, t."surveyId", t."contactId", t."endingId", t.data,
  t.variables, t.ttc, t.meta, t."contactAttributes", t."singleUseId", t.language, t."displayId",
  (select e."legacyId" from environments e where e.id = t."environmentId") as "legacyEnvironmentId",
  (select jsonb_build_object('id', c.id, 'userId', c."userId") from contacts c
    where c."environmentId" = t."environmentId" and c.id = t."contactId") as contact,
  (select coalesce(jsonb_agg(jsonb_build_object('id', g.id, 'name', g.name,
      'createdAt', to_char(g."createdAt" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
      'updatedAt', to_char(g."updatedAt" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) order by g.name), '[]')
    from response_tags rt join tags g on g."environmentId" = rt."environmentId" and g.id = rt."tagId"
    where rt."environmentId" = t."environmentId" and rt."responseId" = t.id) as tags`;

/** Responses as those see them who administer an environment, with files under whole addresses. Source: management-api-v1 §10. */
export function createResponseReading({
  db,
  publicUrl,
}: {
  db: Database;
  /** Where this server is reached, without a slash at its end. */
  publicUrl: string;
}) {
  return { list, get };

  /**
   * The newest first: of one survey, 25 when no number is asked for, or of everything the caller may see, where 0 and no
   * number mean as many as are shown at once. Throws `not_found` (survey), `forbidden`.
   */
  async function list(
    caller: Principal,
    { surveyId, limit, skip }: { surveyId: string | undefined; limit: number | undefined; skip: number },
  ): Promise<ResponseRecord[]> {
    const environmentIds =
      surveyId === undefined ? [...caller.permissions.keys()] : [await findSurveyEnvironment(caller, surveyId)];
    const rows = await db.query<ResponseRecord>(
      `select ${RESPONSE_COLUMNS} from responses t
       where t."environmentId" = any($1) and ($2::text is null or t."surveyId" = $2)
       order by t."createdAt" desc, t.id desc limit $3 offset $4`,
      [environmentIds, surveyId ?? null, surveyId === undefined ? limit || MAX_UNASKED : (limit ?? SURVEY_PAGE), skip],
    );
    return rows.map(withFiles);
  }

  /** Throws `not_found` (response); `forbidden` unless the caller holds `level` on its environment. */
  async function get(caller: Principal, id: string, level: PermissionLevel): Promise<ResponseRecord> {
    return withFiles(await findResponse(db, caller, id, level));
  }

  async function findSurveyEnvironment(caller: Principal, id: string): Promise<string> {
    const columns = `t."environmentId"`;
    const { environmentId } = await findOwnedRow(db, caller, {
      columns,
      table: "surveys",
      id,
      resource: "survey",
      level: "read",
    });
    return environmentId;
  }

  function withFiles(response: ResponseRecord): ResponseRecord {
    return { ...response, data: withAbsoluteFiles(response.data, publicUrl) };
  }
}

/** Throws `not_found` (response), `forbidden`. */
export const findResponse = (
  db: Pick<Transaction, "query">,
  caller: Principal,
  id: string,
  level: PermissionLevel,
): Promise<ResponseRecord> =>
  findOwnedRow(db, caller, { columns: RESPONSE_COLUMNS, table: "responses", id, resource: "response", level });
