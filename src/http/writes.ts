/**
 * What every write of a management API has: it is noted in the audit log as the caller's, and a POST that comes with an
 * `Idempotency-Key` has its effect once.
 */
import { createHash } from "node:crypto";
import type { FastifyInstance, FastifyReply, FastifyRequest, HookHandlerDoneFunction, RouteOptions } from "fastify";
import { z } from "zod";
import type { Attempt, StoredAnswer } from "../idempotency/service.ts";
import type { Services } from "../services.ts";
import { Problem } from "../shared/problem.ts";

const HEADER = "idempotency-key";
const MAX_KEY_LENGTH = 255;
const READS = new Set(["GET", "HEAD", "OPTIONS"]);

const IdempotencyHeaders = z.object({
  [HEADER]: z.string().min(1).max(MAX_KEY_LENGTH).optional().meta({
    description: "Chosen by the client; for 24 hours the same request with the same key is answered as the first time",
    example: "7b1c0b52-5f7a-4f57-9f0e-6a2f7c1a5d1e",
  }),
});

export interface WriteOptions {
  services: Pick<Services, "auditLog" | "idempotency">;
  /** The contract's error, for the documentation. */
  error: z.ZodType;
}

/**
 * Of all routes that the scope registers from here on and that write. To be called in a scope that authenticates; what
 * it adds runs after all other checks of a request.
 */
export function guardWrites(app: FastifyInstance, { services: { auditLog, idempotency }, error }: WriteOptions): void {
  const attribute = attributeTo(auditLog);
  const fingerprints = new WeakMap<FastifyRequest, string>();
  const attempts = new WeakMap<FastifyRequest, Attempt>();
  app.addHook("onRoute", (route) => {
    const methods = [route.method].flat();
    if (methods.every((method) => READS.has(method))) return;
    route.preHandler = [route.preHandler ?? [], attribute].flat();
    if (!methods.includes("POST")) return;
    route.preValidation = [takeFingerprint, route.preValidation ?? []].flat();
    route.preHandler = [route.preHandler, beginOnce].flat();
    route.onSend = [route.onSend ?? [], keepAnswer].flat();
    route.onResponse = [route.onResponse ?? [], abandon].flat();
    documentKey(route, error);
  });

  /** Of the body as it was sent, before anything is made of it. */
  async function takeFingerprint(request: FastifyRequest): Promise<void> {
    if (request.headers[HEADER] === undefined) return;
    const hash = createHash("sha256").update(`${request.url}\n`);
    if (Buffer.isBuffer(request.body)) hash.update(request.body);
    fingerprints.set(request, hash.digest("hex"));
  }

  function beginOnce(request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void {
    const fingerprint = fingerprints.get(request);
    if (fingerprint === undefined) {
      done();
      return;
    }
    begin(request, fingerprint).then((outcome) => {
      if ("run" in outcome) {
        attempts.set(request, outcome);
        outcome.run(done);
      } else replay(reply, outcome);
    }, done);
  }

  async function begin(request: FastifyRequest, fingerprint: string): Promise<Attempt | StoredAnswer> {
    const key = readKey(request);
    const route = `${request.method} ${request.routeOptions.url ?? ""}`;
    return await idempotency.begin(request.principal, { route, key, fingerprint });
  }

  /** What the request did is committed here, so that an answer that is sent tells the truth. */
  async function keepAnswer(request: FastifyRequest, reply: FastifyReply, payload: unknown): Promise<unknown> {
    const attempt = attempts.get(request);
    if (attempt === undefined) return payload;
    attempts.delete(request);
    const body = typeof payload === "string" || Buffer.isBuffer(payload) ? payload.toString() : "";
    const contentType = reply.getHeader("content-type");
    await attempt.finish({
      status: reply.statusCode,
      contentType: typeof contentType === "string" ? contentType : null,
      body,
    });
    return payload;
  }

  /** For a request that ended without an answer. */
  async function abandon(request: FastifyRequest): Promise<void> {
    await attempts.get(request)?.abandon();
  }
}

/** A `preHandler` hook: what the request writes is noted in the audit log as its caller's. */
export function attributeTo(auditLog: Services["auditLog"]) {
  return (request: FastifyRequest, _reply: FastifyReply, done: HookHandlerDoneFunction): void => {
    const { url = "", schema } = request.routeOptions;
    const operation = schema?.operationId ?? `${request.method} ${url}`;
    auditLog.attribute(request.principal, { requestId: request.id, operation }, done);
  };
}

function readKey({ headers }: FastifyRequest): string {
  const key = headers[HEADER];
  if (typeof key !== "string" || key === "" || key.length > MAX_KEY_LENGTH)
    throw new Problem("malformed", `An Idempotency-Key has 1 to ${MAX_KEY_LENGTH} characters`, {
      issues: [{ field: "Idempotency-Key", issue: `must have 1 to ${MAX_KEY_LENGTH} characters` }],
    });
  return key;
}

function replay(reply: FastifyReply, { status, contentType, body }: StoredAnswer): void {
  reply.status(status).header("idempotent-replayed", "true");
  if (contentType !== null) reply.header("content-type", contentType);
  void reply.send(body);
}

function documentKey(route: RouteOptions, error: z.ZodType): void {
  const responses = typeof route.schema?.response === "object" ? route.schema.response : {};
  route.schema = { ...route.schema, headers: IdempotencyHeaders, response: { 400: error, 409: error, 422: error, ...responses } };
}
