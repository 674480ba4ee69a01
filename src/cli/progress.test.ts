import { describe, expect, it } from "vitest";
import { createProgress } from "./progress.ts";

function record(isTTY: boolean) {
  let written = "";
  let time = 0;
  const stream = {
    isTTY,
    write: (text: string) => {
      written += text;
    },
  };
  const progress = createProgress({ stream, now: () => time });
  const at = (ms: number, text: string) => {
    time = ms;
    progress.update(text);
  };
  return { at, end: progress.end, written: () => written };
}

describe("createProgress", () => {
  it("rewrites one line of a terminal and takes it away at the end", () => {
    const { at, end, written } = record(true);
    at(0, "one");
    at(50, "too soon");
    at(150, "two");
    end();
    expect(written()).toBe("\r\u001b[Kone\r\u001b[Ktwo\r\u001b[K");
  });

  it("writes a line every five seconds elsewhere", () => {
    const { at, end, written } = record(false);
    at(0, "at once");
    at(5_000, "one");
    at(9_000, "too soon");
    at(10_000, "two");
    end();
    expect(written()).toBe("one\ntwo\n");
  });
});
