import { expect, test } from "vitest";
import { createEmbeddedData, fieldsOfSurvey, readFieldValues } from "./hidden-fields.ts";

test("values are texts, numbers, booleans, lists of texts and dates", () => {
  expect(
    readFieldValues({
      text: "a",
      number: 1.5,
      flag: false,
      list: ["a", "b"],
      date: new Date(0),
      mixed: ["a", 1],
      object: {},
      nothing: null,
      infinite: Number.POSITIVE_INFINITY,
      noDate: new Date(Number.NaN),
    }),
  ).toEqual({ text: "a", number: 1.5, flag: false, list: ["a", "b"], date: "1970-01-01T00:00:00.000Z" });
  expect(readFieldValues("text")).toEqual({});
});

test.each([
  [{ enabled: true, fieldIds: ["a"] }, { a: "1" }, ["b"]],
  [{ enabled: false, fieldIds: ["a"] }, {}, ["a", "b"]],
  [{ enabled: true }, {}, ["a", "b"]],
])("hidden fields %j take %j", (hiddenFields, fields, unknown) => {
  expect(fieldsOfSurvey({ hiddenFields }, { a: "1", b: 2 })).toEqual({ fields, unknown });
});

test("embedded data is merged, and taken away by key, by null or as a whole", () => {
  const embedded = createEmbeddedData();
  embedded.merge({ a: 1, b: "2", c: true });
  embedded.merge({ a: 3, b: null, c: undefined });
  expect(embedded.values()).toEqual({ a: 3, c: true });
  embedded.clear("a");
  embedded.clear(undefined); // only a call without arguments clears everything
  expect(embedded.values()).toEqual({ c: true });
  embedded.clear();
  expect(embedded.values()).toEqual({});
});
