/** Brings a shown list and a newer reading together without moving a row. */

/**
 * Returns the shown rows with the values of the newer ones, and how many newer rows are not shown. A row that the newer
 * reading lacks stays in its place, since an operator may be about to press its button.
 */
export const merge = <A>(
  shown: ReadonlyArray<A>,
  newer: ReadonlyArray<A>,
  idOf: (row: A) => string
): { readonly rows: ReadonlyArray<A>; readonly fresh: number } => {
  const byId = new Map(newer.map((row) => [idOf(row), row]))
  const rows = shown.map((row) => byId.get(idOf(row)) ?? row)
  const known = new Set(shown.map(idOf))
  return { rows, fresh: newer.filter((row) => !known.has(idOf(row))).length }
}
