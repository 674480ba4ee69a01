import { describe, expect, it } from "vitest";
import { indexAfter, rankingAfter, shiftsFor } from "./drag-order.ts";

/** Three rows with a space of 8 between them; the second is twice as high. */
const ROWS = [
  { top: 0, height: 40 },
  { top: 48, height: 80 },
  { top: 136, height: 40 },
];

describe("a row that is dragged", () => {
  it("passes another at the other's middle", () => {
    expect([47, 49, 90, 120].map((offset) => indexAfter(ROWS, 0, offset))).toEqual([0, 1, 1, 2]);
    expect([-40, -50, -120].map((offset) => indexAfter(ROWS, 2, offset))).toEqual([2, 1, 0]);
  });

  it("stays where it is when it is none of the rows", () => {
    expect([indexAfter(ROWS, 7, 10), shiftsFor(ROWS, 7, 0), rankingAfter(["a"], [], 7, 0)]).toEqual([7, [0, 0, 0], ["a"]]);
  });

  it("makes the rows it passes move by the room it takes", () => {
    expect(shiftsFor(ROWS, 0, 2)).toEqual([0, -48, -48]);
    expect(shiftsFor(ROWS, 2, 0)).toEqual([48, 48, 0]);
    expect(shiftsFor(ROWS, 1, 1)).toEqual([0, 0, 0]);
  });
});

describe("a ranking", () => {
  it("has a row that is dropped where it was dropped", () => {
    expect(rankingAfter(["a", "b", "c"], [], 0, 2)).toEqual(["b", "c", "a"]);
    expect(rankingAfter(["a", "b", "c"], [], 2, 0)).toEqual(["c", "a", "b"]);
  });

  it("takes up what is dropped in it or right below it", () => {
    expect(rankingAfter(["a", "b"], ["x", "y"], 3, 1)).toEqual(["a", "y", "b"]);
    expect(rankingAfter(["a", "b"], ["x", "y"], 3, 2)).toEqual(["a", "b", "y"]);
    expect(rankingAfter([], ["x", "y"], 1, 0)).toEqual(["y"]);
  });

  it("keeps what is dropped below it, as the last", () => {
    expect(rankingAfter(["a", "b"], ["x", "y"], 0, 3)).toEqual(["b", "a"]);
  });

  it("leaves what is dropped among the others where it was", () => {
    expect(rankingAfter(["a"], ["x", "y"], 1, 2)).toEqual(["a"]);
  });
});
