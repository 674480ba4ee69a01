import { expect, it } from "vitest";
import { replaceRecallMarks } from "./recall.ts";

const attributes = new Map([
  ["firstName", "Ada"],
  ["plan", undefined],
  ["note", '<b>"x"</b>'],
  ["q1", "an attribute"],
]);

it.each([
  ["Hi #recall:firstName/fallback:there#!", "Hi Ada!"],
  ["#recall:firstName/fallback:a#, #recall:firstName/fallback:b#", "Ada, Ada"],
  ["On #recall:plan/fallback:your plan#", "On your plan"],
  ["#recall:note/fallback:#", '&lt;b&gt;"x"&lt;/b&gt;'],
  ["#recall:unknown/fallback:x#", "#recall:unknown/fallback:x#"],
  ["#recall:q1/fallback:x#", "#recall:q1/fallback:x#"],
  ["no mark", "no mark"],
])("%j becomes %j", (text, replaced) => {
  const survey = { blocks: [{ elements: [{ headline: { default: text } }] }], delay: 3 };
  expect(replaceRecallMarks(survey, attributes, new Set(["q1"]))).toEqual({
    blocks: [{ elements: [{ headline: { default: replaced } }] }],
    delay: 3,
  });
});
