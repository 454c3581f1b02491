/**
 * The purge of a queue: what it would delete, and the messages for an export before it.
 *
 * @since 0.1.0
 */
import type { OperatorAction } from "../Store.ts"

/**
 * The messages that waited in a queue when an operator looked. A purge deletes these, and none that was published
 * later.
 *
 * @since 0.1.0
 */
export interface PurgePreview {
  readonly consumer: string
  /** Their number, counted to the end. */
  readonly messages: number
  /** How many of them are redriven. Their dead letters become discarded, so they can be restored. */
  readonly redriven: number
  /** When the oldest of them was published, in milliseconds since the epoch. Undefined if there is none. */
  readonly oldestAt: number | undefined
  /** Opaque: the place in the database's history at which the operator looked. */
  readonly cutoff: string
}

/**
 * A waiting message, with its texts as they are stored.
 *
 * @since 0.1.0
 */
export interface QueuedMessage {
  readonly id: string
  readonly topic: string
  /** Undefined if the message waits for no other. */
  readonly key: string | undefined
  readonly payload: string
  readonly headers: Readonly<Record<string, string>>
  readonly version: number
  readonly publishedAt: number
  /** Opaque: the place in the queue. The next page begins behind the place of the last message. */
  readonly place: string
}

/**
 * A purge.
 *
 * @since 0.1.0
 */
export interface PurgeAction extends OperatorAction {
  /** The number of messages that the operator expects. With another number nothing is deleted (`QueueChanged`). */
  readonly expect: number
}
