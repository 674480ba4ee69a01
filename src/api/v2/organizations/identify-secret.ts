/**
 * The secret that an environment's user ids are signed with. Ours: the reference knows no signed user ids. Its value is
 * told once, to who has it made here. See src/decisions/0054 and 0066.
 */
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Services } from "../../../services.ts";
import { ID_PATTERN } from "../../../shared/ids.ts";
import { BODY_ERRORS, QUERY_ERRORS, V2Error, v2Data } from "../envelope.ts";

const State = z
  .object({
    isSet: z.boolean().meta({ description: "Whether the environment has a secret of its own" }),
    hasPrevious: z.boolean().meta({ description: "Whether the secret before signs, too" }),
    isRequired: z.boolean().meta({ description: "Whether client calls that name a user have to be signed" }),
  })
  .meta({ id: "V2IdentifySecretState" });

const MadeSecret = z
  .object({
    secret: z.string().meta({ description: "Shown this once", example: "hJ0r2y9mQpXbV1sQ8c3dK7fLw5tZ4aE6uN0gR2iT8oY" }),
    hasPrevious: z.boolean().meta({ description: "Whether the secret before signs, too" }),
  })
  .meta({ id: "V2IdentifySecret" });

const SecretSet = z.object({
  secret: z
    .string()
    .regex(/^[\x21-\x7e]{32,256}$/, "Must have 32 to 256 characters of ASCII, and no blank")
    .meta({ description: "Made by the caller", example: "hJ0r2y9mQpXbV1sQ8c3dK7fLw5tZ4aE6uN0gR2iT8oY" }),
  keepPrevious: z.boolean().default(true).meta({ description: "Whether the secret before signs until it is dropped" }),
});

const Id = z.string().regex(ID_PATTERN, "Invalid cuid2");
const EnvironmentPath = z.object({ organizationId: Id, environmentId: Id });

const documentation = { tags: ["Organizations API - Environments"], security: [{ apiKey: [] }] };
const WRITE_ERRORS = { 403: V2Error, 404: V2Error };
const MAY_CHANGE = "403 without `manage` on the environment.";

export const identifySecretRoutes: FastifyPluginAsyncZod<{ services: Services }> = async (
  app,
  { services: { identifySecrets } },
) => {
  const path = "/environments/:environmentId/identify-secret";

  app.get(
    path,
    {
      schema: {
        ...documentation,
        operationId: "getIdentifySecret",
        summary: "Tell whether user ids have to be signed",
        params: EnvironmentPath,
        response: { 200: v2Data(State), ...QUERY_ERRORS, 404: V2Error },
      },
    },
    async ({ principal, params }) => ({
      data: await identifySecrets.status(principal, params.organizationId, params.environmentId),
    }),
  );

  app.put(
    path,
    {
      schema: {
        ...documentation,
        operationId: "setIdentifySecret",
        summary: "Have user ids signed with a secret of yours",
        description: MAY_CHANGE,
        params: EnvironmentPath,
        body: SecretSet,
        response: { 200: v2Data(State), ...BODY_ERRORS, ...WRITE_ERRORS },
      },
    },
    async ({ principal, params, body }) => ({
      data: await identifySecrets.set(principal, params.organizationId, params.environmentId, body),
    }),
  );

  app.post(
    `${path}/rotate`,
    {
      schema: {
        ...documentation,
        operationId: "rotateIdentifySecret",
        summary: "Have user ids signed with a new secret",
        description: `The secret before stays good until it is dropped. ${MAY_CHANGE}`,
        params: EnvironmentPath,
        response: { 200: v2Data(MadeSecret), ...QUERY_ERRORS, ...WRITE_ERRORS },
      },
    },
    async ({ principal, params }) => ({
      data: await identifySecrets.rotate(principal, params.organizationId, params.environmentId),
    }),
  );

  app.delete(
    `${path}/previous`,
    {
      schema: {
        ...documentation,
        operationId: "dropPreviousIdentifySecret",
        summary: "Refuse signatures with the secret before",
        description: MAY_CHANGE,
        params: EnvironmentPath,
        response: { 200: v2Data(State), ...QUERY_ERRORS, ...WRITE_ERRORS },
      },
    },
    async ({ principal, params }) => ({
      data: await identifySecrets.dropPrevious(principal, params.organizationId, params.environmentId),
    }),
  );

  app.delete(
    path,
    {
      schema: {
        ...documentation,
        operationId: "deleteIdentifySecret",
        summary: "Have user ids no longer signed with a secret of the environment's",
        description: `IDENTIFY_SECRET of the installation is asked for then, if there is one. ${MAY_CHANGE}`,
        params: EnvironmentPath,
        response: { 200: v2Data(State), ...QUERY_ERRORS, ...WRITE_ERRORS },
      },
    },
    async ({ principal, params }) => ({
      data: await identifySecrets.switchOff(principal, params.organizationId, params.environmentId),
    }),
  );
};
