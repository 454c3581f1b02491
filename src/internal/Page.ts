/** Limits of what an operator sees at once: rows of a page, and counts. */
import type { BoundedCount } from "../DeadLetter.ts"

/** Returns the rows of a page: 100 by default, at most 1,000. */
export const rows = (limit: number | undefined): number => Math.min(1_000, Math.max(1, limit ?? 100))

/** The limit of a count. */
export const countTo = 10_000

/**
 * Makes a bounded count. A caller counts up to `countTo + 1`: a larger `n` than `countTo` means that there are more.
 */
export const countOf = (n: number): BoundedCount => ({ count: Math.min(n, countTo), more: n > countTo })
