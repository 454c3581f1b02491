/**
 * The part of the store's port that remembers messages which wait at a broker.
 *
 * A broker hands out the same message again, and stores nothing with it. So the store keeps what a later delivery
 * needs: the failed attempts, the time of the next one, and what is known of crashes. A message that was never held,
 * released or isolated has no record.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type { Failure } from "../../Delivery.ts"
import type { StoreFailure } from "../../Errors.ts"
import type { Transaction } from "./StoreTransaction.ts"

/**
 * Counts the deliveries of one message. A broker counts each delivery. The count proves a crash only if no
 * hold, release or isolation explains the delivery.
 *
 * @since 0.1.0
 */
export interface DeliveryCount {
  /** The message's id. */
  readonly id: string
  /** How many deliveries ended without an explanation. */
  readonly crashCount: number
  /** The broker's count up to which every delivery is explained or counted in `crashCount`. */
  readonly explained: number
  /** Whether the message runs alone in its process at this moment. */
  readonly alone: boolean
}

/**
 * The record of one unsettled message.
 *
 * @since 0.1.0
 */
export interface Unsettled extends DeliveryCount {
  /** The failed attempts, oldest first. */
  readonly attempts: ReadonlyArray<Failure>
  /** Milliseconds until the next attempt is due, on the store's clock. 0 if it is due. */
  readonly waitMillis: number
}

/**
 * The part of the store that remembers unsettled messages of brokers. A consumer that is not registered has no records,
 * and none are written for it.
 *
 * @since 0.1.0
 */
export interface UnsettledStore {
  /** Returns the records of these ids. An id without a record is left out. */
  readonly read: (
    consumer: string,
    ids: ReadonlyArray<string>
  ) => Effect.Effect<ReadonlyArray<Unsettled>, StoreFailure>
  /** Writes what is known of deliveries. Attempts and due times stay. Joins no transaction. Idempotent. */
  readonly count: (consumer: string, counts: ReadonlyArray<DeliveryCount>) => Effect.Effect<void, StoreFailure>
  /**
   * Ends the record that a message runs alone, and explains its delivery with this count: its lease was lost, and its
   * process lives. Changes nothing if a later delivery was counted meanwhile. Joins no transaction. Idempotent.
   */
  readonly endAlone: (consumer: string, id: string, delivery: number) => Effect.Effect<void, StoreFailure>
  /** Records the failed attempts of a message, and when its next attempt is due. Atomic with the transaction. */
  readonly hold: (
    consumer: string,
    count: DeliveryCount,
    attempts: ReadonlyArray<Failure>,
    delay: Duration.Duration
  ) => Effect.Effect<void, StoreFailure, Transaction>
  /**
   * Begins the settlement of messages of a broker, and deletes the records of these ids. Atomic with the transaction.
   *
   * Returns false if the consumer is not registered any more. Otherwise it stays registered until the transaction ends,
   * and the commit survives a crash of the store. A broker never hands out an acknowledged message again.
   */
  readonly settle: (consumer: string, ids: ReadonlyArray<string>) => Effect.Effect<boolean, StoreFailure, Transaction>
}
