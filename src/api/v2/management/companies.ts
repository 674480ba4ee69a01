/** Companies, for whoever wants to check what arrived. Ours: the published API has none. */
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Services } from "../../../services.ts";
import { ID_PATTERN } from "../../../shared/ids.ts";
import { QUERY_ERRORS, V2Error, v2Data, v2LongList } from "../envelope.ts";
import { longListQuery } from "../list-query.ts";
import { Attributes } from "./contact.ts";
import { listedOwner, OWNER_IN_ANSWER, OWNER_IN_QUERY, presentOwner } from "./owner.ts";

const Company = z
  .object({
    id: z.string(),
    createdAt: z.date(),
    updatedAt: z.date(),
    companyId: z.string().meta({ description: "Your id for it" }),
    attributes: Attributes,
    ...OWNER_IN_ANSWER,
  })
  .meta({
    id: "V2Company",
    example: {
      id: "cm5mg4rsa000108l4h2d3c9zy",
      createdAt: "2026-01-07T10:00:00.000Z",
      updatedAt: "2026-02-01T08:30:00.000Z",
      companyId: "acme",
      attributes: { name: "Acme", seats: 40 },
      workspaceId: "cm5mg4rsa000308l4a2b9e8fq",
      environmentId: "cm5mg4rsa000308l4a2b9e8fq",
    },
  });

const Query = longListQuery({
  ...OWNER_IN_QUERY,
  companyId: z.string().optional().meta({ description: "Your id for it" }),
});

const Path = z.object({ id: z.string().regex(ID_PATTERN, "Invalid cuid2").meta({ description: "Our id for it" }) });

const documentation = { tags: ["Management API - Companies"] };

/** Who may not see a company that exists is answered 401 (management-api-v2 §2.3). */
const config = { problems: { forbidden: "unauthenticated" } } as const;

export const companyRoutes: FastifyPluginAsyncZod<{ services: Services }> = async (
  app,
  { services: { companyDirectory: companies, environments } },
) => {
  app.get(
    "/companies",
    {
      config,
      schema: {
        ...documentation,
        operationId: "getCompanies",
        summary: "Get companies",
        querystring: Query,
        response: { 200: v2LongList(Company), ...QUERY_ERRORS },
      },
    },
    async ({ principal, query }) => {
      const environmentId = await listedOwner(environments, principal, query);
      const { rows, total, isEstimate, nextCursor } = await companies.list(principal, { ...query, environmentId });
      const { limit, skip } = query;
      return { data: rows.map(presentOwner), meta: { total, totalIsEstimate: isEstimate, limit, offset: skip, nextCursor } };
    },
  );

  app.get(
    "/companies/:id",
    {
      config,
      schema: {
        ...documentation,
        operationId: "getCompany",
        summary: "Get a company",
        params: Path,
        response: { 200: v2Data(Company), ...QUERY_ERRORS, 404: V2Error },
      },
    },
    async ({ principal, params }) => ({ data: presentOwner(await companies.get(principal, params.id)) }),
  );
};
