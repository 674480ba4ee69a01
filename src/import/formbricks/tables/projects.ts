/**
 * Projects and their environments. A Workspace (2026) becomes a project and its production environment under the same
 * id; a Project (2025) has its environments in a table of their own.
 */
import { type Loading, loadTable, resolvedTable } from "../load.ts";
import { ENVIRONMENT_PARENT, ID_AND_TIMES, JSON_COLUMN, mapIdAndTimes, type TableMapping, TEXT } from "../mapping.ts";
import type { SourceRow } from "../source-row.ts";
import { stagingTable } from "../staging.ts";

const PLACEMENTS = ["bottomLeft", "bottomRight", "topLeft", "topRight", "center"] as const;

export const projects: TableMapping = {
  sources: ["Workspace", "Project"],
  target: "projects",
  columns: {
    ...ID_AND_TIMES,
    organizationId: TEXT,
    name: TEXT,
    recontactDays: "integer",
    clickOutsideClose: "boolean",
    overlay: TEXT,
    placement: TEXT,
    inAppSurveyBranding: "boolean",
    linkSurveyBranding: "boolean",
    styling: JSON_COLUMN,
    config: JSON_COLUMN,
    logo: JSON_COLUMN,
    customHeadScripts: TEXT,
  },
  extra: { workspaceId: TEXT, legacyEnvironmentId: TEXT, appSetupCompleted: "boolean" },
  key: ["id"],
  parents: [{ column: "organizationId", table: "organizations", noun: "Organization", environment: "above" }],
  uniques: [
    { columns: ["organizationId", "name"], noun: "name" },
    { columns: ["workspaceId"], elsewhere: { table: "environments", columns: ["id"] }, noun: "id as an environment" },
    {
      columns: ["legacyEnvironmentId"],
      elsewhere: { table: "environments", columns: ["legacyId"] },
      noun: "legacyEnvironmentId",
    },
  ],
  map: (row, { source }) => ({
    ...mapIdAndTimes(row),
    organizationId: row.id("organizationId"),
    name: row.indexed("name"),
    recontactDays: row.integer("recontactDays", 7),
    clickOutsideClose: row.boolean("clickOutsideClose", true),
    overlay: mapOverlay(row),
    placement: row.oneOf("placement", PLACEMENTS, "bottomRight"),
    inAppSurveyBranding: row.boolean("inAppSurveyBranding", true),
    linkSurveyBranding: row.boolean("linkSurveyBranding", true),
    styling: row.object("styling", { allowStyleOverwrite: true }),
    config: row.object("config", {}),
    logo: row.objectOrNull("logo"),
    customHeadScripts: row.textOrNull("customHeadScripts"),
    workspaceId: source === "Workspace" ? row.id("id") : null,
    legacyEnvironmentId: source === "Workspace" ? row.idOrNull("legacyEnvironmentId") : null,
    appSetupCompleted: row.boolean("appSetupCompleted", false),
  }),
};

/** 2025 has a dark or a light overlay behind centred surveys, and none behind others. Source: survey-model §11. */
function mapOverlay(row: SourceRow): string {
  if (row.has("overlay")) return row.oneOf("overlay", ["none", "light", "dark"]);
  if (!row.has("darkOverlay") || row.values.placement !== "center") return "none";
  return row.boolean("darkOverlay") ? "dark" : "light";
}

export async function loadProjects(loading: Loading): Promise<void> {
  await loadTable(loading, projects);
  await loading.session.execute(`
    insert into environments (id, "createdAt", "updatedAt", "projectId", type, "legacyId", "appSetupCompleted")
    select r.id, r."createdAt", r."updatedAt", r.id, 'production', r."legacyEnvironmentId", r."appSetupCompleted"
    from ${resolvedTable(projects)} r join projects p on p.id = r.id
    where r._state = 'new' and r."workspaceId" is not null`);
}

export const environments: TableMapping = {
  sources: ["Environment"],
  target: "environments",
  columns: { ...ID_AND_TIMES, projectId: TEXT, type: "environment_type", appSetupCompleted: "boolean" },
  key: ["id"],
  parents: [{ column: "projectId", table: "projects", noun: "Project", environment: "above" }],
  uniques: [],
  map: (row) => ({
    ...mapIdAndTimes(row),
    projectId: row.id("projectId"),
    type: row.oneOf("type", ["production", "development"]),
    appSetupCompleted: row.boolean("appSetupCompleted", false),
  }),
};

/** Languages. Those of a project (2025) are staged under the project's id; {@link loadLanguages} copies them. */
export const languages: TableMapping = {
  sources: ["Language"],
  target: "languages",
  columns: { ...ID_AND_TIMES, environmentId: TEXT, code: TEXT, alias: TEXT },
  extra: { isOfProject: "boolean" },
  key: ["environmentId", "id"],
  parents: [ENVIRONMENT_PARENT],
  uniques: [{ columns: ["environmentId", "code"], noun: "code" }],
  map: (row) => ({
    ...mapIdAndTimes(row),
    environmentId: row.idOrNull("workspaceId") ?? row.id("projectId"),
    code: row.indexed("code"),
    alias: row.textOrNull("alias"),
    isOfProject: !row.has("workspaceId"),
  }),
};

/**
 * In 2025 a language belonged to the whole project: each environment of it gets a copy under the same id (keys begin
 * with the environment, so the id may repeat).
 */
export async function loadLanguages(loading: Loading): Promise<void> {
  const staged = stagingTable(languages);
  await loading.session.execute(`
    insert into ${staged} (_n, _source, id, "createdAt", "updatedAt", "environmentId", code, alias, "isOfProject")
    select s._n, s._source, s.id, s."createdAt", s."updatedAt", e.id, s.code, s.alias, false
    from ${staged} s join environments e on e."projectId" = s."environmentId" where s."isOfProject"`);
  await loading.session.execute(`
    delete from ${staged} s where s."isOfProject" and exists (select 1 from environments e where e."projectId" = s."environmentId")`);
  await loadTable(loading, languages);
}
