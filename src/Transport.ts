/**
 * The port for where messages wait for a worker: memory, Postgres, and brokers.
 *
 * The worker knows only this interface. Engines differ in how they keep a key in order, refuse a stale owner and
 * acknowledge a message. `Capabilities` describes these differences as data. A worker whose pipeline needs more than
 * the engine can do fails with `Unsupported` before it opens anything.
 *
 * | engine | lease on | stale owner refused by | acknowledged | a failing key |
 * | --- | --- | --- | --- | --- |
 * | Postgres, memory | lane | token | within the transaction | waits in place |
 * | Redis log | lane | token | within the transaction | moves into the store, and waits there |
 * | SQS FIFO | received group | inbox | after | moves into the store, and waits there |
 * | SQS standard, Redis group | message | inbox | after | its message moves into the store |
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { Delivery, Failure, HeldLease } from "./Delivery.ts"
import type {
  ConsumerRemoved,
  LeaseLost,
  PublishFailed,
  StoreFailure,
  SubscriptionLost,
  TransportError,
  Unsupported
} from "./Errors.ts"
import type { Hold } from "./Hold.ts"
import type { Removal } from "./internal/store/DataGroup.ts"
import type { Transaction } from "./internal/store/StoreTransaction.ts"
import type { Message } from "./Message.ts"

/**
 * Describes what an engine can do. A worker compares these fields with the needs of its pipeline before it opens a
 * subscription. `README.md` shows them for every engine.
 *
 * @since 0.1.0
 */
export interface Capabilities {
  /** Name of the engine, for errors. */
  readonly engine: string
  /**
   * Where the messages of a consumer wait: in the store, which routes them by the consumer's subscriptions, or in the
   * engine's own queue. With `engine` the consumer registers without subscriptions.
   */
  readonly queue: "store" | "engine"
  /**
   * The unit that keeps one key's messages in order across processes. With `none` only a pipeline that needs no order
   * starts (`Pipeline.from(topic, { order: "none" })`).
   */
  readonly order: "none" | "group" | "lane"
  /** How a stale owner is refused: by the lease's token within the commit, or by the inbox, which knows the id. */
  readonly fence: "token" | "inbox"
  /** Whether a message is acknowledged inside the commit transaction, or after it. */
  readonly acknowledge: "within" | "after"
  /** The number of lanes of a consumer, where the engine decides it. With undefined the worker's setting decides it. */
  readonly lanes?: number | undefined
  readonly lease: {
    /** The messages under one lease: those of a lane, a received group, or a single one. */
    readonly unit: "lane" | "group" | "message"
    /** How long a lease lasts at most, however often it is renewed. */
    readonly ceiling: Option.Option<Duration.Duration>
  }
  /**
   * How a failing key waits for its retry.
   *
   * - `inPlace`: in its queue or in the store, for any time, and also until an operator decides.
   * - `timed`: the engine hides the message for a limited time, and with it the messages behind it if it keeps order.
   *   Each such retry counts as a delivery, and no key can be parked.
   */
  readonly hold: "inPlace" | "timed"
  /**
   * The number of deliveries after which the engine itself drops or moves a message. A subscription moves it into the
   * lanes of the store before.
   */
  readonly discardsAfter: Option.Option<number>
  /** For how long the engine itself drops a second publish of the same id. With none it never does. */
  readonly deduplicates: Option.Option<Duration.Duration>
  /** The most bytes of a message with its headers. With none the limits of `Message` apply. */
  readonly maxBytes: Option.Option<number>
  /** How long the engine keeps an unread message. With none the engine keeps it indefinitely. */
  readonly retention: Option.Option<Duration.Duration>
}

/**
 * The capacity of a worker. A transport hands over no more than this.
 *
 * @since 0.1.0
 */
export interface Demand {
  /** Messages that the worker accepts now. */
  readonly messages: number
  /**
   * Bytes of payload that the worker accepts now. A larger message is handed over only if it is the first one of the
   * poll.
   */
  readonly bytes: number
  /** The most messages of one key that may be in flight. The transport skips a key at this limit and reads it later. */
  readonly perKey: number
}

/**
 * Describes the subscription that a worker opens.
 *
 * @since 0.1.0
 */
export interface SubscriptionSpec {
  /** The registered name of the consumer. */
  readonly consumer: string
  /** The names of the topics that the pipeline reads. */
  readonly topics: ReadonlyArray<string>
  /** The name of the worker, with a part that is unique for each run. */
  readonly worker: string
  /** Number of lanes of the consumer's queue. */
  readonly lanes: number
  /** How long a lease lasts from its claim or its last renewal. */
  readonly lease: Duration.Duration
  /** How long `take` waits for a wake-up before it polls. */
  readonly idlePoll: Duration.Duration
  /** The version of the worker's code, for operators. An engine that has no place for it ignores it. */
  readonly codeVersion?: string | undefined
}

/**
 * A worker's open subscription to the queue of its consumer. When its scope closes, all leases are given back.
 *
 * @since 0.1.0
 */
export interface Subscription {
  /**
   * Hands over waiting messages, at most `demand`. If no message waits, this call waits for a wake-up, the end of a
   * hold or the idle poll, polls once more, and returns.
   *
   * The transport calls `accept` synchronously, and never while {@link Subscription.whileNotReading} runs. While the
   * consumer is paused, no message is handed over. The call fails with `ConsumerRemoved` when the consumer was removed.
   * It fails with `SubscriptionLost` when the engine lost the state of the subscription. Then all leases are lost, and
   * the worker opens a new subscription. An interruption loses no message, because deliveries that were not accepted
   * are read again.
   */
  readonly take: (
    demand: Demand,
    accept: (deliveries: ReadonlyArray<Delivery>) => void
  ) => Effect.Effect<void, TransportError | ConsumerRemoved | SubscriptionLost>
  /** Returns whether an operator has paused the consumer, as far as this subscription knows. Synchronous. */
  readonly paused: () => boolean
  /**
   * Runs the transaction that puts a hold on this delivery's key, while the transport reads nothing.
   *
   * If `write` succeeds, the transport forgets the key's deliveries that it had handed over, and reads them again in
   * order when the hold ends. The worker forgets its own deliveries of the key within `write`. If `write` fails, no
   * delivery is forgotten.
   */
  readonly whileNotReading: <A, E, R>(delivery: Delivery, write: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Returns the leases held now, those without a delivery included. Synchronous. */
  readonly held: () => ReadonlyArray<HeldLease>
  /**
   * Renews the given leases in as few requests as the engine permits, and returns the confirmed ones. A lease that is
   * not returned is lost when its deadline passes. A lost lease cannot be renewed. Idempotent.
   */
  readonly renew: (leases: ReadonlyArray<HeldLease>) => Effect.Effect<ReadonlySet<HeldLease>, TransportError>
  /**
   * Checks the fencing tokens of a group, removes its messages from the queue, and returns the deliveries that it
   * removed. This is the first statement of the commit.
   *
   * A delivery with a stale token, or whose message an operator removed, is left out; the other deliveries do not fail.
   * The lease of a stale token counts as lost from then on. An engine that relies on the inbox returns all deliveries.
   */
  readonly removeInTransaction: (
    deliveries: ReadonlyArray<Delivery>
  ) => Effect.Effect<ReadonlyArray<Delivery>, TransportError, Transaction>
  /**
   * Describes the removal of a whole group for `Store.commitData`. It makes the checks of
   * {@link Subscription.removeInTransaction}, and the group commits only if all of them pass.
   *
   * Returns undefined if one of the deliveries needs that function. Synchronous. An engine whose store has no
   * `commitData` omits it.
   */
  readonly removal?: ((deliveries: ReadonlyArray<Delivery>) => Removal | undefined) | undefined
  /**
   * Checks the fencing tokens and returns the deliveries whose lease is still held, settled ones included. No message
   * is removed.
   *
   * `atMostOnce` pipelines use it in the transaction of their steps, which follows the one that settled the delivery.
   * Where the engine can, the check delays takeovers until the transaction ends. An engine that relies on the inbox
   * returns all deliveries.
   */
  readonly fence: (
    deliveries: ReadonlyArray<Delivery>
  ) => Effect.Effect<ReadonlyArray<Delivery>, TransportError, Transaction>
  /**
   * Acknowledges deliveries at the broker, and ends the transport's record of them as in flight. A worker calls this
   * only after the COMMIT that settled the deliveries. The call does not wait for the broker's answer.
   *
   * An acknowledgement may fail or be lost, since the redelivered message is then a duplicate. Where the capability
   * `acknowledge` is `within`, no request is made.
   */
  readonly acknowledge: (deliveries: ReadonlyArray<Delivery>) => Effect.Effect<void, TransportError>
  /**
   * Ends the transport's record of deliveries that this worker does not own any more, or does not settle. No message is
   * removed at the broker: it is handed out again, if no other worker has settled it.
   */
  readonly drop: (deliveries: ReadonlyArray<Delivery>) => Effect.Effect<void, TransportError>
  /**
   * Holds the delivery's key with the messages behind it, and stores all `attempts` with the message.
   *
   * Where the capability `order` is `none`, only this message is held. A worker calls this in a transaction inside
   * {@link Subscription.whileNotReading}. A parked delivery was removed in
   * the same transaction, and its dead letter keeps the place. Fails with `LeaseLost` if the token is stale.
   *
   * Returns `settled` if the inbox has the outcome of the message, and the engine would otherwise move the message into
   * the store. Then nothing is held, and the worker acknowledges the delivery as a duplicate.
   */
  readonly hold: (
    delivery: Delivery,
    attempts: ReadonlyArray<Failure>,
    hold: Hold
  ) => Effect.Effect<"held" | "settled", LeaseLost | TransportError, Transaction>
  /**
   * Records that of this worker's deliveries only the given one (or none) runs. The record lasts while the scope is
   * open.
   *
   * A worker that takes over then counts a crash for this delivery only. If the delivery had a crash count before, it
   * is marked as crashed alone (`Delivery.crashedAlone`). Closing the scope waits until the record is taken back. An
   * interrupted close tries that once. See `src/worker/lease/CrashIsolation.ts`.
   */
  readonly isolate: (delivery: Delivery | undefined) => Effect.Effect<void, TransportError, Scope.Scope>
  /** Gives leases back at once, in order, without counting a crash or an attempt. Idempotent. */
  readonly release: (leases: ReadonlyArray<HeldLease>) => Effect.Effect<void, TransportError>
}

/**
 * The transport service. `Memory.layer` and `Postgres.layer` provide it.
 *
 * @since 0.1.0
 */
export class Transport extends Context.Service<Transport, {
  /**
   * The capabilities of the engine with the settings of its queue. A broker is asked for these settings, so the call
   * fails while the broker is unavailable. The worker then tries again.
   */
  readonly capabilities: Effect.Effect<Capabilities, TransportError>
  /**
   * Publishes messages to the engine, for relays. On memory and Postgres this is `Store.outbox.write`. A broker may
   * store a part of the messages. Then the call fails with `PublishFailed`, which names every other message.
   */
  readonly publish: (
    messages: ReadonlyArray<Message>
  ) => Effect.Effect<void, TransportError | StoreFailure | PublishFailed>
  /** Opens a subscription. The consumer must be registered in the store before. */
  readonly open: (
    spec: SubscriptionSpec
  ) => Effect.Effect<Subscription, TransportError | Unsupported, Scope.Scope>
}>()("millrace/Transport") {}
