/** Routes that only older SDKs call; Formbricks has removed them. See README.md. Source: client-api §16.5. */
import type { FastifyPluginAsync } from "fastify";
import type { ClientApiOptions } from "../options.ts";
import { legacyAttributeRoutes } from "./attributes.ts";
import { legacyPeopleRoutes } from "./people.ts";
import { legacySyncRoute } from "./sync.ts";

const PATHS = ["contacts/:userId/attributes", "identify/contacts/:userId", "identify/people/:userId", "app/people/:userId"];
const PATHS_V1 = ["app/sync/:userId", "people", "people/:userId/attributes"];

export const legacyRoutes: FastifyPluginAsync<ClientApiOptions> = async (app, options) => {
  for (const path of options.generation === "v1" ? [...PATHS, ...PATHS_V1] : PATHS)
    app.options(`/:environmentId/${path}`, { schema: { hide: true, operationId: "clientPreflight" } }, async () => ({
      data: {},
    }));
  await app.register(legacyPeopleRoutes, options);
  await app.register(legacyAttributeRoutes, options);
  if (options.generation === "v1") await app.register(legacySyncRoute, options);
};
