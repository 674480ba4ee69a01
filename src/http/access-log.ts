import type { FastifyInstance } from "fastify";
import { wasTurnedAway } from "./overload.ts";

/** What is logged of requests: all, those that failed or were slow, none, or a share from 0 to 1 beside those. */
export type AccessLog = "all" | "errors" | "off" | number;

const SLOW_MS = 1_000;

/**
 * Logs one line at `info` for each answered request that `what` asks for: route pattern (never the path, which has
 * ids), method, status, milliseconds, id of the API key. The request's own id is the line's `reqId`. Routes with a log
 * level above `info`, such as the health checks, are left out.
 * @param random for the share, from 0 to below 1
 */
export function logRequests(app: FastifyInstance, what: AccessLog, random: () => number = Math.random): void {
  if (what === "off") return;
  const share = what === "all" ? 1 : what === "errors" ? 0 : what;
  app.addHook("onResponse", (request, reply, done) => {
    const { statusCode: status, elapsedTime } = reply;
    if ((status >= 500 && !wasTurnedAway(request)) || elapsedTime >= SLOW_MS || (share > 0 && random() < share)) {
      const principal: { apiKeyId: string } | undefined = request.principal; // not set by the routes that need no key
      request.log.info(
        {
          route: request.routeOptions.url ?? null,
          method: request.method,
          status,
          ms: Math.round(elapsedTime),
          ...(principal && { apiKeyId: principal.apiKeyId }),
        },
        "request served",
      );
    }
    done();
  });
}
