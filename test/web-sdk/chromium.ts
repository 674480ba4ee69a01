/** The browser that the web SDK is tested in: Debian's `chromium`, or what CHROMIUM_PATH names. */
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";
import { describe } from "vitest";

const CHROMIUM = [process.env.CHROMIUM_PATH, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(
  (path) => path !== undefined && existsSync(path),
);

/** In CI a missing browser is a failure: a test that is always skipped holds nothing. */
const IS_REQUIRED = process.env.CI === "true";
const REMEDY = "no Chromium was found; install the package chromium, or name one in CHROMIUM_PATH";

if (!CHROMIUM && !IS_REQUIRED) process.stderr.write(`Not tested in a browser: ${REMEDY}.\n`);

/** A block of tests that needs a browser: skipped where there is none, unless CI says that there has to be one. */
export const describeInBrowser = describe.skipIf(!CHROMIUM && !IS_REQUIRED);

const FLAGS = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];

/** Throws when there is no browser. */
export async function launchChromium(): Promise<Browser> {
  if (!CHROMIUM) throw new Error(REMEDY);
  return await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
}
