/** What a User-Agent header tells of the device. Source: client-api §7.5 and §9.4. */
import { UAParser } from "ua-parser-js";
import { memoizeBounded } from "./bounded-memo.ts";

/** Enough for every real browser; what follows is not looked at. */
const MAX_LENGTH = 512;

const TELEVISION = /\bTV\b|SmartTV|SMART-TV|GoogleTV|AppleTV|HbbTV|NetCast|BRAVIA|CrKey|\bAFT[A-Z]|Web0S/;
const MOBILE_BROWSER =
  /Mobi|Android|iPhone|iPad|iPod|Tablet(?! PC)|Windows Phone|IEMobile|BlackBerry|\bBB10\b|PlayBook|Kindle|Silk\/|Opera Mini|Symbian|KAIOS/i;
/** HTTP stacks that the mobile SDKs call with: okhttp (Android, React Native), CFNetwork/Darwin (iOS), Dart (Flutter). */
const MOBILE_SDK = /okhttp\/|CFNetwork\/|Darwin\/|\bDart\/|React[ -]?Native/i;

/**
 * The device of a segment's device filter: `phone` for phones, tablets and the mobile SDKs, else `desktop`. A caller
 * that sends no user agent is no browser and counts as a phone, as the reference takes it (recorded). An iPad that asks
 * for desktop pages calls itself a Macintosh and is a desktop.
 */
export const deviceOf = (userAgent: string | undefined): "phone" | "desktop" =>
  userAgent === undefined || userAgent === "" ? "phone" : deviceOfText(userAgent.slice(0, MAX_LENGTH));

const deviceOfText = memoizeBounded(
  (userAgent): "phone" | "desktop" => {
    if (MOBILE_SDK.test(userAgent)) return "phone";
    return MOBILE_BROWSER.test(userAgent) && !TELEVISION.test(userAgent) ? "phone" : "desktop";
  },
  { maxEntries: 1000, maxKeyLength: MAX_LENGTH },
);

/** A response's `meta.userAgent`; what is not known is absent. */
export interface UserAgentDescription {
  browser?: string;
  os?: string;
  /** `mobile`, `tablet`, `smarttv`, …; `desktop` when the user agent names no kind of device. */
  device: string;
}

/** Operating systems under the names that version 2 of the parser, and so the stored responses elsewhere, use. */
const SYSTEM_NAMES: Readonly<Record<string, string>> = { "Mac OS": "macOS", "Chromium OS": "Chrome OS" };

/** Names browser, operating system and kind of device for a response's meta. The result is shared: do not change it. */
export const describeUserAgent = (userAgent: string | undefined): Readonly<UserAgentDescription> =>
  describeText((userAgent ?? "").slice(0, MAX_LENGTH));

const describeText = memoizeBounded(
  (userAgent): Readonly<UserAgentDescription> => {
    const { browser, os, device } = new UAParser(userAgent).getResult();
    return Object.freeze({
      ...(browser.name === undefined ? {} : { browser: browser.name }),
      ...(os.name === undefined ? {} : { os: SYSTEM_NAMES[os.name] ?? os.name }),
      device: device.type ?? "desktop",
    });
  },
  { maxEntries: 1000, maxKeyLength: MAX_LENGTH },
);
