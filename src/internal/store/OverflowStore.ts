/**
 * The part of the store's port that takes messages over from another engine, and the messages' source.
 *
 * A broker cannot keep one key back for long. So a message that fails moves into the lanes of its consumer, with the
 * messages of its key that the worker has. The transaction that records the failure moves them, and the broker then
 * forgets them.
 * In the lanes a message is retried, parked and redriven as any message of the store.
 *
 * A key is *diverted* while the lanes have a message or a hold of it. Its later messages move behind these. So the
 * order of the key is kept, and ends in the lanes before the source hands the key out again.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Delivery, Failure } from "../../Delivery.ts"
import type { ConsumerRemoved, TransportError } from "../../Errors.ts"
import type { Hold } from "../../Hold.ts"
import type { Message } from "../../Message.ts"
import type { Demand, Subscription, SubscriptionSpec } from "../../Transport.ts"
import type { Removal } from "./DataGroup.ts"
import type { Transaction } from "./StoreTransaction.ts"

/**
 * The result of one poll of a source.
 *
 * @since 0.1.0
 */
export interface Polled {
  readonly handed: number
  /** Whether messages have moved into the lanes, so that the next poll of the lanes finds them. */
  readonly moved: boolean
}

/**
 * Hands out messages beside the lanes of a consumer. A subscription to both is one `Subscription` for the worker.
 *
 * @since 0.1.0
 */
export interface Source {
  /** Returns whether this delivery came from the source. Synchronous. */
  readonly has: (delivery: Delivery) => boolean
  /**
   * Hands out what is there, at most the demand, and moves messages of diverted keys. Waits for no message. Nothing
   * else reads or holds a key meanwhile.
   */
  readonly poll: (
    demand: Demand,
    accept: (deliveries: ReadonlyArray<Delivery>) => void
  ) => Effect.Effect<Polled, TransportError | ConsumerRemoved>
  /** Waits until another poll may find messages, for a limited time. */
  readonly arrival: Effect.Effect<void, TransportError>
  /** Returns whether a poll is not over before `arrival` ends, however short the idle poll is. Synchronous. */
  readonly awaited: () => boolean
  readonly acknowledge: Subscription["acknowledge"]
  readonly drop: Subscription["drop"]
  /** Hands the messages of a key out again, or moves them, since the worker has forgotten them. Synchronous. */
  readonly readAgain: (key: string) => void
  /** Holds the key of a delivery of this source. */
  readonly hold: Subscription["hold"]
  /** The functions for its leases. Undefined if its deliveries are under the leases of the lanes. */
  readonly leases:
    | Pick<Subscription, "fence" | "held" | "isolate" | "release" | "removal" | "removeInTransaction" | "renew">
    | undefined
}

/**
 * A message that moves into the lanes, with what is known of it.
 *
 * @since 0.1.0
 */
export interface Moving {
  readonly message: Message
  readonly attempts: ReadonlyArray<Failure>
  readonly crashCount: number
  readonly crashedAlone: boolean
}

/**
 * The lanes of a consumer, as a source sees them.
 *
 * @since 0.1.0
 */
export interface OverflowLanes {
  /** Returns whether an operator has paused the consumer. Synchronous. */
  readonly paused: () => boolean
  /**
   * Moves messages in their order, and flushes the commit. With `diverted` it moves those whose keys are diverted. With
   * `all` it moves each of them, above every limit, and with `none` none of them.
   *
   * Returns for each message what is so: `moved`, `full` if so many messages of its key wait that it cannot move, or
   * undefined. A message that waits there already, or whose outcome the inbox knows, counts as moved. Joins no
   * transaction. Idempotent.
   */
  readonly divert: (
    messages: ReadonlyArray<Moving>,
    which: "diverted" | "none" | "all"
  ) => Effect.Effect<ReadonlyArray<"moved" | "full" | undefined>, TransportError>
  /** Returns which of these keys are diverted. */
  readonly diverted: (
    keys: ReadonlyArray<string>
  ) => Effect.Effect<ReadonlySet<string>, TransportError, Transaction>
  /**
   * Describes the settlement of messages of the source for `Store.commitData`. None of them may have a record in the
   * store (`UnsettledStore`). The group commits only if the consumer is registered and none of these keys is diverted.
   * Synchronous.
   */
  readonly removal: (keys: ReadonlyArray<string>) => Removal
  /**
   * Holds the key of a message, and moves these messages behind the hold, in their order. Atomic with the transaction,
   * which `UnsettledStore.settle` has begun. Calls `committed` after it.
   *
   * Returns false if the inbox has the outcome of the message, unless it is parked. Then nothing is changed.
   */
  readonly hold: (held: {
    readonly message: Message
    readonly hold: Hold
    readonly moving: ReadonlyArray<Moving>
    readonly committed: () => void
  }) => Effect.Effect<boolean, TransportError, Transaction>
}

/**
 * The part of the store that takes messages over.
 *
 * @since 0.1.0
 */
export interface OverflowStore {
  /**
   * Opens a subscription to the lanes of a consumer and to a source beside them. The consumer must be registered.
   */
  readonly open: (
    spec: SubscriptionSpec,
    source: (lanes: OverflowLanes) => Source
  ) => Effect.Effect<Subscription, TransportError, Scope.Scope>
}
