/**
 * Languages of environments, in which surveys may be written. Formbricks has no such routes (management-api-v2 §10.2);
 * these follow the conventions of its other management routes (§1, §2). The language itself: client-api §3, §4.5.
 */
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Services } from "../../../services.ts";
import { ID_PATTERN } from "../../../shared/ids.ts";
import { BODY_ERRORS, QUERY_ERRORS, V2Error, v2Data, v2List } from "../envelope.ts";
import { listQuery } from "../list-query.ts";
import { listedOwner, OWNER_IN_ANSWER, OWNER_IN_BODY, OWNER_IN_QUERY, presentOwner, resolveOwner } from "./owner.ts";

const Language = z
  .object({
    id: z.string(),
    createdAt: z.date(),
    updatedAt: z.date(),
    code: z.string().meta({ description: "Texts of surveys stand under it", example: "de-DE" }),
    alias: z.string().nullable().meta({ example: "german" }),
    surveys: z.array(z.string()).meta({ description: "Ids of the surveys that are written in it" }),
    ...OWNER_IN_ANSWER,
  })
  .meta({ id: "V2Language" });

const Alias = z
  .string()
  .trim()
  .min(1)
  .max(100)
  .nullish()
  .meta({ description: "What else contacts may have as their language", example: "german" });

const LanguageCreate = z.object({
  ...OWNER_IN_BODY,
  code: z
    .string()
    .trim()
    .min(1)
    .max(100)
    .meta({ description: "Kept in its canonical form with a region: `de` becomes `de-DE`", example: "de-DE" }),
  alias: Alias,
});

const LanguageUpdate = z.strictObject({ alias: Alias });

const Path = z.object({ languageId: z.string().regex(ID_PATTERN, "Invalid cuid2") });

const documentation = { tags: ["Management API - Languages"] };

/** Who may not see a language that exists is answered 401 (§2.3). */
const config = { problems: { forbidden: "unauthenticated" } } as const;

export const languageRoutes: FastifyPluginAsyncZod<{ services: Services }> = async (
  app,
  { services: { environments, languages } },
) => {
  app.get(
    "/languages",
    {
      schema: {
        ...documentation,
        operationId: "getLanguages",
        summary: "Get languages",
        querystring: listQuery(OWNER_IN_QUERY),
        response: { 200: v2List(Language), ...QUERY_ERRORS },
      },
    },
    async ({ principal, query }) => {
      const environmentId = await listedOwner(environments, principal, query);
      const { rows, total } = await languages.list(principal, { ...query, environmentId });
      return { data: rows.map(presentOwner), meta: { total, limit: query.limit, offset: query.skip } };
    },
  );

  app.post(
    "/languages",
    {
      preValidation: resolveOwner(environments),
      schema: {
        ...documentation,
        operationId: "createLanguage",
        summary: "Create a language",
        description: "Surveys of the environment may be written in it from then on. No two may have a name in common.",
        body: LanguageCreate,
        response: { 201: v2Data(Language), ...BODY_ERRORS, 403: V2Error, 404: V2Error, 409: V2Error },
      },
    },
    async ({ principal, body }, reply) => reply.status(201).send({ data: presentOwner(await languages.create(principal, body)) }),
  );

  app.get(
    "/languages/:languageId",
    {
      config,
      schema: {
        ...documentation,
        operationId: "getLanguage",
        summary: "Get a language",
        params: Path,
        response: { 200: v2Data(Language), ...QUERY_ERRORS, 404: V2Error },
      },
    },
    async ({ principal, params }) => ({ data: presentOwner(await languages.get(principal, params.languageId)) }),
  );

  app.patch(
    "/languages/:languageId",
    {
      config,
      schema: {
        ...documentation,
        operationId: "updateLanguage",
        summary: "Give a language another alias",
        description: "The code stays: texts and answers name it.",
        params: Path,
        body: LanguageUpdate,
        response: { 200: v2Data(Language), ...BODY_ERRORS, 404: V2Error, 409: V2Error },
      },
    },
    async ({ principal, params, body }) => ({ data: presentOwner(await languages.update(principal, params.languageId, body)) }),
  );

  app.delete(
    "/languages/:languageId",
    {
      config,
      schema: {
        ...documentation,
        operationId: "deleteLanguage",
        summary: "Delete a language that no survey is written in",
        params: Path,
        response: { 200: v2Data(Language), ...QUERY_ERRORS, 404: V2Error, 409: V2Error },
      },
    },
    async ({ principal, params }) => ({ data: presentOwner(await languages.remove(principal, params.languageId)) }),
  );
};
