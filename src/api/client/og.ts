/** `GET /og`: pictures for previews of links, which are made by nobody yet. Source: client-api §16.4. */
import type { FastifyPluginAsync } from "fastify";
import { Problem } from "../../shared/problem.ts";

export const previewImageRoute: FastifyPluginAsync = async (app) => {
  app.get("/og", { schema: { hide: true, operationId: "getPreviewImage" } }, async () => {
    throw new Problem("not_implemented", "Preview images are not implemented");
  });
};
