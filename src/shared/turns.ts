/** Lets work on one thing go one after another, in the order of arrival, in this process. */
export function createTurns() {
  const last = new Map<string, Promise<unknown>>();
  return { take };

  /** Runs `work` when all that came before it under the same key has ended, however it ended. */
  function take<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
    const turn = (last.get(key) ?? Promise.resolve()).then(work, work);
    last.set(key, turn);
    const forget = () => {
      if (last.get(key) === turn) last.delete(key);
    };
    turn.then(forget, forget);
    return turn;
  }
}
