import { expect, test } from "vitest";
import { createTurns } from "./turns.ts";

test("work of one key runs in order, whatever becomes of the one before; other keys do not wait", async () => {
  const inTurn = createTurns();
  const log: string[] = [];
  const step =
    (name: string, ms: number, fail = false) =>
    async () => {
      log.push(`${name} starts`);
      await new Promise((resume) => setTimeout(resume, ms));
      log.push(`${name} ends`);
      if (fail) throw new Error(name);
      return name;
    };
  const results = await Promise.allSettled([
    inTurn("a", step("first", 20, true)),
    inTurn("a", step("second", 1)),
    inTurn("b", step("other", 1)),
  ]);
  expect(results.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
  expect(log.indexOf("first ends")).toBeLessThan(log.indexOf("second starts"));
  expect(log.indexOf("other ends")).toBeLessThan(log.indexOf("first ends"));
});
