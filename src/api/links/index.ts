/**
 * `GET /s/{surveyId}` and `GET /c/{token}`: the pages that link surveys are answered on; `POST` to the same path enters
 * a PIN. The pages are for people: whatever goes wrong is a page too.
 */
import { randomBytes } from "node:crypto";
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from "fastify";
import { countedAddress } from "../../http/counted-address.ts";
import { createErrorHandler } from "../../http/errors.ts";
import { answerOtherMethods } from "../../http/methods.ts";
import type { RateBucket, RateLimiter } from "../../http/rate-limit.ts";
import { answerUnknownPath } from "../../http/unknown-path.ts";
import type { Opening, Visit } from "../../link-surveys/service.ts";
import type { Services } from "../../services.ts";
import { contentPolicy } from "./content-policy.ts";
import { presentLinkError } from "./envelope.ts";
import { closedPage, pinPage, surveyPage } from "./pages.ts";

export interface LinkPagesOptions {
  services: Services;
  limiter: RateLimiter;
  /** Null: no spam protection. */
  recaptchaSiteKey: string | null;
  /** Origins besides our own that browsers send files to. */
  uploadOrigins: readonly string[];
}

interface LinkRoute {
  Params: { id: string };
  Querystring: Record<string, string | string[] | undefined>;
  Body: unknown;
}

const PAGE_BUCKET: RateBucket = { name: "link", limit: "client", windowMs: 60_000 };
/** A PIN has 10,000 values; one address may try as many of them in ten minutes. */
const PIN_BUCKET: RateBucket = { name: "pin", limit: 10, windowMs: 600_000 };
/** In characters; browsers send some dozens. */
const MAX_LANGUAGES_LENGTH = 500;
/** A form with a PIN in it. */
const FORM_LIMIT_BYTES = 1_024;

/** Prefix `/s`. */
export const surveyPages: FastifyPluginAsync<LinkPagesOptions> = async (app, options) => {
  const { linkSurveys } = options.services;
  const operations = { show: "showSurveyPage", enterPin: "enterSurveyPin" };
  servePages(app, options, operations, ({ id }, visit) => linkSurveys.open({ ...visit, surveyId: id, contactId: null }));
};

/** Prefix `/c`. */
export const personalPages: FastifyPluginAsync<LinkPagesOptions> = async (app, options) => {
  const { linkSurveys } = options.services;
  const operations = { show: "showPersonalPage", enterPin: "enterPersonalPin" };
  servePages(app, options, operations, ({ id }, visit) => linkSurveys.openPersonal(id, visit));
};

type Open = (params: LinkRoute["Params"], visit: Omit<Visit, "surveyId" | "contactId">) => Promise<Opening>;

function servePages(
  app: Parameters<FastifyPluginAsync>[0],
  options: LinkPagesOptions,
  operations: { show: string; enterPin: string },
  open: Open,
): void {
  const otherMethods = answerOtherMethods(app);
  app.setErrorHandler(createErrorHandler(presentLinkError));
  answerUnknownPath(app);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "string", bodyLimit: FORM_LIMIT_BYTES }, (_request, body, done) =>
    done(null, String(body)),
  );
  app.get<LinkRoute>("/:id", { schema: { hide: true, operationId: operations.show } }, async (request, reply) => {
    await options.limiter.count(PAGE_BUCKET, countedAddress(request.ip));
    return await answer(request, reply, null);
  });
  app.post<LinkRoute>("/:id", { schema: { hide: true, operationId: operations.enterPin } }, async (request, reply) => {
    await options.limiter.count(PIN_BUCKET, `${request.params.id} ${countedAddress(request.ip)}`);
    const form = new URLSearchParams(typeof request.body === "string" ? request.body : "");
    return await answer(request, reply, form.get("pin") ?? "");
  });
  otherMethods.close();

  async function answer(request: FastifyRequest<LinkRoute>, reply: FastifyReply, pin: string | null): Promise<FastifyReply> {
    const { query } = request;
    const opening = await open(request.params, {
      ...{ suId: first(query.suId), suToken: first(query.suToken), verify: first(query.verify), pin },
    });
    const nonce = randomBytes(18).toString("base64");
    const isEmbedded = first(query.embed) === "true";
    const language = first(query.lang);
    const { recaptchaSiteKey, uploadOrigins } = options;
    const page = { nonce, isEmbedded, language, browserLanguages: languagesOf(request.headers["accept-language"]) };
    if (isEmbedded) reply.removeHeader("x-frame-options"); // the policy says who may frame it
    reply.headers({
      "content-security-policy": contentPolicy(opening, { nonce, isEmbedded, recaptchaSiteKey, uploadOrigins }),
      "cache-control": "private, no-store",
      "x-robots-tag": "noindex, nofollow",
      "referrer-policy": "no-referrer", // the address may be a secret: it lets in who has it
      "permissions-policy": "camera=(), microphone=(), geolocation=()",
    });
    reply.type("text/html; charset=utf-8");
    if (opening.outcome === "open") return reply.send(surveyPage(opening, { ...page, recaptchaSiteKey }));
    if (opening.outcome === "pin") return reply.status(opening.isWrong ? 403 : 200).send(pinPage(opening, page));
    return reply.status(STATUS[opening.obstacle]).send(closedPage(opening, page));
  }
}

const STATUS = {
  notFound: 404,
  expired: 410,
  paused: 200,
  completed: 200,
  singleUseInvalid: 403,
  singleUseUsed: 410,
  answered: 410,
  unverified: 501, // there is no mail to be sent
} as const satisfies Record<Extract<Opening, { outcome: "closed" }>["obstacle"], number>;

/** The language tags of `Accept-Language`, best first. */
function languagesOf(header = ""): string[] {
  const ranges = header
    .slice(0, MAX_LANGUAGES_LENGTH)
    .split(",")
    .map((range) => {
      const [tag = "", ...parameters] = range.split(";").map((part) => part.trim());
      const quality = parameters.find((parameter) => parameter.startsWith("q="));
      return { tag, quality: quality === undefined ? 1 : Number(quality.slice(2)) || 0 };
    });
  return ranges
    .filter(({ tag, quality }) => tag !== "" && quality > 0)
    .sort((a, b) => b.quality - a.quality)
    .map(({ tag }) => tag);
}

const first = (value: string | string[] | undefined): string | null => (Array.isArray(value) ? value[0] : value) ?? null;
