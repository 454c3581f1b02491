/**
 * The part of the store's port that keeps dead letters and carries out the operator's decisions about them.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type { DeadLetter, FailureGroup, Filter, FrozenSet, Query, Reason } from "../../DeadLetter.ts"
import type { Delivery, Failure } from "../../Delivery.ts"
import type { DeadLetterConflict, DeadLetterNotFound, StoreFailure } from "../../Errors.ts"
import type { OperatorAction } from "./ConsumerStore.ts"
import type { Transaction } from "./StoreTransaction.ts"

/**
 * A message that a worker dead-letters.
 *
 * @since 0.1.0
 */
export interface NewDeadLetter {
  readonly delivery: Delivery
  readonly reason: Reason
  /**
   * Failed attempts since the message was published or last redriven, oldest first. A dead letter that was redriven
   * appends them to its earlier attempts.
   */
  readonly attempts: ReadonlyArray<Failure>
  readonly fingerprint: string
  /** Whether the message's key waits for an operator. */
  readonly parked: boolean
  /**
   * Whether the inbox has the message's id with other content. The inbox record then stays as it is.
   */
  readonly conflict?: boolean | undefined
}

/**
 * The part of the store that keeps dead letters.
 *
 * @since 0.1.0
 */
export interface DeadLetterStore {
  /**
   * Writes dead letters and marks their ids as dead in the inbox, in the transaction that removes the deliveries.
   *
   * A redriven message returns to its own dead letter. Returns each dead letter's id. Where the inbox knows the
   * message's id as committed, returns undefined, and writes no dead letter. The caller holds the key of a parked dead
   * letter with `Subscription.hold`.
   */
  readonly add: (
    consumer: string,
    entries: ReadonlyArray<NewDeadLetter>
  ) => Effect.Effect<ReadonlyArray<string | undefined>, StoreFailure, Transaction>
  readonly list: (query: Query) => Effect.Effect<ReadonlyArray<DeadLetter>, StoreFailure>
  readonly get: (deadLetterId: string) => Effect.Effect<DeadLetter, StoreFailure | DeadLetterNotFound>
  /** Groups dead letters by cause, newest group first, at most `limit` (default 100). Default state: `open`. */
  readonly groups: (
    filter: Filter & { readonly limit?: number | undefined }
  ) => Effect.Effect<ReadonlyArray<FailureGroup>, StoreFailure>
  /**
   * Puts an open dead letter's message back into its queue, audited, in one transaction.
   *
   * A parked message returns to its old place in the key's order, and the messages behind it follow. Any other
   * message goes to the end. The message starts without recorded attempts and is retried from the beginning; its dead
   * letter keeps all attempts. With `edit`, the dead letter has another payload from then on and keeps the first one.
   */
  readonly redrive: (
    deadLetterId: string,
    action: OperatorAction,
    edit?: { readonly payload: string; readonly version: number }
  ) => Effect.Effect<void, StoreFailure | DeadLetterNotFound | DeadLetterConflict>
  /** Discards an open dead letter, audited. The messages behind a parked one continue. */
  readonly discard: (
    deadLetterId: string,
    action: OperatorAction
  ) => Effect.Effect<void, StoreFailure | DeadLetterNotFound | DeadLetterConflict>
  /**
   * Opens a discarded dead letter again, audited. A parked one parks its key again, before the first message that was
   * not handed out yet. The inbox knows the message's id as dead again, unless the id was committed since.
   */
  readonly restore: (
    deadLetterId: string,
    action: OperatorAction
  ) => Effect.Effect<void, StoreFailure | DeadLetterNotFound | DeadLetterConflict>
  /** Lets the messages behind an open parked dead letter continue, audited. The dead letter stays open, not parked. */
  readonly release: (
    deadLetterId: string,
    action: OperatorAction
  ) => Effect.Effect<void, StoreFailure | DeadLetterNotFound | DeadLetterConflict>
  /** Returns the open dead letters that match now as a frozen set. Reads only. */
  readonly freeze: (filter: Filter) => Effect.Effect<FrozenSet, StoreFailure>
  /**
   * Redrives or discards the next dead letters of a frozen set in one transaction, oldest first, at most `most` after
   * `after`.
   *
   * Skips a dead letter that is no longer open. Returns the ids that it redrove or discarded, in order, and whether
   * more may follow.
   */
  readonly decideSome: (
    decision: "redriven" | "discarded",
    frozen: FrozenSet,
    options: { readonly action: OperatorAction; readonly after: string; readonly most: number }
  ) => Effect.Effect<{ readonly deadLetterIds: ReadonlyArray<string>; readonly more: boolean }, StoreFailure>
}
