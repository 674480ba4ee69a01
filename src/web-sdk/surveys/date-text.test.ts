import { expect, it } from "vitest";
import { dateText } from "./date-text.ts";

it.each([
  ["2026-03-01", "d-M-y", "en", "1 March 2026"],
  ["2026-03-01", "M-d-y", "en", "March 1, 2026"],
  ["2026-03-01", "y-M-d", "en", "2026 March 1"],
  ["2026-03-01", "d-M-y", "de-DE", "1 März 2026"],
  ["2026-03-01", "d-M-y", "no language", "1 March 2026"],
  ["", "d-M-y", "en", ""],
  ["soon", "d-M-y", "en", ""],
])("says %j in the order %s in %s: %j", (day, format, language, expected) => {
  expect(dateText(day, format, language)).toBe(expected);
});
