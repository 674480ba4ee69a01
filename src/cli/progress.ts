/** A line that says how far long work is: rewritten in place at a terminal, else a new line every few seconds. */
export interface Progress {
  update(text: string): void;
  /** Takes the line away from a terminal. */
  end(): void;
}

const TERMINAL_INTERVAL_MS = 100;
const LOG_INTERVAL_MS = 5_000;

/** @param stream not stdout, which is for results */
export function createProgress({
  stream,
  now = Date.now,
}: {
  stream: { isTTY?: boolean; write(text: string): unknown };
  now?: () => number;
}): Progress {
  const isTerminal = stream.isTTY === true;
  const intervalMs = isTerminal ? TERMINAL_INTERVAL_MS : LOG_INTERVAL_MS;
  let shownAt = isTerminal ? Number.NEGATIVE_INFINITY : now(); // work of a moment needs no line in a log
  let isShown = false;
  return { update, end };

  function update(text: string): void {
    if (now() - shownAt < intervalMs) return;
    shownAt = now();
    isShown = true;
    stream.write(isTerminal ? `\r\u001b[K${text}` : `${text}\n`);
  }

  function end(): void {
    if (isTerminal && isShown) stream.write("\r\u001b[K");
    isShown = false;
  }
}
