/** The permission to upload a file that anyone may read, such as a survey's picture. Source: management-api-v1 §11.1. */
import type { FastifyRequest } from "fastify";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import type { RateBucket, RateLimiter } from "../../../http/rate-limit.ts";
import type { Services } from "../../../services.ts";
import { checkFileRequest, KNOWN_EXTENSIONS } from "../../../uploads/service.ts";
import { BODY_ERRORS, V1Error, v1Data } from "../envelope.ts";
import { invalidFields, parseBody, parseFields, requireWritableEnvironment } from "./requests.ts";
import { tenantInput } from "./tenant.ts";

/** Of one API key, besides what all routes share. Source: management-api-v1 §2.7. */
const BUCKET: RateBucket = { name: "v1-storage", limit: 5, windowMs: 60_000 };

const UploadRequest = z.object({
  fileName: z.string().trim().min(1).meta({ example: "logo.png" }),
  fileType: z.string().trim().min(1).meta({ example: "image/png" }),
  allowedFileExtensions: z.array(z.enum(KNOWN_EXTENSIONS)).optional(),
});

const Slot = z
  .object({
    signedUrl: z.string().meta({ description: "Where to post the form" }),
    presignedFields: z
      .record(z.string(), z.string())
      .meta({ description: "Fields of the form, to be sent before the field `file`" }),
    fileUrl: z.string().meta({ description: "Where the file will be found" }),
    updatedFileName: z.string(),
    signingData: z
      .object({ signature: z.string(), timestamp: z.number(), uuid: z.string() })
      .optional()
      .meta({ description: "For clients before September 2025, which send the file as base64" }),
  })
  .meta({ id: "V1StorageSlot" });

export const storageRoutes: FastifyPluginAsyncZod<{ services: Services; limiter: RateLimiter }> = async (
  app,
  { services: { environments, uploads }, limiter },
) => {
  app.post(
    "/storage",
    {
      onRequest: async ({ principal }) => limiter.count(BUCKET, principal.apiKeyId),
      schema: {
        operationId: "requestPublicUpload",
        summary: "Ask to upload a public file",
        description: "Answers a form, valid for two minutes, and the address that the file will have.",
        tags: ["Management API - Storage"],
        body: UploadRequest.extend(tenantInput),
        response: { 200: v1Data(Slot), ...BODY_ERRORS, 404: V1Error },
      },
    },
    async (request) => {
      const body = parseBody(request.body);
      const environmentId = await requireWritableEnvironment(environments, request.principal, body);
      const file = parseFields(UploadRequest, body);
      const issues = checkFileRequest(file);
      if (issues.length > 0) throw invalidFields(issues);
      const origin = originOf(request, uploads.publicUrl);
      const { form, fileUrl, fileName, signing } = await uploads.createPublicSlot({
        environmentId,
        fileName: file.fileName,
        // The one route that takes files; the form's token says what may come.
        receiverUrl: `${origin}/api/v1/client/${environmentId}/storage/local`,
      });
      return {
        data: {
          signedUrl: form.url,
          presignedFields: form.fields,
          fileUrl: `${origin}${fileUrl}`,
          updatedFileName: fileName,
          ...(signing && { signingData: signing }),
        },
      };
    },
  );
};

/** Where clients reach this server: as configured, else as this one has. */
const originOf = (request: FastifyRequest, publicUrl: string | undefined): string =>
  publicUrl ?? `${request.protocol}://${request.host}`;
