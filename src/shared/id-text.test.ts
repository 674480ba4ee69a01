import { expect, it } from "vitest";
import { idText } from "./id-text.ts";

it.each([
  [42, "42"],
  [-1, "-1"],
  [1.5, "1.5"],
  [1e21, "1000000000000000000000"],
])("idText writes %d as %s", (id, text) => {
  expect(idText(id)).toBe(text);
});
