import { expect, test } from "vitest";
import type { User } from "./state.ts";
import { withDisplay, withHistorySince, withResponse } from "./user-history.ts";

const user: User = { userId: "u1", contactId: "c1", segments: [], displays: [], responses: [], lastDisplayAt: null };
const AT = "2026-06-10T12:00:00.000Z";

test("the answer counts when nothing happened meanwhile", () => {
  const answer = withResponse(withDisplay(user, "s1", AT), "s1");
  expect(withHistorySince(answer, user, user)).toEqual(answer);
});

test("what happened meanwhile is kept when the answer does not know it", () => {
  const current = withResponse(withDisplay(user, "s1", AT), "s1");
  expect(withHistorySince({ ...user, segments: ["g1"] }, user, current)).toEqual({ ...current, segments: ["g1"] });
});

test("what happened meanwhile is not counted twice", () => {
  const current = withResponse(withDisplay(user, "s1", AT), "s1");
  const answer = { ...current, displays: [{ surveyId: "s1", createdAt: "2026-06-10T12:00:00.100Z" }] };
  expect(withHistorySince(answer, user, current)).toEqual(answer);
});

test("the history of somebody else is not taken over", () => {
  const anonymous = { ...user, userId: null };
  expect(withHistorySince(user, anonymous, withDisplay(anonymous, "s1", AT))).toEqual(user);
});
