/**
 * A log, and the part of the store's port that reads it.
 *
 * A log keeps its messages in shards and remembers nothing about its readers. So the store keeps what a consumer needs:
 * a lane for each shard, who owns it, and how far it was read. The entry of a message that fails, or that a dead owner
 * may have had in flight, moves into the lane. There it is retried, parked and counted as any message of the store.
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { TransportError } from "../../Errors.ts"
import type { Message } from "../../Message.ts"
import type { Subscription, SubscriptionSpec } from "../../Transport.ts"

/**
 * A message with its position in a shard. Only the log reads the text of a position.
 *
 * @since 0.1.0
 */
export interface LogEntry {
  readonly position: string
  readonly message: Message
}

/**
 * A log with a fixed number of shards. All messages of a key are in one shard.
 *
 * @since 0.1.0
 */
export interface Log {
  /** The name of the engine, for errors. */
  readonly engine: string
  /** Identifies the log. The store keeps the positions under this name. */
  readonly name: string
  readonly shards: number
  /** Returns the position before the first entry that the shard has now. */
  readonly begin: (shard: number) => Effect.Effect<string, TransportError>
  /**
   * Returns entries behind a position, the oldest first. The same entry has the same position at every read. Fails for
   * good if the shard has lost an entry behind the position.
   */
  readonly read: (
    shard: number,
    after: string,
    most: number
  ) => Effect.Effect<ReadonlyArray<LogEntry>, TransportError>
  /** Waits for an entry behind the position of one of these shards, for a limited time. */
  readonly arrival: (after: ReadonlyMap<number, string>) => Effect.Effect<void, TransportError>
}

/**
 * The part of the store that reads logs.
 *
 * @since 0.1.0
 */
export interface LogStore {
  /**
   * Opens a consumer's subscription to a log. The consumer must be registered with one lane for each shard.
   *
   * Fails permanently if the consumer has read another log before.
   */
  readonly open: (spec: SubscriptionSpec, log: Log) => Effect.Effect<Subscription, TransportError, Scope.Scope>
}
