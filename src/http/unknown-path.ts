import type { FastifyInstance } from "fastify";
import { notFound } from "../shared/problem.ts";

/**
 * Answers paths that no route serves: 308 to the same path without its trailing slashes, else 404 in the scope's
 * envelope (type `route`). Source: client-api §2.8, management-api-v1 §2.1.
 */
export function answerUnknownPath(app: FastifyInstance): void {
  app.setNotFoundHandler((request, reply) => {
    const [path = "", query] = request.url.split("?", 2);
    if (path.length > 1 && path.endsWith("/")) {
      // Leading slashes are folded, so that the answer can never lead to another host ("//evil.example/").
      const location = `/${path.replace(/^\/+|\/+$/g, "")}${query === undefined ? "" : `?${query}`}`;
      return reply.status(308).header("location", location).type("text/plain; charset=utf-8").send(location);
    }
    throw notFound("route", path);
  });
}
