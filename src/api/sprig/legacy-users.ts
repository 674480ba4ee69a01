/** `/v1/users`: users as UserLeap had them. Source: sprig-api §7. */
import type { FastifyPluginAsync } from "fastify";
import { z } from "zod";
import { acceptAnything } from "../../http/json-body.ts";
import { invalid, notFound } from "../../shared/problem.ts";
import { isStorableText } from "../../shared/storable-text.ts";
import { BODY_ERRORS, ERRORS, NOT_FOUND, SprigError, text } from "./envelope.ts";
import { readBody, type SprigOptions, TAGS } from "./options.ts";
import { checkNotAhead, readEvent, readOptionalId, readPerson } from "./values.ts";
import { type SprigUser, unregisteredNames, writeAddress, writeEvents, writeUser } from "./write-user.ts";

const UserInput = z.object({
  emailAddress: z.string().nullish(),
  attributes: z.record(z.string(), z.unknown()).nullish(),
});

const User = z
  .object({
    userId: z.string().nullable(),
    emailAddress: z.string().nullable(),
    attributes: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  })
  .meta({ id: "SprigLegacyUser" });

const params = z.object({ userId: z.string() });
type Params = z.infer<typeof params>;

export const legacyUserRoutes: FastifyPluginAsync<SprigOptions> = async (app, options) => {
  const { hidden } = options;
  const { contacts } = options.services;

  app.get<{ Params: Params }>(
    "/users/:userId",
    {
      schema: {
        operationId: "sprigGetLegacyUser",
        summary: "Read a user (v1)",
        tags: TAGS,
        hide: hidden,
        params,
        response: { 200: User, ...ERRORS, ...NOT_FOUND },
      },
      validatorCompiler: acceptAnything,
    },
    async (request) => presentUser(await requireUser(request.environmentId, request.params.userId)),
  );

  app.post(
    "/users",
    {
      schema: {
        operationId: "sprigCreateLegacyUser",
        summary: "Create or update a user (v1)",
        description: "Needs an id, in `id` or `userId`, or an e-mail address. A user who exists is changed and returned.",
        tags: TAGS,
        hide: hidden,
        body: UserInput.extend({ id: z.string().optional(), userId: z.string().optional() }).meta({
          id: "SprigLegacyUserCreate",
        }),
        response: { 200: User, ...BODY_ERRORS },
      },
      validatorCompiler: acceptAnything,
    },
    async (request) => {
      const body = readBody(request);
      const second = readOptionalId(body.userId, "userId");
      const userId = readOptionalId(body.id, "id") ?? second;
      const attributes = readPerson(body);
      if (userId !== undefined) return presentUser(await writeUser(options, request, userId, attributes));
      const email = readPerson({ ...body, attributes: undefined }).get("email");
      if (typeof email !== "string") throw invalid("id or emailAddress is required");
      return presentUser(await writeAddress(options, request, email, attributes));
    },
  );

  app.post<{ Params: Params }>(
    "/users/:userId",
    {
      schema: {
        operationId: "sprigUpdateLegacyUser",
        summary: "Update a user (v1)",
        description: "What is not mentioned stays as it is.",
        tags: TAGS,
        hide: hidden,
        params,
        body: UserInput.meta({ id: "SprigLegacyUserUpdate" }),
        response: { 200: User, ...BODY_ERRORS, ...NOT_FOUND },
      },
      validatorCompiler: acceptAnything,
    },
    async (request) => {
      const attributes = readPerson(readBody(request));
      const { userId } = request.params;
      await requireUser(request.environmentId, userId);
      return presentUser(await writeUser(options, request, userId, attributes));
    },
  );

  app.post<{ Params: Params }>(
    "/users/:userId/events",
    {
      schema: {
        operationId: "sprigCreateLegacyEvent",
        summary: "Record an event of a user (v1)",
        tags: TAGS,
        hide: hidden,
        params,
        body: z
          .object({ name: z.string(), timestamp: z.union([z.number(), z.string()]).nullish() })
          .meta({ id: "SprigLegacyEvent" }),
        response: { 201: text("Created"), ...BODY_ERRORS, ...NOT_FOUND, 422: SprigError },
      },
      validatorCompiler: acceptAnything,
    },
    async (request, reply) => {
      const body = readBody(request);
      const now = Date.now();
      const event = readEvent(body.name, body.timestamp, now, { name: "name", time: "timestamp" });
      checkNotAhead(event.occurredAt, now);
      const { environmentId } = request;
      const { userId } = request.params;
      await requireUser(environmentId, userId);
      const unknown = await unregisteredNames(options, environmentId, [event.name]);
      if (unknown.length > 0) throw notFound("event", event.name);
      await writeEvents(options, environmentId, userId, [event]);
      reply.status(201);
      return "Created";
    },
  );

  async function requireUser(environmentId: string, userId: string): Promise<SprigUser> {
    const contact = isStorableText(userId) ? await contacts.find(environmentId, { userId }) : null;
    if (!contact) throw notFound("user", userId);
    return contact;
  }
};

const presentUser = ({ userId, email, attributes }: SprigUser): z.infer<typeof User> => ({
  userId,
  emailAddress: email,
  attributes,
});
