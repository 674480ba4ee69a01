/** `POST /storage`: the permission to upload a file for a survey's element. Source: client-api §15.1. */
import type { FastifyPluginAsync, FastifyRequest } from "fastify";
import { z } from "zod";
import { countedAddress } from "../../http/counted-address.ts";
import { acceptAnything, parseJson } from "../../http/json-body.ts";
import type { RateBucket } from "../../http/rate-limit.ts";
import { invalid, type ProblemIssue } from "../../shared/problem.ts";
import { checkFileRequest, KNOWN_EXTENSIONS } from "../../uploads/service.ts";
import { ClientError, ClientParams, clientData } from "./envelope.ts";
import type { ClientApiOptions } from "./options.ts";

/** Of one environment. Source: client-api §17.1. */
const ENVIRONMENT_BUCKET: RateBucket = { name: "storage", limit: 100, windowMs: 60_000 };
/** Of one address in one environment, so that nobody can use up what all have; as many as one question takes files. */
const ADDRESS_BUCKET: RateBucket = { name: "storage-address", limit: 30, windowMs: 60_000 };

const StorageBody = z
  .object({
    fileName: z.string().trim().min(1).meta({ example: "photo.png" }),
    fileType: z.string().trim().min(1).meta({ example: "image/png" }),
    surveyId: z.cuid2(),
    elementId: z
      .string()
      .trim()
      .regex(/^[a-zA-Z0-9_-]+$/)
      .optional()
      .meta({ description: "May be left out only if the survey has just one element for files" }),
    allowedFileExtensions: z.array(z.enum(KNOWN_EXTENSIONS)).optional(),
  })
  .meta({ id: "StorageBody" });

const StorageSlot = z
  .object({
    signedUrl: z.string().meta({ description: "Where to post the form" }),
    presignedFields: z
      .record(z.string(), z.string())
      .meta({ description: "Fields of the form, to be sent before the field `file`" }),
    fileUrl: z.string().meta({ description: "The answer to the question" }),
    updatedFileName: z.string(),
    signingData: z
      .object({ signature: z.string(), timestamp: z.number(), uuid: z.string() })
      .optional()
      .meta({ description: "For clients before September 2025, which send the file as base64" }),
  })
  .meta({ id: "StorageSlot" });

export const storageRoute: FastifyPluginAsync<ClientApiOptions> = async (app, { generation, services, limiter }) => {
  const { environments, uploads } = services;
  app.options("/:environmentId/storage", { schema: { hide: true, operationId: "clientPreflight" } }, async (_request, reply) => {
    reply.header("cache-control", "public, s-maxage=3600, max-age=3600");
    return { data: {} };
  });

  app.post<{ Params: { environmentId: string } }>(
    "/:environmentId/storage",
    {
      schema: {
        operationId: `${generation}RequestUpload`,
        summary: "Ask to upload a file",
        description: "Answers a form, valid for two minutes, and the address that the file will have.",
        tags: ["Client API - Storage"],
        params: ClientParams,
        body: StorageBody,
        response: {
          200: clientData(StorageSlot),
          400: ClientError,
          404: ClientError,
          413: ClientError,
          429: ClientError,
          500: ClientError,
          503: ClientError,
        },
      },
      // The environment is looked up before the body is judged, and the judgement has an order and words of its own.
      validatorCompiler: acceptAnything,
    },
    async (request) => {
      const environment = await environments.configuration(request.params.environmentId);
      const { surveyId, elementId, fileName } = parseBody(parseJson(request.body));
      const survey = await uploads.findSurvey(environment, surveyId);
      await limiter.count(ADDRESS_BUCKET, `${environment.id} ${countedAddress(request.ip)}`);
      await limiter.count(ENVIRONMENT_BUCKET, environment.id);
      const receiverUrl = `${originOf(request, uploads.publicUrl)}${app.prefix}/${environment.id}/storage/local`;
      const { form, fileUrl, signing, ...slot } = await uploads.createSlot(survey, { elementId, fileName, receiverUrl });
      return {
        data: {
          signedUrl: form.url,
          presignedFields: form.fields,
          fileUrl,
          updatedFileName: slot.fileName,
          ...(signing && { signingData: signing }),
        },
      };
    },
  );
};

/** Where clients reach this server: as configured, else as this one has. */
const originOf = (request: FastifyRequest, publicUrl: string | undefined): string =>
  publicUrl ?? `${request.protocol}://${request.host}`;

function parseBody(body: unknown): z.output<typeof StorageBody> {
  const isObject = typeof body === "object" && body !== null && !Array.isArray(body);
  const { success, data, error } = StorageBody.safeParse(isObject ? body : {});
  const issues: ProblemIssue[] = success
    ? checkFileRequest(data)
    : error.issues.map(({ path, message }) => ({ field: path.join("."), issue: message }));
  // Only who gets everything else right is taken for a client that has never heard of elements.
  if (!success && !(isObject && "elementId" in body))
    issues.push({ field: "elementId", issue: "Invalid input: expected string, received undefined" });
  if (!success || issues.length > 0) throw invalid("Fields are missing or incorrectly formatted", { issues });
  return data;
}
