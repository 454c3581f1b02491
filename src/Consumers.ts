/**
 * What people do with consumers: look at them, pause them, take them away.
 *
 * A consumer begins with its first worker and stays when its workers stop: what is published waits for it. Each function is one
 * transaction, audited in it: nothing is ever half done, and nothing is done without a record of who did it (`InvalidOperatorAction`).
 *
 * On Postgres, a change inside of a transaction of your own needs READ COMMITTED. At another level it is refused (`StoreFailure`).
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import * as Audit from "./Audit.ts"
import type {
  ConsumerBusy,
  ConsumerNotFound,
  InvalidOperatorAction,
  NotSubscribed,
  PauseConflict,
  StoreFailure
} from "./Errors.ts"
import { run } from "./internal/OperatorAction.ts"
import { type Consumer, type Force, type HeldKey, type HeldQuery, type OperatorAction, Store } from "./Store.ts"

/**
 * Every consumer by its name: settings, topics, whether it is paused, and how much waits. Counting ends at 10,000.
 *
 * A name that only `Inbox.once` uses has no queue, and is not among them.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Consumers } from "millrace"
 *
 * const status = Effect.gen(function*() {
 *   for (const { consumer, deadLetters, paused, waiting } of yield* Consumers.list) {
 *     yield* Effect.log(`${consumer}: ${waiting.count} wait, ${deadLetters.count} are dead, ${paused?.by ?? "running"}`)
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
 * One consumer.
 *
 * @since 0.1.0
 */
export const get = (consumer: string): Effect.Effect<Consumer, StoreFailure | ConsumerNotFound, Store> =>
  Store.use((store) => store.consumers.get(consumer))

/**
 * Keys of a consumer that pause, and what for: a retry that waits for its time, a dead letter behind which the key is parked
 * (`DeadLetters.list({ consumer, key, state: "open" })` shows it), or a person's pause. At most `limit` (100): the next page begins `after`
 * the last key.
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
 * Takes a consumer away, with its queue, its memory of ids and its dead letters, all or nothing. There is no undo. Nobody publishes while it
 * runs, which takes the longer the more messages wait. Refused with
 * `ConsumerBusy` while workers live (`force.workers`), or while messages wait or dead letters are open (`force.messages`). A worker that
 * still runs commits nothing more and stops with `ConsumerRemoved`. What is published later waits, unrouted, for another consumer.
 *
 * @since 0.1.0
 */
export const remove = (
  consumer: string,
  action: OperatorAction & {
    /** Removes it despite live workers, whose work is lost, or despite messages and dead letters, which are deleted. */
    readonly force?: Force | undefined
  }
): Effect.Effect<void, StoreFailure | ConsumerNotFound | ConsumerBusy | InvalidOperatorAction, Store> =>
  run(action, "removed", (store) => store.consumers.remove(consumer, action))

/**
 * Ends one subscription: what is published to the topic from now on does not come. A worker whose pipeline still has the topic
 * subscribes again when it starts. Messages of the topic that wait are refused with `ConsumerBusy`.
 *
 * @since 0.1.0
 */
export const unsubscribe = (
  consumer: string,
  topic: string,
  action: OperatorAction & {
    /** Ends it despite waiting messages of the topic: they become dead letters. */
    readonly force?: Pick<Force, "messages"> | undefined
  }
): Effect.Effect<void, StoreFailure | ConsumerNotFound | NotSubscribed | ConsumerBusy | InvalidOperatorAction, Store> =>
  run(action, "unsubscribed", (store) => store.consumers.unsubscribe(consumer, topic, action))

/** What pausing and resuming fails with. */
type Paused = Effect.Effect<void, StoreFailure | ConsumerNotFound | PauseConflict | InvalidOperatorAction, Store>

/**
 * Pauses a consumer: its workers take and start nothing more (at the latest when they renew their leases, a third of the lease), and
 * what runs finishes. Publishing goes on, and nothing is lost: what waits, waits. It lasts until somebody resumes it, over restarts.
 *
 * ```ts
 * import { Consumers } from "millrace"
 *
 * const stop = Consumers.pause("ledger", { by: "anna", note: "the bank is down" })
 * const goOn = Consumers.resume("ledger", { by: "anna" })
 * ```
 *
 * @since 0.1.0
 */
export const pause = (consumer: string, action: OperatorAction): Paused =>
  run(action, "paused", (store) => store.consumers.pause(consumer, action))

/**
 * Resumes a paused consumer; its workers are woken.
 *
 * @since 0.1.0
 */
export const resume = (consumer: string, action: OperatorAction): Paused =>
  run(action, "resumed", (store) => store.consumers.resume(consumer, action))

/**
 * Pauses one key: its messages wait in order, while other keys go on. What a worker has of it in its hands already is finished. It lasts
 * until somebody resumes it, whatever happens to retries and parked dead letters of the key.
 *
 * @since 0.1.0
 */
export const pauseKey = (consumer: string, key: string, action: OperatorAction): Paused =>
  run(action, "paused", (store) => store.consumers.pauseKey(consumer, key, action))

/**
 * Resumes a paused key, in order. A parked letter or a retry that is not due holds it still. It also frees a key that is parked although
 * none of its dead letters is open. No call leaves such a key behind, but an operator who finds one is not stuck.
 *
 * @since 0.1.0
 */
export const resumeKey = (consumer: string, key: string, action: OperatorAction): Paused =>
  run(action, "resumed", (store) => store.consumers.resumeKey(consumer, key, action))

/**
 * Who did what to consumers, and when; newest first.
 *
 * @since 0.1.0
 */
export const audit = (
  query?: Omit<Audit.Query, "about" | "deadLetterId">
): Effect.Effect<ReadonlyArray<Audit.Entry>, StoreFailure, Store> => Audit.list({ ...query, about: "consumers" })
