/** Matches answers with questions by their number. */
export interface Answers<Answer> {
  /** Takes the next number, from 1 on. The answer is null when none comes in time. */
  expect(timeoutMs: number): { id: number; answer: Promise<Answer | null> };
  settle(id: number, answer: Answer): void;
}

export function createAnswers<Answer>(): Answers<Answer> {
  const open = new Map<number, (answer: Answer | null) => void>();
  let lastId = 0;
  return { expect, settle: (id, answer) => open.get(id)?.(answer) };

  function expect(timeoutMs: number): { id: number; answer: Promise<Answer | null> } {
    const id = ++lastId;
    const answer = new Promise<Answer | null>((resolve) => {
      // An answer that is there already when the time is up counts: after a busy moment timers come first.
      const timer = setTimeout(() => setImmediate(finish, null), timeoutMs);
      open.set(id, finish);
      function finish(given: Answer | null): void {
        clearTimeout(timer);
        open.delete(id);
        resolve(given);
      }
    });
    return { id, answer };
  }
}
