import type { Transaction } from "../db/database.ts";
import type { Principal } from "../shared/principal.ts";
import { type OrganizationRole, requireUserManagement, type UserManagementMinimumRole } from "./user-management.ts";

/**
 * The role of the key's creator, null for a key that has none, which is bound by its own access alone. Throws
 * `forbidden` when the creator may not manage users and teams. Source: management-api-v2 §2.4.
 */
export async function authorizeCreator(
  tx: Pick<Transaction, "query">,
  { createdBy, organizationId }: Principal,
  minimumRole: UserManagementMinimumRole,
): Promise<OrganizationRole | null> {
  const bound = createdBy !== null || minimumRole === "disabled";
  if (!bound) return null;
  const [membership] = await tx.query<{ role: OrganizationRole }>(
    `select role from memberships where "organizationId" = $1 and "userId" = $2`,
    [organizationId, createdBy],
  );
  requireUserManagement(membership?.role ?? null, minimumRole);
  return membership?.role ?? null;
}
