/**
 * Makes a delivery of a row of `messages`. This code runs once for each message, so it does not parse empty columns.
 *
 * @since 0.1.0
 */
import type { Delivery, HeldLease } from "../../Delivery.ts"
import type { Rows } from "../session/PgSession.ts"
import { failuresOf, formatDeadLetterId, headersOf } from "../store/DeadLetterRow.ts"

/** A lane whose lease this worker holds. */
export interface OwnedLane {
  readonly lane: number
  readonly lease: HeldLease
  /** Whether the last owner died, and any of its messages in flight may be the reason. */
  readonly crashed: boolean
  /**
   * Whether the lane belongs, or may belong, to another worker. No message of a lost lane is handed out or committed.
   */
  lost: boolean
  /** Whether the worker has stopped reading the lane. It gives the lane back when none of its messages is in flight. */
  leaving: boolean
}

/** Identifies the row of a delivery in `messages`. The worker keeps the receipt without reading it. */
export interface Receipt {
  readonly owned: OwnedLane
  readonly lane: number
  readonly seq: bigint
  /** How often the message was redriven. With lane and seq, this number identifies the message. */
  readonly redriven: number
  /**
   * Whether the row is too large to be read. The delivery then has no payload, so it does not decode and the message
   * becomes a dead letter. Settling leaves the row where it is; dead-lettering moves the row inside of the database.
   */
  readonly large: boolean
}

/** Returns whether a delivery's receipt identifies a row of `messages`. Receipts of brokers do not. */
export const isReceipt = (receipt: unknown): receipt is Receipt =>
  typeof receipt === "object" && receipt !== null && "owned" in receipt && "seq" in receipt

export const receiptOf = (row: Rows[number], owned: OwnedLane): Receipt => ({
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
