/** Paths of the oldest clients, which lead below `/management`. Source: management-api-v1 §2.1. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

export function redirectOldPaths(app: FastifyInstance): void {
  for (const name of ["surveys", "responses", "me"]) {
    const redirect = async (request: FastifyRequest, reply: FastifyReply) => {
      const at = request.url.indexOf("?");
      const location = `${app.prefix}/management/${name}${at === -1 ? "" : request.url.slice(at)}`;
      return reply.status(308).header("location", location).type("text/plain; charset=utf-8").send(location);
    };
    // As a hook too, so that it is answered before a body is read.
    app.all(`/${name}`, { schema: { hide: true, operationId: "redirectOldPath" }, onRequest: redirect }, redirect);
  }
}
