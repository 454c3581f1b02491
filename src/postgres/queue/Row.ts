/**
 * From a row of `messages` to a delivery (hot: one object a message, nothing parsed that is empty).
 *
 * @since 0.1.0
 */
import type { Delivery, Failure, HeldLease } from "../../Delivery.ts"
import type { Rows } from "../session/PgSession.ts"
import { formatDeadLetterId } from "../store/DeadLetterRow.ts"

/** A lane in this worker's hands. */
export interface Owned {
  readonly lane: number
  readonly lease: HeldLease
  /** It is, or may be, another worker's: nothing of it is handed out any more. */
  lost: boolean
  /** It is not read any more, and given back when nothing of it is in hand. */
  leaving: boolean
}

/** What a delivery brings back to its transport. */
export interface Receipt {
  readonly owned: Owned
  readonly lane: number
  readonly seq: bigint
  /** How often the message was redriven: with the place it names one life of one message. */
  readonly redriven: number
  /**
   * The row is too large to be handed over: the delivery has no payload, so that it does not decode and becomes a dead letter
   * alone. Settling leaves the row where it is; burying moves it, inside of the database.
   */
  readonly large: boolean
}

export const headersOf = (text: unknown): Readonly<Record<string, string>> =>
  text === "{}" ? {} : parsed(text, {}) as Readonly<Record<string, string>>

export const failuresOf = (text: unknown): ReadonlyArray<Failure> => {
  if (text === null || text === undefined) return []
  const failures = parsed(text, [])
  return Array.isArray(failures) ? failures : []
}

/** A row that a person wrote by hand may hold anything. */
const parsed = (text: unknown, otherwise: object): unknown => {
  try {
    return JSON.parse(String(text)) ?? otherwise
  } catch {
    return otherwise
  }
}

export const receiptOf = (row: Rows[number], owned: Owned): Receipt => ({
  owned,
  lane: owned.lane,
  seq: row["seq"] as bigint,
  redriven: row["redriven"] as number,
  large: row["large"] === true
})

export const deliveryOf = (row: Rows[number], receipt: Receipt): Delivery => {
  const deadLetterId = row["dead_letter_id"] as bigint | null
  return {
    message: {
      id: row["id"] as string,
      topic: row["topic"] as string,
      key: row["key"] as string,
      keyed: row["keyed"] as boolean,
      payload: row["payload"] as string,
      headers: headersOf(row["headers"]),
      version: row["version"] as number,
      publishedAt: Math.floor(row["published_at"] as number)
    },
    lease: receipt.owned.lease,
    position: receipt.seq,
    crashCount: row["crash_count"] as number,
    crashedAlone: row["crashed_alone"] === true,
    attempts: failuresOf(row["attempts"]),
    redrive: deadLetterId === null
      ? undefined
      : { deadLetterId: formatDeadLetterId(deadLetterId), count: receipt.redriven },
    receipt
  }
}
