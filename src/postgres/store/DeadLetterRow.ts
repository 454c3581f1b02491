/**
 * What people name and filter dead letters and audit entries by, as the columns and parameters of statements.
 *
 * @since 0.1.0
 */
import type { Filter } from "../../DeadLetter.ts"

/** As people see the number of a letter or of an entry: it sorts as text. */
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
