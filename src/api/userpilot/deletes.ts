/** `DELETE /users` and `DELETE /companies`: schedule a deletion. Source: userpilot-api §4.7. */
import type { FastifyPluginAsync } from "fastify";
import { z } from "zod";
import { acceptAnything } from "../../http/json-body.ts";
import { attributeTo } from "../../http/writes.ts";
import { idText } from "../../shared/id-text.ts";
import { isStorableText } from "../../shared/storable-text.ts";
import { ERRORS, refusal } from "./envelope.ts";
import { countRequests, readBody, SOURCE, TAGS, type UserpilotOptions } from "./options.ts";

/** Source: userpilot-api §6. */
const BUCKET = { name: "userpilot delete", limit: 1, windowMs: 2_000 };

const Ids = z.array(z.union([z.string(), z.number()]));

const Scheduled = z
  .object({ message: z.string().meta({ example: "2 users have been scheduled for deletion" }) })
  .meta({ id: "UserpilotScheduled" });

export const deleteRoutes: FastifyPluginAsync<UserpilotOptions> = async (app, { services, config, limiter, hidden }) => {
  const { erasures, auditLog } = services;
  app.addHook("preHandler", attributeTo(auditLog));
  countRequests(app, limiter, BUCKET);
  for (const [list, operationId, singular] of [
    ["users", "userpilotDeleteUsers", "user"],
    ["companies", "userpilotDeleteCompanies", "company"],
  ] as const)
    app.delete(
      `/${list}`,
      {
        schema: {
          operationId,
          summary: `Delete ${list}`,
          description: `Ids that do not exist are ignored. The ${list} are deleted a moment later, or after the configured delay.`,
          tags: TAGS,
          hide: hidden,
          body: z.object({ [list]: Ids }).meta({ id: `UserpilotDelete${list === "users" ? "Users" : "Companies"}` }),
          response: { 202: Scheduled, ...ERRORS },
        },
        validatorCompiler: acceptAnything,
      },
      async (request, reply) => {
        const ids = readIds(readBody(request)[list], list);
        await erasures.request({
          environmentId: request.environmentId,
          targets: list === "users" ? { userIds: ids } : { companyIds: ids },
          mode: config.ERASURE_MODE,
          delaySeconds: config.USERPILOT_DELETE_DELAY_SECONDS,
          apiKeyId: request.principal.apiKeyId,
          source: SOURCE,
        });
        reply.status(202);
        return {
          message: `${ids.length} ${ids.length === 1 ? `${singular} has` : `${list} have`} been scheduled for deletion`,
        };
      },
    );
};

/** Each id once; blank ones are left out. */
function readIds(value: unknown, list: string): string[] {
  if (value === undefined || value === null) throw refusal("empty_list", `${list} is required`);
  if (!Array.isArray(value)) throw refusal("invalid_type", `${list} must be a list`);
  const ids = new Set<string>();
  for (const given of value) {
    const id = typeof given === "number" ? idText(given) : given;
    if (id === null) continue;
    if (typeof id !== "string" || !isStorableText(id)) throw refusal("invalid_type", `${list} must be a list of strings`);
    if (id.trim() !== "") ids.add(id.trim());
  }
  if (ids.size === 0) throw refusal("empty_list", `${list} must have at least one id`);
  return [...ids];
}
