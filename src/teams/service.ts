import type { Database, Transaction } from "../db/database.ts";
import { isUniqueViolation } from "../db/errors.ts";
import { type Page, queryPage } from "../db/page.ts";
import { authorizeCreator, type UserManagementMinimumRole } from "../organizations/service.ts";
import { type Principal, requireOrganization } from "../shared/principal.ts";
import { conflict, notFound, Problem } from "../shared/problem.ts";

export type TeamService = ReturnType<typeof createTeamService>;

export interface Team {
  id: string;
  createdAt: Date;
  updatedAt: Date;
  name: string;
  organizationId: string;
}

export interface TeamWithProjects extends Team {
  /** Of the projects that the team may use, sorted. */
  projectIds: string[];
}

/** What a team may do with all of a project's environments; each level contains the ones before it. */
export const TEAM_PERMISSIONS = ["read", "readWrite", "manage"] as const;
export type TeamPermission = (typeof TEAM_PERMISSIONS)[number];

export interface ProjectTeam {
  createdAt: Date;
  updatedAt: Date;
  projectId: string;
  teamId: string;
  permission: TeamPermission;
}

/** `project` is its id, or an id or legacy id of one of its environments, by which newer clients know it. */
export interface ProjectTeamReference {
  teamId: string;
  project: string;
}

const TEAM_COLUMNS = `t.id, t."createdAt", t."updatedAt", t.name, t."organizationId"`;
const TEAM_WITH_PROJECTS = `${TEAM_COLUMNS},
  array(select pt."projectId" from project_teams pt where pt."teamId" = t.id order by 1) as "projectIds"`;
const LINK_COLUMNS = `t."createdAt", t."updatedAt", t."projectId", t."teamId", t.permission`;

const FIND_PROJECT = `
  select p.id from projects p where p."organizationId" = $1 and (p.id = $2 or exists (
    select 1 from environments e where e."projectId" = p.id and (e.id = $2 or e."legacyId" = $2)))
  order by p.id = $2 desc limit 1`;

/** Teams: groups of users who get at projects together. Source: management-api-v2 §5.5, §5.6. */
export function createTeamService({
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
  return { list, get, create, rename, remove, listLinks, link, relink, unlink };

  /** Throws `forbidden`. */
  async function list(caller: Principal, organizationId: string, page: Page): Promise<{ rows: Team[]; total: number }> {
    requireOrganization(caller, organizationId, "read");
    const from = `from teams t where t."organizationId" = $1`;
    return await queryPage<Team>(db, { columns: TEAM_COLUMNS, from, values: [organizationId] }, page);
  }

  /** Throws `forbidden`; `not_found` (team) also for a team of another organization. */
  async function get(caller: Principal, organizationId: string, id: string): Promise<Team> {
    requireOrganization(caller, organizationId, "read");
    return await load(db, organizationId, id);
  }

  /** Throws `forbidden`; `conflict` (`name`) when the organization has a team of this name. */
  async function create(caller: Principal, organizationId: string, name: string): Promise<Team> {
    requireOrganization(caller, organizationId, "write");
    return await write(caller, async (tx) => {
      const id = newId();
      await tx.query(`insert into teams (id, "createdAt", "updatedAt", "organizationId", name) values ($1, $2, $2, $3, $4)`, [
        id,
        new Date(now()),
        organizationId,
        name,
      ]);
      return load(tx, organizationId, id);
    });
  }

  /** As {@link create}; also throws `not_found` (team). */
  async function rename(caller: Principal, organizationId: string, id: string, name: string): Promise<TeamWithProjects> {
    requireOrganization(caller, organizationId, "write");
    return await write(caller, async (tx) => {
      await tx.query(`update teams set name = $3, "updatedAt" = $4 where "organizationId" = $1 and id = $2`, [
        organizationId,
        id,
        name,
        new Date(now()),
      ]);
      return load(tx, organizationId, id);
    });
  }

  /** With its memberships and links to projects. Throws `forbidden`, `not_found` (team). */
  async function remove(caller: Principal, organizationId: string, id: string): Promise<TeamWithProjects> {
    requireOrganization(caller, organizationId, "write");
    return await write(caller, async (tx) => {
      await tx.query(`select 1 from teams where "organizationId" = $1 and id = $2 for update`, [organizationId, id]);
      const team = await load(tx, organizationId, id);
      await tx.query(`delete from teams where "organizationId" = $1 and id = $2`, [organizationId, id]);
      return team;
    });
  }

  async function write<Result>(caller: Principal, work: (tx: Transaction) => Promise<Result>): Promise<Result> {
    try {
      return await db.transaction(async (tx) => {
        await authorizeCreator(tx, caller, minimumRole);
        return await work(tx);
      });
    } catch (error) {
      if (isUniqueViolation(error, "name")) throw conflict("name", "A team with this name already exists");
      throw error;
    }
  }

  /** Which teams may use which projects; unknown ids in the filter find nothing. Throws `forbidden`. */
  async function listLinks(
    caller: Principal,
    organizationId: string,
    { teamId, project, ...page }: Page & { [Field in keyof ProjectTeamReference]?: string | undefined },
  ): Promise<{ rows: ProjectTeam[]; total: number }> {
    requireOrganization(caller, organizationId, "read");
    const projectId = project === undefined ? null : ((await findProject(db, organizationId, project)) ?? "");
    return await queryPage<ProjectTeam>(
      db,
      {
        columns: LINK_COLUMNS,
        from: `from project_teams t join teams on teams.id = t."teamId"
          where teams."organizationId" = $1 and ($2::text is null or t."teamId" = $2) and ($3::text is null or t."projectId" = $3)`,
        values: [organizationId, teamId ?? null, projectId],
        tieBreaker: [`t."projectId"`, `t."teamId"`],
      },
      page,
    );
  }

  /**
   * Lets a team use a project. Throws `forbidden`; `not_found` when the organization lacks either; `conflict`
   * (`workspaceTeam`) when the team may use it already.
   */
  async function link(
    caller: Principal,
    organizationId: string,
    { permission, ...reference }: ProjectTeamReference & { permission: TeamPermission },
  ): Promise<ProjectTeam> {
    requireOrganization(caller, organizationId, "write");
    return await db.transaction(async (tx) => {
      const { teamId, projectId } = await resolve(tx, organizationId, reference);
      const [row] = await tx.query<ProjectTeam>(
        `insert into project_teams as t ("projectId", "teamId", permission, "createdAt", "updatedAt")
         values ($1, $2, $3, $4, $4) on conflict ("projectId", "teamId") do nothing returning ${LINK_COLUMNS}`,
        [projectId, teamId, permission, new Date(now())],
      );
      if (!row) throw conflict("workspaceTeam", "Workspace team already exists");
      return row;
    });
  }

  /** Throws `forbidden`; `not_found` when the organization lacks either, or the team may not use the project. */
  async function relink(
    caller: Principal,
    organizationId: string,
    { permission, ...reference }: ProjectTeamReference & { permission: TeamPermission },
  ): Promise<ProjectTeam> {
    requireOrganization(caller, organizationId, "write");
    return await db.transaction(async (tx) => {
      const { teamId, projectId } = await resolve(tx, organizationId, reference);
      const [row] = await tx.query<ProjectTeam>(
        `update project_teams t set permission = $3, "updatedAt" = $4 where "projectId" = $1 and "teamId" = $2
         returning ${LINK_COLUMNS}`,
        [projectId, teamId, permission, new Date(now())],
      );
      if (!row) throw notFound("workspaceTeam", null);
      return row;
    });
  }

  /** As {@link relink}. */
  async function unlink(caller: Principal, organizationId: string, reference: ProjectTeamReference): Promise<ProjectTeam> {
    requireOrganization(caller, organizationId, "write");
    return await db.transaction(async (tx) => {
      const { teamId, projectId } = await resolve(tx, organizationId, reference);
      const [row] = await tx.query<ProjectTeam>(
        `delete from project_teams t where "projectId" = $1 and "teamId" = $2 returning ${LINK_COLUMNS}`,
        [projectId, teamId],
      );
      if (!row) throw notFound("workspaceTeam", null);
      return row;
    });
  }
}

async function load(db: Pick<Transaction, "query">, organizationId: string, id: string): Promise<TeamWithProjects> {
  const [team] = await db.query<TeamWithProjects>(
    `select ${TEAM_WITH_PROJECTS} from teams t where t."organizationId" = $1 and t.id = $2`,
    [organizationId, id],
  );
  if (!team) throw notFound("team", id);
  return team;
}

/** Both must be the organization's; neither can be deleted until the transaction ends. */
async function resolve(
  tx: Transaction,
  organizationId: string,
  { teamId, project }: ProjectTeamReference,
): Promise<{ teamId: string; projectId: string }> {
  const teams = await tx.query(`select 1 from teams where "organizationId" = $1 and id = $2 for key share`, [
    organizationId,
    teamId,
  ]);
  const projectId = await findProject(tx, organizationId, project);
  if (teams.length === 0 || projectId === null)
    throw new Problem("not_found", "The organization has no such team or project", {
      issues: [{ field: "teamId/workspaceId", issue: "not_found" }],
    });
  return { teamId, projectId };
}

async function findProject(db: Pick<Transaction, "query">, organizationId: string, id: string): Promise<string | null> {
  const [row] = await db.query<{ id: string }>(FIND_PROJECT, [organizationId, id]);
  return row?.id ?? null;
}
