/**
 * The part of the store's port that is about consumers: who reads what, how its queue stands, and what people do to it.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type { Count, DeadLetterOrder } from "../DeadLetter.ts"
import type {
  ConsumerBusy,
  ConsumerConflict,
  ConsumerNotFound,
  NotSubscribed,
  PauseConflict,
  StoreFailure
} from "../Errors.ts"

/**
 * What a consumer is. Everything but the topics is fixed by the first registration.
 *
 * @since 0.1.0
 */
export interface Registration {
  readonly consumer: string
  readonly topics: ReadonlyArray<string>
  readonly lanes: number
  readonly order: DeadLetterOrder
  /** What its pipeline consists of, in a few words; the last registration's is kept. */
  readonly pipeline?: string | undefined
}

/**
 * Who does something, and why; both are kept in the audit. What has no name is refused with `InvalidOperatorAction`.
 *
 * @since 0.1.0
 */
export interface OperatorAction {
  /** Not blank, at most 512 bytes. */
  readonly by: string
  /** At most 4,096 bytes. */
  readonly note?: string | undefined
}

/**
 * What an operator action overrides. Each is off by default.
 *
 * @since 0.1.0
 */
export interface Force {
  /** Live workers: their work in progress is not committed. */
  readonly workers?: boolean | undefined
  /** Messages that wait, and dead letters that are open. */
  readonly messages?: boolean | undefined
}

/**
 * A consumer as people see it. Counting ends at 10,000.
 *
 * @since 0.1.0
 */
export interface Consumer extends Omit<Registration, "pipeline"> {
  /** Milliseconds since the epoch, on the store's clock. */
  readonly registeredAt: number
  /** Who paused it, and when; undefined while it is not paused. */
  readonly paused: { readonly by: string; readonly at: number; readonly note: string } | undefined
  /** Workers that live. */
  readonly workers: number
  /** Messages that are not settled, held ones included. */
  readonly waiting: Count
  /** Keys that pause: for a retry, behind a parked dead letter, or by a person. */
  readonly heldKeys: Count
  /** Dead letters that are open or being redriven. */
  readonly deadLetters: Count
}

/**
 * A key that pauses, and what for: any of the three, or several.
 *
 * @since 0.1.0
 */
export interface HeldKey {
  readonly key: string
  /** When its next retry is due, in milliseconds since the epoch, on the store's clock; undefined while none waits for its time. */
  readonly retryAt: number | undefined
  /** Its messages wait for a decision about its dead letter. */
  readonly parked: boolean
  /** Who paused it, and when; undefined while nobody has. */
  readonly paused: { readonly by: string; readonly at: number } | undefined
}

/**
 * One page of held keys, in an order that does not change.
 *
 * @since 0.1.0
 */
export interface HeldQuery {
  /** Only keys that come after this one: the last of the page before. */
  readonly after?: string | undefined
  /** 1 to 1,000; default 100. */
  readonly limit?: number | undefined
}

/**
 * How a consumer's queue stands, on the store's clock. Each count ends at 10,000: it costs the same however much waits.
 *
 * @since 0.1.0
 */
export interface QueueStatus {
  /** Messages that can be handled and are not settled, of the first 10,000; those in hand included, those of held keys not. */
  readonly waiting: number
  /** Milliseconds since the oldest of them was published; 0 if there is none. */
  readonly lagMillis: number
  /** Keys whose next retry is due later. */
  readonly delayedKeys: number
  /** Keys that wait for a person. */
  readonly parkedKeys: number
  /** Milliseconds since the oldest open dead letter died whose key is parked; 0 if there is none. */
  readonly parkedMillis: number
  /** Open dead letters. */
  readonly deadLetters: number
  /** Whether a person has paused the consumer. */
  readonly paused: boolean
  /** Lanes that have messages and no living owner: no worker can process their messages. */
  readonly freeLanes: number
  /**
   * Milliseconds since the oldest message was published that is not settled (of held keys, too), or since the oldest open dead letter died,
   * whichever is longer; 0 if there is none. So long, at least, ids must be remembered.
   */
  readonly oldestMillis: number
  /** What the pipeline of the last registration consists of; empty where it did not say. */
  readonly pipeline: string
}

/**
 * The part of the store that knows who reads what.
 *
 * @since 0.1.0
 */
export interface Consumers {
  /**
   * Makes the consumer known, adds subscriptions it lacks, and takes over what waits unrouted for its topics, in one
   * transaction. Idempotent. Topics that it subscribed to before and that are not named stay subscribed.
   */
  readonly register: (registration: Registration) => Effect.Effect<void, StoreFailure | ConsumerConflict>
  /** How its queue stands now: one bounded look, outside of any transaction. */
  readonly status: (consumer: string) => Effect.Effect<QueueStatus, StoreFailure>
  /** All of them, by name. */
  readonly list: Effect.Effect<ReadonlyArray<Consumer>, StoreFailure>
  readonly get: (consumer: string) => Effect.Effect<Consumer, StoreFailure | ConsumerNotFound>
  /** Its keys that pause now, whatever the reason. */
  readonly heldKeys: (
    consumer: string,
    query: HeldQuery
  ) => Effect.Effect<ReadonlyArray<HeldKey>, StoreFailure | ConsumerNotFound>
  /**
   * Removes the consumer with its queue, holds and dead letters, so that its ids are known to nobody, audited, in one transaction that excludes publishing, commits and
   * people. Refused while workers live (`force.workers`), or messages wait or dead letters are open (`force.messages`). A worker that
   * runs nevertheless commits nothing more, and its `take` fails with `ConsumerRemoved`.
   */
  readonly remove: (
    consumer: string,
    action: OperatorAction & { readonly force?: Force | undefined }
  ) => Effect.Effect<void, StoreFailure | ConsumerNotFound | ConsumerBusy>
  /**
   * Ends one subscription, audited, in one transaction that excludes publishing. What waits of the topic would never be handled:
   * refused, or, with `force.messages`, dead letters `rejected` with the tag `Unsubscribed`.
   */
  readonly unsubscribe: (
    consumer: string,
    topic: string,
    action: OperatorAction & { readonly force?: Pick<Force, "messages"> | undefined }
  ) => Effect.Effect<void, StoreFailure | ConsumerNotFound | NotSubscribed | ConsumerBusy>
  /** From the next `take` on nothing is handed out to the consumer's workers, until it is resumed. Audited. */
  readonly pause: (
    consumer: string,
    action: OperatorAction
  ) => Effect.Effect<void, StoreFailure | ConsumerNotFound | PauseConflict>
  /** Workers go on where they were, and those that wait are woken. Audited. */
  readonly resume: (
    consumer: string,
    action: OperatorAction
  ) => Effect.Effect<void, StoreFailure | ConsumerNotFound | PauseConflict>
  /** A hold by a person: it lasts beside retries and parked dead letters, until a person ends it. Audited. */
  readonly pauseKey: (
    consumer: string,
    key: string,
    action: OperatorAction
  ) => Effect.Effect<void, StoreFailure | ConsumerNotFound | PauseConflict>
  /** The key continues in order, unless a retry or an open dead letter still holds it. A key that is parked without a dead letter continues. Audited. */
  readonly resumeKey: (
    consumer: string,
    key: string,
    action: OperatorAction
  ) => Effect.Effect<void, StoreFailure | ConsumerNotFound | PauseConflict>
}
