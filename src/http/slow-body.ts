import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

/** For a body of two megabytes this is a slow mobile network. Files have the time that the server gives any request. */
const TIMEOUT_MS = 20_000;

/** How often (ms) it is looked. */
const SWEEP_MS = 1_000;

/** What Node itself answers to a request that takes too long. */
const ANSWER = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n";

/**
 * Cuts clients off that send a body a byte at a time, on every route but those with `config.takesFiles` and those that
 * take a form. Call it before routes are registered.
 */
export function cutSlowBodies(app: FastifyInstance, { timeoutMs = TIMEOUT_MS } = {}): void {
  // Looked through now and then: a timer for each request would cost more than all else that is done before its route.
  const reading = new Map<FastifyRequest, { reply: FastifyReply; since: number }>();
  const sweeping = setInterval(sweep, Math.min(SWEEP_MS, timeoutMs / 4)).unref();
  app.addHook("onClose", async () => clearInterval(sweeping));
  app.addHook("preParsing", (request, reply, _payload, done) => {
    if (isLimited(request)) reading.set(request, { reply, since: Date.now() });
    done();
  });
  app.addHook("preValidation", (request, _reply, done) => {
    if (reading.size > 0) reading.delete(request);
    done();
  });

  function sweep(): void {
    const latest = Date.now() - timeoutMs;
    for (const [request, { reply, since }] of reading) {
      if (request.raw.destroyed)
        reading.delete(request); // gone before its body was there
      else if (since > latest) continue;
      else {
        reading.delete(request);
        cut(request, reply);
      }
    }
  }

  function cut({ raw, log }: FastifyRequest, reply: FastifyReply): void {
    log.debug("request refused: its body takes too long");
    if (!reply.raw.headersSent) raw.socket.write(ANSWER);
    raw.socket.destroySoon();
  }
}

function isLimited({ headers, routeOptions: { config } }: FastifyRequest): boolean {
  const hasBody = headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
  return hasBody && !config.takesFiles && !headers["content-type"]?.startsWith("multipart/");
}

declare module "fastify" {
  interface FastifyContextConfig {
    /** Bodies are large, and may take as long as any request may. */
    takesFiles?: boolean;
  }
}
