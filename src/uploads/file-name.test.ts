import { describe, expect, it } from "vitest";
import { sanitizeFileName, storedFileName } from "./file-name.ts";

describe("sanitizeFileName", () => {
  it.each([
    ["photo.png", "photo.png"],
    ["  My   holiday  photo.PNG ", "My holiday photo.png"],
    ["../../etc/passwd.txt", "..-..-etc-passwd.txt"],
    ["a\\b.pdf", "a-b.pdf"],
    ["a#<>:\"|?*`'b.pdf", "ab.pdf"],
    ["a\r\n\u0000\u202Eb.pdf", "ab.pdf"],
    ["cafe\u0301.pdf", "café.pdf"],
    ["日本語.pdf", "日本語.pdf"],
    [`${"x".repeat(300)}.pdf`, `${"x".repeat(200)}.pdf`],
    [`${"x".repeat(199)}😀.pdf`, `${"x".repeat(199)}.pdf`],
    [`${"日".repeat(200)}.pdf`, `${"日".repeat(66)}.pdf`],
    ["CON.pdf", "CON-.pdf"],
    ["lpt1.tar.gz", "lpt1-.tar.gz"],
    ["console.pdf", "console.pdf"],
    ["archive.tar.gz", "archive.tar.gz"],
  ])("makes %j %j", (name, clean) => {
    expect(sanitizeFileName(name)).toBe(clean);
  });

  it.each(["", "photo", ".png", "...png", "---.png", "- .png", "#.png", `a.${"x".repeat(21)}`])("refuses %j", (name) => {
    expect(sanitizeFileName(name)).toBeNull();
  });
});

describe("storedFileName", () => {
  it("puts the file's id before the extension", () => {
    expect(storedFileName("My photo.PNG", "1b4e28ba")).toBe("My photo--fid--1b4e28ba.png");
  });

  it("is null for a name that nothing is left of", () => {
    expect(storedFileName("???.png", "1b4e28ba")).toBeNull();
  });
});
