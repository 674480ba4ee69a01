import { notifyChange } from "../db/change-feed.ts";
import type { Database, Transaction } from "../db/database.ts";
import { type Page, queryPage } from "../db/page.ts";
import { authorizeCreator, type OrganizationRole } from "../organizations/service.ts";
import {
  mayUseEnvironment,
  mayUseOrganization,
  type PermissionLevel,
  type Principal,
  requireOrganization,
} from "../shared/principal.ts";
import { forbidden, notFound, unauthenticated } from "../shared/problem.ts";
import { type ApiKey, checkOwners, insertApiKey, toOrganizationAccess, toPermissions } from "./api-key-rows.ts";
import { generateKey, keyLookup } from "./key-format.ts";

export type ApiKeyManagement = ReturnType<typeof createApiKeyManagement>;

export interface ManagedApiKeyInput {
  label: string;
  /** Environment id or legacy id → level. */
  permissions: Record<string, PermissionLevel>;
  organizationAccess: { read: boolean; write: boolean };
}

type StoredKey = Omit<ApiKey, "organizationAccess" | "permissions"> & { organizationAccess: unknown; permissions: unknown };

/** Environments that are gone are not shown. */
const COLUMNS = `t.id, t."createdAt", t."createdBy", t."lastUsedAt", t.label, t."organizationId", t."organizationAccess",
  (select coalesce(jsonb_object_agg(e.id, t.permissions -> e.id), '{}') from environments e
   where e."projectId" is not null and e.id in (select jsonb_object_keys(case jsonb_typeof(t.permissions) when 'object' then t.permissions else '{}' end))) as permissions`;

/**
 * API keys in the hands of API keys. A key never hands out more than it holds: not in a key it makes, nor by learning the
 * secret of one that may do more. Like in Formbricks' application, the creator behind it has to be an owner or a manager.
 */
export function createApiKeyManagement({
  db,
  newId,
  now,
  forget,
}: {
  db: Database;
  newId: () => string;
  now: () => number;
  /** Drops what this process has cached of keys. */
  forget: () => void;
}) {
  return { list, get, create, rotate, revoke };

  /** Throws `forbidden`. */
  async function list(caller: Principal, organizationId: string, page: Page): Promise<{ rows: ApiKey[]; total: number }> {
    requireOrganization(caller, organizationId, "read");
    // The table has no time of a change: whatever is sorted or narrowed by one is by the time of the making.
    const source = { columns: COLUMNS, from: `from api_keys t where t."organizationId" = $1`, values: [organizationId] };
    const { rows, total } = await queryPage<StoredKey>(db, source, {
      ...page,
      sortBy: "createdAt",
      filterDateField: "createdAt",
    });
    return { rows: rows.map(readKey), total };
  }

  /** Throws `forbidden`; `not_found` (apiKey) also for a key of another organization. */
  async function get(caller: Principal, organizationId: string, id: string): Promise<ApiKey> {
    requireOrganization(caller, organizationId, "read");
    return await load(db, organizationId, id);
  }

  /**
   * Makes a key, with the caller's creator, and returns it with its secret, which is shown this once. Throws `forbidden`
   * when it would hold more than the caller; `invalid` (`permissions.<id>`) for environments of elsewhere.
   */
  async function create(
    caller: Principal,
    organizationId: string,
    { label, permissions, organizationAccess }: ManagedApiKeyInput,
  ): Promise<ApiKey & { secret: string }> {
    const secret = generateKey();
    return await write(caller, organizationId, async (tx) => {
      const apiKey: ApiKey = {
        id: newId(),
        createdAt: new Date(now()),
        createdBy: caller.createdBy,
        lastUsedAt: null,
        label,
        organizationId,
        organizationAccess,
        permissions: await byEnvironment(tx, permissions),
      };
      await checkOwners(tx, { ...apiKey, createdBy: null });
      requireHeld(caller, apiKey);
      if (!(await insertApiKey(tx, apiKey, secret))) throw new Error("a random secret was made twice");
      return { ...apiKey, secret };
    });
  }

  /**
   * Gives a key a new secret, which is shown this once; with the old one no request passes any more, on any replica.
   * Throws `forbidden`, also when the key may do more than the caller, by itself or by its creator's role; `not_found`
   * (apiKey).
   */
  async function rotate(caller: Principal, organizationId: string, id: string): Promise<ApiKey & { secret: string }> {
    const secret = generateKey();
    const { lookupHash, isLegacy } = keyLookup(secret);
    const rotated = await write(caller, organizationId, async (tx, role) => {
      await tx.query(`select 1 from api_keys where "organizationId" = $1 and id = $2 for update`, [organizationId, id]);
      const apiKey = await load(tx, organizationId, id);
      requireHeld(caller, apiKey);
      if (role === "manager") await requireNoHigherCreator(tx, apiKey);
      await tx.query(`update api_keys set "lookupHash" = $2, "isLegacy" = $3, "lastUsedAt" = null where id = $1`, [
        id,
        lookupHash,
        isLegacy,
      ]);
      await notifyChange(tx, "api_key", id);
      return { ...apiKey, lastUsedAt: null, secret };
    });
    forget();
    return rotated;
  }

  /** No request passes with the key any more, on any replica. Returns what it was. Throws `forbidden`, `not_found` (apiKey). */
  async function revoke(caller: Principal, organizationId: string, id: string): Promise<ApiKey> {
    const revoked = await write(caller, organizationId, async (tx) => {
      const apiKey = await load(tx, organizationId, id);
      const deleted = await tx.query(`delete from api_keys where "organizationId" = $1 and id = $2 returning id`, [
        organizationId,
        id,
      ]);
      if (deleted.length === 0) throw notFound("apiKey", id);
      await notifyChange(tx, "api_key", id);
      return apiKey;
    });
    forget();
    return revoked;
  }

  async function write<Result>(
    caller: Principal,
    organizationId: string,
    work: (tx: Transaction, creatorRole: OrganizationRole | null) => Promise<Result>,
  ): Promise<Result> {
    requireOrganization(caller, organizationId, "write");
    return await db.transaction(async (tx) => {
      // Who was revoked a moment ago makes nothing that lives on; who is being revoked is waited for.
      const callers = await tx.query(`select 1 from api_keys where id = $1 for key share`, [caller.apiKeyId]);
      if (callers.length === 0) throw unauthenticated();
      return await work(tx, await authorizeCreator(tx, caller, "manager"));
    });
  }
}

/** By the environments' own ids; one that is not known stays as it was given. */
async function byEnvironment(
  tx: Transaction,
  permissions: Record<string, PermissionLevel>,
): Promise<Record<string, PermissionLevel>> {
  const rows = await tx.query<{ id: string; legacyId: string }>(
    `select id, "legacyId" from environments where "legacyId" = any($1) and id <> all($1)`,
    [Object.keys(permissions)],
  );
  const ids = new Map(rows.map(({ id, legacyId }) => [legacyId, id]));
  return Object.fromEntries(Object.entries(permissions).map(([id, level]) => [ids.get(id) ?? id, level]));
}

/** Throws `forbidden` unless the caller may do all that the key may. */
function requireHeld(caller: Principal, { organizationId, organizationAccess, permissions }: ApiKey): void {
  const { read, write } = organizationAccess;
  const holds =
    (!read || mayUseOrganization(caller, organizationId, "read")) &&
    (!write || mayUseOrganization(caller, organizationId, "write")) &&
    Object.entries(permissions).every(([environmentId, level]) => mayUseEnvironment(caller, environmentId, level));
  if (!holds) throw forbidden();
}

/**
 * Throws `forbidden` for a key that a manager's key may not learn the secret of: an owner's, which may change owners, and
 * one without a creator, which no role limits.
 */
async function requireNoHigherCreator(tx: Transaction, { organizationId, createdBy }: ApiKey): Promise<void> {
  if (createdBy === null) throw forbidden();
  const owners = await tx.query(`select 1 from memberships where "organizationId" = $1 and "userId" = $2 and role = 'owner'`, [
    organizationId,
    createdBy,
  ]);
  if (owners.length > 0) throw forbidden();
}

async function load(db: Pick<Transaction, "query">, organizationId: string, id: string): Promise<ApiKey> {
  const [row] = await db.query<StoredKey>(`select ${COLUMNS} from api_keys t where t."organizationId" = $1 and t.id = $2`, [
    organizationId,
    id,
  ]);
  if (!row) throw notFound("apiKey", id);
  return readKey(row);
}

const readKey = (row: StoredKey): ApiKey => ({
  ...row,
  organizationAccess: toOrganizationAccess(row.organizationAccess),
  permissions: Object.fromEntries(toPermissions(row.permissions)),
});
