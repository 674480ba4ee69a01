/**
 * Projects, which newer clients call workspaces, under either name. Formbricks has no such routes (management-api-v2
 * §10.2); these follow the conventions of its others (§1, §2).
 */
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { OVERLAYS, PLACEMENTS } from "../../../projects/service.ts";
import type { Services } from "../../../services.ts";
import { ID_PATTERN } from "../../../shared/ids.ts";
import { Logo, ProjectStyling } from "../../../surveys/service.ts";
import { BODY_ERRORS, QUERY_ERRORS, V2Error, v2Data, v2List } from "../envelope.ts";
import { listQuery } from "../list-query.ts";

const EnvironmentType = z.enum(["production", "development"]);

const STYLING = { allowStyleOverwrite: true, brandColor: { light: "#64748b" }, roundness: 8 };
const LOGO = { url: "https://example.com/logo.png", bgColor: "#ffffff" };

const Project = z
  .object({
    id: z.string().meta({ example: "cm9x2k4v80000l5c8d3f7g1h2" }),
    createdAt: z.date(),
    updatedAt: z.date(),
    organizationId: z.string(),
    name: z.string().meta({ example: "Checkout" }),
    recontactDays: z.int().meta({ description: "Days between two surveys for one person", example: 7 }),
    clickOutsideClose: z.boolean().meta({ description: "Whether a click beside a survey closes it" }),
    overlay: z.string().meta({ description: "What lies over the page behind a survey", example: "none" }),
    placement: z.string().meta({ description: "Where surveys appear", example: "bottomRight" }),
    inAppSurveyBranding: z.boolean(),
    linkSurveyBranding: z.boolean(),
    styling: z.unknown().meta({ description: "How surveys look; as written", example: STYLING }),
    logo: z.unknown().meta({ description: "On the pages of link surveys, or null", example: LOGO }),
    environments: z.array(z.object({ id: z.string(), type: EnvironmentType, legacyId: z.string().nullable() })),
  })
  .meta({ id: "V2Project" });

const ProjectUpdate = z.object({
  name: z.string().trim().min(1).max(255).optional().meta({ example: "Checkout" }),
  recontactDays: z.int().min(0).max(365).optional().meta({ example: 7 }),
  clickOutsideClose: z.boolean().optional(),
  overlay: z.enum(OVERLAYS).optional(),
  placement: z.enum(PLACEMENTS).optional(),
  inAppSurveyBranding: z.boolean().optional(),
  linkSurveyBranding: z.boolean().optional(),
  darkOverlay: z
    .boolean()
    .optional()
    .meta({ description: "The name of 2025 for an `overlay` that is dark or light, of surveys in the centre", deprecated: true }),
  styling: ProjectStyling.optional().meta({ description: "How surveys look; replaces the former whole" }),
  logo: Logo.nullish().meta({ description: "On the pages of link surveys; null: none", example: LOGO }),
});
const ProjectCreate = ProjectUpdate.required({ name: true }).meta({ example: { name: "Checkout", styling: STYLING } });
const ProjectChange = ProjectUpdate.meta({ example: { recontactDays: 3, overlay: "dark", styling: STYLING, logo: LOGO } });

const Id = z.string().regex(ID_PATTERN, "Invalid cuid2");
const Path = z.object({ organizationId: Id });
const ProjectPath = z.object({ organizationId: Id, projectId: Id.meta({ description: "Or the id of one of its environments" }) });

export interface ProjectOptions {
  services: Services;
  /** The two paths' operations have ids of their own. */
  path: "projects" | "workspaces";
}

export const projectRoutes: FastifyPluginAsyncZod<ProjectOptions> = async (app, { services: { projects }, path }) => {
  const noun = path === "projects" ? "Project" : "Workspace";
  const documentation = { tags: [`Organizations API - ${noun}s`], security: [{ apiKey: [] }] };

  app.get(
    `/${path}`,
    {
      schema: {
        ...documentation,
        operationId: `get${noun}s`,
        summary: "Get projects",
        params: Path,
        querystring: listQuery({}),
        response: { 200: v2List(Project), ...QUERY_ERRORS },
      },
    },
    async ({ principal, params, query }) => {
      const { rows, total } = await projects.list(principal, params.organizationId, query);
      return { data: rows, meta: { total, limit: query.limit, offset: query.skip } };
    },
  );

  app.post(
    `/${path}`,
    {
      schema: {
        ...documentation,
        operationId: `create${noun}`,
        summary: "Create a project",
        description: "With a production and a development environment, which the calling key may manage from then on.",
        params: Path,
        body: ProjectCreate,
        response: { 201: v2Data(Project), ...BODY_ERRORS, 403: V2Error, 409: V2Error },
      },
    },
    async ({ principal, params, body }, reply) =>
      reply.status(201).send({ data: await projects.create(principal, params.organizationId, body) }),
  );

  app.get(
    `/${path}/:projectId`,
    {
      schema: {
        ...documentation,
        operationId: `get${noun}`,
        summary: "Get a project",
        params: ProjectPath,
        response: { 200: v2Data(Project), ...QUERY_ERRORS, 404: V2Error },
      },
    },
    async ({ principal, params }) => ({ data: await projects.get(principal, params.organizationId, params.projectId) }),
  );

  app.put(
    `/${path}/:projectId`,
    {
      schema: {
        ...documentation,
        operationId: `update${noun}`,
        summary: "Change a project",
        description: "What is absent stays; `styling` and `logo` are replaced whole.",
        params: ProjectPath,
        body: ProjectChange,
        response: { 200: v2Data(Project), ...BODY_ERRORS, 403: V2Error, 404: V2Error, 409: V2Error },
      },
    },
    async ({ principal, params, body }) => ({
      data: await projects.update(principal, params.organizationId, params.projectId, body),
    }),
  );

  app.delete(
    `/${path}/:projectId`,
    {
      schema: {
        ...documentation,
        operationId: `delete${noun}`,
        summary: "Delete a project with all that is in it",
        description: "Contacts, surveys and answers of its environments, each of which the key must be able to manage.",
        params: ProjectPath,
        response: { 200: v2Data(Project), ...QUERY_ERRORS, 403: V2Error, 404: V2Error },
      },
    },
    async ({ principal, params }) => ({ data: await projects.remove(principal, params.organizationId, params.projectId) }),
  );
};
