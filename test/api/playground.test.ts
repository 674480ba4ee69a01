import { describe, expect, it } from "vitest";
import { isPlaygroundServed, readConfig } from "../../src/config/env.ts";
import { startTestServer } from "../support/server.ts";

describe("GET /playground", () => {
  it("answers 200 with a page that only runs scripts of ours and that no other page frames", async () => {
    const server = await startTestServer();
    const { text, headers } = await server.request
      .get("/playground")
      .expect(200)
      .expect("content-type", /^text\/html/);
    const nonce = /'nonce-([^']+)'/.exec(String(headers["content-security-policy"]))?.[1];
    expect(headers["content-security-policy"]).toContain(`script-src 'self' 'nonce-${nonce}'; style-src 'nonce-${nonce}'`);
    expect(headers["content-security-policy"]).toContain("frame-ancestors 'none'");
    expect(text.match(/<script/g)).toHaveLength(1);
    await server.close();
  });

  it("answers 404 where it is off", async () => {
    const server = await startTestServer({ PLAYGROUND: false });
    await server.request.get("/playground").expect(404);
    await server.close();
  });

  it("is on by itself only where nobody but this machine reaches the server", () => {
    const isServed = (environment: Record<string, string>) => isPlaygroundServed(readConfig(environment));
    expect(isServed({})).toBe(true);
    expect(isServed({ HOST: "0.0.0.0" })).toBe(false);
    expect(isServed({ PUBLIC_URL: "https://surveys.acme.test" })).toBe(false);
    expect(isServed({ PUBLIC_URL: "https://surveys.acme.test", PLAYGROUND: "on" })).toBe(true);
    expect(isServed({ PLAYGROUND: "off" })).toBe(false);
  });
});
