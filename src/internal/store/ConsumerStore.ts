/**
 * The part of the store's port that keeps consumers: their subscriptions, the state of their queues, and pauses.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type { BoundedCount, DeadLetterOrder } from "../../DeadLetter.ts"
import type {
  ConsumerBusy,
  ConsumerConflict,
  ConsumerNotFound,
  NotSubscribed,
  PauseConflict,
  StoreFailure,
  WorkerNotFound
} from "../../Errors.ts"

/**
 * The settings of a consumer. The first registration fixes the lanes and the order.
 *
 * @since 0.1.0
 */
export interface Registration {
  readonly consumer: string
  readonly topics: ReadonlyArray<string>
  /** The number of lanes of the consumer's queue. */
  readonly lanes: number
  readonly order: DeadLetterOrder
  /** A short description of the consumer's pipeline. The store keeps the description of the last registration. */
  readonly pipeline?: string | undefined
}

/**
 * The operator of an action, and the reason for it. The audit keeps both. A blank `by` is refused with
 * `InvalidOperatorAction`.
 *
 * @since 0.1.0
 */
export interface OperatorAction {
  /** The operator: not blank, at most 512 bytes. */
  readonly by: string
  /** The reason: at most 4,096 bytes. */
  readonly note?: string | undefined
}

/**
 * The checks that an operator action overrides. Each is off by default.
 *
 * @since 0.1.0
 */
export interface Force {
  /** Overrides the check for live workers. Their messages in flight are not committed. */
  readonly workers?: boolean | undefined
  /** Overrides the check for waiting messages and open dead letters. */
  readonly messages?: boolean | undefined
}

/**
 * A consumer, as an operator sees it. Counting ends at 10,000.
 *
 * @since 0.1.0
 */
export interface Consumer extends Omit<Registration, "pipeline"> {
  /** Milliseconds since the epoch, on the store's clock. */
  readonly registeredAt: number
  /** The operator's pause. Undefined while the consumer is not paused. */
  readonly paused: ConsumerPause | undefined
  /** Number of live workers. */
  readonly workers: number
  /** Messages that are not settled, those of held keys included. */
  readonly waiting: BoundedCount
  /** Keys on hold: for a retry, behind a parked dead letter, or paused by an operator. */
  readonly heldKeys: BoundedCount
  /** Dead letters that are open or being redriven. */
  readonly deadLetters: BoundedCount
}

/**
 * An operator's pause of a consumer. Times are milliseconds since the epoch on the store's clock.
 *
 * @since 0.1.0
 */
export interface ConsumerPause {
  /** The operator that paused the consumer. */
  readonly by: string
  /** When the pause began. */
  readonly at: number
  /** The operator's note, or an empty text. */
  readonly note: string
  /**
   * When the pause ends by itself. A worker of the consumer ends it then, so it may be over for a while. Undefined if
   * only an operator ends the pause.
   */
  readonly until: number | undefined
}

/**
 * A key on hold. The reason is a delayed retry, a parked dead letter or an operator's pause, or several of these.
 *
 * @since 0.1.0
 */
export interface HeldKey {
  /** The held key, as the topic derived it. */
  readonly key: string
  /**
   * When the key's next retry is due, in milliseconds since the epoch on the store's clock. Undefined if no retry is
   * delayed.
   */
  readonly retryAt: number | undefined
  /** Whether the key's messages wait until an operator decides about a dead letter of the key. */
  readonly parked: boolean
  /** The operator that paused it, and the time. Undefined while the key is not paused. */
  readonly paused: { readonly by: string; readonly at: number } | undefined
}

/**
 * Selects one page of held keys. The order of the keys does not change.
 *
 * @since 0.1.0
 */
export interface HeldQuery {
  /** Only keys after this one: the last key of the previous page. */
  readonly after?: string | undefined
  /** 1 to 1,000; default 100. */
  readonly limit?: number | undefined
}

/**
 * The state of a consumer's queue, on the store's clock. Each count ends at 10,000, so that its cost is bounded.
 *
 * @since 0.1.0
 */
export interface QueueStatus {
  /** Messages that can be processed and are not settled. Messages in flight count, and messages of held keys do not. */
  readonly waiting: number
  /** All messages that are not settled, those of held keys included. */
  readonly unsettled: number
  /** Milliseconds since the oldest message that can be processed was published; 0 if there is none. */
  readonly lagMillis: number
  /** Keys that are held until a retry is due. */
  readonly delayedKeys: number
  /** Keys that wait for an operator. */
  readonly parkedKeys: number
  /** Age in milliseconds of the oldest open dead letter whose key is parked; 0 if there is none. */
  readonly parkedMillis: number
  /** Open dead letters. */
  readonly deadLetters: number
  /** Whether an operator has paused the consumer. */
  readonly paused: boolean
  /** Whether a redrive run of the consumer has stopped itself, and waits for an operator. */
  readonly redriveStopped: boolean
  /** Lanes that have messages and no live owner. Their messages wait until a worker claims the lane. */
  readonly freeLanes: number
  /**
   * Age in milliseconds of the oldest unsettled message (of held keys, too) or open dead letter; 0 if there is none.
   * The deduplication window must be longer than this.
   */
  readonly oldestMillis: number
  /** The description of the pipeline from the last registration. Empty if that registration had no description. */
  readonly pipeline: string
}

/**
 * The consumers and topics whose messages no worker processes, sorted by name.
 *
 * @since 0.1.0
 */
export interface Neglected {
  /** Consumers with messages and without a live worker. A consumer that an operator has paused is not among them. */
  readonly consumers: ReadonlyArray<string>
  /** Topics with messages that no consumer reads. */
  readonly topics: ReadonlyArray<string>
}

/**
 * The messages that a worker settled since its last record, and the attempts that it will repeat.
 *
 * @since 0.1.0
 */
export interface Settled {
  /** Messages that were committed. */
  readonly committed: number
  /** Messages whose id was committed or dead-lettered before. */
  readonly duplicates: number
  /** Messages that became dead letters. */
  readonly dead: number
  /** Attempts that failed and are tried again. */
  readonly retried: number
}

/**
 * The lanes of an evicted worker.
 *
 * @since 0.1.0
 */
export interface Evicted {
  /** Lanes whose lease ended now. Other workers can claim them. */
  readonly lanes: number
  /** Lanes that the worker keeps, since a transaction of it is open. Evict it again when that transaction has ended. */
  readonly busy: number
}

/**
 * The part of the store that keeps consumers and their subscriptions.
 *
 * @since 0.1.0
 */
export interface ConsumerStore {
  /**
   * Registers the consumer, adds missing subscriptions, and moves unrouted messages of its topics into its queue, in
   * one transaction. Earlier subscriptions to other topics stay. Idempotent.
   */
  readonly register: (registration: Registration) => Effect.Effect<void, StoreFailure | ConsumerConflict>
  /** Reads the state of the queue in one bounded query, outside of any transaction. */
  readonly status: (consumer: string) => Effect.Effect<QueueStatus, StoreFailure>
  /**
   * Adds a worker's counts and its last reading of the status to the consumer's series, for `millrace/ops`. A store
   * without series does nothing. The store deletes old points itself.
   */
  readonly record: (consumer: string, status: QueueStatus, settled: Settled) => Effect.Effect<void, StoreFailure>
  /** Returns the consumers and topics whose messages no worker processes, at most 10 of each. */
  readonly neglected: Effect.Effect<Neglected, StoreFailure>
  /** Returns all consumers, sorted by name. */
  readonly list: Effect.Effect<ReadonlyArray<Consumer>, StoreFailure>
  readonly get: (consumer: string) => Effect.Effect<Consumer, StoreFailure | ConsumerNotFound>
  /** Returns one page of the consumer's keys that are on hold: for a retry, parked, or paused by an operator. */
  readonly heldKeys: (
    consumer: string,
    query: HeldQuery
  ) => Effect.Effect<ReadonlyArray<HeldKey>, StoreFailure | ConsumerNotFound>
  /**
   * Removes the consumer with its queue, holds, dead letters and inbox records, audited, in one transaction. The
   * transaction excludes publishing, commits and operator actions.
   *
   * Fails with `ConsumerBusy` while workers live, without `force.workers`. It also fails while messages wait or dead
   * letters are open, without `force.messages`. A worker that still runs commits nothing more, and its `take` fails
   * with `ConsumerRemoved`.
   */
  readonly remove: (
    consumer: string,
    action: OperatorAction & { readonly force?: Force | undefined }
  ) => Effect.Effect<void, StoreFailure | ConsumerNotFound | ConsumerBusy>
  /**
   * Ends one subscription, audited, in one transaction that excludes publishing.
   *
   * Fails with `ConsumerBusy` while messages of the topic wait, because no worker would process them. With
   * `force.messages` these messages become dead letters `rejected` with the tag `Unsubscribed`.
   */
  readonly unsubscribe: (
    consumer: string,
    topic: string,
    action: OperatorAction & { readonly force?: Pick<Force, "messages"> | undefined }
  ) => Effect.Effect<void, StoreFailure | ConsumerNotFound | NotSubscribed | ConsumerBusy>
  /**
   * Pauses the consumer, audited. From the next `take` on, its workers get no messages. The pause ends after so many
   * milliseconds, or when an operator resumes the consumer. A pause that is over does not refuse the next one.
   */
  readonly pause: (
    consumer: string,
    action: OperatorAction & { readonly millis?: number | undefined }
  ) => Effect.Effect<void, StoreFailure | ConsumerNotFound | PauseConflict>
  /** Resumes the consumer, audited. Wakes its workers that wait. They get messages from their next `take` on. */
  readonly resume: (
    consumer: string,
    action: OperatorAction
  ) => Effect.Effect<void, StoreFailure | ConsumerNotFound | PauseConflict>
  /**
   * Ends the pause of a consumer if its time is over. The audit names `millrace` as the operator. Does nothing if the
   * consumer is not paused, or not for a time that is over. Workers call it. Idempotent.
   */
  readonly resumeDue: (consumer: string) => Effect.Effect<void, StoreFailure>
  /**
   * Ends the leases of one worker now, audited, and wakes the other workers of the consumer.
   *
   * The worker commits nothing more under these leases. Its messages in flight count as after a crash. Does not wait
   * for a lane that an open transaction of the worker has locked. A worker that still runs claims free lanes again at
   * its next `take`. Fails with `WorkerNotFound` if no live worker of the consumer has this name.
   */
  readonly evict: (
    consumer: string,
    worker: string,
    action: OperatorAction
  ) => Effect.Effect<Evicted, StoreFailure | ConsumerNotFound | WorkerNotFound>
  /**
   * Pauses one key, audited. The pause is independent of retries and parked dead letters, and only an operator ends the
   * pause.
   */
  readonly pauseKey: (
    consumer: string,
    key: string,
    action: OperatorAction
  ) => Effect.Effect<void, StoreFailure | ConsumerNotFound | PauseConflict>
  /**
   * Resumes one key in order, audited. A delayed retry or a parked dead letter still holds the key. A key that is
   * parked without an open dead letter continues, too.
   */
  readonly resumeKey: (
    consumer: string,
    key: string,
    action: OperatorAction
  ) => Effect.Effect<void, StoreFailure | ConsumerNotFound | PauseConflict>
}
