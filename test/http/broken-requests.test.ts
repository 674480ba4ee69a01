/** What clients get that do not speak HTTP as they should, byte by byte. */
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildTenant } from "../support/build.ts";
import { startTestServer, type TestServer } from "../support/server.ts";

let server: TestServer;
let environmentId: string;
beforeAll(async () => {
  server = await startTestServer();
  ({ environmentId } = await buildTenant(server.db));
});
afterAll(() => server.close());

/** All that the server sends until it closes the connection. */
function exchange(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = "";
    const socket = connect(Number(new URL(server.baseUrl).port), "127.0.0.1", () => socket.write(text));
    socket.setEncoding("utf8").on("data", (piece) => {
      received += piece;
    });
    socket.on("error", reject).on("close", () => resolve(received));
  });
}

function parse(answer: string) {
  const [head = "", body = ""] = answer.split("\r\n\r\n", 2);
  const [statusLine = "", ...lines] = head.split("\r\n");
  const headers = Object.fromEntries(lines.map((line) => [line.split(": ", 1)[0]?.toLowerCase(), line.replace(/^.*?: /, "")]));
  expect(Number(headers["content-length"])).toBe(Buffer.byteLength(body));
  return { statusLine, headers, body };
}

const path = () => `/api/v1/client/${environmentId}/environment`;
const END = "Host: x\r\nConnection: close\r\n\r\n";
const CORS = { "access-control-allow-origin": "*", connection: "close", "cache-control": "private, no-store" };

describe("what the parser gives up on", () => {
  const NOT_HTTP = { code: "bad_request", message: "The request is not HTTP as it has to be", details: {} };
  it.each([
    ["no HTTP at all", () => "NONSENSE\r\n\r\n"],
    ["a header without a colon", () => `GET ${path()} HTTP/1.1\r\nHost x\r\n\r\n`],
    ["a method that nobody knows", () => `FOO ${path()} HTTP/1.1\r\n${END}`],
    ["another version of HTTP", () => `GET ${path()} HTTP/3.0\r\n${END}`],
    [
      "two lengths",
      () => `POST ${path()} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    [
      "a broken chunk",
      () => `POST /api/v2/client/${environmentId}/user HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n`,
    ],
  ])("is answered 400 in the contract's shape: %s", async (_name, text) => {
    const { statusLine, headers, body } = parse(await exchange(text()));
    expect(statusLine).toBe("HTTP/1.1 400 Bad Request");
    expect(headers).toMatchObject({ ...CORS, "content-type": "application/json; charset=utf-8" });
    expect(JSON.parse(body)).toEqual(NOT_HTTP);
  });

  it("is answered 431 when headers are too large, however much of them is still on its way", async () => {
    for (const length of [20_000, 1_000_000]) {
      const answer = await exchange(`GET ${path()} HTTP/1.1\r\nHost: x\r\nX-Long: ${"a".repeat(length)}\r\n\r\n`);
      const { statusLine, headers, body } = parse(answer);
      expect(statusLine).toBe("HTTP/1.1 431 Request Header Fields Too Large");
      expect(headers).toMatchObject(CORS);
      expect(JSON.parse(body)).toEqual({ code: "bad_request", message: "The request's headers are too large", details: {} });
    }
  });
});

describe("methods that no route serves", () => {
  it.each(["TRACE", "PROPFIND", "QUERY", "SEARCH", "LINK"])(
    "%s is answered 405 with an empty body on a known path",
    async (method) => {
      const { statusLine, headers, body } = parse(await exchange(`${method} ${path()} HTTP/1.1\r\n${END}`));
      expect([statusLine, body]).toEqual(["HTTP/1.1 405 Method Not Allowed", ""]);
      expect(headers.allow?.split(", ").sort()).toEqual(["GET", "HEAD", "OPTIONS"]);
      expect(headers).toMatchObject(CORS);
    },
  );

  it.each(["TRACE", "PROPFIND", "QUERY"])("%s is answered 404 where nothing is", async (method) => {
    const { statusLine, body } = parse(await exchange(`${method} /api/v1/client/nowhere/at/all HTTP/1.1\r\n${END}`));
    expect(statusLine).toBe("HTTP/1.1 404 Not Found");
    expect(JSON.parse(body)).toMatchObject({ code: "not_found" });
  });

  it("CONNECT is answered 405: the server is no proxy", async () => {
    const { statusLine, body } = parse(await exchange("CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n"));
    expect(statusLine).toBe("HTTP/1.1 405 Method Not Allowed");
    expect(JSON.parse(body)).toEqual({ code: "method_not_allowed", message: "This is not a proxy", details: {} });
  });

  it("with a body, the next request of the connection is served", async () => {
    const next = `GET /health HTTP/1.1\r\n${END}`;
    const answers = await exchange(`PROPFIND ${path()} HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody${next}`);
    expect(answers).toMatch(/^HTTP\/1\.1 405 [\s\S]*\r\n\r\nHTTP\/1\.1 200 OK/);
  });
});
