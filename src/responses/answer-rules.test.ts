import { describe, expect, it } from "vitest";
import { findViolations, validateAnswers } from "./answer-rules.ts";
import { countSelections } from "./rule-types.ts";
import { readElements, textKeys } from "./survey-elements.ts";

const REQUIRED = "Please fill out this field";
const FORMAT = "Please enter a valid format";
const drinks = [
  { id: "tea", label: { default: "Tea", "de-DE": "Tee" } },
  { id: "cof", label: { default: "Coffee" } },
];
const withOther = [...drinks, { id: "other", label: { default: "Else" } }];
const grid = {
  rows: [
    { id: "r1", label: { default: "Speed" } },
    { id: "r2", label: { default: "Price" } },
  ],
  columns: [{ id: "c1", label: { default: "Good" } }],
};
const address = {
  addressLine1: { show: true, required: true, placeholder: { default: "Street" } },
  zip: { show: true, required: true, placeholder: { default: "Zip", "de-DE": "PLZ" } },
};
const contact = {
  firstName: { show: true, required: true, placeholder: { default: "First" } },
  email: { show: true, required: true, placeholder: { default: "Mail" } },
  phone: { show: false, required: false, placeholder: { default: "" } },
};
const languages = [
  { code: "en-US", alias: null, default: true },
  { code: "de-DE", alias: null, default: false },
];

/** The message for an answer to one element; null when it is in order. */
function check(element: Record<string, unknown>, value: unknown, language: string | undefined = "default"): string | null {
  const elements = readElements({ blocks: [{ elements: [{ id: "q", ...element }] }] });
  expect(elements).toHaveLength(1);
  const issues = validateAnswers({ elements, data: { q: value }, texts: textKeys(language, languages) });
  return issues[0]?.issue ?? null;
}

const ruled = (element: Record<string, unknown>, ...rules: Record<string, unknown>[]) => ({ ...element, validation: { rules } });
const text = { type: "openText" };

describe("required elements", () => {
  it.each([
    [text, "", REQUIRED],
    [text, null, REQUIRED],
    [text, "x", null],
    [{ type: "nps" }, 0, null],
    [{ type: "cta" }, "", null],
    [{ type: "multipleChoiceMulti", choices: drinks }, [], REQUIRED],
    [{ type: "matrix", ...grid }, {}, REQUIRED],
    [{ type: "matrix", ...grid }, { Speed: "" }, REQUIRED],
    [{ type: "matrix", ...grid }, { Speed: "Good", Price: "" }, null],
    [{ type: "ranking", choices: drinks }, [], REQUIRED],
    [{ type: "ranking", choices: drinks }, "Tea", REQUIRED],
    [{ type: "ranking", choices: drinks }, ["Tea"], null],
    [{ type: "multipleChoiceSingle", choices: withOther }, "", REQUIRED],
  ])("%j answered with %j: %j", (element, value, message) => {
    expect(check({ ...element, required: true }, value)).toBe(message);
  });

  it("may be absent, and keys without an element are not looked at", () => {
    const elements = readElements({ questions: [{ id: "q", ...text, required: true }] });
    expect(validateAnswers({ elements, data: { nope: "" }, texts: textKeys("en", []) })).toEqual([]);
  });
});

describe("the choice other", () => {
  const single = { type: "multipleChoiceSingle", choices: withOther };
  const multi = { type: "multipleChoiceMulti", choices: withOther };
  it.each([
    [single, "Yerba mate", null],
    [single, "Tea", null],
    [single, "   ", REQUIRED],
    [single, "", REQUIRED],
    [{ ...single, required: true }, "   ", REQUIRED],
    [multi, ["Tea"], null],
    [multi, ["Tea", "", "Own blend"], null],
    [multi, ["Tea", "Own blend"], null],
    [multi, [""], REQUIRED],
    [multi, ["Tea", ""], REQUIRED],
    [multi, ["Tea", "", "  "], REQUIRED],
    [{ type: "multipleChoiceMulti", choices: drinks }, ["Tea", ""], null],
  ])("%j answered with %j: %j", (element, value, message) => {
    expect(check(element, value)).toBe(message);
  });
});

describe("membership of choices", () => {
  const single = { type: "multipleChoiceSingle", choices: drinks };
  const multi = { type: "multipleChoiceMulti", choices: drinks };
  it.each([
    [single, "Tea", "default", null],
    [single, "tea", "default", null],
    [single, "Tee", "de", null],
    [single, "Tea", "de", FORMAT],
    [single, "Coffee", "de", null],
    [single, "Milk", "default", FORMAT],
    [single, 5, "default", FORMAT],
    [single, "", "default", null],
    [single, "Tea", undefined, null],
    [multi, ["Tea", "cof"], "default", null],
    [multi, ["Tea", "", "cof"], "default", null],
    [multi, ["Tea", "Milk"], "default", FORMAT],
    [{ type: "pictureSelection", choices: drinks }, ["nope"], "default", null],
    [{ type: "ranking", choices: drinks }, ["nope"], "default", null],
  ])("%j answered with %j in %j: %j", (element, value, language, message) => {
    expect(check(element, value, language)).toBe(message);
  });
});

describe("rules", () => {
  const date = { type: "date" };
  const multi = { type: "multipleChoiceMulti", choices: withOther };
  const ranking = { type: "ranking", choices: drinks };
  const matrix = { type: "matrix", ...grid };
  const upload = { type: "fileUpload" };
  const between = { startDate: "2026-01-01", endDate: "2026-01-31" };

  it.each([
    [text, "minLength", { min: 2 }, ["ab", "", 10], ["a", 1]],
    [text, "maxLength", { max: 2 }, ["ab", ""], ["abc"]],
    [text, "pattern", { pattern: "^a+$" }, ["aa", ""], ["b"]],
    [text, "pattern", { pattern: "^a+$", flags: "i" }, ["AA"], ["b"]],
    [text, "pattern", { pattern: "(" }, ["anything"], []],
    [text, "email", {}, ["a.b+c@d-e.co", ""], ["a@b", "a@b.c", "a b@c.de", "@c.de", "a@c.d1"]],
    [text, "url", {}, ["https://a.example/x", ""], ["a.example", "/x"]],
    [text, "phone", {}, ["+49 30-123", "0301", "12", ""], ["x12", "12-", "+", "1"]],
    [text, "equals", { value: "a" }, ["a", ""], ["A", "b"]],
    [text, "doesNotEqual", { value: "a" }, ["A", ""], ["a"]],
    [text, "contains", { value: "a" }, ["bab", ""], ["bAb"]],
    [text, "doesNotContain", { value: "a" }, ["bAb", ""], ["bab"]],
    [text, "minValue", { min: 5 }, ["5", 5, "5.5 kg", "x", ""], ["4.9", 4]],
    [text, "maxValue", { max: 5 }, ["5", "x", ""], ["5.1"]],
    [text, "isGreaterThan", { min: 5 }, ["5.1", "x", ""], ["5"]],
    [text, "isLessThan", { max: 5 }, ["4.9", "x", ""], ["5"]],
    [
      multi,
      "minSelections",
      { min: 2 },
      [
        ["Tea", "Coffee"],
        ["Tea", "", "Own"],
      ],
      [["Tea"], [], ["", "Own"]],
    ],
    [
      multi,
      "maxSelections",
      { max: 1 },
      [["Tea"], ["", "Own"], []],
      [
        ["Tea", "Coffee"],
        ["Tea", "", "Own"],
      ],
    ],
    [date, "isLaterThan", { date: "2026-01-01" }, ["2026-01-02", ""], ["2026-01-01"]],
    [date, "isEarlierThan", { date: "2026-01-01" }, ["2025-12-31", ""], ["2026-01-01"]],
    [date, "isBetween", between, ["2026-01-02", ""], ["2026-01-01", "2026-01-31", "2026-02-01"]],
    [date, "isNotBetween", between, ["2025-12-31", "2026-02-01", ""], ["2026-01-01", "2026-01-31", "2026-01-15"]],
    [ranking, "minRanked", { min: 2 }, [["Tea", "Coffee"], []], [["Tea"]]],
    [ranking, "rankAll", {}, [["Tea", "Coffee"], []], [["Tea"]]],
    [text, "rankAll", {}, ["x"], []],
    [matrix, "minRowsAnswered", { min: 2 }, [{ Speed: "Good", Price: "Good" }, {}], [{ Speed: "Good", Price: "" }]],
    [matrix, "answerAllRows", {}, [{ Speed: "Good", Price: "Good" }, {}], [{ Speed: "Good" }]],
    [text, "answerAllRows", {}, ["x"], []],
    [
      upload,
      "fileExtensionIs",
      { extensions: [".PDF", "png"] },
      [["/a.pdf", "/b.PNG?x=1.exe"], []],
      [["/a.pdf", "/b.jpg"], ["/a"]],
    ],
    [upload, "fileExtensionIsNot", { extensions: ["pdf"] }, [["/b.png"], []], [["/b.png", "/a.PDF#x"]]],
    [text, "fileExtensionIs", { extensions: ["pdf"] }, ["x"], []],
    [text, "noSuchRule", {}, ["x"], []],
    [{ type: "consent" }, "minLength", { min: 50 }, ["accepted"], []],
  ])("%j %s %j", (element, type, params, passing, failing) => {
    const checked = ruled(element, { id: "r", type, params });
    for (const value of passing) expect([value, check(checked, value)]).toEqual([value, null]);
    for (const value of failing) expect([value, check(checked, value)]).not.toEqual([value, null]);
  });

  it("fail minimum selections on what is no list", () => {
    expect(check(ruled({ type: "pictureSelection" }, { id: "r", type: "minSelections", params: { min: 1 } }), "p1")).toBe(
      "Please select at least 1 options",
    );
  });

  it("join their messages when all must pass", () => {
    const element = ruled(text, { id: "a", type: "minLength", params: { min: 5 } }, { id: "b", type: "email", params: {} });
    expect(check(element, "abc")).toBe("Please enter at least 5 characters; Please enter a valid email address");
  });

  it("need only one to pass when they are joined with or", () => {
    const rules = [
      { id: "a", type: "email", params: {} },
      { id: "b", type: "phone", params: {} },
    ];
    const element = { ...text, validation: { logic: "or", rules } };
    expect(check(element, "0301")).toBeNull();
    expect(check(element, "x")).toBe("Please enter a valid email address; Please enter a valid phone number");
    expect(check({ ...element, required: true }, "")).toBe(REQUIRED);
  });

  it.each([
    ["email", "nope", "Please enter a valid email address"],
    ["url", "nope", "Please enter a valid URL"],
    ["phone", "nope", "Please enter a valid phone number"],
    ["text", "nope", null],
  ])("are implied by the input type %s", (inputType, value, message) => {
    expect(check({ ...text, inputType }, value)).toBe(message);
  });

  it("are not implied twice", () => {
    expect(check(ruled({ ...text, inputType: "email" }, { id: "r", type: "email", params: {} }), "nope")).toBe(
      "Please enter a valid email address",
    );
  });

  it("are implied for the shown e-mail and phone of contact details, in their slots", () => {
    const element = { type: "contactInfo", ...contact };
    expect(check(element, ["Ida", "Berg", "ida@acme.example", "no phone", ""])).toBeNull();
    expect(check(element, ["Ida", "Berg", "ida", "", ""])).toBe("Mail: Please enter a valid email address");
    expect(check({ ...element, phone: { show: true } }, ["", "", "", "x", ""])).toBe("Please enter a valid phone number");
  });

  it("see the slot their field names, and name it in the response's language", () => {
    const element = ruled({ type: "address", ...address }, { id: "r", type: "minLength", field: "zip", params: { min: 4 } });
    expect(check(element, ["1 Quay", "", "Oslo", "", "0150", "Norway"])).toBeNull();
    expect(check(element, ["1 Quay", "", "Oslo", "", "01", "Norway"], "de")).toBe("PLZ: Please enter at least 4 characters");
  });
});

describe("violations", () => {
  it("name element and rule", () => {
    const elements = readElements({
      blocks: [
        { elements: [{ id: "a", ...ruled(text, { id: "r1", type: "minLength", params: { min: 2 } }) }] },
        { elements: [{ id: "b", ...text, required: true }] },
        { elements: [{ id: "c", type: "openText", inputType: "email" }] },
      ],
    });
    expect(findViolations({ elements, data: { a: "x", b: "", c: "x" }, texts: textKeys(null, []) })).toEqual([
      { elementId: "a", ruleId: "r1", ruleType: "minLength", message: "Please enter at least 2 characters" },
      { elementId: "b", ruleId: "required", ruleType: "required", message: REQUIRED },
      { elementId: "c", ruleId: "email", ruleType: "email", message: "Please enter a valid email address" },
    ]);
  });

  it("become an issue per element", () => {
    const elements = readElements({ questions: [{ id: "a", ...text, required: true }] });
    expect(validateAnswers({ elements, data: { a: "" }, texts: textKeys(null, []) })).toEqual([
      { field: "response.data.a", issue: REQUIRED },
    ]);
  });
});

describe("countSelections", () => {
  it.each([
    [[], 0],
    [["Tea"], 1],
    [["Tea", ""], 2],
    [["Tea", "", "Own"], 2],
    [["", "Own", "Tea"], 2],
    [["Tea", "Own"], 2],
  ])("counts %j as %j", (answers, count) => {
    expect(countSelections(answers)).toBe(count);
  });
});
