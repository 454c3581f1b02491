/** Reads plans of `explain (analyze, format json)`. */

/** A part of a plan. */
export type PlanPart = Readonly<Record<string, any>>

/** How many rows of one of these tables a part of a plan has looked at, for the part that looked at most. */
export const mostLookedAt = (isCounted: (table: string) => boolean) => (part: PlanPart): number => {
  const table: unknown = part["Relation Name"]
  const removed = (part["Rows Removed by Filter"] ?? 0) + (part["Rows Removed by Index Recheck"] ?? 0)
  return Math.max(
    typeof table === "string" && isCounted(table) ? (part["Actual Rows"] + removed) * part["Actual Loops"] : 0,
    ...((part["Plans"] ?? []) as ReadonlyArray<PlanPart>).map(mostLookedAt(isCounted))
  )
}
