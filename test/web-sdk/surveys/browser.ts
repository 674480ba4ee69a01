/** Pages in a real browser that call the renderer's global against a real server. */
import { execFileSync } from "node:child_process";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import type { BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { makeTemporaryFolder } from "../../support/temporary-folder.ts";
import { launchChromium } from "../chromium.ts";

/** A page with rules of its own, which must not show in a survey. */
const PAGE = `<!doctype html><html lang="en"><meta name="viewport" content="width=device-width, initial-scale=1"><title>A shop</title>
  <style>
    body { font: 16px/1.6 Georgia, serif; margin: 0; padding: 24px; color: #333; background: #f7f5f0; }
    button { background: hotpink; text-transform: uppercase; border: 3px dotted; letter-spacing: 4px; }
    input, label, fieldset { border: 2px solid lime; margin: 20px; width: 50%; }
    h2 { font-size: 60px; }
  </style>
  <main><h1>A shop</h1><p>Something to read beside the survey.</p><button id="outside">Buy</button><div id="here"></div></main></html>`;

export interface Visit {
  page: Page;
  /** The names of the callbacks that were called, in order. */
  calls(): Promise<string[]>;
  /** Renders with every callback recorded; `options` must be JSON. */
  render(options: object): Promise<void>;
  /** What the console says at level error, and what is thrown. */
  errors: string[];
}

export interface VisitOptions extends BrowserContextOptions {
  /** Behind the shop's address; `?csp=` is the page's content security policy. */
  path?: string;
  /** Who was there before; default: somebody new. */
  visitor?: BrowserContext;
}

export type Browsing = Awaited<ReturnType<typeof startBrowsing>>;

export async function startBrowsing() {
  const folder = makeTemporaryFolder();
  execFileSync(process.execPath, [fileURLToPath(new URL("../../../.config/build-web-sdk.mjs", import.meta.url)), folder.path]);
  const pages = new Map<string, string>();
  const shop = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://shop.test");
    const policy = searchParams.get("csp");
    if (policy !== null) response.setHeader("content-security-policy", policy);
    response.setHeader("content-type", "text/html").end(pages.get(pathname) ?? PAGE);
  });
  await new Promise<void>((resolve) => shop.listen(0, "127.0.0.1", resolve));
  const address = shop.address();
  if (address === null || typeof address === "string") throw new Error("the shop has no port");
  const shopUrl = `http://127.0.0.1:${address.port}/`;
  const browser = await launchChromium();
  return { assets: folder.path, shopUrl, addPage, open, visit, leave, close };

  /** Beside the shop's own page, which is what all other paths answer. */
  function addPage(path: string, html: string): void {
    pages.set(`/${path}`, html);
  }

  /** A page that has loaded nothing yet. Its visitor wants little motion, so that nothing is waited for. */
  async function open({ visitor, ...context }: Omit<VisitOptions, "path"> = {}): Promise<Pick<Visit, "page" | "errors">> {
    const page = await (visitor ?? (await browser.newContext({ reducedMotion: "reduce", ...context }))).newPage();
    page.setDefaultTimeout(10_000);
    const errors: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error") errors.push(message.text());
    });
    page.on("pageerror", (error) => errors.push(String(error)));
    return { page, errors };
  }

  /** The shop, with the renderer's script. */
  async function visit(baseUrl: string, { path = "", ...options }: VisitOptions = {}): Promise<Visit> {
    const { page, errors } = await open(options);
    await page.goto(shopUrl + path);
    await page.addScriptTag({ url: `${baseUrl}/js/surveys.umd.cjs` });
    await page.evaluate(RECORDER);
    return {
      page,
      errors,
      calls: () => page.evaluate<string[]>("window.calls"),
      render: (options) => page.evaluate<void>(`window.show(${JSON.stringify(options)})`),
    };
  }

  async function leave(): Promise<void> {
    await Promise.all(browser.contexts().map((context) => context.close()));
  }

  async function close(): Promise<void> {
    await browser.close();
    await new Promise((resolve) => shop.close(resolve));
    folder.remove();
  }
}

/** `show(options)` renders with callbacks that write their names to `calls`. */
const RECORDER = `
  window.calls = [];
  window.show = (options) => {
    window.given = {};
    const record = (name) => (...given) => { window.calls.push(name); window.given[name] = given; };
    const callbacks = {};
    for (const name of ["onDisplayCreated", "onResponseCreated", "onFinished", "onClose", ...(options.record ?? [])])
      callbacks[name] = record(name);
    window.formbricksSurveys.renderSurvey({ ...options, ...callbacks });
  };`;
