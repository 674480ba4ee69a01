/** Rows that one statement deletes where there may be millions: no statement has more than ten seconds. */
export const DELETE_BATCH = 5_000;

/**
 * Repeats `deleteSome`, which deletes so many rows at most and tells how many it deleted, until there are fewer. Returns
 * how many they were in all.
 */
export async function deleteInBatches(deleteSome: (limit: number) => Promise<number>, limit = DELETE_BATCH): Promise<number> {
  for (let total = 0; ; ) {
    const deleted = await deleteSome(limit);
    total += deleted;
    if (deleted < limit) return total;
  }
}
