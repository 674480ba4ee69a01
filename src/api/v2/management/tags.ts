/**
 * Tags of environments, and those of a response. Formbricks has no such routes in v2 (management-api-v2 §10.2); these
 * follow the conventions of its other management routes (§1, §2).
 */
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Services } from "../../../services.ts";
import { ID_PATTERN } from "../../../shared/ids.ts";
import { BODY_ERRORS, QUERY_ERRORS, V2Error, v2Data, v2List } from "../envelope.ts";
import { listQuery } from "../list-query.ts";
import { listedOwner, OWNER_IN_ANSWER, OWNER_IN_BODY, OWNER_IN_QUERY, presentOwner, resolveOwner } from "./owner.ts";

const Tag = z
  .object({
    id: z.string(),
    createdAt: z.date(),
    updatedAt: z.date(),
    name: z.string().meta({ example: "Follow up" }),
    ...OWNER_IN_ANSWER,
  })
  .meta({ id: "V2Tag" });

const Name = z.string().trim().min(1).max(255).meta({ description: "Unique in its environment", example: "Follow up" });
const TagCreate = z.object({ ...OWNER_IN_BODY, name: Name });
const TagUpdate = z.strictObject({ name: Name });

const Id = z.string().regex(ID_PATTERN, "Invalid cuid2");
const TagMerge = z.strictObject({ from: Id.meta({ description: "Id of the tag that becomes part of the one of the path" }) });

const Path = z.object({ tagId: Id });
const ResponsePath = z.object({ responseId: Id });
const ResponseTagPath = z.object({ responseId: Id, tagId: Id });

const documentation = { tags: ["Management API - Tags"] };

/** Who may not see a tag or a response that exists is answered 401 (§2.3). */
const config = { problems: { forbidden: "unauthenticated" } } as const;

export const tagRoutes: FastifyPluginAsyncZod<{ services: Services }> = async (app, { services: { environments, tags } }) => {
  app.get(
    "/tags",
    {
      schema: {
        ...documentation,
        operationId: "getTags",
        summary: "Get tags",
        querystring: listQuery(OWNER_IN_QUERY),
        response: { 200: v2List(Tag), ...QUERY_ERRORS },
      },
    },
    async ({ principal, query }) => {
      const environmentId = await listedOwner(environments, principal, query);
      const { rows, total } = await tags.list(principal, { ...query, environmentId });
      return { data: rows.map(presentOwner), meta: { total, limit: query.limit, offset: query.skip } };
    },
  );

  app.post(
    "/tags",
    {
      preValidation: resolveOwner(environments),
      schema: {
        ...documentation,
        operationId: "createTag",
        summary: "Create a tag",
        body: TagCreate,
        response: { 201: v2Data(Tag), ...BODY_ERRORS, 403: V2Error, 404: V2Error, 409: V2Error },
      },
    },
    async ({ principal, body }, reply) => reply.status(201).send({ data: presentOwner(await tags.create(principal, body)) }),
  );

  app.get(
    "/tags/:tagId",
    {
      config,
      schema: {
        ...documentation,
        operationId: "getTag",
        summary: "Get a tag",
        params: Path,
        response: { 200: v2Data(Tag), ...QUERY_ERRORS, 404: V2Error },
      },
    },
    async ({ principal, params }) => ({ data: presentOwner(await tags.get(principal, params.tagId)) }),
  );

  app.patch(
    "/tags/:tagId",
    {
      config,
      schema: {
        ...documentation,
        operationId: "updateTag",
        summary: "Rename a tag",
        params: Path,
        body: TagUpdate,
        response: { 200: v2Data(Tag), ...BODY_ERRORS, 404: V2Error, 409: V2Error },
      },
    },
    async ({ principal, params, body }) => ({ data: presentOwner(await tags.rename(principal, params.tagId, body.name)) }),
  );

  app.post(
    "/tags/:tagId/merge",
    {
      config,
      schema: {
        ...documentation,
        operationId: "mergeTags",
        summary: "Merge another tag into a tag",
        description: "The responses of the other one have this one from then on; the other one is deleted.",
        params: Path,
        body: TagMerge,
        // 409 is about the Idempotency-Key.
        response: { 200: v2Data(Tag), ...BODY_ERRORS, 404: V2Error, 409: V2Error },
      },
    },
    async ({ principal, params, body }) => ({ data: presentOwner(await tags.merge(principal, params.tagId, body.from)) }),
  );

  app.delete(
    "/tags/:tagId",
    {
      config,
      schema: {
        ...documentation,
        operationId: "deleteTag",
        summary: "Delete a tag",
        description: "And take it off all responses.",
        params: Path,
        response: { 200: v2Data(Tag), ...QUERY_ERRORS, 404: V2Error },
      },
    },
    async ({ principal, params }) => ({ data: presentOwner(await tags.remove(principal, params.tagId)) }),
  );

  app.get(
    "/responses/:responseId/tags",
    {
      config,
      schema: {
        ...documentation,
        operationId: "getResponseTags",
        summary: "Get the tags of a response",
        params: ResponsePath,
        response: { 200: v2Data(z.array(Tag)), ...QUERY_ERRORS, 404: V2Error },
      },
    },
    async ({ principal, params }) => ({
      data: (await tags.listOfResponse(principal, params.responseId)).map(presentOwner),
    }),
  );

  app.put(
    "/responses/:responseId/tags/:tagId",
    {
      config,
      schema: {
        ...documentation,
        operationId: "addResponseTag",
        summary: "Put a tag on a response",
        description: "Of the same environment. Answers with all tags of the response; no webhook is told.",
        params: ResponseTagPath,
        response: { 200: v2Data(z.array(Tag)), ...QUERY_ERRORS, 404: V2Error },
      },
    },
    async ({ principal, params }) => ({
      data: (await tags.addToResponse(principal, params.responseId, params.tagId)).map(presentOwner),
    }),
  );

  app.delete(
    "/responses/:responseId/tags/:tagId",
    {
      config,
      schema: {
        ...documentation,
        operationId: "removeResponseTag",
        summary: "Take a tag off a response",
        description: "Answers with the tags that are left.",
        params: ResponseTagPath,
        response: { 200: v2Data(z.array(Tag)), ...QUERY_ERRORS, 404: V2Error },
      },
    },
    async ({ principal, params }) => ({
      data: (await tags.removeFromResponse(principal, params.responseId, params.tagId)).map(presentOwner),
    }),
  );
};
