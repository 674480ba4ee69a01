import { describe, expect, it } from "vitest";
import { readElements } from "./survey-elements.ts";
import { findInvalidUpload } from "./upload-answers.ts";

const PATH = "/storage/env1/private/surveys/sv1/elements/q";
const scope = { environmentId: "env1", surveyId: "sv1", ownOrigins: ["https://forms.example"] };

function check(value: unknown, element: Record<string, unknown> = {}, options: { unscopedOwnerIds?: string[] } = {}) {
  const elements = readElements({ blocks: [{ elements: [{ id: "q", type: "fileUpload", ...element }] }] });
  return findInvalidUpload({ elements, data: { q: value }, ...scope, ...options });
}

describe("upload answers", () => {
  it.each([
    [[]],
    [[`${PATH}/a--fid--1.pdf`]],
    [[`${PATH}/a.pdf`, `${PATH}/b.png`]],
    [[`https://forms.example${PATH}/a.pdf`]],
    [[`${PATH}/a.pdf?x=1#y`]],
    [[`${PATH}/a%20b.pdf`]],
    [[`${PATH}/ä b.pdf`]],
  ])("accepts %j", (value) => {
    expect(check(value)).toBeNull();
  });

  it.each([
    ["skipped"],
    [""],
    [`${PATH}/a.pdf`],
    [[5]],
    [["skipped"]],
    [[`${PATH}/a`]],
    [[`${PATH}/`]],
    [[`${PATH}/x/a.pdf`]],
    [[`https://evil.example${PATH}/a.pdf`]],
    [[`https://forms.example.evil.example${PATH}/a.pdf`]],
    [[`//evil.example${PATH}/a.pdf`]],
    [[`/\\evil.example${PATH}/a.pdf`]],
    [[PATH.replace("env1", "env2").concat("/a.pdf")]],
    [[PATH.replace("sv1", "sv2").concat("/a.pdf")]],
    [[PATH.replace("/q", "/r").concat("/a.pdf")]],
    [[PATH.replace("private", "public").concat("/a.pdf")]],
    [[`/storage/../storage/env1/private/surveys/sv1/elements/q/a.pdf`]],
    [[`${PATH}/..%2fa.pdf`]],
    [[`${PATH}/%ff.pdf`]],
    [["/storage/env1/private/a.pdf"]],
  ])("refuses %j", (value) => {
    expect(check(value)).toBe("q");
  });

  it("wants an extension that the element allows", () => {
    expect(check([`${PATH}/a.PDF`], { allowedFileExtensions: ["pdf"] })).toBeNull();
    expect(check([`${PATH}/a.png`], { allowedFileExtensions: ["pdf"] })).toBe("q");
  });

  it("takes files of before they were scoped where the caller says so", () => {
    const options = { unscopedOwnerIds: ["env1", "legacy1"] };
    expect(check(["/storage/legacy1/private/a.pdf"], {}, options)).toBeNull();
    expect(check(["/storage/legacy2/private/a.pdf"], {}, options)).toBe("q");
  });

  it("does not look at elements of other types or without an answer", () => {
    expect(check("anything", { type: "openText" })).toBeNull();
    const elements = readElements({ questions: [{ id: "q", type: "fileUpload" }] });
    expect(findInvalidUpload({ elements, data: {}, ...scope })).toBeNull();
  });
});
