import { notifyChange } from "../db/change-feed.ts";
import type { Database, Transaction } from "../db/database.ts";
import { isUniqueViolation } from "../db/errors.ts";
import { type Page, queryPage } from "../db/page.ts";
import { authorizeCreator } from "../organizations/service.ts";
import { mayUseEnvironment, type Principal, requireOrganization } from "../shared/principal.ts";
import { conflict, forbidden, notFound, unauthenticated } from "../shared/problem.ts";
import type { Logo, ProjectStyling } from "../surveys/service.ts";
import { insertProject } from "./insert-project.ts";

export { insertProject } from "./insert-project.ts";

export type ProjectService = ReturnType<typeof createProjectService>;

/** Where a project's app surveys appear. */
export const PLACEMENTS = ["bottomLeft", "bottomRight", "topLeft", "topRight", "center"] as const;
/** What lies over the page behind them. */
export const OVERLAYS = ["none", "light", "dark"] as const;

export interface ProjectSettings {
  name: string;
  /** Days between two surveys for one person. */
  recontactDays: number;
  clickOutsideClose: boolean;
  overlay: (typeof OVERLAYS)[number];
  placement: (typeof PLACEMENTS)[number];
  inAppSurveyBranding: boolean;
  linkSurveyBranding: boolean;
  /** Replaced whole. */
  styling: ProjectStyling;
  /** Of pages of link surveys; null: none. */
  logo: Logo | null;
}

/** What is absent stays as it is; in a new project, as projects are. */
export type ProjectChange = { [Field in keyof ProjectSettings]?: ProjectSettings[Field] | undefined } & {
  /** The name of 2025 for a dark or a light overlay, which says something only about surveys in the centre. */
  darkOverlay?: boolean | undefined;
};

export interface Project extends Omit<ProjectSettings, "styling" | "logo"> {
  /** As stored; those of an import may be of any shape. */
  styling: unknown;
  logo: unknown;
  id: string;
  createdAt: Date;
  updatedAt: Date;
  organizationId: string;
  /** Production first. */
  environments: { id: string; type: Environment["type"]; legacyId: string | null }[];
}

export interface Environment {
  id: string;
  createdAt: Date;
  updatedAt: Date;
  projectId: string;
  projectName: string;
  type: "production" | "development";
  legacyId: string | null;
  appSetupCompleted: boolean;
}

const SETTINGS = [
  "name",
  "recontactDays",
  "clickOutsideClose",
  "overlay",
  "placement",
  "inAppSurveyBranding",
  "linkSurveyBranding",
  "styling",
  "logo",
] as const satisfies (keyof ProjectSettings)[];

const PROJECT_COLUMNS = `t.id, t."createdAt", t."updatedAt", t."organizationId", ${SETTINGS.map((name) => `t."${name}"`).join(", ")},
  (select coalesce(json_agg(json_build_object('id', e.id, 'type', e.type, 'legacyId', e."legacyId") order by e.type, e."createdAt", e.id), '[]')
   from environments e where e."projectId" = t.id) as environments`;

const ENVIRONMENT_COLUMNS = `t.id, t."createdAt", t."updatedAt", t."projectId", p.name as "projectName", t.type, t."legacyId",
  t."appSetupCompleted"`;

/** By its id, or by an id or legacy id of one of its environments. */
const NAMED = `(t.id = $2 or exists (
  select 1 from environments e where e."projectId" = t.id and (e.id = $2 or e."legacyId" = $2)))`;

/**
 * Projects and their environments. Formbricks has no routes for them; who may write is who may in its application: a
 * key with organization access whose creator is an owner or a manager.
 */
export function createProjectService({
  db,
  newId,
  now,
  forgetEnvironment,
  forgetApiKeys,
  removeEnvironments,
}: {
  db: Database;
  newId: () => string;
  now: () => number;
  forgetEnvironment: (environmentId: string) => void;
  forgetApiKeys: () => void;
  /** Has environments that have lost their project removed, when the transaction is committed. */
  removeEnvironments: (tx: Transaction, environmentIds: readonly string[]) => Promise<void>;
}) {
  return { list, get, create, update, remove, listEnvironments, getEnvironment };

  /** Throws `forbidden`. */
  async function list(caller: Principal, organizationId: string, page: Page): Promise<{ rows: Project[]; total: number }> {
    requireOrganization(caller, organizationId, "read");
    const from = `from projects t where t."organizationId" = $1`;
    return await queryPage<Project>(db, { columns: PROJECT_COLUMNS, from, values: [organizationId] }, page);
  }

  /** `id` may be that of one of its environments. Throws `forbidden`, `not_found` (project). */
  async function get(caller: Principal, organizationId: string, id: string): Promise<Project> {
    requireOrganization(caller, organizationId, "read");
    return await load(db, organizationId, id);
  }

  /**
   * Makes a project with both environments. The key that makes it may manage them from then on: nobody else could, and
   * there is nothing in them that was another's. Throws `forbidden`; `conflict` (`name`).
   */
  async function create(
    caller: Principal,
    organizationId: string,
    { name, ...settings }: ProjectChange & Pick<ProjectSettings, "name">,
  ): Promise<Project> {
    const id = newId();
    const environments = { production: newId(), development: newId() };
    const project = await write(caller, organizationId, async (tx) => {
      await insertProject(tx, { id, organizationId, name, environments, at: new Date(now()), newId });
      await change(tx, await load(tx, organizationId, id), settings);
      const granted = Object.fromEntries(Object.values(environments).map((environmentId) => [environmentId, "manage"]));
      const keys = await tx.query(
        `update api_keys
         set permissions = case jsonb_typeof(permissions) when 'object' then permissions else '{}' end || $2::jsonb
         where id = $1 returning id`,
        [caller.apiKeyId, JSON.stringify(granted)],
      );
      if (keys.length === 0) throw unauthenticated(); // revoked a moment ago
      await notifyChange(tx, "api_key", caller.apiKeyId);
      return load(tx, organizationId, id);
    });
    forgetApiKeys();
    return project;
  }

  /** Throws `forbidden`, `not_found` (project), `conflict` (`name`). */
  async function update(caller: Principal, organizationId: string, id: string, settings: ProjectChange): Promise<Project> {
    const project = await write(caller, organizationId, async (tx) => {
      const stored = await load(tx, organizationId, id);
      await change(tx, stored, settings);
      for (const environment of stored.environments) await notifyChange(tx, "environment", environment.id);
      return load(tx, organizationId, stored.id);
    });
    for (const environment of project.environments) forgetEnvironment(environment.id);
    return project;
  }

  /**
   * Deletes a project with its environments and all that is in them: contacts, surveys, answers. Nobody finds them any
   * more; their rows are removed in the background. Throws `forbidden`, also unless the caller may manage each of its
   * environments; `not_found` (project).
   */
  async function remove(caller: Principal, organizationId: string, id: string): Promise<Project> {
    const project = await write(caller, organizationId, async (tx) => {
      const found = await load(tx, organizationId, id);
      const ids = found.environments.map((environment) => environment.id);
      if (!ids.every((environmentId) => mayUseEnvironment(caller, environmentId, "manage"))) throw forbidden();
      await tx.query(`delete from projects where id = $1`, [found.id]);
      await removeEnvironments(tx, ids);
      const keys = await tx.query<{ id: string }>(
        `update api_keys set permissions = permissions - $2::text[]
         where "organizationId" = $1 and jsonb_typeof(permissions) = 'object' and permissions ?| $2::text[] returning id`,
        [organizationId, ids],
      );
      for (const key of keys) await notifyChange(tx, "api_key", key.id);
      for (const environmentId of ids) await notifyChange(tx, "environment", environmentId);
      return found;
    });
    forgetApiKeys();
    for (const environment of project.environments) forgetEnvironment(environment.id);
    return project;
  }

  async function change(tx: Transaction, stored: Project, { darkOverlay, ...settings }: ProjectChange): Promise<void> {
    const { styling, logo, placement = stored.placement, overlay = overlayOf(darkOverlay, placement) } = settings;
    const values = {
      ...settings,
      overlay,
      styling: styling && JSON.stringify(styling),
      logo: logo && JSON.stringify(logo),
    };
    const given = SETTINGS.filter((name) => values[name] !== undefined);
    const assignments = given.map((name, index) => `"${name}" = $${index + 3}, `).join("");
    await tx.query(`update projects set ${assignments}"updatedAt" = $2 where id = $1`, [
      stored.id,
      new Date(now()),
      ...given.map((name) => values[name]),
    ]);
  }

  async function write<Result>(
    caller: Principal,
    organizationId: string,
    work: (tx: Transaction) => Promise<Result>,
  ): Promise<Result> {
    requireOrganization(caller, organizationId, "write");
    try {
      return await db.transaction(async (tx) => {
        await authorizeCreator(tx, caller, "manager");
        return await work(tx);
      });
    } catch (error) {
      if (isUniqueViolation(error, "name")) throw conflict("name", "A project with this name already exists");
      throw error;
    }
  }

  /** Of all projects, or of the one named as in {@link get}; an unknown one has none. Throws `forbidden`. */
  async function listEnvironments(
    caller: Principal,
    organizationId: string,
    { project, type, ...page }: Page & { project?: string | undefined; type?: Environment["type"] | undefined },
  ): Promise<{ rows: Environment[]; total: number }> {
    requireOrganization(caller, organizationId, "read");
    const from = `from environments t join projects p on p.id = t."projectId"
      where p."organizationId" = $1 and ($2::text is null or p.id = $2 or exists (
        select 1 from environments e where e."projectId" = p.id and (e.id = $2 or e."legacyId" = $2)))
      and ($3::text is null or t.type::text = $3)`;
    const values = [organizationId, project ?? null, type ?? null];
    return await queryPage<Environment>(db, { columns: ENVIRONMENT_COLUMNS, from, values }, page);
  }

  /** By its id or legacy id. Throws `forbidden`, `not_found` (environment). */
  async function getEnvironment(caller: Principal, organizationId: string, id: string): Promise<Environment> {
    requireOrganization(caller, organizationId, "read");
    const [environment] = await db.query<Environment>(
      `select ${ENVIRONMENT_COLUMNS} from environments t join projects p on p.id = t."projectId"
       where p."organizationId" = $1 and (t.id = $2 or t."legacyId" = $2) order by t.id = $2 desc limit 1`,
      [organizationId, id],
    );
    if (!environment) throw notFound("environment", id);
    return environment;
  }
}

/** Source: survey-model §11.2. */
function overlayOf(darkOverlay: boolean | undefined, placement: Project["placement"]): Project["overlay"] | undefined {
  if (darkOverlay === undefined || placement !== "center") return undefined;
  return darkOverlay ? "dark" : "light";
}

async function load(db: Pick<Transaction, "query">, organizationId: string, id: string): Promise<Project> {
  const [project] = await db.query<Project>(
    `select ${PROJECT_COLUMNS} from projects t where t."organizationId" = $1 and ${NAMED} order by t.id = $2 desc limit 1`,
    [organizationId, id],
  );
  if (!project) throw notFound("project", id);
  return project;
}
