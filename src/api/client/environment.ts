/** `GET /environment`: all that SDKs need to show surveys, the same for every caller. Source: client-api §4. */
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import type { EnvironmentState } from "../../environments/service.ts";
import { chooseEncoding } from "../../http/accept-encoding.ts";
import { SDK_PATIENCE_MS } from "../../http/answer-in-time.ts";
import { createCodedErrorPresenter } from "../../http/coded-error.ts";
import { createErrorHandler } from "../../http/errors.ts";
import { acceptAnything } from "../../http/json-body.ts";
import { type PreparedBody, prepareBody } from "../../http/prepared-body.ts";
import type { RateBucket } from "../../http/rate-limit.ts";
import { ID_PATTERN } from "../../shared/ids.ts";
import { isoTime } from "../../shared/iso-date.ts";
import { invalid } from "../../shared/problem.ts";
import { ClientError, ClientParams, clientData } from "./envelope.ts";
import { presentEnvironment } from "./environment-body.ts";
import { currentTag, environmentTag } from "./environment-tag.ts";
import { type ClientApiOptions, countRequest } from "./options.ts";

/** How long an SDK may use the state before it asks again. */
const STATE_LIFETIME_MS = 60 * 60_000;

/**
 * Wider than the other client routes': a browser that is refused its first state shows no survey for ten minutes, and
 * an office may share one address. Source: sdk-contract §1.
 */
const ENVIRONMENT_BUCKET: RateBucket = { name: "client environment", limit: 1_000, windowMs: 60_000 };

const CACHE_CONTROL = "public, s-maxage=60, max-age=60, stale-while-revalidate=60, stale-if-error=60";

/** The database is away and the answer comes from memory. Source: RFC 7234, section 5.5. */
const STALE_WARNING = '110 - "Response is Stale", 111 - "Revalidation Failed"';

interface StateRoute {
  Params: { environmentId: string };
}
type StateRequest = FastifyRequest<StateRoute>;

const anyObject = z.record(z.string(), z.unknown());
const bothSpellings = { workspaceId: z.string(), projectId: z.string() };

const Settings = z
  .object({
    id: z.string(),
    recontactDays: z.number().int(),
    clickOutsideClose: z.boolean(),
    overlay: z.enum(["none", "light", "dark"]),
    darkOverlay: z.boolean().meta({ description: "For SDKs from before `overlay`" }),
    placement: z.enum(["bottomLeft", "bottomRight", "topLeft", "topRight", "center"]),
    inAppSurveyBranding: z.boolean(),
    styling: z.looseObject({ allowStyleOverwrite: z.boolean() }),
  })
  .meta({ id: "ClientSettings" });

const LiveSurvey = z
  .object({
    id: z.string(),
    name: z.string().meta({ description: "A placeholder" }),
    type: z.literal("app"),
    status: z.literal("inProgress"),
    welcomeCard: anyObject,
    questions: z.array(z.unknown()),
    blocks: z.array(z.unknown()),
    variables: z.array(z.unknown()),
    endings: z.array(z.unknown()),
    hiddenFields: anyObject,
    languages: z.array(
      z.object({
        default: z.boolean(),
        enabled: z.boolean(),
        language: z.object({
          id: z.string(),
          code: z.string(),
          alias: z.string().nullable(),
          createdAt: z.iso.datetime(),
          updatedAt: z.iso.datetime(),
          ...bothSpellings,
        }),
      }),
    ),
    showLanguageSwitch: z.boolean().nullable(),
    autoClose: z.number().int().nullable().meta({ description: "Seconds" }),
    delay: z.number().int().meta({ description: "Seconds" }),
    displayOption: z.enum(["displayOnce", "displayMultiple", "displaySome", "respondMultiple"]),
    displayLimit: z.number().int().nullable(),
    recontactDays: z.number().int().nullable(),
    displayPercentage: z.number().nullable(),
    triggers: z.array(z.object({ actionClass: z.object({ name: z.string() }) })),
    styling: anyObject.nullable(),
    recaptcha: anyObject.nullable(),
    isBackButtonHidden: z.boolean(),
    isAutoProgressingEnabled: z.boolean(),
    workspaceOverwrites: anyObject.nullable(),
    projectOverwrites: anyObject.nullable(),
    segment: z
      .looseObject({ id: z.string(), hasFilters: z.boolean() })
      .nullable()
      .meta({ description: "Filters and names are placeholders" }),
    interactionRefresh: z
      .object({ onDisplay: z.boolean(), onResponse: z.boolean(), onFinished: z.boolean() })
      .optional()
      .meta({ description: "Events after which the contact's segments may be others" }),
  })
  .meta({ id: "LiveSurvey" });

const EnvironmentAnswer = z
  .object({
    data: z.object({
      surveys: z.array(LiveSurvey).meta({ description: "All app surveys in progress, newest first" }),
      actionClasses: z.array(
        z.object({
          id: z.string(),
          type: z.enum(["code", "noCode"]),
          name: z.string(),
          key: z.string().nullable(),
          noCodeConfig: anyObject.nullable(),
        }),
      ),
      workspace: Settings,
      project: Settings,
      recaptchaSiteKey: z.string().optional(),
    }),
    expiresAt: z.iso.datetime().meta({ description: "An hour ahead" }),
  })
  .meta({ id: "EnvironmentState" });

export const environmentRoute: FastifyPluginAsync<ClientApiOptions> = async (app, { generation, services, limiter }) => {
  /** What was made of a state lives as long as the state. */
  const bodies = new WeakMap<EnvironmentState, PreparedBody>();

  app.get<StateRoute>(
    "/:environmentId/environment",
    {
      schema: {
        operationId: `${generation}GetEnvironment`,
        summary: "Get the environment state",
        description:
          "Live surveys, action classes and settings: all that an SDK needs to show surveys. The entity tag stands for the content without `expiresAt`; an answer is confirmed by 304 for at most 30 minutes. For a minute after the database went away the last state is told from memory, with `Age` (seconds) and `Warning: 110`.",
        tags: ["Client API - Environment"],
        params: ClientParams,
        response: {
          200: clientData(EnvironmentAnswer),
          304: z.null(),
          400: ClientError,
          404: ClientError,
          429: ClientError,
          500: ClientError,
          503: ClientError,
        },
      },
      config: { answerWithinMs: SDK_PATIENCE_MS },
      // The path's pattern lets nothing but a text through.
      validatorCompiler: acceptAnything,
      errorHandler: createErrorHandler(
        createCodedErrorPresenter({ unexpected: { message: "An error occurred while processing your request." } }),
      ),
    },
    (request, reply) => {
      const counted = countRequest(limiter, request, ENVIRONMENT_BUCKET);
      const state = counted ? undefined : services.environments.knownState(request.params.environmentId.trim());
      // Nearly always, and in a fraction of the time: nothing is waited for.
      return state ? send(request, reply, state) : serve(request, reply, counted);
    },
  );

  async function serve(request: StateRequest, reply: FastifyReply, counted: Promise<void> | undefined): Promise<FastifyReply> {
    await counted;
    const environmentId = request.params.environmentId.trim();
    if (!ID_PATTERN.test(environmentId)) throw invalid("Invalid ID format");
    const { value: state, ageMs, isStale } = await services.environments.stateAnyway(environmentId);
    if (isStale) reply.headers({ age: String(Math.round(ageMs / 1_000)), warning: STALE_WARNING });
    return send(request, reply, state);
  }

  function send({ headers }: StateRequest, reply: FastifyReply, state: EnvironmentState): FastifyReply | Promise<FastifyReply> {
    const body = bodyOf(state);
    const now = Date.now();
    reply.headers({ "cache-control": CACHE_CONTROL, vary: "Accept-Encoding" });
    const current = currentTag(headers["if-none-match"], body.hash, now);
    if (current !== undefined) return reply.status(304).header("etag", current).send();

    const encoding = body.isCompressible ? chooseEncoding(acceptEncodingOf(headers["accept-encoding"])) : null;
    const finished = body.finish(`"${isoTime(now + STATE_LIFETIME_MS)}"}}`, encoding);
    return finished instanceof Promise ? finished.then(sendBytes) : sendBytes(finished);

    function sendBytes(bytes: Buffer | string): FastifyReply {
      if (encoding !== null) reply.header("content-encoding", encoding);
      return reply.type("application/json; charset=utf-8").header("etag", environmentTag(body.hash, now)).send(bytes);
    }
  }

  function bodyOf(state: EnvironmentState): PreparedBody {
    const known = bodies.get(state);
    if (known) return known;
    const body = prepareBody(`{"data":{"data":${presentEnvironment(state)},"expiresAt":`);
    bodies.set(state, body);
    return body;
  }
};

const acceptEncodingOf = (header: string | string[] | undefined): string | undefined =>
  Array.isArray(header) ? header.join(",") : header;
