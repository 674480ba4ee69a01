const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** How long after each failed attempt the next one follows; after the last there is none. */
export const RETRY_DELAYS_MS: readonly number[] = [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 10 * HOUR];

/** How much later or earlier, so that what failed together does not come again together. */
const JITTER = 0.2;

/**
 * The pause after a failed attempt, null when it was the last.
 * @param attempts made so far, the failed one included
 * @param random in [0, 1)
 */
export function retryDelayMs(attempts: number, random: number, delaysMs: readonly number[] = RETRY_DELAYS_MS): number | null {
  const delayMs = delaysMs[attempts - 1];
  return delayMs === undefined ? null : Math.round(delayMs * (1 + JITTER * (2 * random - 1)));
}
