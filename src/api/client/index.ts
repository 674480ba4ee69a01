/** The client API: what Formbricks SDKs call, without a key. v1 and v2 differ in few routes. Source: client-api §2. */
import type { FastifyPluginAsync } from "fastify";
import { answerInTime } from "../../http/answer-in-time.ts";
import { createErrorHandler } from "../../http/errors.ts";
import { acceptAnyBody } from "../../http/json-body.ts";
import { answerOtherMethods } from "../../http/methods.ts";
import { answerUnknownPath } from "../../http/unknown-path.ts";
import { displayRoutes } from "./displays.ts";
import { presentClientError } from "./envelope.ts";
import { environmentRoute } from "./environment.ts";
import { identifyRoute } from "./identify.ts";
import { legacyRoutes } from "./legacy/index.ts";
import { previewImageRoute } from "./og.ts";
import type { ClientApiOptions } from "./options.ts";
import { preflightRoutes } from "./preflight.ts";
import { responseRoutes } from "./responses.ts";
import { storageRoute } from "./storage.ts";
import { storageLocalRoute } from "./storage-local.ts";

/** On every answer below the prefix, errors included. Source: client-api §2.6. */
const HEADERS = {
  "access-control-allow-credentials": "true",
  "access-control-allow-origin": "*",
  "access-control-allow-methods": "GET,OPTIONS,PATCH,DELETE,POST,PUT",
  "access-control-allow-headers":
    "X-CSRF-Token, X-Requested-With, Accept, Accept-Version, Content-Length, Content-MD5, Content-Type, Date, X-Api-Version, Cache-Control",
  "cache-control": "private, no-store",
};

export const clientApi: FastifyPluginAsync<ClientApiOptions> = async (app, { generation, services, limiter }) => {
  const options = { generation, services, limiter };
  const otherMethods = answerOtherMethods(app);
  app.setErrorHandler(createErrorHandler(presentClientError));
  app.addHook("onRequest", (_request, reply, done) => {
    reply.headers(HEADERS);
    done();
  });
  app.addHook("onRoute", answerInTime);
  acceptAnyBody(app);
  answerUnknownPath(app);
  await app.register(preflightRoutes, options);
  await app.register(environmentRoute, options);
  await app.register(identifyRoute, options);
  await app.register(displayRoutes, options);
  await app.register(responseRoutes, options);
  await app.register(storageRoute, options);
  await app.register(storageLocalRoute, options);
  await app.register(legacyRoutes, options);
  if (generation === "v1") await app.register(previewImageRoute);
  otherMethods.close();
};
