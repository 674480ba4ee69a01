/** An organization's users. Source: management-api-v2 §5.4. */
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Services } from "../../../services.ts";
import { ID_PATTERN } from "../../../shared/ids.ts";
import { BODY_ERRORS, QUERY_ERRORS, V2Error, v2Data, v2List } from "../envelope.ts";
import { listQuery } from "../list-query.ts";

/** The characters of either generation: the newer one's, and any white space inside. */
const NAME_PATTERN = /^[\p{L}\p{M}\p{Nd}\s',.&()-]+$/u;

const UserName = z.string().trim().min(1, "Name should be at least 1 character long").regex(NAME_PATTERN, "Invalid name format");

/** Its own text stands for a missing address too; zod would show it for a long one as well. */
const UserEmail = z.email("Invalid email").max(255, "Too big: expected string to have <=255 characters");

/** The roles a self-hosted organization gives; `billing` comes with imported data only. */
const AssignableRole = z.enum(["owner", "manager", "member"]);

const User = z
  .object({
    id: z.string(),
    createdAt: z.date(),
    updatedAt: z.date(),
    email: z.string().meta({ example: "john@example.com" }),
    name: z.string().meta({ example: "John Doe" }),
    lastLoginAt: z.date().nullable(),
    isActive: z.boolean(),
    role: z.enum(["owner", "manager", "member", "billing"]),
    teams: z.array(z.string()).meta({ description: "Names of the user's teams in this organization" }),
  })
  .meta({ id: "V2User" });

const UserCreate = z.object({
  name: UserName,
  email: UserEmail,
  role: AssignableRole,
  teams: z.array(z.string()).optional(),
  isActive: z.boolean().optional(),
});

const UserUpdate = z.object({
  name: UserName.optional(),
  email: UserEmail.meta({ description: "Finds the user; the address itself stays" }),
  role: AssignableRole.optional(),
  teams: z.array(z.string()).optional(),
  isActive: z.boolean().optional(),
});

const Id = z.string().regex(ID_PATTERN, "Invalid cuid2");
const Path = z.object({ organizationId: Id });
const UserPath = z.object({ organizationId: Id, userId: Id });

const documentation = { tags: ["Organizations API - Users"], params: Path };

export const userRoutes: FastifyPluginAsyncZod<{ services: Services }> = async (app, { services: { organizations } }) => {
  app.get(
    "/users",
    {
      schema: {
        ...documentation,
        operationId: "getUsers",
        summary: "Get users",
        querystring: listQuery({
          id: z.string().optional(),
          email: z.string().optional().meta({ description: "Part of the address, in any letter case" }),
        }),
        response: { 200: v2List(User), ...QUERY_ERRORS },
      },
    },
    async ({ principal, params, query }) => {
      const { users, total } = await organizations.listUsers(principal, params.organizationId, query);
      return { data: users, meta: { total, limit: query.limit, offset: query.skip } };
    },
  );

  app.post(
    "/users",
    {
      schema: {
        ...documentation,
        operationId: "createUser",
        summary: "Create a user",
        body: UserCreate,
        response: { 201: v2Data(User), ...BODY_ERRORS, 403: V2Error, 409: V2Error },
      },
    },
    async ({ principal, params, body }, reply) =>
      reply.status(201).send({ data: await organizations.createUser(principal, params.organizationId, body) }),
  );

  app.patch(
    "/users",
    {
      schema: {
        ...documentation,
        operationId: "updateUser",
        summary: "Update a user",
        body: UserUpdate,
        response: { 200: v2Data(User), ...BODY_ERRORS, 403: V2Error, 404: V2Error },
      },
    },
    async ({ principal, params, body }) => ({ data: await organizations.updateUser(principal, params.organizationId, body) }),
  );

  app.delete(
    "/users/:userId",
    {
      schema: {
        ...documentation,
        operationId: "deleteUser",
        summary: "Remove a user from the organization",
        description:
          "And from its teams. Who is in no other organization is deleted. API keys that they made stay, but no longer " +
          "administer the organization. Formbricks has no such route; permissions are those of the others.",
        params: UserPath,
        response: { 200: v2Data(User), ...QUERY_ERRORS, 403: V2Error, 404: V2Error, 409: V2Error },
      },
    },
    async ({ principal, params }) => ({ data: await organizations.removeUser(principal, params.organizationId, params.userId) }),
  );
};
