/** An organization's teams. Source: management-api-v2 §5.5. */
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Services } from "../../../services.ts";
import { ID_PATTERN } from "../../../shared/ids.ts";
import type { TeamWithProjects } from "../../../teams/service.ts";
import { BODY_ERRORS, QUERY_ERRORS, V2Error, v2Data, v2List } from "../envelope.ts";
import { listQuery } from "../list-query.ts";

const TEAM = {
  id: z.string(),
  createdAt: z.date(),
  updatedAt: z.date(),
  name: z.string().meta({ example: "Support" }),
  organizationId: z.string(),
};
const Team = z.object(TEAM).meta({ id: "V2Team" });

const LinkedTeam = z
  .object({
    ...TEAM,
    workspaceTeams: z.array(z.object({ workspaceId: z.string() })),
    projectTeams: z.array(z.object({ projectId: z.string() })),
  })
  .meta({ id: "V2TeamWithProjects" });

/** An empty name passes. The bound keeps it within what the database can index. */
const TeamWrite = z.object({ name: z.string().max(255) });

const Id = z.string().regex(ID_PATTERN, "Invalid cuid2");
const Path = z.object({ organizationId: Id });
const TeamPath = z.object({ organizationId: Id, teamId: Id });

const documentation = { tags: ["Organizations API - Teams"] };

export const teamRoutes: FastifyPluginAsyncZod<{ services: Services }> = async (app, { services: { teams } }) => {
  app.get(
    "/teams",
    {
      schema: {
        ...documentation,
        operationId: "getTeams",
        summary: "Get teams",
        params: Path,
        querystring: listQuery({}),
        response: { 200: v2List(Team), ...QUERY_ERRORS },
      },
    },
    async ({ principal, params, query }) => {
      const { rows, total } = await teams.list(principal, params.organizationId, query);
      return { data: rows, meta: { total, limit: query.limit, offset: query.skip } };
    },
  );

  app.post(
    "/teams",
    {
      schema: {
        ...documentation,
        operationId: "createTeam",
        summary: "Create a team",
        params: Path,
        body: TeamWrite,
        response: { 201: v2Data(Team), ...BODY_ERRORS, 403: V2Error, 409: V2Error },
      },
    },
    async ({ principal, params, body }, reply) =>
      reply.status(201).send({ data: await teams.create(principal, params.organizationId, body.name) }),
  );

  app.get(
    "/teams/:teamId",
    {
      schema: {
        ...documentation,
        operationId: "getTeamById",
        summary: "Get a team",
        params: TeamPath,
        response: { 200: v2Data(Team), ...QUERY_ERRORS, 404: V2Error },
      },
    },
    async ({ principal, params }) => ({ data: await teams.get(principal, params.organizationId, params.teamId) }),
  );

  app.put(
    "/teams/:teamId",
    {
      schema: {
        ...documentation,
        operationId: "updateTeam",
        summary: "Rename a team",
        params: TeamPath,
        body: TeamWrite,
        response: { 200: v2Data(LinkedTeam), ...BODY_ERRORS, 403: V2Error, 404: V2Error, 409: V2Error },
      },
    },
    async ({ principal, params, body }) => ({
      data: presentTeam(await teams.rename(principal, params.organizationId, params.teamId, body.name)),
    }),
  );

  app.delete(
    "/teams/:teamId",
    {
      schema: {
        ...documentation,
        operationId: "deleteTeam",
        summary: "Delete a team",
        params: TeamPath,
        response: { 200: v2Data(LinkedTeam), ...QUERY_ERRORS, 403: V2Error, 404: V2Error },
      },
    },
    async ({ principal, params }) => ({
      data: presentTeam(await teams.remove(principal, params.organizationId, params.teamId)),
    }),
  );
};

const presentTeam = ({ projectIds, ...team }: TeamWithProjects) => ({
  ...team,
  workspaceTeams: projectIds.map((workspaceId) => ({ workspaceId })),
  projectTeams: projectIds.map((projectId) => ({ projectId })),
});
