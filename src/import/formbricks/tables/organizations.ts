/** Organizations, and the people and teams that administer them. */
import {
  ID_AND_TIMES,
  JSON_COLUMN,
  type MappingTools,
  mapIdAndTimes,
  type Parent,
  type TableMapping,
  TEXT,
  TIME,
} from "../mapping.ts";
import type { SourceRow } from "../source-row.ts";

const ORGANIZATION: Parent = { column: "organizationId", table: "organizations", noun: "Organization", environment: "above" };
const USER: Parent = { column: "userId", table: "users", noun: "User", environment: "above" };
const TEAM: Parent = { column: "teamId", table: "teams", noun: "Team", environment: "above" };

export const organizations: TableMapping = {
  sources: ["Organization"],
  target: "organizations",
  columns: { ...ID_AND_TIMES, name: TEXT, whitelabel: JSON_COLUMN },
  key: ["id"],
  parents: [],
  uniques: [],
  map: (row) => ({ ...mapIdAndTimes(row), name: row.text("name"), whitelabel: row.object("whitelabel", {}) }),
};

export const users: TableMapping = {
  sources: ["User"],
  target: "users",
  columns: {
    ...ID_AND_TIMES,
    email: TEXT,
    emailKey: TEXT,
    name: TEXT,
    isActive: "boolean",
    locale: TEXT,
    lastLoginAt: TIME,
    emailVerifiedAt: TIME,
    identityProvider: TEXT,
    notificationSettings: JSON_COLUMN,
  },
  key: ["id"],
  parents: [],
  uniques: [{ columns: ["emailKey"], noun: "e-mail address" }],
  map(row, tools) {
    noteSecrets(row, tools);
    const email = row.indexed("email");
    return {
      ...mapIdAndTimes(row),
      email,
      emailKey: email.toLowerCase(),
      name: row.text("name"),
      isActive: row.boolean("isActive", true),
      locale: row.textOrNull("locale") ?? "en-US",
      lastLoginAt: row.timeOrNull("lastLoginAt"),
      emailVerifiedAt: mapEmailVerifiedAt(row),
      identityProvider: row.textOrNull("identityProvider") ?? "email",
      notificationSettings: row.object("notificationSettings", {}),
    };
  },
};

/** 2025 has the time in `email_verified`; 2026 a boolean there, and the time, when it is known, in a column of its own. */
function mapEmailVerifiedAt(row: SourceRow): string | null {
  if (typeof row.values.email_verified !== "boolean") return row.timeOrNull("email_verified");
  return row.timeOrNull("email_verified_at") ?? (row.values.email_verified ? row.time("created_at") : null);
}

function noteSecrets(row: SourceRow, { note }: MappingTools): void {
  if (row.has("password")) note("Passwords of users: Mortar has no sign-in");
  if (row.has("twoFactorSecret") || row.has("backupCodes")) note("Two-factor secrets of users: Mortar has no sign-in");
}

export const memberships: TableMapping = {
  sources: ["Membership"],
  target: "memberships",
  columns: { organizationId: TEXT, userId: TEXT, accepted: "boolean", role: "organization_role" },
  key: ["organizationId", "userId"],
  parents: [ORGANIZATION, USER],
  uniques: [],
  map: (row) => ({
    organizationId: row.id("organizationId"),
    userId: row.id("userId"),
    accepted: row.boolean("accepted", false),
    role: row.oneOf("role", ["owner", "manager", "member", "billing"]),
  }),
};

export const teams: TableMapping = {
  sources: ["Team"],
  target: "teams",
  columns: { ...ID_AND_TIMES, organizationId: TEXT, name: TEXT },
  key: ["id"],
  parents: [ORGANIZATION],
  uniques: [{ columns: ["organizationId", "name"], noun: "name" }],
  map: (row) => ({ ...mapIdAndTimes(row), organizationId: row.id("organizationId"), name: row.indexed("name") }),
};

export const teamMembers: TableMapping = {
  sources: ["TeamUser"],
  target: "team_members",
  columns: { teamId: TEXT, userId: TEXT, createdAt: TIME, updatedAt: TIME, role: "team_role" },
  key: ["teamId", "userId"],
  parents: [TEAM, USER],
  uniques: [],
  map: (row) => ({
    teamId: row.id("teamId"),
    userId: row.id("userId"),
    ...mapTimes(row),
    role: row.oneOf("role", ["admin", "contributor"]),
  }),
};

export const projectTeams: TableMapping = {
  sources: ["WorkspaceTeam", "ProjectTeam"],
  target: "project_teams",
  columns: { projectId: TEXT, teamId: TEXT, createdAt: TIME, updatedAt: TIME, permission: "team_permission" },
  key: ["projectId", "teamId"],
  parents: [{ column: "projectId", table: "projects", noun: "Workspace or Project", environment: "above" }, TEAM],
  uniques: [],
  map: (row) => ({
    projectId: row.idOrNull("workspaceId") ?? row.id("projectId"),
    teamId: row.id("teamId"),
    ...mapTimes(row),
    permission: row.oneOf("permission", ["read", "readWrite", "manage"]),
  }),
};

function mapTimes(row: SourceRow) {
  const createdAt = row.time("created_at");
  return { createdAt, updatedAt: row.timeOrNull("updated_at") ?? createdAt };
}
