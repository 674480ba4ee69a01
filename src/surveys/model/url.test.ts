import { describe, expect, it } from "vitest";
import { isDottedHost, isEndingUrl, isImageUrl, isSafeUrl, isStorageUrl, isVideoUrl } from "./url.ts";

describe("a storage address", () => {
  it.each(["/storage/a/public/b.png", "https://example.test/a", "http://example.test"])("may be %s", (url) => {
    expect(isStorageUrl(url)).toBe(true);
  });
  it.each(["", "storage/a.png", "/files/a.png", "ftp://example.test/a", "javascript:alert(1)"])("may not be %j", (url) => {
    expect(isStorageUrl(url)).toBe(false);
  });
});

describe("the address of a button", () => {
  it.each([
    "https://example.test/path?x=1#y",
    "https://example.test/#recall:q1/fallback:x#",
    "https://sub.example.co:8443/",
    "https://user@example.test",
    "https://192.168.0.1/x",
    "https://[::1]/x",
    "https://localhost:3000",
    "http://localhost:3000/x",
    "mailto:someone@example.test",
    "tel:+4712345678",
  ])("may be %s", (url) => {
    expect(isSafeUrl(url)).toBe(true);
  });

  it.each([
    "",
    "http://example.test",
    "http://localhost.example.test",
    "javascript:alert(1)",
    "https://exa mple.test",
    "#recall:q1/fallback:x#",
    "https://#recall:q1/fallback:x#.test",
    "https://example",
    "https://www.test",
    "https://example.t",
    "https://-example.test",
    "https://exam_ple.test",
    "https://999.1.1.1",
    "https://[::1",
  ])("may not be %j", (url) => {
    expect(isSafeUrl(url)).toBe(false);
  });
});

it("an ending leads to the web, recall marks and blanks around it allowed", () => {
  expect(isEndingUrl(" https://#recall:q1/fallback:x#")).toBe(true);
  expect(isEndingUrl("ftp://example.test")).toBe(false);
});

it("an image is known by the extension of its file, not by what follows it", () => {
  expect(isImageUrl("/storage/a/b.JPG?x=1")).toBe(true);
  expect(isImageUrl("https://example.test/a.webp#b")).toBe(true);
  expect(isImageUrl("https://example.test/a?b=c.png")).toBe(false);
  expect(isImageUrl("/storage/png")).toBe(false);
});

it("a video is known by its host", () => {
  expect(isVideoUrl("https://www.youtube.com/watch?v=1")).toBe(true);
  expect(isVideoUrl("https://player.vimeo.com/video/1")).toBe(true);
  expect(isVideoUrl("http://youtu.be/1")).toBe(false);
  expect(isVideoUrl("https://youtube.com.example.test/1")).toBe(false);
  expect(isVideoUrl("/storage/a.mp4")).toBe(false);
});

it("a host of its own has at least two labels", () => {
  expect(isDottedHost("cal.example.test")).toBe(true);
  expect(isDottedHost("cal")).toBe(false);
  expect(isDottedHost("cal..test")).toBe(false);
  expect(isDottedHost(`${"a".repeat(64)}.test`)).toBe(false);
});
