/** Events, for whoever wants to check what arrived. Ours: the published API has none. */
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { storedObject } from "../../../http/stored-object.ts";
import type { Services } from "../../../services.ts";
import { ID_PATTERN } from "../../../shared/ids.ts";
import { NextCursor, QUERY_ERRORS } from "../envelope.ts";
import { streamQuery } from "../list-query.ts";
import { listedOwner, OWNER_IN_ANSWER, OWNER_IN_QUERY, presentOwner } from "./owner.ts";

const Event = z
  .object({
    id: z.string(),
    occurredAt: z.date(),
    createdAt: z.date().meta({ description: "When it was received" }),
    contactId: z.string(),
    userId: z.string().nullable(),
    companyId: z.string().nullable().meta({ description: "Our id of the contact's company at the time" }),
    name: z.string(),
    properties: storedObject(z.record(z.string(), z.unknown())),
    source: z.string().meta({ description: "The API that brought it" }),
    ...OWNER_IN_ANSWER,
  })
  .meta({
    id: "V2Event",
    example: {
      id: "cm5mg4rsa000408l4b6s0w2rk",
      occurredAt: "2026-02-01T08:30:00.000Z",
      createdAt: "2026-02-01T08:30:01.250Z",
      contactId: "cm5mg4rsa000008l44kqs9w1x",
      userId: "user-42",
      companyId: null,
      name: "Report exported",
      properties: { format: "pdf" },
      source: "userpilot",
      workspaceId: "cm5mg4rsa000308l4a2b9e8fq",
      environmentId: "cm5mg4rsa000308l4a2b9e8fq",
    },
  });

const Query = streamQuery({
  ...OWNER_IN_QUERY,
  contactId: z.string().regex(ID_PATTERN, "Invalid cuid2").optional(),
  userId: z.string().optional(),
  name: z.string().optional().meta({ description: "Exactly this name" }),
});

export const eventRoutes: FastifyPluginAsyncZod<{ services: Services }> = async (
  app,
  { services: { eventDirectory: events, environments } },
) => {
  app.get(
    "/events",
    {
      schema: {
        tags: ["Management API - Events"],
        operationId: "getEvents",
        summary: "Get events, by when they occurred",
        description: "Every filter must hold; dates are those of the occurrence. A parameter that is not listed here is refused.",
        querystring: Query,
        response: {
          200: z.object({ data: z.array(Event), meta: z.object({ limit: z.int(), nextCursor: NextCursor }) }),
          ...QUERY_ERRORS,
        },
      },
    },
    async ({ principal, query }) => {
      const environmentId = await listedOwner(environments, principal, query);
      const page = { ...query, environmentId, skip: 0, sortBy: "occurredAt" as const };
      const { rows, nextCursor } = await events.list(principal, page);
      return { data: rows.map(presentOwner), meta: { limit: query.limit, nextCursor } };
    },
  );
};
