import { describe, expect, it } from "vitest";
import { checkFileRequest, isExtensionAllowed, KNOWN_EXTENSIONS, mimeTypeOf } from "./file-types.ts";

describe("known file types", () => {
  it("are those of the contract, in its order", () => {
    expect(KNOWN_EXTENSIONS.join(" ")).toBe(
      "heic png jpeg jpg webp ico pdf eml doc docx xls xlsx ppt pptx txt csv mp4 mov avi mkv webm mp3 zip rar 7z tar",
    );
  });

  it.each([
    ["a.ico", "image/x-icon"],
    ["a.eml", "message/rfc822"],
    ["a.MOV", "video/quicktime"],
    ["a.avi", "video/x-msvideo"],
    ["a.mkv", "video/x-matroska"],
    ["a.rar", "application/vnd.rar"],
    ["a.7z", "application/x-7z-compressed"],
    ["a.tar", "application/x-tar"],
    ["a.jpg", "image/jpeg"],
    ["a.svg", undefined],
    ["a.gif", undefined],
    ["a.constructor", undefined],
    ["a", undefined],
  ])("%s is %s", (name, type) => {
    expect(mimeTypeOf(name)).toBe(type);
  });
});

describe("checkFileRequest", () => {
  it.each([
    [{ fileName: "a.png", fileType: "image/png" }, []],
    [{ fileName: "a.TXT", fileType: "Text/Plain; charset=utf-8" }, []],
    [{ fileName: "a.png", fileType: "image/png", allowedFileExtensions: ["png"] }, []],
    [{ fileName: "a.png", fileType: "image/png", allowedFileExtensions: [] }, []],
    [{ fileName: "a", fileType: "image/png" }, ["fileName"]],
    [{ fileName: "a.svg", fileType: "image/svg+xml" }, ["fileName"]],
    [{ fileName: "a.png", fileType: "image/jpeg" }, ["fileType"]],
    [{ fileName: "a.png", fileType: "image/png", allowedFileExtensions: ["pdf"] }, ["fileName"]],
    [{ fileName: "a.png", fileType: "x", allowedFileExtensions: ["pdf"] }, ["fileType", "fileName"]],
  ])("%j has issues at %j", (request, fields) => {
    expect(checkFileRequest(request).map(({ field }) => field)).toEqual(fields);
  });
});

describe("isExtensionAllowed", () => {
  it.each([
    ["a.PNG", ["png"], true],
    ["a.png", ["PNG"], true],
    ["a.png", ["pdf"], false],
    ["a", ["png"], false],
  ])("%j in %j: %j", (name, list, expected) => {
    expect(isExtensionAllowed(name, list)).toBe(expected);
  });
});
