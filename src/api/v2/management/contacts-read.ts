/**
 * Contacts as they are looked up. Formbricks has no such routes in this generation (management-api-v2 §10.2); these follow
 * the conventions of its other management routes (§1, §2).
 */
import { Readable } from "node:stream";
import type { FastifyPluginAsync } from "fastify";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Services } from "../../../services.ts";
import { ID_PATTERN } from "../../../shared/ids.ts";
import { QUERY_ERRORS, V2Error, v2Data, v2LongList } from "../envelope.ts";
import { longListQuery } from "../list-query.ts";
import { ContactDetails } from "./contact.ts";
import { listedOwner, OWNER_IN_QUERY, presentOwner } from "./owner.ts";

const Id = z.string().regex(ID_PATTERN, "Invalid cuid2");

const Query = longListQuery({
  ...OWNER_IN_QUERY,
  userId: z.string().optional().meta({ description: "Exactly this user id" }),
  email: z.string().optional().meta({ description: "Exactly this address" }),
  search: z.string().trim().min(1).max(255).optional().meta({
    description: "How the user id or the address begins, in letters of either case",
    example: "jane@",
  }),
  segmentId: Id.optional().meta({ description: "Who is in this segment now; every contact is looked at" }),
  companyId: z.string().optional().meta({ description: "Who belongs to the company with this id of yours" }),
});

const Path = z.object({ contactId: Id });

const Export = z.string().meta({
  description: "Newline-delimited JSON (application/x-ndjson)",
  example:
    '{"type":"contact","data":{"id":"cm5mg4rsa000008l44kqs9w1x"}}\n{"type":"end","data":{"displays":0,"responses":0,"files":0,"events":0}}\n',
});

const documentation = { tags: ["Management API - Contacts"] };

/** Who may not see a contact or segment that exists is answered 401 (§2.3). */
const config = { problems: { forbidden: "unauthenticated" } } as const;

export const contactReadRoutes: FastifyPluginAsyncZod<{ services: Services }> = async (app, { services }) => {
  const { contactDirectory: contacts, environments } = services;
  app.get(
    "/contacts",
    {
      config,
      schema: {
        ...documentation,
        operationId: "getContacts",
        summary: "Get contacts",
        description: "Every filter must hold. A parameter that is not listed here is refused.",
        querystring: Query,
        response: { 200: v2LongList(ContactDetails), ...QUERY_ERRORS, 404: V2Error },
      },
    },
    async ({ principal, query }) => {
      const environmentId = await listedOwner(environments, principal, query);
      const { rows, total, isEstimate, nextCursor } = await contacts.list(principal, { ...query, environmentId });
      const { limit, skip } = query;
      return { data: rows.map(presentOwner), meta: { total, totalIsEstimate: isEstimate, limit, offset: skip, nextCursor } };
    },
  );

  app.get(
    "/contacts/:contactId",
    {
      config,
      schema: {
        ...documentation,
        operationId: "getContact",
        summary: "Get a contact",
        description: "The id of a contact that was merged into another gives that one.",
        params: Path,
        response: { 200: v2Data(ContactDetails), ...QUERY_ERRORS, 404: V2Error },
      },
    },
    async ({ principal, params }) => ({ data: presentOwner(await contacts.get(principal, params.contactId)) }),
  );
  await app.register(exportRoute, { services });
};

/** Typed loosely: what is streamed is not of the schema's type. */
const exportRoute: FastifyPluginAsync<{ services: Services }> = async (app, { services: { contactExporter } }) => {
  app.get<{ Params: { contactId: string } }>(
    "/contacts/:contactId/export",
    {
      config,
      schema: {
        ...documentation,
        operationId: "exportContact",
        summary: "Get all that is stored about a contact",
        description:
          "One JSON object with `type` and `data` per line: `contact`, `company`, `display`, `response`, `file` (its address; it needs a key to be read), `event`, and at last `end` with how many there were. Without `end` the answer was cut off.",
        params: Path,
        response: { 200: { content: { "application/x-ndjson": { schema: Export } } }, ...QUERY_ERRORS, 404: V2Error },
      },
    },
    async ({ principal, params }, reply) => {
      const records = await contactExporter.exportContact(principal, params.contactId);
      reply.type("application/x-ndjson; charset=utf-8").header("content-disposition", 'attachment; filename="contact.ndjson"');
      return reply.send(Readable.from(toLines(records), { objectMode: false }));
    },
  );
};

/** Lines of JSON. */
async function* toLines(records: AsyncIterable<object>): AsyncGenerator<string> {
  for await (const record of records) yield `${JSON.stringify(record)}\n`;
}
