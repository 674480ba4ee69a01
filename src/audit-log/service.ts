import { inBatches } from "../db/batches.ts";
import type { Database } from "../db/database.ts";
import type { ListReader } from "../db/read-replica.ts";
import { type Actor, runAsActor } from "../db/write-scope.ts";
import { type Principal, requireOrganization } from "../shared/principal.ts";
import { invalidField } from "../shared/problem.ts";

export type AuditLogService = ReturnType<typeof createAuditLogService>;

export const AUDIT_ACTIONS = ["created", "updated", "deleted"] as const;

/** One row that an API key wrote. */
export interface AuditEntry {
  id: string;
  createdAt: Date;
  apiKeyId: string;
  /** Of the request that wrote; entries of one request share it. */
  requestId: string;
  operation: string;
  action: (typeof AUDIT_ACTIONS)[number];
  targetType: string;
  targetId: string;
  /** Null for what belongs to the organization. */
  environmentId: string | null;
  /** Names, sorted; of updates only. */
  changedFields: string[];
  /** Ids and permissions only. */
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
}

export interface AuditFilter {
  limit: number;
  /** Of the page before. */
  cursor?: string | undefined;
  targetType?: string | undefined;
  targetId?: string | undefined;
  apiKeyId?: string | undefined;
  action?: AuditEntry["action"] | undefined;
  operation?: string | undefined;
  environmentId?: string | undefined;
  /** Both inclusive. */
  startDate?: Date | undefined;
  endDate?: Date | undefined;
}

/** Who wrote what. The entries are made by triggers, in the writing transaction. See src/decisions/0037. */
export function createAuditLogService({
  db,
  lists,
  now,
  retentionDays,
}: {
  db: Database;
  lists: ListReader;
  now: () => number;
  /** 0 keeps everything. */
  retentionDays: number;
}) {
  return { attribute, list, deleteExpired };

  /** Runs `work`; what it writes is noted as the caller's. */
  function attribute<Result>(
    { apiKeyId, organizationId }: Principal,
    { requestId, operation }: Pick<Actor, "requestId" | "operation">,
    work: () => Result,
  ): Result {
    return runAsActor({ apiKeyId, organizationId, requestId, operation }, work);
  }

  /** Newest first; `nextCursor` is null on the last page. Throws `forbidden`; `invalid` (`cursor`). */
  async function list(
    caller: Principal,
    organizationId: string,
    filter: AuditFilter,
  ): Promise<{ entries: AuditEntry[]; nextCursor: string | null }> {
    requireOrganization(caller, organizationId, "read");
    const conditions: [condition: string, value: unknown][] = [
      [`id < $`, filter.cursor === undefined ? undefined : readCursor(filter.cursor)],
      [`"targetType" = $`, filter.targetType],
      [`"targetId" = $`, filter.targetId],
      [`"apiKeyId" = $`, filter.apiKeyId],
      [`action = $`, filter.action],
      [`operation = $`, filter.operation],
      [`"targetEnvironmentId" = $`, filter.environmentId],
      [`"createdAt" >= $`, filter.startDate],
      [`"createdAt" <= $`, filter.endDate],
    ];
    const given = conditions.filter(([, value]) => value !== undefined);
    const where = given.map(([condition], index) => ` and ${condition}${index + 2}`).join("");
    const rows = await lists.query<AuditEntry>(
      `select id::text, "createdAt", "apiKeyId", "requestId", operation, action, "targetType", "targetId",
         "targetEnvironmentId" as "environmentId", "changedFields", before, after
       from audit_log where "organizationId" = $1${where} order by audit_log.id desc limit ${Math.floor(filter.limit) + 1}`,
      [organizationId, ...given.map(([, value]) => value)],
    );
    const entries = rows.slice(0, filter.limit);
    const last = entries.at(-1);
    return { entries, nextCursor: rows.length > filter.limit && last ? toCursor(last.id) : null };
  }

  /** Deletes what is older than it has to be kept; returns how many. */
  async function deleteExpired(): Promise<number> {
    if (retentionDays === 0) return 0;
    const before = new Date(now() - retentionDays * 24 * 60 * 60_000);
    return await inBatches(async (limit) => {
      const [row] = await db.query<{ deleted: number }>("select purge_audit_log($1, $2)::int as deleted", [before, limit]);
      return row?.deleted ?? 0;
    });
  }
}

const toCursor = (id: string): string => Buffer.from(`audit:${id}`).toString("base64url");

function readCursor(cursor: string): string {
  const [, id] = /^audit:(\d{1,18})$/.exec(Buffer.from(cursor, "base64url").toString()) ?? [];
  if (id === undefined) throw invalidField("cursor", "Not a cursor of this list");
  return id;
}
