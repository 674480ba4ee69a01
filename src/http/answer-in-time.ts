import type { onRouteHookHandler, RouteHandlerMethod } from "fastify";
import { unavailable } from "../shared/problem.ts";

/**
 * For a scope's `onRoute`: on a route with `config.answerWithinMs`, who waits for longer, on a database that is slow or
 * swallows packets, is told to come again (`unavailable`). What was begun goes on, unacknowledged: only for routes that
 * are idempotent. Counts from the moment the body is there.
 */
export const answerInTime: onRouteHookHandler = (route) => {
  const timeoutMs = route.config?.answerWithinMs;
  if (timeoutMs !== undefined) route.handler = limitTime(route.handler, timeoutMs);
};

const limitTime = (handler: RouteHandlerMethod, timeoutMs: number): RouteHandlerMethod =>
  function handleInTime(request, reply) {
    const answer: unknown = handler.call(this, request, reply);
    if (!(answer instanceof Promise)) return answer;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(unavailable("The database takes too long to answer", 2)), timeoutMs);
      const settle = (report: (outcome: unknown) => void) => (outcome: unknown) => {
        clearTimeout(timer);
        report(outcome);
      };
      answer.then(settle(resolve), settle(reject));
    });
  };

/** Clients that wait for an app's start get an answer before they give up: three seconds, with the way to them. */
export const SDK_PATIENCE_MS = 2_500;

declare module "fastify" {
  interface FastifyContextConfig {
    answerWithinMs?: number;
  }
}
