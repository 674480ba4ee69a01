import { expect, test } from "vitest";
import { createEvents } from "./events.ts";

test("handlers are told until they are taken away, whatever others do", () => {
  const failures: unknown[] = [];
  const events = createEvents({ log: { debug: () => {}, error: (_message, cause) => failures.push(cause) } });
  const told: unknown[] = [];
  const handler = (payload: unknown) => told.push(payload);
  const failure = new Error("mine");
  const remove = events.on("formbricks_survey_shown", () => {
    throw failure;
  });
  events.on("formbricks_survey_shown", handler);
  events.emit("formbricks_survey_shown", { surveyId: "s1" });
  remove();
  events.emit("formbricks_survey_shown", { surveyId: "s2" });
  events.off("formbricks_survey_shown", handler);
  events.emit("formbricks_survey_shown", { surveyId: "s3" });
  expect(told).toEqual([{ surveyId: "s1" }, { surveyId: "s2" }]);
  expect(failures).toEqual([failure]);
});
