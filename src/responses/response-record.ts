import type { Transaction } from "../db/database.ts";
import { findOwnedRow } from "../db/owned-row.ts";
import type { PermissionLevel, Principal } from "../shared/principal.ts";
import { notFound } from "../shared/problem.ts";

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

/** Throws `not_found` (response), `forbidden`. */
export const findResponse = (
  db: Pick<Transaction, "query">,
  caller: Principal,
  id: string,
  level: PermissionLevel,
): Promise<ResponseRecord> =>
  findOwnedRow(db, caller, { columns: RESPONSE_COLUMNS, table: "responses", id, resource: "response", level });

/** Throws `not_found` (response). */
export async function loadResponse(db: Pick<Transaction, "query">, environmentId: string, id: string): Promise<ResponseRecord> {
  const [response] = await db.query<ResponseRecord>(
    `select ${RESPONSE_COLUMNS} from responses t where t."environmentId" = $1 and t.id = $2`,
    [environmentId, id],
  );
  if (!response) throw notFound("response", id);
  return response;
}
