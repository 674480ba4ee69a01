/**
 * `GET /playground`: a page that is an app with the SDK in it, and shows beside it what the server makes of its user.
 * It has no rights of its own: what it shows it asks of the management APIs, with the key that its visitor enters.
 */
import { randomBytes } from "node:crypto";
import type { FastifyPluginAsync } from "fastify";
import { html, styleElement } from "../../http/html.ts";
import { PLAYGROUND_STYLES } from "./styles.ts";

/** Prefix `/playground`. */
export const playground: FastifyPluginAsync = async (app) => {
  app.get("", { schema: { hide: true, operationId: "showPlayground" } }, async (_request, reply) => {
    const nonce = randomBytes(18).toString("base64");
    const policy = {
      ...{ "default-src": "'none'", "script-src": `'self' 'nonce-${nonce}'`, "style-src": `'nonce-${nonce}'` },
      ...{ "img-src": "'self' data: https:", "connect-src": "'self'", "base-uri": "'none'", "form-action": "'none'" },
      ...{ "frame-src": "https:", "frame-ancestors": "'none'" }, // surveys may have a film
    };
    return reply
      .headers({
        "content-security-policy": Object.entries(policy)
          .map(([name, sources]) => `${name} ${sources}`)
          .join("; "),
        "cache-control": "no-store",
        "x-robots-tag": "noindex, nofollow",
      })
      .type("text/html; charset=utf-8")
      .send(page(nonce));
  });
};

const page = (nonce: string): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow">
<link rel="icon" href="data:,">
<title>Playground · Mortar</title>
${styleElement(nonce, PLAYGROUND_STYLES)}
<script defer src="/js/playground.umd.cjs" nonce="${nonce}"></script>
</head>
<body><div id="playground"></div><noscript>The playground needs JavaScript.</noscript></body>
</html>
`.html;
