import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

/** For a body of two megabytes this is a slow mobile network. Files have the time that the server gives any request. */
const TIMEOUT_MS = 20_000;

/** What Node itself answers to a request that takes too long. */
const ANSWER = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n";

/**
 * Cuts clients off that send a body a byte at a time, on every route but those with `config.takesFiles` and those that
 * take a form. Call it before routes are registered.
 */
export function cutSlowBodies(app: FastifyInstance, { timeoutMs = TIMEOUT_MS } = {}): void {
  const timers = new WeakMap<FastifyRequest, NodeJS.Timeout>();
  app.addHook("preParsing", (request, reply, _payload, done) => {
    if (isLimited(request)) {
      timers.set(request, setTimeout(cut, timeoutMs, request, reply).unref());
      reply.raw.once("close", () => clearTimeout(timers.get(request)));
    }
    done();
  });
  app.addHook("preValidation", (request, _reply, done) => {
    clearTimeout(timers.get(request));
    done();
  });

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
