/** Rows that one statement changes or deletes where there may be millions: no statement has more than ten seconds. */
export const BATCH_ROWS = 5_000;

/** Repeats `work`, which does so many rows at most and tells how many it did, until there were fewer. Returns their sum. */
export async function inBatches(work: (limit: number) => Promise<number>): Promise<number> {
  for (let total = 0; ; ) {
    const done = await work(BATCH_ROWS);
    total += done;
    if (done < BATCH_ROWS) return total;
  }
}
