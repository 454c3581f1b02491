/**
 * Translates the ids that operators use into columns of statements, and back.
 *
 * @since 0.1.0
 */
/** Formats the id of a dead letter or audit entry with 16 digits, so that ids sort as text. */
export const formatDeadLetterId = (n: unknown): string => String(n).padStart(16, "0")

/** Returns the number in such an id, or undefined if the text is no such id. */
export const numberOf = (id: string): bigint | undefined => /^\d{16}$/.test(id) ? BigInt(id) : undefined

/** Returns the text of a column that may be null, with undefined for null. */
export const textOf = (value: unknown): string | undefined => typeof value === "string" ? value : undefined
