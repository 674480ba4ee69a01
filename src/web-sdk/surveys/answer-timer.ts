/** How long each element of the card was in hand. */
export interface AnswerTimer {
  /** The respondent turned to this element. */
  turnTo(elementId: string): void;
  /** Stops; milliseconds by element id since the last stop. */
  stop(): Record<string, number>;
}

/** `now` in milliseconds, monotonic. */
export function createAnswerTimer({ now }: { now: () => number }): AnswerTimer {
  let current: { elementId: string; since: number } | null = null;
  let times: Record<string, number> = {};
  return { turnTo, stop };

  function turnTo(elementId: string): void {
    settle();
    current = { elementId, since: now() };
  }

  function stop(): Record<string, number> {
    settle();
    current = null;
    const result = times;
    times = {};
    return result;
  }

  function settle(): void {
    if (current === null) return;
    const { elementId, since } = current;
    times[elementId] = (times[elementId] ?? 0) + now() - since;
  }
}
