/**
 * The facts about consumers: what waits, since when, how fast it moves, what is held, and why a queue lags.
 *
 * @since 0.1.0
 */
import type { Consumer, ConsumerPause } from "../Store.ts"
import type { Blocker } from "./DatabaseFacts.ts"
import type { Count } from "./Fact.ts"

/**
 * A consumer and the state of its queue. Times are milliseconds since the epoch on the store's clock.
 *
 * @since 0.1.0
 */
export interface ConsumerFacts
  extends Pick<Consumer, "consumer" | "topics" | "lanes" | "order" | "registeredAt" | "paused">
{
  /** Messages that are not settled, those of held keys and those in flight included. */
  readonly waiting: Count
  /** When the oldest of these messages was published. Undefined if no message waits. */
  readonly oldestAt: number | undefined
  readonly rates: Rates
  /** Keys that pause until a retry is due. */
  readonly delayedKeys: Count
  /** Keys that wait until an operator decides about a dead letter. */
  readonly parkedKeys: Count
  /** Keys that an operator has paused. A paused key may be delayed or parked, too. */
  readonly pausedKeys: Count
  /** Open dead letters. */
  readonly deadLetters: Count
  /** Dead letters whose message is back in the queue. */
  readonly redriving: Count
  /** Live workers. */
  readonly workers: number
  /** The versions of their code (`WorkerOptions.codeVersion`). */
  readonly codeVersions: ReadonlyArray<string>
  /** Lanes with a live owner. */
  readonly ownedLanes: number
  /** Lanes that have messages and no live owner. */
  readonly freeLanes: number
  readonly lag: Lag
}

/**
 * Messages a second in the last minute, as the series of the consumer has them.
 *
 * @since 0.1.0
 */
export interface Rates {
  /** Undefined while no worker has written the series, or while the queue is too long to be counted. */
  readonly inPerSecond: number | undefined
  /** Settled messages: committed, duplicate and dead ones. Undefined while no worker has written the series. */
  readonly outPerSecond: number | undefined
}

/**
 * How far a queue is behind, and why.
 *
 * @since 0.1.0
 */
export interface Lag {
  /** Age in milliseconds of the oldest message that can be processed. Messages of held keys do not count. */
  readonly millis: number
  readonly cause: LagCause
  /** The cause in one sentence for an operator: `No worker of this consumer lives.` */
  readonly sentence: string
}

/**
 * Why messages wait. The first cause that applies is given, in this order.
 *
 * @since 0.1.0
 */
export type LagCause =
  /** No message waits. */
  | { readonly _tag: "Empty" }
  /** An operator has paused the consumer. */
  | ({ readonly _tag: "Paused" } & ConsumerPause)
  | { readonly _tag: "NoWorker" }
  /** A transaction waits for a lock of another session. It may be a commit of another consumer, or a publish. */
  | { readonly _tag: "CommitWaits"; readonly blocker: Blocker }
  /** Every message that waits, or that was counted, belongs to a held key. */
  | { readonly _tag: "AllHeld"; readonly parked: Count; readonly delayed: Count }
  /** Messages wait in lanes without a live owner, although workers live. */
  | { readonly _tag: "FreeLanes"; readonly free: number; readonly lanes: number }
  /** One key has this share of all waiting messages, from 0 to 1. Only `Operations.consumer` looks for it. */
  | { readonly _tag: "OneKey"; readonly key: string; readonly share: number }
  /** More messages come than are settled, by this many a second. */
  | { readonly _tag: "Growing"; readonly perSecond: number }
  /** The queue is empty in about this time, if the rates stay as they are. */
  | { readonly _tag: "Draining"; readonly millis: number }
  /** Messages wait, and none of the other causes is known to apply. */
  | { readonly _tag: "Waiting" }

/**
 * One lane of a queue.
 *
 * @since 0.1.0
 */
export interface LaneFacts {
  readonly lane: number
  /** The worker that owns the lane, and until when. Undefined if no live worker does. */
  readonly owner: { readonly worker: string; readonly leaseUntil: number } | undefined
  /** The worker whose lease has expired without being given back, if no other one has claimed the lane since. */
  readonly deadOwner: string | undefined
  readonly waiting: Count
  readonly oldestAt: number | undefined
  /** Whether the owner runs a suspect of a crash alone. */
  readonly alone: boolean
}

/**
 * A worker of one consumer that lives, or that died within the last hour.
 *
 * @since 0.1.0
 */
export interface WorkerFacts {
  readonly consumer: string
  readonly worker: string
  /** `WorkerOptions.codeVersion`. Empty if the worker has none. */
  readonly codeVersion: string
  readonly startedAt: number
  /** Until when the worker counts as alive. */
  readonly aliveUntil: number
  readonly alive: boolean
  /** Lanes that it owns. */
  readonly lanes: number
}
