import { describe, expect, it } from "vitest";
import {
  buildResponseMeta,
  clampTtc,
  mergeResponse,
  newTtc,
  type ResponseValues,
  storedLanguage,
  withTotal,
} from "./response-values.ts";

describe("times to completion", () => {
  it("are clamped to 24 hours", () => {
    expect(clampTtc({ a: -5, b: 1234.5, c: 86_400_001 })).toEqual({ a: 0, b: 1234.5, c: 86_400_000 });
  });

  it("are summed without a sum that is there already", () => {
    expect(withTotal({ a: 1, b: 2, _total: 99 })).toEqual({ a: 1, b: 2, _total: 3 });
  });

  it.each([
    [undefined, true, {}],
    [{ a: 1, b: 2 }, false, { a: 1, b: 2 }],
    [{ a: 1, b: -2 }, true, { a: 1, b: 0, _total: 1 }],
  ])("of a new response: %j, finished %j", (ttc, finished, stored) => {
    expect(newTtc(ttc, finished)).toEqual(stored);
  });
});

describe("storedLanguage", () => {
  it.each([
    [null, null],
    [undefined, null],
    ["", null],
    ["  ", null],
    ["de", "de-DE"],
    [" default ", "default"],
    ["en_gb", "en-GB"],
  ])("%j is stored as %j", (language, stored) => {
    expect(storedLanguage(language)).toBe(stored);
  });
});

describe("mergeResponse", () => {
  const stored: ResponseValues = {
    finished: false,
    endingId: "end",
    language: "de-DE",
    data: { a: "1", b: ["x"] },
    variables: { v: 1 },
    ttc: { a: 500 },
  };

  it("leaves what a change does not name", () => {
    expect(mergeResponse(stored, {})).toEqual(stored);
  });

  it("merges data, variables and times by key and replaces the rest", () => {
    const change = { finished: true, endingId: null, language: "en", data: { b: ["y"] }, variables: { w: "2" }, ttc: { b: 700 } };
    expect(mergeResponse(stored, change)).toEqual({
      finished: true,
      endingId: null,
      language: "en-US",
      data: { a: "1", b: ["y"] },
      variables: { v: 1, w: "2" },
      ttc: { a: 500, b: 700, _total: 1200 },
    });
  });

  it("sums the times when a change without times finishes the response", () => {
    expect(mergeResponse(stored, { finished: true }).ttc).toEqual({ a: 500, _total: 500 });
    expect(mergeResponse({ ...stored, ttc: {} }, { finished: true }).ttc).toEqual({});
  });

  it("does not change what it was given", () => {
    const before = structuredClone(stored);
    mergeResponse(stored, { data: { a: "2" }, ttc: { a: 1 } });
    expect(stored).toEqual(before);
  });

  it("refuses a response that has grown beyond one request's size", () => {
    const half = "x".repeat(1_100_000);
    const change = { data: { big: half } };
    expect(mergeResponse(stored, change).data.big).toBe(half);
    expect(() => mergeResponse({ ...stored, data: { bigToo: half } }, change)).toThrow(
      expect.objectContaining({ kind: "too_large" }),
    );
  });
});

describe("buildResponseMeta", () => {
  const seen = { userAgent: "curl/8.1", country: "DE", ipAddress: "203.0.113.5", isCaptureIpEnabled: false };

  it("keeps source, url and action and adds what the server saw", () => {
    const given = { source: "s", url: "https://a.example", action: "click" };
    expect(buildResponseMeta({ given, ...seen })).toEqual({ ...given, userAgent: { device: "desktop" }, country: "DE" });
  });

  it("stores the address only where the survey captures it", () => {
    expect(buildResponseMeta({ ...seen, isCaptureIpEnabled: true })).toEqual({
      userAgent: { device: "desktop" },
      country: "DE",
      ipAddress: "203.0.113.5",
    });
  });

  it("leaves out what is not known", () => {
    const unknown = { userAgent: undefined, country: undefined, ipAddress: undefined, isCaptureIpEnabled: true };
    expect(buildResponseMeta({ given: { url: undefined }, ...unknown })).toEqual({ userAgent: { device: "desktop" } });
  });
});
