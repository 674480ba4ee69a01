/** Calls by which connectors check a key. Source: userpilot-api §2, §4.8. */
import type { FastifyPluginAsync } from "fastify";
import { acceptAnything } from "../../http/json-body.ts";
import { ERRORS } from "./envelope.ts";
import { Accepted } from "./identify.ts";
import { TAGS, type UserpilotOptions } from "./options.ts";

export const validateRoutes: FastifyPluginAsync<UserpilotOptions> = async (app, { hidden }) => {
  for (const [path, operationId, summary] of [
    ["/validate", "userpilotValidate", "Check an API key"],
    ["/users", "userpilotCheckUsers", "Check an API key, as older connectors do"],
  ] as const)
    app.get(
      path,
      {
        schema: { operationId, summary, tags: TAGS, hide: hidden, response: { 200: Accepted, ...ERRORS } },
        validatorCompiler: acceptAnything,
      },
      async () => ({}),
    );
};
