import { forbidden } from "../shared/problem.ts";

/** Roles of an organization's members, from the highest down. */
export const ORGANIZATION_ROLES = ["owner", "manager", "member", "billing"] as const;
export type OrganizationRole = (typeof ORGANIZATION_ROLES)[number];

/** The lowest role whose holders manage users and teams; `disabled` is nobody. */
export type UserManagementMinimumRole = "owner" | "manager" | "disabled";

/**
 * An API key manages users and teams only as far as the user who made it might. Source: management-api-v2 §2.4.
 * @param creatorRole null when the creator is no (longer) member of the organization
 * Throws `forbidden`.
 */
export function requireUserManagement(creatorRole: OrganizationRole | null, minimumRole: UserManagementMinimumRole): void {
  const reached = creatorRole === "owner" || (creatorRole === "manager" && minimumRole === "manager");
  if (!reached || minimumRole === "disabled") throw forbidden("The API key's creator may not manage users");
}

/** Throws `forbidden` when the key's creator may not give this role: managers make members only. */
export function requireRoleAssignment(creatorRole: OrganizationRole | null, role: OrganizationRole): void {
  if (creatorRole === "manager" && role !== "member") throw forbidden("The API key's creator may only assign the role member");
}

/** Throws `forbidden` when the key's creator may not change users of this role: managers leave owners alone. */
export function requireUserAccess(creatorRole: OrganizationRole | null, role: OrganizationRole): void {
  if (creatorRole === "manager" && role === "owner") throw forbidden("The API key's creator may not change an owner");
}
