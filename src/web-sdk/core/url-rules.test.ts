import { describe, expect, test } from "vitest";
import { matchesPage } from "./url-rules.ts";

const URL = "https://shop.example/pricing?plan=pro#faq";

describe("a rule", () => {
  test.each([
    ["exactMatch", URL, true],
    ["exactMatch", "https://shop.example/pricing", false],
    ["notMatch", URL, false],
    ["notMatch", "https://shop.example/", true],
    ["contains", "/pricing", true],
    ["contains", "/docs", false],
    ["notContains", "/docs", true],
    ["notContains", "plan=pro", false],
    ["startsWith", "https://shop", true],
    ["startsWith", "shop", false],
    ["endsWith", "#faq", true],
    ["endsWith", "/pricing", false],
    ["matchesRegex", "/pricing\\?plan=(pro|team)", true],
    ["matchesRegex", "^/pricing", false],
    ["matchesRegex", "(", false],
    ["somethingNew", URL, false],
  ])("%s %s: %s", (rule, value, expected) => {
    expect(matchesPage({ urlFilters: [{ rule, value }] }, URL)).toBe(expected);
  });
});

test.each([
  ["or", true],
  ["and", false],
  [null, true],
  [undefined, true],
])("rules joined by %s: %s when one of two matches", (urlFiltersConnector, expected) => {
  const urlFilters = [
    { rule: "contains", value: "/pricing" },
    { rule: "contains", value: "/docs" },
  ];
  expect(matchesPage({ urlFilters, ...(urlFiltersConnector === undefined ? {} : { urlFiltersConnector }) }, URL)).toBe(expected);
});

test.each([[[]], [null]])("filters %j match every page", (urlFilters) => {
  expect(matchesPage({ urlFilters, urlFiltersConnector: "and" }, URL)).toBe(true);
});
