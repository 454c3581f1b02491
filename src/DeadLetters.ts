/**
 * What people do with dead letters: look at them, redrive them, give them up.
 *
 * A redriven message keeps its id and key. Its dead letter is resolved in the commit of its message, so that a dead letter is open
 * exactly as long as its message had no effect. Every change is audited in the transaction that makes it; of two people who
 * decide about one dead letter at once one wins, and the other is told who did what and when.
 *
 * A key is parked exactly while one of its parked dead letters is open. On Postgres, a decision inside of a transaction of your own that is not
 * READ COMMITTED is right too, or fails with a `StoreFailure` of code 40001: run that transaction again. A set is refused there.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import * as Audit from "./Audit.ts"
import type { DeadLetter, FailureGroup, Filter, FrozenSet, Query } from "./DeadLetter.ts"
import {
  type DeadLetterConflict,
  type DeadLetterNotFound,
  EditRefused,
  EditUndecodable,
  type EncodeFailed,
  type InvalidMessage,
  type InvalidOperatorAction,
  type InvalidSetting,
  type StoreFailure
} from "./Errors.ts"
import * as GivenDuration from "./internal/GivenDuration.ts"
import { checked, run } from "./internal/OperatorAction.ts"
import * as Message from "./Message.ts"
import { type OperatorAction, Store } from "./Store.ts"
import * as Telemetry from "./Telemetry.ts"
import type { Topic } from "./Topic.ts"

/**
 * Dead letters that match, newest first, at most `limit` (100): the next page begins `before` the last id, and neither skips nor
 * repeats a dead letter while others arrive.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { DeadLetters } from "millrace"
 *
 * const declined = Effect.gen(function*() {
 *   const page = yield* DeadLetters.list({ consumer: "ledger", state: "open", tag: "PaymentDeclined" })
 *   return yield* DeadLetters.list({ consumer: "ledger", state: "open", before: page.at(-1)?.id })
 * })
 * ```
 *
 * @since 0.1.0
 */
export const list = (query?: Query): Effect.Effect<ReadonlyArray<DeadLetter>, StoreFailure, Store> =>
  Store.use((store) => store.deadLetters.list(query ?? {}))

/**
 * Dead letters by cause, those that died last first: how many, since when, and one of them to look at. Without a `state` of open ones.
 * Counting ends at 10,000 a group; at most `limit` (100, up to 1,000) groups.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { DeadLetters } from "millrace"
 *
 * const report = Effect.gen(function*() {
 *   for (const { fingerprint, deadLetters } of yield* DeadLetters.groups({ consumer: "ledger" })) {
 *     yield* Effect.log(`${deadLetters.count}${deadLetters.more ? "+" : ""} of ${fingerprint}`)
 *   }
 * })
 * ```
 *
 * @since 0.1.0
 */
export const groups = (
  filter?: Filter & { readonly limit?: number | undefined }
): Effect.Effect<ReadonlyArray<FailureGroup>, StoreFailure, Store> =>
  Store.use((store) => store.deadLetters.groups(filter ?? {}))

/**
 * One dead letter with its message and every attempt's error.
 *
 * @since 0.1.0
 */
export const get = (deadLetterId: string): Effect.Effect<DeadLetter, StoreFailure | DeadLetterNotFound, Store> =>
  Store.use((store) => store.deadLetters.get(deadLetterId))

/** What a decision about one dead letter fails with. */
type Decided = Effect.Effect<
  void,
  StoreFailure | DeadLetterNotFound | DeadLetterConflict | InvalidOperatorAction,
  Store
>

/**
 * Puts an open dead letter's message back into its queue, with the same id and key. A parked one goes first and its
 * successors follow; another one goes to the end of its key. Fails with `DeadLetterConflict` if somebody was there before.
 *
 * @since 0.1.0
 */
export const redrive = (deadLetterId: string, action: OperatorAction): Decided =>
  run(action, "redriven", (store) => store.deadLetters.redrive(deadLetterId, action))

/**
 * Redrives a dead letter with another payload: JSON text that the topic's Schema decodes, or `EditUndecodable`. Id and key stay what they
 * are, since deduplication and order hang on them. A payload of another key is refused (`EditRefused`); the topic's `id` is not
 * asked: the message keeps its id whatever that function says of the new payload. The dead letter keeps the payload that was published, as
 * `original`. Nothing is changed when this fails. From a typed value it is made by the Schema's JSON codec:
 * `Schema.encodeEffect(Schema.fromJsonString(Payment))(value)`; `topic.decode(deadLetterId.message)` is the way back.
 *
 * ```ts
 * import { Schema } from "effect"
 * import { DeadLetters, Topic } from "millrace"
 *
 * const Payments = Topic.make("payments", {
 *   schema: Schema.Struct({ accountId: Schema.String, cents: Schema.Int }),
 *   key: (payment) => payment.accountId
 * })
 * const fix = (deadLetter: string) =>
 *   DeadLetters.redriveEdited(deadLetter, {
 *     topic: Payments,
 *     payload: `{ "accountId": "a-7", "cents": 1250 }`,
 *     by: "anna",
 *     note: "cents came as text"
 *   })
 * ```
 *
 * @since 0.1.0
 */
export const redriveEdited = Effect.fnUntraced(function*<Name extends string, S extends Schema.Constraint>(
  deadLetterId: string,
  options: OperatorAction & { readonly topic: Topic<Name, S>; readonly payload: string }
): Effect.fn.Return<
  void,
  | StoreFailure
  | DeadLetterNotFound
  | DeadLetterConflict
  | EditUndecodable
  | EncodeFailed
  | InvalidMessage
  | InvalidOperatorAction
  | EditRefused,
  Store | S["DecodingServices"] | S["EncodingServices"]
> {
  const { by, note, payload, topic } = options
  yield* checked(options)
  const { message } = yield* get(deadLetterId)
  if (topic.name !== message.topic) {
    return yield* new EditRefused({ deadLetterId, field: "topic", kept: message.topic, edited: topic.name })
  }
  const edited: Message.Message = { ...message, payload, version: topic.version }
  const bad = Message.problem(edited)
  if (bad !== undefined) return yield* bad
  const value = yield* Effect.mapError(
    topic.decode(edited),
    ({ issue, where }) => new EditUndecodable({ deadLetterId, topic: topic.name, issue, where })
  )
  const encoded = yield* topic.encode(value, { id: message.id })
  if (encoded.keyed !== message.keyed || encoded.key !== message.key) {
    return yield* new EditRefused({ deadLetterId, field: "key", kept: message.key, edited: encoded.key })
  }
  const store = yield* Store
  yield* store.deadLetters.redrive(deadLetterId, { by, note }, { payload, version: topic.version })
  yield* Telemetry.operatorAction("edited")
})

/**
 * Gives an open dead letter up. The successors of a parked one go on. It can be restored as long as it is kept (7 days,
 * `retention.discarded`).
 *
 * @since 0.1.0
 */
export const discard = (deadLetterId: string, action: OperatorAction): Decided =>
  run(action, "discarded", (store) => store.deadLetters.discard(deadLetterId, action))

/**
 * Undoes a discard: the dead letter is open again. If it was parked its key waits again, from what no worker has in its hands yet.
 *
 * @since 0.1.0
 */
export const restore = (deadLetterId: string, action: OperatorAction): Decided =>
  run(action, "restored", (store) => store.deadLetters.restore(deadLetterId, action))

/**
 * Lets the successors of a parked dead letter go on while nobody has decided about it. The dead letter stays open; when it is redriven, it goes
 * to the end of its key. A key with several parked dead letters goes on with the last of them.
 *
 * @since 0.1.0
 */
export const release = (deadLetterId: string, action: OperatorAction): Decided =>
  run(action, "released", (store) => store.deadLetters.release(deadLetterId, action))

/**
 * The open dead letters that match now, as a set that stays as it is: look at it, then redrive or discard exactly it. What dies later,
 * and what dies again, is not in it.
 *
 * @since 0.1.0
 */
export const freeze = (filter: Omit<Filter, "state">): Effect.Effect<FrozenSet, StoreFailure, Store> =>
  Store.use((store) => store.deadLetters.freeze(filter))

/**
 * How far a set is decided about.
 *
 * @since 0.1.0
 */
export interface Progress {
  /** Dead letters that were redriven, or discarded. Others of the set were decided about by somebody else meanwhile. */
  readonly done: number
  /** The last of them. */
  readonly last: string
}

/**
 * How a set is decided about.
 *
 * @since 0.1.0
 */
export interface SetOptions extends OperatorAction {
  /** Dead letters a second, above 0. Default: as fast as the store can. */
  readonly rate?: number | undefined
  /** Told after each transaction; the next one waits for it, and an interruption ends it. */
  readonly onProgress?: ((progress: Progress) => Effect.Effect<void>) | undefined
}

/**
 * Redrives a set: the open dead letters that match now, or one that was frozen before. Runs in transactions of at most 100 dead letters, oldest
 * first, and answers how many were redriven. Interruption is safe between and within them: what `onProgress` was told is done, and at
 * most one transaction more; the audit has each dead letter.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { DeadLetters } from "millrace"
 *
 * const afterTheFix = Effect.gen(function*() {
 *   const set = yield* DeadLetters.freeze({ consumer: "ledger", tag: "PaymentDeclined" })
 *   yield* Effect.log(`${set.deadLetters.count} deadLetters`)
 *   yield* DeadLetters.redriveAll(set, {
 *     by: "anna",
 *     rate: 120,
 *     onProgress: ({ done }) => Effect.log(`${done} are back in the queue`)
 *   })
 * })
 * ```
 *
 * @since 0.1.0
 */
export const redriveAll = (
  set: FrozenSet | Omit<Filter, "state">,
  options: SetOptions
): Effect.Effect<Progress, StoreFailure | InvalidSetting | InvalidOperatorAction, Store> =>
  decideAll("redriven", set, options)

/**
 * Discards a set, as {@link redriveAll} redrives one.
 *
 * @since 0.1.0
 */
export const discardAll = (
  set: FrozenSet | Omit<Filter, "state">,
  options: SetOptions
): Effect.Effect<Progress, StoreFailure | InvalidSetting | InvalidOperatorAction, Store> =>
  decideAll("discarded", set, options)

/** Dead letters of one transaction: it holds their rows, and others may want to decide about them. */
const mostOfOne = 100

const decideAll = Effect.fnUntraced(function*(
  decision: "redriven" | "discarded",
  set: FrozenSet | Omit<Filter, "state">,
  options: SetOptions
): Effect.fn.Return<Progress, StoreFailure | InvalidSetting | InvalidOperatorAction, Store> {
  const { by, note, onProgress, rate } = options
  yield* checked(options)
  if (rate !== undefined && !(Number.isFinite(rate) && rate > 0)) {
    return yield* GivenDuration.refusal("rate", rate, "dead letters a second, above 0, are needed")
  }
  const { deadLetters } = yield* Store
  const frozen = "cutoff" in set ? set : yield* deadLetters.freeze(set)
  // Several transactions a second, so that a rate is kept smoothly.
  const most = rate === undefined ? mostOfOne : Math.min(mostOfOne, Math.max(1, Math.floor(rate / 5)))
  const started = yield* Clock.monotonicTimeNanos
  let progress: Progress = { done: 0, last: "" }
  const one = Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(
      restore(deadLetters.decideSome(decision, frozen, { action: { by, note }, after: progress.last, most })),
      ({ deadLetterIds: deadLetters, more }) => {
        if (deadLetters.length > 0) progress = { done: progress.done + deadLetters.length, last: deadLetters.at(-1)! }
        const told = onProgress === undefined || deadLetters.length === 0 ? Effect.void : restore(onProgress(progress))
        return Effect.as(Effect.andThen(Telemetry.operatorAction(decision, deadLetters.length), told), more)
      }
    )
  )
  while (yield* Effect.suspend(() => one)) {
    if (rate === undefined) continue
    const passed = Number((yield* Clock.monotonicTimeNanos) - started) / 1e6
    yield* Effect.sleep(Math.max(0, (progress.done / rate) * 1000 - passed))
  }
  return progress
})

/**
 * Who decided what about dead letters, and when; newest first.
 *
 * @since 0.1.0
 */
export const audit = (
  query?: Omit<Audit.Query, "about">
): Effect.Effect<ReadonlyArray<Audit.Entry>, StoreFailure, Store> => Audit.list({ ...query, about: "deadLetters" })
