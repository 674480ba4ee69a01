/** Where a row that is dragged comes to stand, and how the others make room. All lengths in px. */

export interface RowBox {
  /** From the same origin for all rows. */
  top: number;
  height: number;
}

/** The index that the row at `from` has when it has been moved down by `offset`: each row is passed at its middle. */
export function indexAfter(rows: readonly RowBox[], from: number, offset: number): number {
  const dragged = rows[from];
  if (dragged === undefined) return from;
  const top = dragged.top + offset;
  const bottom = top + dragged.height;
  const passed = (row: RowBox, index: number) =>
    index < from ? top < row.top + row.height / 2 : index > from && bottom > row.top + row.height / 2;
  const above = rows.filter((row, index) => index < from && passed(row, index)).length;
  const below = rows.filter((row, index) => index > from && passed(row, index)).length;
  return from - above + below;
}

/** How far down each row stands from its place while the row at `from` is about to stand at `to`. */
export function shiftsFor(rows: readonly RowBox[], from: number, to: number): number[] {
  const dragged = rows[from];
  const next = rows[from + 1];
  const before = rows[from - 1];
  if (dragged === undefined) return rows.map(() => 0);
  // What the dragged row leaves free: its height and the space to its neighbour.
  const space =
    next !== undefined
      ? next.top - dragged.top
      : dragged.top + dragged.height - (before ? before.top + before.height : dragged.top);
  return rows.map((_, index) => {
    if (index > from && index <= to) return -space;
    return index < from && index >= to ? space : 0;
  });
}

/** The ranking when the row at `from` of all rows (first the ranked ones, then the others) is dropped at `to`. */
export function rankingAfter(ranked: readonly string[], others: readonly string[], from: number, to: number): string[] {
  const rows = [...ranked, ...others];
  const moved = rows[from];
  if (moved === undefined) return [...ranked];
  const rest = ranked.filter((name) => name !== moved);
  const isRanked = from < ranked.length;
  // What was ranked stays so; what was not is, as soon as it stands among those that are or right after them.
  if (!isRanked && to > rest.length) return [...ranked];
  return [...rest.slice(0, to), moved, ...rest.slice(to)];
}
