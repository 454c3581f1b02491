/**
 * Translates the ids and filters that operators use into columns and parameters of statements, and back.
 *
 * @since 0.1.0
 */
import type { Filter } from "../../DeadLetter.ts"

/** Formats the id of a dead letter or audit entry with 16 digits, so that ids sort as text. */
export const formatDeadLetterId = (n: unknown): string => String(n).padStart(16, "0")

/** Returns the number in such an id, or undefined if the text is no such id. */
export const numberOf = (id: string): bigint | undefined => /^\d{16}$/.test(id) ? BigInt(id) : undefined

/** Returns the text of a column that may be null, with undefined for null. */
export const textOf = (value: unknown): string | undefined => typeof value === "string" ? value : undefined

/** Returns parameters $1 to $9 of every statement that uses `filter` in `sql/deadLetters.ts`. */
export const filterOf = (filter: Filter): ReadonlyArray<unknown> => [
  filter.consumer ?? null,
  filter.reason ?? null,
  filter.topic ?? null,
  filter.key ?? null,
  filter.id ?? null,
  filter.fingerprint ?? null,
  filter.tag ?? null,
  filter.since ?? null,
  filter.until ?? null
]
