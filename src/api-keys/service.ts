import { type ChangeFeed, notifyChange } from "../db/change-feed.ts";
import type { Database } from "../db/database.ts";
import { onceCommitted } from "../db/write-scope.ts";
import type { PermissionLevel, Principal } from "../shared/principal.ts";
import { conflict, invalidField, notFound, unauthenticated } from "../shared/problem.ts";
import { createSingleFlightCache } from "../shared/single-flight-cache.ts";
import { type ApiKey, checkOwners, insertApiKey, toOrganizationAccess, toPermissions } from "./api-key-rows.ts";
import { generateKey, isModernKey, keyLookup } from "./key-format.ts";

export type { ApiKey } from "./api-key-rows.ts";

export type ApiKeyService = ReturnType<typeof createApiKeyService>;

export interface ApiKeyInput {
  organizationId: string;
  label: string;
  /** Environment id → level; every environment must be one of the organization's. */
  permissions?: Record<string, PermissionLevel> | undefined;
  organizationAccess?: { read: boolean; write: boolean } | undefined;
  /** The user who makes the key, a member of the organization; limits which users the key may manage. */
  createdBy?: string | null | undefined;
  /** The key's text, for installations whose secrets are made elsewhere (`fbk_…`); a random one when absent. */
  secret?: string | undefined;
}

/** One environment that a key may use. */
export interface Grant {
  level: PermissionLevel;
  environment: {
    id: string;
    legacyId: string | null;
    type: "production" | "development";
    createdAt: Date;
    updatedAt: Date;
    appSetupCompleted: boolean;
  };
  project: { id: string; name: string };
}

/** How long an authenticated key is trusted at most; a revocation drops it at once unless the change feed is cut off. */
const TTL_MS = 30_000;
const TTL_WITHOUT_FEED_MS = 1_000;

/** `lastUsedAt` is not more precise than this, so that a busy key is not written at every request. */
const LAST_USED_PRECISION_MS = 30_000;

const FIND_KEY = {
  name: "api_key_find",
  text: `
    select k.id, k."organizationId", k."createdBy", k."lastUsedAt", k."organizationAccess",
      (select coalesce(json_object_agg(e.id, granted.value), '{}')
       from jsonb_each_text(case jsonb_typeof(k.permissions) when 'object' then k.permissions else '{}' end) granted
       join environments e on e.id = granted.key
       join projects p on p.id = e."projectId" and p."organizationId" = k."organizationId") as permissions
    from api_keys k
    where k."lookupHash" = $1 and k."isLegacy" = $2`,
};

const TOUCH_KEY = {
  name: "api_key_touch",
  text: `update api_keys set "lastUsedAt" = $2 where id = $1 and ("lastUsedAt" is null or "lastUsedAt" <= $3)`,
};

interface KeyRow {
  id: string;
  organizationId: string;
  createdBy: string | null;
  lastUsedAt: Date | null;
  organizationAccess: unknown;
  permissions: Record<string, string>;
}

interface CachedKey {
  principal: Principal;
  /** In milliseconds, as far as this process knows; 0 when the key was never used. */
  lastUsedAt: number;
}

/** API keys: who may call the management APIs, and what they may do there. */
export function createApiKeyService({
  db,
  changes,
  newId,
  now,
}: {
  db: Database;
  changes: ChangeFeed;
  newId: () => string;
  now: () => number;
}) {
  // Only keys that exist are cached, so a flood of made-up ones neither grows it nor drives out good ones.
  const cache = createSingleFlightCache<CachedKey>({
    ttlMs: () => (changes.isListening() ? TTL_MS : TTL_WITHOUT_FEED_MS),
    maxEntries: 10_000,
    now,
  });
  changes.subscribe("api_key", cache.clear, cache.clear); // rare, and a reload costs one indexed read per key
  return { authenticate, forget, grants, create, list, revoke };

  /** The principal behind a key as it was sent. Throws `unauthenticated` when there is no such key. */
  async function authenticate(secret: string): Promise<Principal> {
    const { lookupHash, isLegacy } = keyLookup(secret);
    const key = await cache.get(`${isLegacy ? "legacy" : "modern"}:${lookupHash}`, () => load(lookupHash, isLegacy));
    touch(key);
    return key.principal;
  }

  async function load(lookupHash: string, isLegacy: boolean): Promise<CachedKey> {
    const [row] = await db.query<KeyRow>(FIND_KEY, [lookupHash, isLegacy]);
    if (!row) throw unauthenticated();
    return { principal: toPrincipal(row), lastUsedAt: row.lastUsedAt?.getTime() ?? 0 };
  }

  /** Notes the use of a key in the background: no request waits for it or fails with it. */
  function touch(key: CachedKey): void {
    const usedAt = now();
    if (usedAt - key.lastUsedAt < LAST_USED_PRECISION_MS) return;
    key.lastUsedAt = usedAt;
    const values = [key.principal.apiKeyId, new Date(usedAt), new Date(usedAt - LAST_USED_PRECISION_MS)];
    // A database that is away is reported by whatever the request itself needs of it.
    db.query(TOUCH_KEY, values).catch(() => undefined);
  }

  /** The environments the caller's key may use, in the order in which they were made. */
  async function grants(caller: Principal): Promise<Grant[]> {
    const rows = await db.prisma.environment.findMany({
      where: { id: { in: [...caller.permissions.keys()] }, project: { organizationId: caller.organizationId } },
      select: {
        id: true,
        legacyId: true,
        type: true,
        createdAt: true,
        updatedAt: true,
        appSetupCompleted: true,
        project: { select: { id: true, name: true } },
      },
      orderBy: [{ project: { createdAt: "asc" } }, { createdAt: "asc" }, { id: "asc" }],
    });
    return rows.flatMap(({ project, ...environment }) => {
      const level = caller.permissions.get(environment.id);
      return level === undefined || project === null ? [] : [{ level, environment, project }];
    });
  }

  /**
   * Makes a key and returns it with its secret, which cannot be had again: only its hash is stored.
   * Throws `not_found` (organization); `invalid` (fields `label`, `permissions.<environment id>`, `createdBy`, `secret`);
   * `conflict` (`secret`) when the key exists.
   */
  async function create(input: ApiKeyInput): Promise<{ apiKey: ApiKey; secret: string }> {
    const { organizationId, label, permissions = {}, organizationAccess = { read: false, write: false } } = input;
    const { createdBy = null, secret = generateKey() } = input;
    const apiKey: ApiKey = {
      id: newId(),
      createdAt: new Date(now()),
      createdBy,
      lastUsedAt: null,
      label: label.trim(),
      organizationId,
      organizationAccess,
      permissions,
    };
    if (apiKey.label === "") throw invalidField("label", "A label is required");
    if (!isModernKey(secret)) throw invalidField("secret", "An API key is fbk_ and one or more of A-Z a-z 0-9 _ -");
    await db.transaction(async (tx) => {
      await checkOwners(tx, apiKey);
      if (!(await insertApiKey(tx, apiKey, secret))) throw conflict("secret", "This API key exists already");
    });
    return { apiKey, secret };
  }

  /** Every key, or every key of one organization, oldest first; without secrets. */
  async function list({ organizationId }: { organizationId?: string | undefined } = {}): Promise<ApiKey[]> {
    const rows = await db.prisma.apiKey.findMany({
      where: organizationId === undefined ? {} : { organizationId },
      orderBy: [{ createdAt: "asc" }, { id: "asc" }],
      select: {
        id: true,
        createdAt: true,
        createdBy: true,
        lastUsedAt: true,
        label: true,
        organizationId: true,
        organizationAccess: true,
        permissions: true,
      },
    });
    return rows.map((row) => ({
      ...row,
      organizationAccess: toOrganizationAccess(row.organizationAccess),
      permissions: Object.fromEntries(toPermissions(row.permissions)),
    }));
  }

  /**
   * Deletes a key, with `organizationId` only one of that organization; no request passes with it any more, on any
   * replica. Throws `not_found` (API key).
   */
  async function revoke({ id, organizationId }: { id: string; organizationId?: string | undefined }): Promise<void> {
    await db.transaction(async (tx) => {
      const deleted = await tx.query(
        `delete from api_keys where id = $1 and ($2::text is null or "organizationId" = $2) returning id`,
        [id, organizationId ?? null],
      );
      if (deleted.length === 0) throw notFound("API key", id);
      await notifyChange(tx, "api_key", id);
    });
    forget(); // the notice may take a moment to come back to this process
  }

  /** Drops what is cached of keys in this process; others are told by the change feed. */
  function forget(): void {
    onceCommitted(cache.clear);
  }
}

const toPrincipal = (row: KeyRow): Principal => ({
  apiKeyId: row.id,
  organizationId: row.organizationId,
  createdBy: row.createdBy,
  organizationAccess: toOrganizationAccess(row.organizationAccess),
  permissions: toPermissions(row.permissions),
});
