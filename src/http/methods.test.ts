import fastify, { type FastifyPluginAsync } from "fastify";
import { describe, expect, it } from "vitest";
import { answerOtherMethods } from "./methods.ts";

const scope: FastifyPluginAsync = async (app) => {
  const otherMethods = answerOtherMethods(app);
  app.get("/things", async () => "things");
  await app.register(
    async (child) => {
      child.addHook("onRequest", async () => {
        throw new Error("a key is needed");
      });
      child.post("/:id", async () => "made");
      child.get("/:id", async () => "one");
    },
    { prefix: "/things" },
  );
  otherMethods.close();
};

async function call(method: "GET" | "HEAD" | "OPTIONS" | "POST" | "PUT" | "DELETE", url: string, payload?: string) {
  const app = fastify({ bodyLimit: 10 });
  await app.register(scope, { prefix: "/api" });
  const { statusCode, headers, body } = await app.inject({ method, url, ...(payload !== undefined && { payload }) });
  return { status: statusCode, allow: headers.allow, body };
}

describe("answerOtherMethods", () => {
  it("answers 405 without a body and names the methods that are served", async () => {
    expect(await call("DELETE", "/api/things")).toEqual({ status: 405, allow: "GET, HEAD, OPTIONS", body: "" });
  });

  it("answers OPTIONS with 204", async () => {
    expect(await call("OPTIONS", "/api/things")).toEqual({ status: 204, allow: "GET, HEAD, OPTIONS", body: "" });
  });

  it("answers for a child scope's paths without running its hooks", async () => {
    expect(await call("PUT", "/api/things/1")).toMatchObject({ status: 405, body: "" });
    expect((await call("PUT", "/api/things/1")).allow?.toString().split(", ").sort()).toEqual(["GET", "HEAD", "OPTIONS", "POST"]);
    expect(await call("POST", "/api/things/1")).toMatchObject({ status: 500 });
  });

  it("answers before the body is read, however large or odd it is", async () => {
    expect(await call("PUT", "/api/things", "x".repeat(1_000))).toMatchObject({ status: 405, body: "" });
  });

  it("leaves the methods that are served alone, and paths that nobody serves", async () => {
    expect(await call("GET", "/api/things")).toMatchObject({ status: 200, body: "things" });
    expect(await call("HEAD", "/api/things")).toMatchObject({ status: 200, body: "" });
    expect(await call("PUT", "/api/other")).toMatchObject({ status: 404 });
  });
});
