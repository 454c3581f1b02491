/**
 * How operators name and filter dead letters and audit entries, as columns and parameters of statements.
 *
 * @since 0.1.0
 */
import type { Filter } from "../../DeadLetter.ts"

/** Formats the id of a dead letter or audit entry, so that ids sort as text. */
export const formatDeadLetterId = (n: unknown): string => String(n).padStart(16, "0")

export const numberOf = (id: string): bigint | undefined => /^\d{16}$/.test(id) ? BigInt(id) : undefined

/** A text that may be null. */
export const textOf = (value: unknown): string | undefined => typeof value === "string" ? value : undefined

/** Parameters $1 to $9 of every statement that filters. */
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
