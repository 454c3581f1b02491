/**
 * Makes a dead letter of a row. Translates the ids that operators use into columns of statements, and back.
 *
 * @since 0.1.0
 */
import { type DeadLetter, type Reason, retriedMillis, type State } from "../../DeadLetter.ts"
import type { Failure } from "../../Delivery.ts"

/** Formats the id of a dead letter or audit entry with 16 digits, so that ids sort as text. */
export const formatDeadLetterId = (n: unknown): string => String(n).padStart(16, "0")

/** Returns the number in such an id, or undefined if the text is no such id. */
export const numberOf = (id: string): bigint | undefined => /^\d{16}$/.test(id) ? BigInt(id) : undefined

/** Returns the text of a column that may be null, with undefined for null. */
export const textOf = (value: unknown): string | undefined => typeof value === "string" ? value : undefined

export const headersOf = (text: unknown): Readonly<Record<string, string>> =>
  text === "{}" ? {} : parsed(text, {}) as Readonly<Record<string, string>>

export const failuresOf = (text: unknown): ReadonlyArray<Failure> => {
  if (text === null || text === undefined) return []
  const failures = parsed(text, [])
  return Array.isArray(failures) ? failures : []
}

/** Parses a JSON text, or returns `otherwise`. It never fails, because an operator may have written the row by hand. */
const parsed = (text: unknown, otherwise: object): unknown => {
  try {
    return JSON.parse(String(text)) ?? otherwise
  } catch {
    return otherwise
  }
}

/** Makes a dead letter of a row with the columns that operators see. */
export const deadLetterOf = (row: Readonly<Record<string, unknown>>): DeadLetter => ({
  id: String(row["dead_letter_id"]),
  consumer: String(row["consumer"]),
  message: {
    id: String(row["id"]),
    topic: String(row["topic"]),
    key: String(row["key"]),
    keyed: row["keyed"] === true,
    payload: String(row["payload"]),
    headers: headersOf(row["headers"]),
    version: Number(row["version"]),
    publishedAt: Math.floor(Number(row["published_at"]))
  },
  original: textOf(row["original"]),
  reason: row["reason"] as Reason,
  state: row["state"] as State,
  parked: row["parked"] === true,
  ...triedOf(failuresOf(row["attempts"])),
  tag: String(row["tag"]),
  fingerprint: String(row["fingerprint"]),
  redriven: Number(row["redriven"]),
  diedAt: Math.floor(Number(row["died_at"])),
  changedBy: String(row["changed_by"]),
  changedAt: Math.floor(Number(row["changed_at"]))
})

const triedOf = (attempts: ReadonlyArray<Failure>) => ({ attempts, retriedMillis: retriedMillis(attempts) })
