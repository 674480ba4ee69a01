import { forbidden } from "./problem.ts";

/** What an API key may do with one environment's data; each level contains the ones before it. */
export const PERMISSION_LEVELS = ["read", "write", "manage"] as const;
export type PermissionLevel = (typeof PERMISSION_LEVELS)[number];

/** Who is calling: an API key, with what it was granted when it was made. */
export interface Principal {
  apiKeyId: string;
  organizationId: string;
  /** The user who made the key, when there is one; limits which users the key may manage. */
  createdBy: string | null;
  /** Organization access; `write` implies `read`. Independent of the environment permissions. */
  organizationAccess: { read: boolean; write: boolean };
  /** Environment id → level. */
  permissions: ReadonlyMap<string, PermissionLevel>;
}

export function mayUseEnvironment(caller: Principal, environmentId: string, level: PermissionLevel): boolean {
  const granted = caller.permissions.get(environmentId);
  return granted !== undefined && PERMISSION_LEVELS.indexOf(granted) >= PERMISSION_LEVELS.indexOf(level);
}

/** Throws `forbidden` unless the caller's key holds `level` on the environment. */
export function requireEnvironment(caller: Principal, environmentId: string, level: PermissionLevel): void {
  if (!mayUseEnvironment(caller, environmentId, level)) throw forbidden();
}

/** Whether the key belongs to the organization and holds the access. Existence is not probed. */
export function mayUseOrganization(caller: Principal, organizationId: string, access: "read" | "write"): boolean {
  const { read, write } = caller.organizationAccess;
  return caller.organizationId === organizationId && (access === "write" ? write : read || write);
}

/** Throws `forbidden` unless {@link mayUseOrganization}. */
export function requireOrganization(caller: Principal, organizationId: string, access: "read" | "write"): void {
  if (!mayUseOrganization(caller, organizationId, access)) throw forbidden();
}
