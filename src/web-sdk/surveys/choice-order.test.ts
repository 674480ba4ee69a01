import { describe, expect, it } from "vitest";
import { orderChoices } from "./choice-order.ts";

const choices = ["a", "b", "c", "other"].map((id) => ({ id }));
const plain = choices.slice(0, 3);
/** Each call less than the one before: a shuffle with it reverses. */
const falling = () => {
  let next = 1;
  return () => {
    next -= 0.1;
    return next;
  };
};
const order = (given: { id: string }[], shuffleOption: string, random: () => number) =>
  orderChoices(given, shuffleOption, random)
    .map(({ id }) => id)
    .join(" ");

describe("orderChoices", () => {
  it("keeps the order, but for other and none, which are last", () => {
    expect(order([{ id: "none" }, { id: "other" }, ...plain], "none", falling())).toBe("a b c other none");
  });

  it.each([
    ["all", "c b a other", "c b a"],
    ["exceptLast", "c b a other", "b a c"],
  ])("shuffles with %s", (option, withOther, without) => {
    expect([order(choices, option, falling()), order(plain, option, falling())]).toEqual([withOther, without]);
  });

  it("reverses now and then", () => {
    const at = (option: string, random: number) => [order(choices, option, () => random), order(plain, option, () => random)];
    expect(at("reverseOrderOccasionally", 0.1)).toEqual(["c b a other", "c b a"]);
    expect(at("reverseOrderOccasionally", 0.9)).toEqual(["a b c other", "a b c"]);
    expect(at("reverseOrderExceptLast", 0.1)).toEqual(["c b a other", "b a c"]);
    expect(at("reverseOrderExceptLast", 0.9)).toEqual(["a b c other", "a b c"]);
  });
});
