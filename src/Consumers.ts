/**
 * Operator actions on consumers: list, pause, resume, unsubscribe and remove them, and evict a worker.
 *
 * A consumer is registered by its first worker and stays when its workers stop, so published messages wait for it.
 * Each function is one audited transaction: it happens completely or not at all. An action without an operator's name
 * is refused (`InvalidOperatorAction`).
 *
 * On Postgres, an action inside a transaction of your own needs READ COMMITTED. At another level it is refused with a
 * `StoreFailure`.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Audit from "./Audit.ts"
import type {
  ConsumerBusy,
  ConsumerNotFound,
  InvalidOperatorAction,
  InvalidSetting,
  NotSubscribed,
  PauseConflict,
  StoreFailure,
  WorkerNotFound
} from "./Errors.ts"
import * as GivenDuration from "./internal/GivenDuration.ts"
import { run } from "./internal/OperatorAction.ts"
import {
  type Consumer,
  type Evicted,
  type Force,
  type HeldKey,
  type HeldQuery,
  type OperatorAction,
  Store
} from "./Store.ts"

/**
 * Returns every consumer, sorted by name: settings, topics, pause, and the number of waiting messages. Counting ends at
 * 10,000. A consumer name that only `Inbox.once` uses has no queue, so it is not in the list.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Consumers } from "millrace"
 *
 * const status = Effect.gen(function*() {
 *   for (const { consumer, deadLetters, paused, waiting } of yield* Consumers.list) {
 *     yield* Effect.log(`${consumer}: ${waiting.count} wait, ${deadLetters.count} dead, ${paused?.by ?? "running"}`)
 *   }
 * })
 * ```
 *
 * @since 0.1.0
 */
export const list: Effect.Effect<ReadonlyArray<Consumer>, StoreFailure, Store> = Store.use((store) =>
  store.consumers.list
)

/**
 * Returns one consumer.
 *
 * @since 0.1.0
 */
export const get = (consumer: string): Effect.Effect<Consumer, StoreFailure | ConsumerNotFound, Store> =>
  Store.use((store) => store.consumers.get(consumer))

/**
 * Returns the consumer's keys on hold, at most `limit` (default 100). For the next page, set `after` to the last key.
 *
 * A key is held for a delayed retry, is parked behind a dead letter, or was paused by an operator. For a parked key,
 * `DeadLetters.list({ consumer, key, state: "open" })` returns the dead letter.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Consumers } from "millrace"
 *
 * const stuck = Effect.gen(function*() {
 *   for (const { key, parked, paused, retryAt } of yield* Consumers.heldKeys("ledger")) {
 *     yield* Effect.log(`${key}: ${parked ? "parked" : paused?.by ?? `until ${retryAt}`}`)
 *   }
 * })
 * ```
 *
 * @since 0.1.0
 */
export const heldKeys = (
  consumer: string,
  query?: HeldQuery
): Effect.Effect<ReadonlyArray<HeldKey>, StoreFailure | ConsumerNotFound, Store> =>
  Store.use((store) => store.consumers.heldKeys(consumer, query ?? {}))

/**
 * Removes a consumer with its queue and its dead letters, and forgets its inbox ids. The removal is all or nothing, and
 * cannot be undone. On Postgres, retention deletes the rows of the ids later.
 *
 * Publishers wait until the removal ends. The removal takes longer if more messages wait in the queue. The call fails
 * with `ConsumerBusy` while workers live, unless `force.workers` is set. The call also fails while messages wait or
 * dead letters are open, unless `force.messages` is set.
 *
 * A worker that still runs commits nothing more, and stops with `ConsumerRemoved`. A message that is published later
 * waits as unrouted if no other consumer reads its topic.
 *
 * ```ts
 * import { Consumers } from "millrace"
 *
 * const gone = Consumers.remove("old-ledger", { by: "anna", note: "replaced", force: { messages: true } })
 * ```
 *
 * @since 0.1.0
 */
export const remove = (
  consumer: string,
  action: OperatorAction & {
    /**
     * Removes the consumer despite live workers, which then commit nothing more, or despite messages and dead letters,
     * which are deleted.
     */
    readonly force?: Force | undefined
  }
): Effect.Effect<void, StoreFailure | ConsumerNotFound | ConsumerBusy | InvalidOperatorAction, Store> =>
  run(action, "removed", (store) => store.consumers.remove(consumer, action))

/**
 * Ends one subscription: messages that are published to the topic from now on do not reach the consumer. A worker
 * whose pipeline still has the topic subscribes again when it starts. Fails with `ConsumerBusy` while messages of the
 * topic wait.
 *
 * @since 0.1.0
 */
export const unsubscribe = (
  consumer: string,
  topic: string,
  action: OperatorAction & {
    /** Ends the subscription despite waiting messages of the topic, which become dead letters. */
    readonly force?: Pick<Force, "messages"> | undefined
  }
): Effect.Effect<void, StoreFailure | ConsumerNotFound | NotSubscribed | ConsumerBusy | InvalidOperatorAction, Store> =>
  run(action, "unsubscribed", (store) => store.consumers.unsubscribe(consumer, topic, action))

/** The result of pausing and resuming. */
type Paused<E = never> = Effect.Effect<
  void,
  StoreFailure | ConsumerNotFound | PauseConflict | InvalidOperatorAction | E,
  Store
>

/** The longest pause that ends by itself: 366 days, in milliseconds. */
const longestPause = 366 * 86_400_000

/**
 * Pauses a consumer for a duration, or until an operator resumes it. A pause outlasts restarts.
 *
 * Its workers take no more messages and start no more attempts. A worker learns of the pause at its next poll or
 * renewal, which comes after a third of the lease at the latest. Running attempts finish. Publishing continues, and
 * messages wait.
 *
 * With `duration` the pause ends by itself, and the audit has that, too. A worker of the consumer ends the pause at its
 * next poll or renewal. While no worker lives, the pause stays, and the next worker ends it.
 *
 * ```ts
 * import { Consumers } from "millrace"
 *
 * const stop = Consumers.pause("ledger", { by: "anna", note: "the bank is down", duration: "1 hour" })
 * const start = Consumers.resume("ledger", { by: "anna" })
 * ```
 *
 * @since 0.1.0
 */
export const pause = (
  consumer: string,
  action: OperatorAction & {
    /** How long the pause lasts, at most 366 days. Default: until an operator resumes the consumer. */
    readonly duration?: Duration.Input | undefined
  }
): Paused<InvalidSetting> => {
  const { by, duration, note } = action
  const millis = duration === undefined ? undefined : GivenDuration.millis(duration)
  return millis === undefined || (millis >= 1 && millis <= longestPause)
    ? run(action, "paused", (store) => store.consumers.pause(consumer, { by, note, millis }))
    : Effect.fail(GivenDuration.refusal("duration", duration, "a duration of a pause is needed, at most 366 days"))
}

/**
 * Resumes a paused consumer. Its workers continue where they stopped.
 *
 * Workers that wait are notified. A worker that no notification reaches learns of it at its next poll or renewal, as it
 * learns of a pause. No notification passes a pooler, and none exists on PGlite.
 *
 * ```ts
 * import { Consumers } from "millrace"
 *
 * const start = Consumers.resume("ledger", { by: "anna", note: "the bank is back" })
 * ```
 *
 * @since 0.1.0
 */
export const resume = (consumer: string, action: OperatorAction): Paused =>
  run(action, "resumed", (store) => store.consumers.resume(consumer, action))

/**
 * Ends the leases of one worker now, so that other workers take its lanes over at once. Returns how many lanes it lost.
 *
 * Use it for a worker that hangs: it still renews its leases, but its messages do not move. The worker commits nothing
 * more under these leases. Its messages in flight count as after a crash, so one that makes workers hang is
 * dead-lettered in the end. Stop the process of the worker first, because one that still runs claims free lanes again.
 *
 * ```ts
 * import { Consumers } from "millrace"
 *
 * const freed = Consumers.evict("ledger", "ledger-7c9f/12", { by: "anna", note: "its process hangs" })
 * ```
 *
 * @since 0.1.0
 */
export const evict = (
  consumer: string,
  worker: string,
  action: OperatorAction
): Effect.Effect<Evicted, StoreFailure | ConsumerNotFound | WorkerNotFound | InvalidOperatorAction, Store> =>
  run(action, "evicted", (store) => store.consumers.evict(consumer, worker, action))

/**
 * Pauses one key: its messages wait in order, and other keys continue. Messages of the key that a worker has already
 * taken are still processed. The pause lasts until an operator resumes the key, independent of its retries and parked
 * dead letters.
 *
 * ```ts
 * import { Consumers } from "millrace"
 *
 * const stop = Consumers.pauseKey("ledger", "account-17", { by: "anna", note: "under review" })
 * ```
 *
 * @since 0.1.0
 */
export const pauseKey = (consumer: string, key: string, action: OperatorAction): Paused =>
  run(action, "paused", (store) => store.consumers.pauseKey(consumer, key, action))

/**
 * Resumes a paused key, in order. A parked dead letter, or a retry that is not due, still holds the key. A key that is
 * parked although none of its dead letters is open continues, too. No function of Millrace leaves such a key behind,
 * but an operator that finds one can free it.
 *
 * ```ts
 * import { Consumers } from "millrace"
 *
 * const start = Consumers.resumeKey("ledger", "account-17", { by: "anna" })
 * ```
 *
 * @since 0.1.0
 */
export const resumeKey = (consumer: string, key: string, action: OperatorAction): Paused =>
  run(action, "resumed", (store) => store.consumers.resumeKey(consumer, key, action))

/**
 * Returns the operator actions on consumers, newest first.
 *
 * @since 0.1.0
 */
export const audit = (
  query?: Omit<Audit.Query, "about" | "deadLetterId">
): Effect.Effect<ReadonlyArray<Audit.Entry>, StoreFailure, Store> => Audit.list({ ...query, about: "consumers" })
