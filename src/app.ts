/** The HTTP surface: every contract under its prefix, built but not listening. */
import { randomUUID } from "node:crypto";
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from "fastify";
import { serializerCompiler, validatorCompiler } from "fastify-type-provider-zod";
import type { Logger } from "pino";
import { presentClientError } from "./api/client/envelope.ts";
import { clientApi } from "./api/client/index.ts";
import { personalPages, surveyPages } from "./api/links/index.ts";
import { playground } from "./api/playground/index.ts";
import { presentSprigError } from "./api/sprig/envelope.ts";
import { answerUnknownSprigPath, isSprigCaller, sprigApi } from "./api/sprig/index.ts";
import { presentStorageError } from "./api/storage/envelope.ts";
import { storageApi } from "./api/storage/index.ts";
import { presentUserpilotError } from "./api/userpilot/envelope.ts";
import { userpilotApi } from "./api/userpilot/index.ts";
import { presentV1Error } from "./api/v1/envelope.ts";
import { v1Api } from "./api/v1/index.ts";
import { presentV2Error } from "./api/v2/envelope.ts";
import { v2Api } from "./api/v2/index.ts";
import { type CompleteConfig, isPlaygroundServed } from "./config/env.ts";
import { logRequests } from "./http/access-log.ts";
import { answerBrokenRequest, refuseTunnels } from "./http/broken-requests.ts";
import { createCodedErrorPresenter } from "./http/coded-error.ts";
import { createErrorHandler } from "./http/errors.ts";
import { createFrameworkErrorHandler } from "./http/framework-errors.ts";
import { healthRoutes, type ReadinessProbe } from "./http/health.ts";
import { foldMethod } from "./http/methods.ts";
import type { Metrics } from "./http/metrics.ts";
import { openApiDocument } from "./http/openapi.ts";
import type { OverloadGuard } from "./http/overload.ts";
import { requirePermissions } from "./http/permission-check.ts";
import type { RateLimiter } from "./http/rate-limit.ts";
import { packageFiles, scriptFiles } from "./http/script-files.ts";
import { cutSlowBodies } from "./http/slow-body.ts";
import type { Tracing } from "./http/tracing.ts";
import { answerUnknownPath } from "./http/unknown-path.ts";
import type { Services } from "./services.ts";
import { OWN_EVENT_BODIES } from "./webhooks/service.ts";

export interface AppOptions {
  config: CompleteConfig;
  services: Services;
  log: Logger;
  limiter: RateLimiter;
  readiness: ReadinessProbe;
  /** Null where nobody has to be protected. */
  overload: OverloadGuard | null;
  /** Null when they are off. */
  metrics: Metrics | null;
  /** Null when it is off. */
  tracing: Tracing | null;
}

export async function createApp(options: AppOptions): Promise<FastifyInstance> {
  const { config, services, log, limiter, readiness, overload, metrics, tracing } = options;
  const logger: FastifyBaseLogger = log;
  const app = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: parseTrustProxy(config.TRUST_PROXY),
    // Older loaders put a slash after the address they were given: their paths begin with two.
    routerOptions: { maxParamLength: 500, ignoreDuplicateSlashes: true },
    rewriteUrl(request) {
      foldMethod(request);
      return tidyVendorPath(request.url ?? "/");
    },
    // Fastify's own 503 while closing has another contract's shape; connections are drained instead.
    return503OnClosing: false,
    forceCloseConnections: "idle",
    // Node acts as if the two were swapped when the first is not the smaller one.
    http: { headersTimeout: 10_000, connectionsCheckingInterval: 2_000 },
    requestTimeout: 120_000, // an upload over a slow mobile network; heads have less
    keepAliveTimeout: 65_000,
    clientErrorHandler: answerBrokenRequest,
    // No hook runs before it.
    frameworkErrors: (error, request, reply) => {
      setHeaders(request, reply);
      answerBadAddress(error, request, reply);
    },
    genReqId: (request) => acceptRequestId(request.headers["x-request-id"]) ?? randomUUID(),
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(createErrorHandler(createCodedErrorPresenter()));
  app.addHook("onRequest", (request, reply, done) => {
    setHeaders(request, reply);
    done();
  });
  app.addHook("onSend", (_request, reply, payload, done) => {
    if (!readiness.isAccepting()) reply.header("connection", "close"); // else the client goes on using a connection that we wait for
    done(null, payload);
  });
  logRequests(app, config.ACCESS_LOG);
  const permissions = requirePermissions(app);
  if (metrics) metrics.measure(app);
  overload?.protect(app);
  cutSlowBodies(app);
  refuseTunnels(app);
  tracing?.traceRequests(app);
  answerUnknownPath(app);

  await app.register(openApiDocument, { webhooks: OWN_EVENT_BODIES });
  await app.register(healthRoutes, { readiness });
  await app.register(scriptFiles, { prefix: "/js", folder: config.SDK_ASSETS_DIR });
  await app.register(packageFiles, { prefix: "/api/packages", folder: config.SDK_ASSETS_DIR });
  await app.register(storageApi, { prefix: "/storage", services });
  if (isPlaygroundServed(config)) await app.register(playground, { prefix: "/playground" });
  const links = { services, limiter, ...linkSettings(config) };
  await app.register(surveyPages, { prefix: "/s", ...links });
  await app.register(personalPages, { prefix: "/c", ...links });
  await app.register(clientApi, { prefix: "/api/v1/client", generation: "v1", services, limiter });
  await app.register(clientApi, { prefix: "/api/v2/client", generation: "v2", services, limiter });
  await app.register(v1Api, { prefix: "/api/v1", services, limiter });
  await app.register(v2Api, { prefix: "/api/v2", services, limiter, readiness });
  await app.register(userpilotApi, { prefix: "/v1", services, limiter, config, answerOthers: answerUnknownSprigPath });
  await app.register(userpilotApi, { prefix: "/userpilot/v1", services, limiter, config, hidden: true });
  await app.register(sprigApi, { services, limiter, config });
  await app.register(sprigApi, { prefix: "/sprig", services, limiter, config, hidden: true });
  permissions.close({
    absent: [...(metrics ? [] : ["getMetrics" as const]), ...(isPlaygroundServed(config) ? [] : ["showPlayground" as const])],
  });
  return app;
}

/** Spam protection needs both keys; files are sent to the store itself when there is one. */
const linkSettings = ({ RECAPTCHA_SITE_KEY, RECAPTCHA_SECRET_KEY, S3_BUCKET, S3_ENDPOINT }: CompleteConfig) => ({
  recaptchaSiteKey: RECAPTCHA_SECRET_KEY === undefined ? null : (RECAPTCHA_SITE_KEY ?? null),
  uploadOrigins:
    S3_BUCKET === undefined ? [] : [S3_ENDPOINT === undefined ? "https://*.amazonaws.com" : new URL(S3_ENDPOINT).origin],
});

const SECURITY_HEADERS = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "strict-origin-when-cross-origin",
  "x-frame-options": "SAMEORIGIN",
};

/** Those of every answer. */
const setHeaders = ({ id }: FastifyRequest, reply: FastifyReply) => reply.headers(SECURITY_HEADERS).header("x-request-id", id);

/** What cannot be routed has no scope with an error handler: the beginning of the address tells the contract. */
const answerBadAddress = createFrameworkErrorHandler(
  [
    { prefix: "/api/v1/client", present: presentClientError },
    { prefix: "/api/v2/client", present: presentClientError },
    { prefix: "/api/v1", present: presentV1Error },
    { prefix: "/api/v2", present: presentV2Error },
    { prefix: "/storage", present: presentStorageError },
    { prefix: "/v1", isMeant: isSprigCaller, present: presentSprigError },
    { prefix: "/v1", present: presentUserpilotError },
    { prefix: "/userpilot", present: presentUserpilotError },
    { prefix: "/v2", present: presentSprigError },
    { prefix: "/sprig", present: presentSprigError },
  ],
  createCodedErrorPresenter(),
);

/** A client's own request id is kept when it is short and harmless to log. */
const acceptRequestId = (header: string | string[] | undefined): string | undefined =>
  typeof header === "string" && /^[\w.-]{1,64}$/.test(header) ? header : undefined;

/** Other vendors' connectors may end a path with a slash; Formbricks' contracts answer that with a redirect. */
const tidyVendorPath = (url: string): string => url.replace(/^(\/+(?:(?:userpilot|sprig)\/+)?v[12]\/[^?]*[^/?])\/(?=\?|$)/, "$1");

/** A number of hops, or the addresses and networks of proxies; nothing is trusted by default. */
function parseTrustProxy(value: string): false | string[] | ((address: string, hop: number) => boolean) {
  if (value === "") return false;
  if (/^\d+$/.test(value)) return (_address, hop) => hop < Number(value);
  return value.split(",").map((part) => part.trim());
}
