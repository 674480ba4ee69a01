/** `GET /v1/surveys`, `/v1/responses` and `/v1/themes`: exports. Source: sprig-api §6. */
import type { FastifyPluginAsync } from "fastify";
import { z } from "zod";
import { acceptAnything } from "../../http/json-body.ts";
import { Problem } from "../../shared/problem.ts";
import { ERRORS, SprigError } from "./envelope.ts";
import { type SprigOptions, TAGS } from "./options.ts";

export const exportRoutes: FastifyPluginAsync<SprigOptions> = async (app, { hidden }) => {
  app.get(
    "/themes",
    {
      schema: {
        operationId: "sprigExportThemes",
        summary: "Export themes",
        description: "There are none here: the list is always empty.",
        tags: TAGS,
        hide: hidden,
        response: { 200: z.object({ data: z.array(z.never()) }), ...ERRORS },
      },
      validatorCompiler: acceptAnything,
    },
    async () => ({ data: [] }),
  );

  for (const [path, operationId] of [
    ["surveys", "sprigExportSurveys"],
    ["responses", "sprigExportResponses"],
  ] as const)
    app.get(
      `/${path}`,
      {
        schema: {
          operationId,
          summary: `Export ${path} (not implemented)`,
          tags: TAGS,
          hide: hidden,
          response: { 501: SprigError, ...ERRORS },
        },
        validatorCompiler: acceptAnything,
      },
      async () => {
        throw new Problem("not_implemented", `The export of ${path} is not implemented`);
      },
    );
};
