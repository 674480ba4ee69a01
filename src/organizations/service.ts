import type { Database, Transaction } from "../db/database.ts";
import { type Principal, requireOrganization } from "../shared/principal.ts";
import { conflict, notFound, type Problem, refused } from "../shared/problem.ts";
import { authorizeCreator } from "./creator-role.ts";
import {
  type OrganizationRole,
  requireRoleAssignment,
  requireUserAccess,
  type UserManagementMinimumRole,
} from "./user-management.ts";

export { authorizeCreator } from "./creator-role.ts";
export type { OrganizationRole, UserManagementMinimumRole } from "./user-management.ts";

export type OrganizationService = ReturnType<typeof createOrganizationService>;

/** A user as one organization sees them: the role and the teams are those of this organization. */
export interface OrganizationUser {
  id: string;
  createdAt: Date;
  updatedAt: Date;
  email: string;
  name: string;
  lastLoginAt: Date | null;
  isActive: boolean;
  role: OrganizationRole;
  /** Names, sorted. */
  teams: string[];
}

export interface UserFilter {
  id?: string | undefined;
  /** Part of the address, in any letter case. */
  email?: string | undefined;
  limit: number;
  skip: number;
  sortBy: "createdAt" | "updatedAt";
  order: "asc" | "desc";
  /** Both inclusive, on the date named by `filterDateField`. */
  startDate?: Date | undefined;
  endDate?: Date | undefined;
  filterDateField: "createdAt" | "updatedAt";
}

export interface UserInput {
  name: string;
  /** Kept as given; unique over the whole installation in any letter case. */
  email: string;
  role: OrganizationRole;
  /** Names of teams to join; those that the organization does not have are ignored. */
  teams?: string[] | undefined;
  isActive?: boolean | undefined;
}

/** `email` finds the user; what is absent stays as it is; `teams` replaces all memberships in the organization's teams. */
export type UserChange = Pick<UserInput, "email"> & {
  [Field in "name" | "role" | "teams" | "isActive"]?: UserInput[Field] | undefined;
};

const USER_COLUMNS = `
  u.id, u."createdAt", u."updatedAt", u.email, u.name, u."lastLoginAt", u."isActive", m.role,
  array(select t.name from team_members tm join teams t on t.id = tm."teamId"
        where tm."userId" = u.id and t."organizationId" = m."organizationId" order by t.name) as teams`;

const LOAD_USER = {
  name: "organization_user",
  text: `select ${USER_COLUMNS} from users u join memberships m on m."userId" = u.id where m."organizationId" = $1 and u.id = $2`,
};

/** Organizations: their users, with roles and teams. Source: management-api-v2 §2.4, §5.4. */
export function createOrganizationService({
  db,
  newId,
  now,
  minimumRole,
}: {
  db: Database;
  newId: () => string;
  now: () => number;
  minimumRole: UserManagementMinimumRole;
}) {
  return { listUsers, createUser, updateUser, removeUser };

  /** The organization's users, active or not, accepted or not; `total` counts all that match. Throws `forbidden`. */
  async function listUsers(
    caller: Principal,
    organizationId: string,
    filter: UserFilter,
  ): Promise<{ users: OrganizationUser[]; total: number }> {
    requireOrganization(caller, organizationId, "read");
    const matching = `
      from users u join memberships m on m."userId" = u.id
      where m."organizationId" = $1
        and ($2::text is null or u.id = $2)
        and ($3::text is null or strpos(u."emailKey", $3) > 0)
        and ($4::timestamptz is null or u."${filter.filterDateField}" >= $4)
        and ($5::timestamptz is null or u."${filter.filterDateField}" <= $5)`;
    const values = [
      organizationId,
      filter.id ?? null,
      filter.email === undefined ? null : emailKey(filter.email),
      filter.startDate ?? null,
      filter.endDate ?? null,
    ];
    const page = `order by u."${filter.sortBy}" ${filter.order}, u.id ${filter.order} limit $6 offset $7`;
    const [users, counts] = await Promise.all([
      db.query<OrganizationUser>(`select ${USER_COLUMNS} ${matching} ${page}`, [...values, filter.limit, filter.skip]),
      db.query<{ total: number }>(`select count(*)::int as total ${matching}`, values),
    ]);
    return { users, total: counts[0]?.total ?? 0 };
  }

  /**
   * Adds a user with an accepted membership; they join their teams as contributors. Throws `forbidden`; `conflict`
   * (`email`) when the address belongs to a user of any organization.
   */
  function createUser(caller: Principal, organizationId: string, input: UserInput): Promise<OrganizationUser> {
    requireOrganization(caller, organizationId, "write");
    const id = newId();
    const at = new Date(now());
    return db.transaction(async (tx) => {
      const creatorRole = await authorizeCreator(tx, caller, minimumRole);
      requireRoleAssignment(creatorRole, input.role);
      // Whoever inserts the same address at the same time is waited for; one of the two finds it taken.
      const inserted = await tx.query(
        `insert into users (id, "createdAt", "updatedAt", email, "emailKey", name, "isActive")
         values ($1, $2, $2, $3, $4, $5, $6) on conflict ("emailKey") do nothing returning id`,
        [id, at, input.email, emailKey(input.email), input.name, input.isActive ?? true],
      );
      if (inserted.length === 0) throw conflict("email", "A user with this email already exists");
      await tx.query(`insert into memberships ("organizationId", "userId", accepted, role) values ($1, $2, true, $3)`, [
        organizationId,
        id,
        input.role,
      ]);
      if (input.teams) await joinTeams(tx, organizationId, id, input.teams, at);
      return loadUser(tx, organizationId, id);
    });
  }

  /**
   * Changes a user of the organization. Name and activity are the user's own and change in every organization.
   * Throws `forbidden`; `not_found` (user) when nobody in the organization has the address, whatever its letter case;
   * `malformed` (`role`, `isActive`) when an organization would be left without an active owner.
   */
  function updateUser(caller: Principal, organizationId: string, change: UserChange): Promise<OrganizationUser> {
    requireOrganization(caller, organizationId, "write");
    const at = new Date(now());
    return db.transaction(async (tx) => {
      const creatorRole = await authorizeCreator(tx, caller, minimumRole);
      if (change.role !== undefined) requireRoleAssignment(creatorRole, change.role);
      const { id, role } = await lockUser(tx, organizationId, { email: change.email });
      requireUserAccess(creatorRole, role);
      if (change.role !== undefined && change.role !== "owner")
        await requireOtherOwner(tx, id, organizationId, (issue) => refused("role", issue));
      if (change.isActive === false) await requireOtherOwner(tx, id, null, (issue) => refused("isActive", issue));
      await tx.query(
        `update users set name = coalesce($2, name), "isActive" = coalesce($3, "isActive"), "updatedAt" = $4 where id = $1`,
        [id, change.name ?? null, change.isActive ?? null, at],
      );
      if (change.role !== undefined)
        await tx.query(`update memberships set role = $3 where "organizationId" = $1 and "userId" = $2`, [
          organizationId,
          id,
          change.role,
        ]);
      if (change.teams) {
        await leaveOtherTeams(tx, organizationId, id, change.teams);
        await joinTeams(tx, organizationId, id, change.teams, at);
      }
      return loadUser(tx, organizationId, id);
    });
  }

  /**
   * Takes a user out of the organization and its teams, and returns who that was. Who is in no other organization is
   * deleted, so that the address is free again; see src/decisions/0050. API keys that they made stay, and manage users,
   * teams and projects no more. Throws `forbidden`; `not_found` (user); `conflict` (`role`) when the organization would
   * be left without an active owner.
   */
  function removeUser(caller: Principal, organizationId: string, userId: string): Promise<OrganizationUser> {
    requireOrganization(caller, organizationId, "write");
    return db.transaction(async (tx) => {
      const creatorRole = await authorizeCreator(tx, caller, minimumRole);
      const { id, role } = await lockUser(tx, organizationId, { id: userId });
      requireUserAccess(creatorRole, role);
      await requireOtherOwner(tx, id, organizationId, (issue) => conflict("role", issue));
      const user = await loadUser(tx, organizationId, id);
      await leaveOtherTeams(tx, organizationId, id, []);
      await tx.query(`delete from memberships where "organizationId" = $1 and "userId" = $2`, [organizationId, id]);
      await tx.query(`delete from users u where u.id = $1 and not exists (select 1 from memberships m where m."userId" = u.id)`, [
        id,
      ]);
      return user;
    });
  }
}

/** Finds the user and keeps others from changing their role meanwhile. */
async function lockUser(
  tx: Transaction,
  organizationId: string,
  { id, email }: { id: string; email?: never } | { id?: never; email: string },
): Promise<{ id: string; role: OrganizationRole }> {
  const [user] = await tx.query<{ id: string; role: OrganizationRole }>(
    `select u.id, m.role from users u join memberships m on m."userId" = u.id
     where (u."emailKey" = $1 or u.id = $3) and m."organizationId" = $2 for update`,
    [email === undefined ? null : emailKey(email), organizationId, id ?? null],
  );
  if (!user) throw notFound("user", id ?? email);
  return user;
}

/**
 * Of two owners who are to go at the same time, the second finds that the first is gone: the organizations are locked.
 * Throws what `refuse` makes of the reason when one that the user owns has no other active owner.
 * @param organizationId null: every organization, for a user is active in all of them or in none
 */
async function requireOtherOwner(
  tx: Transaction,
  userId: string,
  organizationId: string | null,
  refuse: (issue: string) => Problem,
): Promise<void> {
  const owned = await tx.query<{ id: string }>(
    `select o.id from organizations o join memberships m on m."organizationId" = o.id
     where m."userId" = $1 and m.role = 'owner' and ($2::text is null or o.id = $2) order by o.id for no key update of o`,
    [userId, organizationId],
  );
  const orphaned = await tx.query(
    `select 1 from unnest($1::text[]) as o(id) where not exists (
       select 1 from memberships m join users u on u.id = m."userId"
       where m."organizationId" = o.id and m."userId" <> $2 and m.role = 'owner' and m.accepted and u."isActive")`,
    [owned.map(({ id }) => id), userId],
  );
  if (orphaned.length > 0) throw refuse("The organization must keep an active owner");
}

async function loadUser(tx: Transaction, organizationId: string, userId: string): Promise<OrganizationUser> {
  const [user] = await tx.query<OrganizationUser>(LOAD_USER, [organizationId, userId]);
  if (!user) throw notFound("user", userId);
  return user;
}

async function leaveOtherTeams(tx: Transaction, organizationId: string, userId: string, names: string[]): Promise<void> {
  await tx.query(
    `delete from team_members tm using teams t
     where t.id = tm."teamId" and t."organizationId" = $1 and tm."userId" = $2 and t.name <> all($3::text[])`,
    [organizationId, userId, names],
  );
}

/** Who is in a team already keeps their role there. A team that is being deleted is left out. */
async function joinTeams(tx: Transaction, organizationId: string, userId: string, names: string[], at: Date): Promise<void> {
  await tx.query(
    `with joined as (
       select id from teams where "organizationId" = $1 and name = any($3::text[]) order by id for key share)
     insert into team_members ("teamId", "userId", role, "createdAt", "updatedAt")
     select id, $2, 'contributor', $4, $4 from joined on conflict ("teamId", "userId") do nothing`,
    [organizationId, userId, names, at],
  );
}

const emailKey = (email: string): string => email.toLowerCase();
