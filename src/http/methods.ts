import type { FastifyInstance, HTTPMethods, RouteOptions } from "fastify";

const METHODS: readonly HTTPMethods[] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/**
 * Answers, for every path registered in the scope so far, the methods it does not serve: 405 with an empty body,
 * and `OPTIONS` with 204 and `Allow`. Call it first in a scope; the routes are added when the scope is complete.
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
      const allow = [...methods, "OPTIONS"].join(", ");
      const others = METHODS.filter((method) => !methods.has(method) && !(method === "HEAD" && methods.has("GET")));
      const relative = url.startsWith(app.prefix) ? url.slice(app.prefix.length) : url;
      for (const method of others)
        app.route({
          method,
          url: relative,
          schema: { hide: true },
          config: { isMethodFallback: true },
          handler: (_request, reply) => {
            if (method === "OPTIONS") return reply.status(204).header("allow", allow).send();
            return reply.status(405).header("allow", allow).send();
          },
        });
    }
  }
}

declare module "fastify" {
  interface FastifyContextConfig {
    /** The route only tells that its path does not serve the method; it needs no key. */
    isMethodFallback?: boolean;
  }
}
