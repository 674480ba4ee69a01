/** `POST /v2/users` and `GET /v2/users/{userId}`. Source: sprig-api §3, §4. */
import type { FastifyPluginAsync } from "fastify";
import { z } from "zod";
import { acceptAnything } from "../../http/json-body.ts";
import { notFound } from "../../shared/problem.ts";
import { isStorableText } from "../../shared/storable-text.ts";
import { BODY_ERRORS, ERRORS, NOT_FOUND, SprigError, text } from "./envelope.ts";
import { readBody, type SprigOptions, TAGS } from "./options.ts";
import { readEvents, readId, readPerson } from "./values.ts";
import { checkRegistered, writeEvents, writeUser } from "./write-user.ts";

const UserBody = z
  .object({
    userId: z.union([z.string().min(1).max(255), z.number()]).meta({ example: "12347" }),
    emailAddress: z.string().nullish().meta({ example: "ada@example.com" }),
    email: z.string().nullish().meta({ description: "As `emailAddress`, which wins" }),
    attributes: z
      .record(z.string(), z.unknown())
      .nullish()
      .meta({
        description: "At most 100; merged into the user's. Null changes nothing, objects become dotted names, lists JSON",
        example: { plan: "enterprise", completed_flow: false },
      }),
    events: z
      .array(
        z.object({
          event: z.string().meta({ example: "Clicked Signup" }),
          timestamp: z.union([z.number(), z.string()]).nullish().meta({ example: 1_612_739_790_947 }),
        }),
      )
      .nullish()
      .meta({ description: "What the user did, for the record: the same event at the same time is kept once" }),
  })
  .meta({ id: "SprigUserUpsert" });

const User = z
  .object({
    id: z.string().meta({ example: "a926111b-fa62-49f7-8666-2c94ca8b18fc" }),
    externalUserId: z.string().nullable().meta({ example: "12347" }),
    createdAt: z.int().meta({ description: "Milliseconds since the epoch, as all times here", example: 1_612_739_790_947 }),
    attributes: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
    events: z.array(z.object({ event: z.string(), count: z.int(), createdAt: z.int(), updatedAt: z.int() })),
    emailAddress: z.string().optional(),
  })
  .meta({ id: "SprigUser" });

export const userRoutes: FastifyPluginAsync<SprigOptions> = async (app, options) => {
  const { contacts, events } = options.services;

  app.post(
    "/users",
    {
      schema: {
        operationId: "sprigUpsertUser",
        summary: "Create or update a user",
        tags: TAGS,
        hide: options.hidden,
        body: UserBody,
        response: { 202: text("Accepted"), ...BODY_ERRORS, 422: SprigError },
      },
      validatorCompiler: acceptAnything,
    },
    async (request, reply) => {
      const body = readBody(request);
      const userId = readId(body.userId, "userId");
      const attributes = readPerson(body);
      const history = readEvents(body.events, Date.now());
      const { environmentId } = request;
      const names = history.map(({ name }) => name);
      await checkRegistered(options, environmentId, names);
      await writeUser(options, request, userId, attributes);
      await writeEvents(options, environmentId, userId, history);
      reply.status(202);
      return "Accepted";
    },
  );

  app.get<{ Params: { userId: string } }>(
    "/users/:userId",
    {
      schema: {
        operationId: "sprigGetUser",
        summary: "Read a user",
        tags: TAGS,
        hide: options.hidden,
        params: z.object({ userId: z.string() }),
        response: { 200: User, ...ERRORS, ...NOT_FOUND },
      },
      validatorCompiler: acceptAnything,
    },
    async ({ environmentId, params: { userId } }): Promise<z.infer<typeof User>> => {
      const contact = isStorableText(userId) ? await contacts.find(environmentId, { userId }) : null;
      if (!contact) throw notFound("user", userId);
      const summaries = await events.summarize(environmentId, contact.id);
      return {
        id: contact.visitorId,
        externalUserId: contact.userId,
        createdAt: contact.createdAt.getTime(),
        attributes: contact.attributes,
        events: summaries.map(({ name, count, firstAt, lastAt }) => ({
          event: name,
          count,
          createdAt: firstAt.getTime(),
          updatedAt: lastAt.getTime(),
        })),
        ...(contact.email !== null && { emailAddress: contact.email }),
      };
    },
  );
};
