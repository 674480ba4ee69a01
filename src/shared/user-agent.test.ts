import { describe, expect, it } from "vitest";
import { describeUserAgent, deviceOf } from "./user-agent.ts";

const WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)";
const AGENTS = {
  chromeMac: `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${WEBKIT} Chrome/120.0.0.0 Safari/537.36`,
  chromeBook: `Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) ${WEBKIT} Chrome/120.0.0.0 Safari/537.36`,
  firefoxLinux: "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0",
  explorerOnTabletPc: "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0; Tablet PC 2.0)",
  iPhone:
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1",
  iPad: "Mozilla/5.0 (iPad; CPU OS 12_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/12.1 Mobile/15E148 Safari/604.1",
  iPadAsDesktop:
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_6) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Safari/605.1.15",
  pixel: `Mozilla/5.0 (Linux; Android 14; Pixel 8) ${WEBKIT} Chrome/120.0.0.0 Mobile Safari/537.36`,
  androidTablet: `Mozilla/5.0 (Linux; Android 13; SM-X700) ${WEBKIT} Chrome/120.0.0.0 Safari/537.36`,
  firefoxTablet: "Mozilla/5.0 (Android 13; Tablet; rv:120.0) Gecko/120.0 Firefox/120.0",
  television: `Mozilla/5.0 (Linux; Android 9; BRAVIA 4K GB) ${WEBKIT} Chrome/120.0.0.0 Safari/537.36`,
};

describe("deviceOf", () => {
  it.each([AGENTS.iPhone, AGENTS.iPad, AGENTS.pixel, AGENTS.androidTablet, AGENTS.firefoxTablet])(
    "takes %s for a phone",
    (agent) => {
      expect(deviceOf(agent)).toBe("phone");
    },
  );

  it.each(["okhttp/4.12.0", "MyApp/1 CFNetwork/1410.0.3 Darwin/22.6.0", "Dart/3.2 (dart:io)", "ReactNative/0.74"])(
    "takes the SDK agent %s for a phone",
    (agent) => {
      expect(deviceOf(agent)).toBe("phone");
    },
  );

  it.each([undefined, ""])("takes a caller that names none (%j) for a phone", (agent) => {
    expect(deviceOf(agent)).toBe("phone");
  });

  it.each([
    "curl/8.1",
    "node",
    AGENTS.chromeMac,
    AGENTS.chromeBook,
    AGENTS.firefoxLinux,
    AGENTS.explorerOnTabletPc,
    AGENTS.iPadAsDesktop,
    AGENTS.television,
  ])("takes %s for a desktop", (agent) => {
    expect(deviceOf(agent)).toBe("desktop");
  });

  it("looks at the first 512 characters only", () => {
    expect(deviceOf(`${"x".repeat(512)} iPhone`)).toBe("desktop");
  });
});

describe("describeUserAgent", () => {
  it.each([
    [AGENTS.chromeMac, { browser: "Chrome", os: "macOS", device: "desktop" }],
    [AGENTS.chromeBook, { browser: "Chrome", os: "Chrome OS", device: "desktop" }],
    [AGENTS.firefoxLinux, { browser: "Firefox", os: "Linux", device: "desktop" }],
    [AGENTS.iPhone, { browser: "Mobile Safari", os: "iOS", device: "mobile" }],
    [AGENTS.iPad, { browser: "Mobile Safari", os: "iOS", device: "tablet" }],
    [AGENTS.television, { browser: "Chrome", os: "Android", device: "smarttv" }],
    ["curl/8.1", { device: "desktop" }],
    ["", { device: "desktop" }],
    [undefined, { device: "desktop" }],
  ])("describes %s", (agent, description) => {
    expect(describeUserAgent(agent)).toEqual(description);
  });
});
