/** What never becomes a request: Node's parser gives up on it, or it asks for a tunnel. No route and no hook sees it. */
import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { FastifyInstance } from "fastify";

const CODES: Record<number, string> = { 405: "method_not_allowed", 408: "request_timeout" };

const HEADERS = {
  "access-control-allow-origin": "*", // a page's script is told what was wrong, not that the network failed
  "cache-control": "private, no-store",
  connection: "close",
  "content-type": "application/json; charset=utf-8",
  "x-content-type-options": "nosniff",
};

/**
 * In the shape of the client API, whose callers are all kinds of software: what the path was is not known, or not to be
 * trusted.
 */
const ANSWERS = new Map<number, string>([
  [400, answerText(400, "The request is not HTTP as it has to be")],
  [405, answerText(405, "This is not a proxy")],
  [408, answerText(408, "The request takes too long")],
  [431, answerText(431, "The request's headers are too large")],
]);

/** For `clientErrorHandler`: answers what cannot be read, and closes the connection. */
export function answerBrokenRequest({ code }: { code?: string }, socket: Duplex): void {
  if (code === "ECONNRESET") socket.destroy();
  else endWith(code === "HPE_HEADER_OVERFLOW" ? 431 : code === "ERR_HTTP_REQUEST_TIMEOUT" ? 408 : 400, socket);
}

/** Answers CONNECT, which Node would hang up on. */
export function refuseTunnels(app: FastifyInstance): void {
  app.server.on("connect", (_request, socket) => endWith(405, socket));
}

/** How long (ms) whoever goes on sending has to read the answer: closed at once, their system may throw it away. */
const LINGER_MS = 500;

function endWith(status: number, socket: Duplex): void {
  if (!socket.writable) return; // it is told of every piece that follows
  socket.on("error", () => undefined); // whoever sent it is gone
  socket.end(ANSWERS.get(status), () => setTimeout(() => socket.destroy(), LINGER_MS).unref());
}

function answerText(status: number, message: string): string {
  const body = JSON.stringify({ code: CODES[status] ?? "bad_request", message, details: {} });
  const headers = Object.entries({ ...HEADERS, "content-length": Buffer.byteLength(body) });
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...headers.map(([name, value]) => `${name}: ${value}`)];
  return `${lines.join("\r\n")}\r\n\r\n${body}`;
}
