/** How much people see at once of what may be long: rows of a page, and how far is counted. */
import type { BoundedCount } from "../DeadLetter.ts"

/** Rows of a page: 100 unless told, at most 1,000. */
export const rows = (limit: number | undefined): number => Math.min(1_000, Math.max(1, limit ?? 100))

/** Counting ends here. */
export const countTo = 10_000

/** `n` may have been counted one further than `countTo`, which then says that there is more. */
export const countOf = (n: number): BoundedCount => ({ count: Math.min(n, countTo), more: n > countTo })
