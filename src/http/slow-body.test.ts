import { connect } from "node:net";
import fastify from "fastify";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cutSlowBodies } from "./slow-body.ts";

const app = fastify();
let port = 0;

beforeAll(async () => {
  cutSlowBodies(app, { timeoutMs: 300 });
  app.post("/", async () => "taken");
  app.post("/files", { config: { takesFiles: true } }, async () => "taken");
  port = Number(new URL(await app.listen({ host: "127.0.0.1", port: 0 })).port);
});
afterAll(() => app.close());

/** Sends the body's bytes with pauses; resolves with all that came back, when the connection is closed. */
function sendSlowly(path: string, body: string, pauseMs: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    let text = "";
    let sent = 0;
    socket.write(
      `POST ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`,
    );
    const sending = setInterval(() => {
      if (sent < body.length) socket.write(body.charAt(sent++));
    }, pauseMs);
    socket.on("data", (bytes) => {
      text += bytes.toString();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      clearInterval(sending);
      resolve(text);
    });
  });
}

describe("cutSlowBodies", () => {
  it("cuts a client off that sends its body a byte at a time", async () => {
    const startedAt = performance.now();
    expect(await sendSlowly("/", JSON.stringify("x".repeat(100)), 50)).toMatch(/^HTTP\/1\.1 408 /);
    expect(performance.now() - startedAt).toBeLessThan(3_000);
  });

  it("leaves one that is done in time alone, and one that sends a file", async () => {
    expect(await sendSlowly("/", '"abc"', 10)).toMatch(/^HTTP\/1\.1 200 /);
    expect(await sendSlowly("/files", '"abcde"', 80)).toMatch(/^HTTP\/1\.1 200 /);
  });
});
