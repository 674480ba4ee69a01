/** A line that says how far long work is: rewritten in place at a terminal, else a new line every few seconds. */
export interface Progress {
  /** What is being done now; shown in its turn, with the time that it has taken, also while nothing is updated. */
  update(text: string): void;
  /** Takes the line away from a terminal. */
  end(): void;
}

const TERMINAL_INTERVAL_MS = 200;
const LOG_INTERVAL_MS = 5_000;

/** @param stream not stdout, which is for results */
export function createProgress({ stream }: { stream: { isTTY?: boolean; write(text: string): unknown } }): Progress {
  const isTerminal = stream.isTTY === true;
  const startedAt = Date.now();
  let current = "";
  let isShown = false;
  const timer = setInterval(show, isTerminal ? TERMINAL_INTERVAL_MS : LOG_INTERVAL_MS);
  return { update, end };

  function update(text: string): void {
    current = text;
  }

  function show(): void {
    if (current === "") return;
    const line = `${current}, ${Math.round((Date.now() - startedAt) / 1_000)} s`;
    stream.write(isTerminal ? `\r\u001b[K${line}` : `${line}\n`);
    isShown = true;
  }

  function end(): void {
    clearInterval(timer);
    if (isTerminal && isShown) stream.write("\r\u001b[K");
    isShown = false;
  }
}
