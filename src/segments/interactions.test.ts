import { expect, test } from "vitest";
import { surveyInteractions } from "./service.ts";

const node = (resource: unknown, connector: "or" | null = null) => ({ id: "n", connector, resource });
const leaf = (root: object, operator: string, value: unknown) => node({ id: "l", root, qualifier: { operator }, value });
const asks = (operator: string, surveyIds: string[]) =>
  leaf({ type: "surveyInteraction" }, operator, {
    surveyScope: "specific",
    surveyIds,
    within: { amount: 1, unit: "weeks" },
  });
const refers = (segmentId: string) => leaf({ type: "segment", segmentId }, "userIsNotIn", segmentId);

const interactions = (segments: Record<string, unknown>, ...ids: string[]) =>
  surveyInteractions(
    Object.entries(segments).map(([id, filters]) => ({ id, filters })),
    ids,
  ).map(({ event, surveyIds }) => [event, surveyIds]);

test("only the segments asked for and those they refer to count", () => {
  const segments = { a: [refers("b")], b: [asks("haveSeen", ["s1"])], c: [asks("haveSeen", ["s2"])] };
  expect(interactions(segments, "a")).toEqual([["display", ["s1"]]]);
  expect(interactions(segments)).toEqual([]);
});

test("leaves of groups count, each segment once, circles included", () => {
  const group = node([asks("haveCompleted", ["s1"]), node([asks("haveStartedRespondingTo", ["s2"])], "or")]);
  const segments = { a: [group, refers("b"), refers("a")], b: [refers("a"), asks("haveNotSeen", ["s3"])] };
  expect(interactions(segments, "a", "b")).toEqual([
    ["finishedResponse", ["s1"]],
    ["response", ["s2"]],
    ["display", ["s3"]],
  ]);
});

test("segments that match nobody ask for nothing", () => {
  const segments = { unreadable: [asks("haveSeen", ["s1"]), leaf({ type: "moon" }, "equals", 1)], none: null };
  expect(interactions(segments, "unreadable", "none", "missing")).toEqual([]);
});
