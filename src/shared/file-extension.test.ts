import { expect, it } from "vitest";
import { fileExtension } from "./file-extension.ts";

it.each([
  ["photo.PNG", "png"],
  ["a.tar.gz", "gz"],
  ["archive.7z", "7z"],
  [".env", "env"],
  ["photo", null],
  ["photo.", null],
  ["photo.p-g", null],
  [`photo.${"x".repeat(21)}`, null],
])("the extension of %j is %j", (name, extension) => {
  expect(fileExtension(name)).toBe(extension);
});
