import type { FastifyInstance, FastifyReply, HTTPMethods, RouteOptions } from "fastify";

const METHODS: readonly HTTPMethods[] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];

const ROUTED = new Set<string>(METHODS);

/**
 * Makes one of the methods that Node knows and no route serves (PROPFIND, QUERY and thirty more): they are all answered as
 * TRACE is. The router has no place for them, and would answer as if the path were not there. Call it before routing.
 */
export function foldMethod(request: { method?: string | undefined }): void {
  if (request.method !== undefined && !ROUTED.has(request.method)) request.method = "TRACE";
}

/**
 * Answers, for every path registered in the scope so far, the methods it does not serve: 405 with an empty body,
 * and `OPTIONS` with 204 and `Allow`. Call it first in a scope, and `close` when the scope is complete; child scopes
 * count if their registration was awaited. It answers before the body is read, and knows nothing of the hooks of
 * child scopes, so that a path needs no key to tell its methods.
 */
export function answerOtherMethods(app: FastifyInstance): { close: () => void } {
  const served = new Map<string, Set<string>>();
  app.addHook("onRoute", (route: RouteOptions) => {
    if (route.config?.isMethodFallback) return;
    const methods = served.get(route.url) ?? new Set();
    served.set(route.url, methods);
    for (const method of [route.method].flat()) methods.add(method);
  });
  return { close };

  function close(): void {
    for (const [url, methods] of served) {
      const allow = [...new Set(methods).add("OPTIONS")].join(", ");
      const others = METHODS.filter((method) => !methods.has(method) && !(method === "HEAD" && methods.has("GET")));
      const relative = url.startsWith(app.prefix) ? url.slice(app.prefix.length) : url;
      for (const method of others)
        app.route({
          method,
          url: relative,
          exposeHeadRoute: false,
          schema: { hide: true },
          config: { isMethodFallback: true },
          onRequest: async (_request, reply) => answer(reply, method, allow),
          handler: (_request, reply) => answer(reply, method, allow),
        });
    }
  }
}

const answer = (reply: FastifyReply, method: HTTPMethods, allow: string): FastifyReply =>
  reply
    .status(method === "OPTIONS" ? 204 : 405)
    .header("allow", allow)
    .send();

declare module "fastify" {
  interface FastifyContextConfig {
    /** The route only tells that its path does not serve the method; it needs no key. */
    isMethodFallback?: boolean;
  }
}
