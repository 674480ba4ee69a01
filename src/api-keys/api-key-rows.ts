/** API keys as rows. */
import type { Transaction } from "../db/database.ts";
import { PERMISSION_LEVELS, type PermissionLevel } from "../shared/principal.ts";
import { invalid, notFound, type ProblemIssue } from "../shared/problem.ts";
import { keyLookup } from "./key-format.ts";

/** An API key as it may be shown: everything but the secret, of which only a hash is kept. */
export interface ApiKey {
  id: string;
  createdAt: Date;
  createdBy: string | null;
  lastUsedAt: Date | null;
  label: string;
  organizationId: string;
  organizationAccess: { read: boolean; write: boolean };
  /** Environment id → level. */
  permissions: Record<string, PermissionLevel>;
}

/** False when the secret is another key's. */
export async function insertApiKey(tx: Transaction, apiKey: ApiKey, secret: string): Promise<boolean> {
  const { lookupHash, isLegacy } = keyLookup(secret);
  const inserted = await tx.query(
    `insert into api_keys
       (id, "createdAt", "createdBy", label, "lookupHash", "isLegacy", "organizationId", "organizationAccess", permissions)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     on conflict ("lookupHash") do nothing returning id`,
    [
      apiKey.id,
      apiKey.createdAt,
      apiKey.createdBy,
      apiKey.label,
      lookupHash,
      isLegacy,
      apiKey.organizationId,
      JSON.stringify({ accessControl: apiKey.organizationAccess }),
      JSON.stringify(apiKey.permissions),
    ],
  );
  return inserted.length === 1;
}

/** Throws unless the organization exists and owns every environment and the creator named by the key. */
export async function checkOwners(tx: Transaction, { organizationId, permissions, createdBy }: ApiKey): Promise<void> {
  const organizations = await tx.query(`select id from organizations where id = $1 for key share`, [organizationId]);
  if (organizations.length === 0) throw notFound("organization", organizationId);
  const own = await tx.query<{ id: string }>(
    `select e.id from environments e join projects p on p.id = e."projectId" where p."organizationId" = $1 and e.id = any($2)`,
    [organizationId, Object.keys(permissions)],
  );
  const ownIds = new Set(own.map(({ id }) => id));
  const issues: ProblemIssue[] = Object.entries(permissions).flatMap(([id, level]) => [
    ...(ownIds.has(id) ? [] : [{ field: `permissions.${id}`, issue: "The organization has no such environment" }]),
    ...(isPermissionLevel(level) ? [] : [{ field: `permissions.${id}`, issue: "A level is read, write or manage" }]),
  ]);
  if (createdBy !== null) {
    const members = await tx.query(`select 1 from memberships where "organizationId" = $1 and "userId" = $2`, [
      organizationId,
      createdBy,
    ]);
    if (members.length === 0) issues.push({ field: "createdBy", issue: "The organization has no such member" });
  }
  if (issues.length > 0) throw invalid("The API key names what is not the organization's", { issues });
}

/** Stored as `{"accessControl":{"read","write"}}`; whatever is missing is not granted. */
export function toOrganizationAccess(stored: unknown): { read: boolean; write: boolean } {
  const access = member(stored, "accessControl");
  return { read: member(access, "read") === true, write: member(access, "write") === true };
}

export function toPermissions(stored: unknown): Map<string, PermissionLevel> {
  const entries: [string, unknown][] = typeof stored === "object" && stored !== null ? Object.entries(stored) : [];
  return new Map(entries.flatMap(([id, level]): [string, PermissionLevel][] => (isPermissionLevel(level) ? [[id, level]] : [])));
}

const member = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null && name in value ? Reflect.get(value, name) : undefined;

const isPermissionLevel = (value: unknown): value is PermissionLevel => PERMISSION_LEVELS.some((level) => level === value);
