import { expect, it } from "vitest";
import { createAnswerTimer } from "./answer-timer.ts";

it("adds up the time of each element, and begins anew after a stop", () => {
  let time = 0;
  const timer = createAnswerTimer({ now: () => time });
  timer.turnTo("a");
  time = 10;
  timer.turnTo("b");
  time = 15;
  timer.turnTo("a");
  time = 20.5;
  expect(timer.stop()).toEqual({ a: 15.5, b: 5 });
  time = 100;
  expect(timer.stop()).toEqual({});
});
