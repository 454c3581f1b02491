/**
 * The port for where messages wait for a worker: memory, Postgres, and brokers.
 *
 * The worker knows this page only. How an engine keeps one key in order, refuses a stale owner, and forgets what is done
 * differs; `Capabilities` says so as data, and what an engine cannot do is refused before anything is opened.
 *
 * | | lease | fence | settled | a failing key |
 * | --- | --- | --- | --- | --- |
 * | Postgres, memory | lane | token | within the transaction | waits in place |
 * | Kafka, NATS and Redis as logs | partition or shard, a lane row | token | position, within | moves to the overflow |
 * | RabbitMQ | lane row and channel | token | after | moves to the overflow |
 * | SQS FIFO | received group | inbox | after | moves to the overflow |
 * | SQS, NATS and Redis shared | message | inbox | after | moves to the overflow |
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
  StoreFailure,
  SubscriptionLost,
  TransportError,
  Unsupported
} from "./Errors.ts"
import type { Hold } from "./Hold.ts"
import type { Message } from "./Message.ts"
import type { Transaction } from "./Store.ts"

/**
 * What an engine can do.
 *
 * @since 0.1.0
 */
export interface Capabilities {
  readonly engine: string
  /** What keeps one key's messages in order across processes. */
  readonly order: "none" | "group" | "shard"
  /** How a stale owner is refused: a token looked at in the commit, or only "the inbox knows the id". */
  readonly fence: "token" | "inbox"
  /** Whether a message is forgotten inside the commit transaction, or after it. */
  readonly acknowledge: "within" | "after"
  /** Whether a failing key waits where it is, or has to be moved to the overflow store. */
  readonly hold: "inPlace" | "overflow"
  readonly lease: {
    readonly unit: "shard" | "message" | "connection"
    readonly renew: "batch" | "each" | "none"
    /** How many leases one request can renew. */
    readonly renewBatch: number
    /** Hard end of a lease, however often it is renewed. */
    readonly ceiling: Option.Option<Duration.Duration>
  }
  /** The engine's own count of deliveries; "none": the crash counter is kept by the lanes. */
  readonly received: "exact" | "approximate" | "none"
  /** The engine itself drops or moves a message after so many deliveries. */
  readonly discardsAfter: Option.Option<number>
  readonly publish: {
    readonly dedupWindow: Option.Option<Duration.Duration>
    readonly maxBatch: number
    /** If one message of a batch fails, no later one of its key was accepted. */
    readonly orderedBatch: boolean
    readonly joinsTransaction: boolean
  }
  readonly maxBytes: Option.Option<number>
  readonly maxHeaders: Option.Option<number>
  /** How long the engine keeps an unread message. */
  readonly retention: Option.Option<Duration.Duration>
  /** Whether an acknowledged publish survives a power cut. */
  readonly durable: "yes" | "replicasOnly" | "no" | "unknown"
}

/**
 * What a worker has room for: the transport hands over no more than this.
 *
 * @since 0.1.0
 */
export interface Demand {
  /** Messages that may be handed over now. */
  readonly messages: number
  /** Bytes of payload that may be handed over now; one message is handed over whatever its size. */
  readonly bytes: number
  /** Messages of one key that may be in the worker's hands at once; a key at this cap is passed over and caught up later. */
  readonly perKey: number
}

/**
 * What a worker opens.
 *
 * @since 0.1.0
 */
export interface SubscriptionSpec {
  readonly consumer: string
  readonly topics: ReadonlyArray<string>
  /** Unique per run of a worker. */
  readonly worker: string
  readonly lanes: number
  readonly lease: Duration.Duration
  /** How long `take` waits for something to be published before it looks again by itself. */
  readonly idlePoll: Duration.Duration
}

/**
 * A worker's open connection to its queue. Lives in a scope: closing it gives everything back.
 *
 * @since 0.1.0
 */
export interface Subscription {
  /**
   * Hands over what is there, at most `room`; if there is nothing, waits until something is published, a hold has ended
   * or the idle poll is due, looks once more, and returns. `accept` is called synchronously, before anything
   * {@link Subscription.whileNotReading} can begin. Of a paused consumer nothing is there. Fails with `ConsumerRemoved` when it was removed, and with `SubscriptionLost` when the engine
   * forgot what it had handed out: then all leases are lost, and only a new subscription reads on. Interruption loses nothing: what was not accepted is read again.
   */
  readonly take: (
    room: Demand,
    accept: (deliveries: ReadonlyArray<Delivery>) => void
  ) => Effect.Effect<void, TransportError | ConsumerRemoved | SubscriptionLost>
  /** Whether a person has paused the consumer, as far as this subscription has heard: then `take` hands over nothing. Synchronous. */
  readonly paused: () => boolean
  /**
   * Runs the transaction that puts a hold on this delivery's key, while nothing is being read. When it has succeeded, the
   * transport has forgotten what it had handed over of the key (the worker forgets its own within `write`): it is read
   * again, in order, when the hold ends. When it fails, nothing is forgotten.
   */
  readonly whileNotReading: <A, E, R>(delivery: Delivery, write: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** The leases held now, those without any delivery included. Synchronous. */
  readonly held: () => ReadonlyArray<HeldLease>
  /**
   * One request for everything given; answers the leases that are confirmed. An absent one is lost when its deadline
   * passes. It cannot bring a lost one back. Idempotent.
   */
  readonly renew: (leases: ReadonlyArray<HeldLease>) => Effect.Effect<ReadonlySet<HeldLease>, TransportError>
  /**
   * First statement of the commit, for the whole group: looks at the fencing tokens and forgets (deletes rows, advances the
   * position) what is still ours, and returns that. A stale token, or a row gone by a person's hand, leaves its
   * delivery out and fails nobody else. The lease of a stale token is lost from then on. Where the fence is the inbox it returns all.
   */
  readonly removeInTransaction: (
    deliveries: ReadonlyArray<Delivery>
  ) => Effect.Effect<ReadonlyArray<Delivery>, TransportError, Transaction>
  /**
   * Looks at the fencing tokens and nothing else: the deliveries whose lease is still ours, whether or not they were settled before. For
   * a commit that is not the one that settles (`atMostOnce`). Holds takeovers off until the transaction ends, where the
   * engine can; where the fence is the inbox it returns all.
   */
  readonly fence: (
    deliveries: ReadonlyArray<Delivery>
  ) => Effect.Effect<ReadonlyArray<Delivery>, TransportError, Transaction>
  /**
   * After COMMIT, or when a delivery is not ours any more: acknowledges at the broker, and frees what the transport keeps of it in
   * memory. May fail or be lost at will: a redelivery is a duplicate. Makes no request where `settle` is "within".
   */
  readonly acknowledge: (deliveries: ReadonlyArray<Delivery>) => Effect.Effect<void, TransportError>
  /**
   * In a transaction inside {@link Subscription.whileNotReading}: the key pauses with its successors, and the message keeps
   * `attempts` (all of them). A parked delivery was settled in the same transaction; its dead letter holds the place. Fails
   * with `LeaseLost` if the token is stale.
   */
  readonly hold: (
    delivery: Delivery,
    attempts: ReadonlyArray<Failure>,
    hold: Hold
  ) => Effect.Effect<void, LeaseLost | TransportError, Transaction>
  /**
   * While the scope is open, the store knows that of all that is in this worker's hands only this delivery (or nothing) can
   * be what kills the process. The worker that takes over counts nothing else, and convicts it if it had been counted before
   * (`Delivery.crashedAlone`). Closing the scope waits until the store knows that this is over; if it is interrupted, it tries once.
   * See crash poison in `src/worker/lease/CrashIsolation.ts`.
   */
  readonly isolate: (delivery: Delivery | undefined) => Effect.Effect<void, TransportError, Scope.Scope>
  /** Gives leases back at once, in order, uncounted. Idempotent. */
  readonly release: (leases: ReadonlyArray<HeldLease>) => Effect.Effect<void, TransportError>
}

/**
 * The transport.
 *
 * @since 0.1.0
 */
export class Transport extends Context.Service<Transport, {
  readonly capabilities: Capabilities
  /** Hands messages to the engine; on memory and Postgres the same as `Store.outbox.write`. Used by relays. */
  readonly publish: (messages: ReadonlyArray<Message>) => Effect.Effect<void, TransportError | StoreFailure>
  /** The consumer is registered in the store before. */
  readonly open: (
    spec: SubscriptionSpec
  ) => Effect.Effect<Subscription, TransportError | Unsupported, Scope.Scope>
}>()("millrace/Transport") {}
