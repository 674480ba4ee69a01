/** Which teams may use which projects, under either generation's path. Source: management-api-v2 §5.6. */
import type { FastifyRequest } from "fastify";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { requireOrganizationAccess } from "../../../http/permission-check.ts";
import type { Services } from "../../../services.ts";
import { ID_PATTERN } from "../../../shared/ids.ts";
import { refused } from "../../../shared/problem.ts";
import { type ProjectTeam, TEAM_PERMISSIONS } from "../../../teams/service.ts";
import { BODY_ERRORS, QUERY_ERRORS, V2Error, v2Data, v2List } from "../envelope.ts";
import { listQuery } from "../list-query.ts";

const Permission = z.enum(TEAM_PERMISSIONS);

const WorkspaceTeam = z
  .object({
    createdAt: z.date(),
    updatedAt: z.date(),
    workspaceId: z.string(),
    teamId: z.string(),
    permission: Permission,
    projectId: z.string(),
  })
  .meta({ id: "V2WorkspaceTeam" });

const Id = z.string().regex(ID_PATTERN, "Invalid cuid2");
const Path = z.object({ organizationId: Id });

/** Either name will do; `workspaceId` wins. */
const PROJECT = {
  workspaceId: Id.optional().meta({ description: "Id of a project, or of one of its environments" }),
  projectId: Id.optional().meta({ description: "Another name for workspaceId" }),
};

const Reference = z.object({ teamId: Id, ...PROJECT });
const Link = Reference.extend({ permission: Permission });
type ProjectNames = { workspaceId?: string | undefined; projectId?: string | undefined };

export interface WorkspaceTeamOptions {
  services: Services;
  /** The older path's operations have ids of their own. */
  path: "workspace-teams" | "project-teams";
}

export const workspaceTeamRoutes: FastifyPluginAsyncZod<WorkspaceTeamOptions> = async (app, { services: { teams }, path }) => {
  const [noun, tag] = path === "project-teams" ? ["ProjectTeam", "Project Teams"] : ["WorkspaceTeam", "Workspace Teams"];
  const documentation = { tags: [`Organizations API - ${tag}`], params: Path };
  // Whether a project is named is looked at before whether the key may do this at all.
  app.addHook("preHandler", requireProject);
  app.addHook("preHandler", requireOrganizationAccess);

  app.get(
    `/${path}`,
    {
      schema: {
        ...documentation,
        operationId: `get${noun}s`,
        summary: "Get the projects that teams may use",
        querystring: listQuery({ teamId: Id.optional(), ...PROJECT }),
        response: { 200: v2List(WorkspaceTeam), ...QUERY_ERRORS },
      },
    },
    async ({ principal, params, query }) => {
      const project = query.workspaceId ?? query.projectId;
      const { rows, total } = await teams.listLinks(principal, params.organizationId, { ...query, project });
      return { data: rows.map(presentLink), meta: { total, limit: query.limit, offset: query.skip } };
    },
  );

  app.post(
    `/${path}`,
    {
      schema: {
        ...documentation,
        operationId: `create${noun}`,
        summary: "Let a team use a project",
        body: Link,
        response: { 200: v2Data(WorkspaceTeam), ...BODY_ERRORS, 404: V2Error, 409: V2Error },
      },
    },
    async ({ principal, params, body }) => {
      const { teamId, permission } = body;
      const link = { teamId, project: projectOf(body), permission };
      return { data: presentLink(await teams.link(principal, params.organizationId, link)) };
    },
  );

  app.put(
    `/${path}`,
    {
      schema: {
        ...documentation,
        operationId: `update${noun}`,
        summary: "Change what a team may do with a project",
        body: Link,
        response: { 200: v2Data(WorkspaceTeam), ...BODY_ERRORS, 404: V2Error },
      },
    },
    async ({ principal, params, body }) => {
      const { teamId, permission } = body;
      const link = { teamId, project: projectOf(body), permission };
      return { data: presentLink(await teams.relink(principal, params.organizationId, link)) };
    },
  );

  app.delete(
    `/${path}`,
    {
      schema: {
        ...documentation,
        operationId: `delete${noun}`,
        summary: "Take a project from a team",
        querystring: Reference,
        response: { 200: v2Data(WorkspaceTeam), ...QUERY_ERRORS, 400: V2Error, 404: V2Error },
      },
    },
    async ({ principal, params, query }) => {
      const reference = { teamId: query.teamId, project: projectOf(query) };
      return { data: presentLink(await teams.unlink(principal, params.organizationId, reference)) };
    },
  );
};

/** After the schemas, so one of the two is an id or both are absent. */
async function requireProject({ method, body, query }: FastifyRequest): Promise<void> {
  if (method === "GET" || method === "HEAD") return;
  projectOf(Reference.partial().parse(method === "DELETE" ? query : body));
}

function projectOf({ workspaceId, projectId }: ProjectNames): string {
  const id = workspaceId ?? projectId;
  if (id === undefined) throw refused("workspaceId", "Either workspaceId or projectId must be provided");
  return id;
}

const presentLink = (link: ProjectTeam) => ({ ...link, workspaceId: link.projectId });
