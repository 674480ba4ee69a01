import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createProgress } from "./progress.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function record(isTTY: boolean) {
  let written = "";
  const progress = createProgress({
    stream: {
      isTTY,
      write: (text) => {
        written += text;
      },
    },
  });
  return { ...progress, written: () => written };
}

describe("createProgress", () => {
  it("rewrites one line of a terminal and takes it away at the end", () => {
    const progress = record(true);
    progress.update("one");
    vi.advanceTimersByTime(200);
    progress.update("not seen");
    progress.update("two");
    vi.advanceTimersByTime(200);
    progress.end();
    vi.advanceTimersByTime(10_000);
    expect(progress.written()).toBe("\r\u001b[Kone, 0 s\r\u001b[Ktwo, 0 s\r\u001b[K");
  });

  it("writes a line every five seconds elsewhere, also while nothing new is known", () => {
    const progress = record(false);
    progress.update("one");
    vi.advanceTimersByTime(12_000);
    progress.end();
    expect(progress.written()).toBe("one, 5 s\none, 10 s\n");
  });

  it("writes nothing about work of a moment", () => {
    const progress = record(false);
    progress.update("one");
    progress.end();
    expect(progress.written()).toBe("");
  });
});
