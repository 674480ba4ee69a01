/** Pages in a real browser that load the official npm loader, which loads our script from a real server. */
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BrowserContext, Page } from "playwright-core";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";
import { launchChromium } from "./chromium.ts";

/** Stands in for the renderer: keeps what it is given, and draws a box where a survey would be. */
const FAKE_RENDERER = `
  window.rendered = [];
  window.nonces = [];
  window.formbricksSurveys = {
    renderSurvey(options) {
      window.rendered.push(options);
      const box = document.createElement("div");
      box.id = "formbricks-modal-container";
      document.body.append(box);
    },
    setNonce(nonce) { window.nonces.push(nonce); },
  };`;

const require = createRequire(import.meta.url);
const LOADER = readFileSync(require.resolve("@formbricks/js").replace(/index\.cjs$/, "index.js"), "utf8");

/** A page is long enough to scroll; `sdk` is the loader, and `events` gathers what it tells. */
const PAGE = `<!doctype html><title>A shop</title>
  <body style="height: 4000px">
    <button id="buy" class="cta"><span>Buy <b>now</b></span></button>
    <script type="module">
      import sdk from "/loader.js";
      window.events = [];
      for (const name of ["setup_successful", "action_tracked", "survey_shown", "response_submitted", "survey_closed"])
        sdk.on("formbricks_" + name, (payload) => window.events.push([name, payload]));
      window.sdk = sdk;
    </script>`;

export interface Visit {
  page: Page;
  /** Requests to the client API, preflights not included: method, last part of the path, body, Cache-Control. */
  requests: { method: string; route: string; body: unknown; cacheControl: string | undefined }[];
  /** What the console says at level error. */
  errors: string[];
  /** Evaluates an expression in the page; a promise is awaited. */
  evaluate(expression: string): Promise<unknown>;
  waitFor(expression: string): Promise<void>;
  stored(): Promise<Record<string, unknown>>;
}

export interface VisitOptions {
  /** Default `/`. */
  path?: string;
  /** The same visitor again; default: a new one. */
  context?: BrowserContext;
}

export type Browsing = Awaited<ReturnType<typeof startBrowsing>>;

export async function startBrowsing() {
  const folder = makeTemporaryFolder();
  execFileSync(process.execPath, [fileURLToPath(new URL("../../.config/build-web-sdk.mjs", import.meta.url)), folder.path]);
  for (const extension of [".gz", ".br"]) rmSync(join(folder.path, `surveys.umd.cjs${extension}`), { force: true });
  writeFileSync(join(folder.path, "surveys.umd.cjs"), FAKE_RENDERER);
  const shop = createServer((request, response) => {
    const isLoader = request.url === "/loader.js";
    response.setHeader("content-type", isLoader ? "text/javascript" : "text/html").end(isLoader ? LOADER : PAGE);
  });
  await new Promise<void>((resolve) => shop.listen(0, "127.0.0.1", resolve));
  const address = shop.address();
  if (address === null || typeof address === "string") throw new Error("the shop has no port");
  const { port } = address;
  const browser = await launchChromium();
  return { assets: folder.path, newVisitor: () => browser.newContext(), visit, leave, close };

  async function visit({ path = "/", context }: VisitOptions = {}): Promise<Visit> {
    const page = await (context ?? (await browser.newContext())).newPage();
    const requests: Visit["requests"] = [];
    const errors: string[] = [];
    page.on("request", (request) => {
      const [, route] = /\/api\/v\d\/client\/[^/]+\/([^?]+)/.exec(request.url()) ?? [];
      if (route === undefined || request.method() === "OPTIONS") return;
      const cacheControl = request.headers()["cache-control"];
      requests.push({ method: request.method(), route, body: request.postDataJSON(), cacheControl });
    });
    page.on("console", (message) => {
      if (message.type() === "error") errors.push(message.text());
    });
    await page.goto(`http://127.0.0.1:${port}${path}`);
    await page.waitForFunction("window.sdk");
    const evaluate = (expression: string) => page.evaluate(expression);
    return {
      page,
      requests,
      errors,
      evaluate,
      waitFor: async (expression) => void (await page.waitForFunction(expression, undefined, { timeout: 8_000 })),
      stored: async () => JSON.parse(String(await evaluate('localStorage.getItem("formbricks-js")'))),
    };
  }

  /** Closes every page. */
  async function leave(): Promise<void> {
    await Promise.all(browser.contexts().map((context) => context.close()));
  }

  async function close(): Promise<void> {
    await browser.close();
    await new Promise((resolve) => shop.close(resolve));
    folder.remove();
  }
}
