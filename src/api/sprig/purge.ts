/** `/v2/purge/visitors`: users are forgotten, at once or later. Source: sprig-api §5. */
import type { FastifyPluginAsync } from "fastify";
import { z } from "zod";
import type { Erasure } from "../../erasures/service.ts";
import { acceptAnything } from "../../http/json-body.ts";
import { attributeTo } from "../../http/writes.ts";
import { invalid } from "../../shared/problem.ts";
import { BODY_ERRORS, ERRORS, NOT_FOUND, SprigError } from "./envelope.ts";
import { readBody, SOURCE, type SprigOptions, TAGS } from "./options.ts";
import { readPurge } from "./values.ts";

const Ids = z.array(z.union([z.string(), z.number()])).nullish();

const PurgeBody = z
  .object({
    userIds: Ids,
    externalUserIds: Ids.meta({ description: "The same as `userIds`" }),
    emails: z.array(z.string()).nullish(),
    visitorIds: z.array(z.string()).nullish().meta({ description: "The `id` of users" }),
    delaySeconds: z.int().min(0).nullish().meta({ description: "Time until it is done; 0 is at once; default ten days" }),
  })
  .meta({ id: "SprigPurgeRequest", description: "At least one id and at most 100 in all; ids of nobody are ignored" });

const Purge = z
  .object({
    requestId: z.string(),
    status: z.enum(["pending", "completed", "cancelled"]),
    createdAt: z.int().meta({ description: "Milliseconds since the epoch, as all times here" }),
    runAt: z.int(),
    finishedAt: z.int().nullable(),
  })
  .meta({ id: "SprigPurge" });

const params = z.object({ requestId: z.string() });

export const purgeRoutes: FastifyPluginAsync<SprigOptions> = async (
  app,
  { services: { erasures, auditLog }, config, hidden },
) => {
  app.addHook("preHandler", attributeTo(auditLog));
  app.post(
    "/purge/visitors",
    {
      schema: {
        operationId: "sprigPurgeVisitors",
        summary: "Forget users",
        tags: TAGS,
        hide: hidden,
        body: PurgeBody,
        response: { 200: z.object({ requestId: z.string() }), ...BODY_ERRORS },
      },
      validatorCompiler: acceptAnything,
    },
    async (request) => {
      const { delaySeconds = config.SPRIG_PURGE_DEFAULT_DELAY_SECONDS, ...ids } = readPurge(readBody(request));
      const { environmentId } = request;
      const targets = await erasures.findKnown(environmentId, ids);
      if (targets === null) throw invalid("None of the ids belongs to a visitor");
      const { id } = await erasures.request({
        environmentId,
        targets,
        mode: config.ERASURE_MODE,
        delaySeconds,
        apiKeyId: request.principal.apiKeyId,
        source: SOURCE,
      });
      // What cannot be done right now is done by the request's task a moment later.
      if (delaySeconds === 0)
        await erasures.carryOut(environmentId, id).catch((error: unknown) => {
          request.log.warn({ err: error, erasureId: id }, "erasure is left to its task");
        });
      return { requestId: id };
    },
  );

  app.get<{ Params: z.infer<typeof params> }>(
    "/purge/visitors/:requestId",
    {
      schema: {
        operationId: "sprigGetPurge",
        summary: "Read what became of a purge",
        tags: TAGS,
        hide: hidden,
        params,
        response: { 200: Purge, ...ERRORS, ...NOT_FOUND },
      },
      validatorCompiler: acceptAnything,
    },
    async ({ environmentId, params: { requestId } }) => presentPurge(await erasures.find(environmentId, requestId)),
  );

  app.delete<{ Params: z.infer<typeof params> }>(
    "/purge/visitors/:requestId",
    {
      schema: {
        operationId: "sprigCancelPurge",
        summary: "Take a purge back",
        description: "409 when it has been carried out; to cancel twice is to cancel.",
        tags: TAGS,
        hide: hidden,
        params,
        response: { 200: Purge, ...ERRORS, ...NOT_FOUND, 409: SprigError },
      },
      validatorCompiler: acceptAnything,
    },
    async ({ environmentId, params: { requestId } }) => presentPurge(await erasures.cancel(environmentId, requestId)),
  );
};

const presentPurge = ({ id, status, createdAt, runAt, finishedAt }: Erasure): z.infer<typeof Purge> => ({
  requestId: id,
  status,
  createdAt: createdAt.getTime(),
  runAt: runAt.getTime(),
  finishedAt: finishedAt?.getTime() ?? null,
});
