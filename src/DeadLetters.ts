/**
 * Operator actions on dead letters: list, redrive, edit, discard, restore and release them.
 *
 * A redriven message keeps its id and key. Its dead letter is resolved in the commit of its message, so a dead letter
 * is open exactly while its message had no effect. Every action is audited in its own transaction. If two operators
 * decide about one dead letter at the same time, one action succeeds. The other one fails with `DeadLetterConflict`,
 * which names the first operator, the action and the time.
 *
 * A key is parked exactly while one of its parked dead letters is open.
 *
 * On Postgres, an action inside a transaction of your own needs READ COMMITTED. At another level the action is correct,
 * or fails with a `StoreFailure` of code 40001. Then run that transaction again. An action on a set of dead letters is
 * refused in such a transaction.
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
 * Returns matching dead letters, newest first, at most `limit` (default 100). For the next page, set `before` to the
 * last id. Pages neither skip nor repeat a dead letter while others arrive.
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
 * Groups dead letters by cause, newest group first. A group has the number of its dead letters, the times of the first
 * and the last one, and a sample. Default state: `open`. Counting ends at 10,000 per group. Returns at most `limit`
 * groups (default 100, up to 1,000).
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
 * Returns one dead letter with its message and the error of every attempt.
 *
 * @since 0.1.0
 */
export const get = (deadLetterId: string): Effect.Effect<DeadLetter, StoreFailure | DeadLetterNotFound, Store> =>
  Store.use((store) => store.deadLetters.get(deadLetterId))

/** The result of an action on one dead letter. */
type Decided = Effect.Effect<
  void,
  StoreFailure | DeadLetterNotFound | DeadLetterConflict | InvalidOperatorAction,
  Store
>

/**
 * Puts an open dead letter's message back into its queue, with the same id and key. A parked message goes to its old
 * place and the messages behind it follow. Any other message goes to the end of its key. Fails with
 * `DeadLetterConflict` if another operator decided before.
 *
 * ```ts
 * import { DeadLetters } from "millrace"
 *
 * const again = DeadLetters.redrive("0000000000000007", { by: "anna", note: "the bank is back" })
 * ```
 *
 * @since 0.1.0
 */
export const redrive = (deadLetterId: string, action: OperatorAction): Decided =>
  run(action, "redriven", (store) => store.deadLetters.redrive(deadLetterId, action))

/**
 * Redrives a dead letter with another payload: JSON text that the topic's Schema decodes. If the payload does not
 * decode, the call fails with `EditUndecodable`.
 *
 * Id and key stay the same, since deduplication and order depend on them. A payload of another key is refused
 * (`EditRefused`). The topic's `id` function is not called. The dead letter keeps the published payload as `original`.
 * If the call fails, nothing is changed.
 *
 * To encode a typed value, use the Schema's JSON codec: `Schema.encodeEffect(Schema.fromJsonString(Payment))(value)`.
 * To decode the present payload, use `topic.decode(deadLetter.message)`.
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
  EditError | DeadLetterConflict | InvalidOperatorAction,
  Store | S["DecodingServices"] | S["EncodingServices"]
> {
  const { by, note, payload, topic } = options
  yield* checked(options)
  yield* checkEdit(deadLetterId, options)
  const store = yield* Store
  yield* store.deadLetters.redrive(deadLetterId, { by, note }, { payload, version: topic.version })
  yield* Telemetry.operatorAction("edited")
})

/** The errors of an edited payload that cannot replace the payload of its dead letter. */
type EditError = StoreFailure | DeadLetterNotFound | EditUndecodable | EncodeFailed | InvalidMessage | EditRefused

/**
 * Checks an edited payload as {@link redriveEdited} does, and changes nothing. Returns the dead letter, whose payload
 * can be compared with the edit.
 *
 * ```ts
 * import { Schema } from "effect"
 * import { DeadLetters, Topic } from "millrace"
 *
 * const Payments = Topic.make("payments", { schema: Schema.Struct({ cents: Schema.Int }), id: "random" })
 * const check = DeadLetters.checkEdit("0000000000000007", { topic: Payments, payload: `{ "cents": 1250 }` })
 * ```
 *
 * @since 0.1.0
 */
export const checkEdit = Effect.fnUntraced(function*<Name extends string, S extends Schema.Constraint>(
  deadLetterId: string,
  { payload, topic }: { readonly topic: Topic<Name, S>; readonly payload: string }
): Effect.fn.Return<DeadLetter, EditError, Store | S["DecodingServices"] | S["EncodingServices"]> {
  const deadLetter = yield* get(deadLetterId)
  const { message } = deadLetter
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
  return deadLetter
})

/**
 * Discards an open dead letter. The messages behind a parked one continue. The dead letter can be restored while the
 * store keeps it (7 days, `retention.discarded`).
 *
 * ```ts
 * import { DeadLetters } from "millrace"
 *
 * const dropped = DeadLetters.discard("0000000000000007", { by: "anna", note: "a test payment" })
 * ```
 *
 * @since 0.1.0
 */
export const discard = (deadLetterId: string, action: OperatorAction): Decided =>
  run(action, "discarded", (store) => store.deadLetters.discard(deadLetterId, action))

/**
 * Undoes a discard: the dead letter is open again. A parked dead letter parks its key again, before the first message
 * that no worker has taken.
 *
 * ```ts
 * import { DeadLetters } from "millrace"
 *
 * const back = DeadLetters.restore("0000000000000007", { by: "anna", note: "discarded by mistake" })
 * ```
 *
 * @since 0.1.0
 */
export const restore = (deadLetterId: string, action: OperatorAction): Decided =>
  run(action, "restored", (store) => store.deadLetters.restore(deadLetterId, action))

/**
 * Lets the messages behind a parked dead letter continue while the dead letter stays open. If the dead letter is
 * redriven later, its message goes to the end of the key. A key with several parked dead letters continues when the
 * last of them is released.
 *
 * ```ts
 * import { DeadLetters } from "millrace"
 *
 * const onwards = DeadLetters.release("0000000000000007", { by: "anna", note: "the rest may go" })
 * ```
 *
 * @since 0.1.0
 */
export const release = (deadLetterId: string, action: OperatorAction): Decided =>
  run(action, "released", (store) => store.deadLetters.release(deadLetterId, action))

/**
 * Returns the open dead letters that match now as a frozen set. Pass the set to {@link redriveAll} or {@link
 * discardAll}, which then decide about exactly these dead letters. A message that becomes a dead letter later, or
 * again, is not in the set.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { DeadLetters } from "millrace"
 *
 * const size = DeadLetters.freeze({ consumer: "ledger", reason: "exhausted" }).pipe(
 *   Effect.map((set) => set.deadLetters.count)
 * )
 * ```
 *
 * @since 0.1.0
 */
export const freeze = (filter: Omit<Filter, "state">): Effect.Effect<FrozenSet, StoreFailure, Store> =>
  Store.use((store) => store.deadLetters.freeze(filter))

/**
 * The progress of an action on a set.
 *
 * @since 0.1.0
 */
export interface Progress {
  /** Number of dead letters that were redriven or discarded. Other operators decided about the rest of the set. */
  readonly done: number
  /** The id of the last dead letter that was redriven or discarded. */
  readonly last: string
}

/**
 * Options of an action on a set.
 *
 * @since 0.1.0
 */
export interface SetOptions extends OperatorAction {
  /** The most dead letters that are decided in a second, above 0. By default there is no limit. */
  readonly rate?: number | undefined
  /**
   * This function runs after each transaction. The next transaction waits for its effect, and an interruption ends that
   * effect.
   */
  readonly onProgress?: ((progress: Progress) => Effect.Effect<void>) | undefined
}

/**
 * Redrives the open dead letters that match now, or a frozen set, and returns how many were redriven.
 *
 * The call runs transactions of at most 100 dead letters, oldest first. It can be interrupted at any time. Then the
 * reported progress is committed, and perhaps one transaction more. The audit has an entry for each dead letter.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { DeadLetters } from "millrace"
 *
 * const afterTheFix = Effect.gen(function*() {
 *   const set = yield* DeadLetters.freeze({ consumer: "ledger", tag: "PaymentDeclined" })
 *   yield* Effect.log(`${set.deadLetters.count} dead letters`)
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
 * Discards the open dead letters that match now, or a frozen set, and returns how many were discarded. It runs as
 * {@link redriveAll} does.
 *
 * ```ts
 * import { DeadLetters } from "millrace"
 *
 * const dropped = DeadLetters.discardAll({ consumer: "ledger", reason: "undecodable" }, { by: "anna" })
 * ```
 *
 * @since 0.1.0
 */
export const discardAll = (
  set: FrozenSet | Omit<Filter, "state">,
  options: SetOptions
): Effect.Effect<Progress, StoreFailure | InvalidSetting | InvalidOperatorAction, Store> =>
  decideAll("discarded", set, options)

/**
 * The most dead letters of one transaction. The transaction locks their rows, so other operators that decide about them
 * wait for its end.
 */
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
  // With a rate, one transaction decides about the dead letters of a fifth of a second. So the work comes in small
  // portions, and not once a second.
  const most = rate === undefined ? mostOfOne : Math.min(mostOfOne, Math.max(1, Math.floor(rate / 5)))
  const started = yield* Clock.monotonicTimeNanos
  let progress: Progress = { done: 0, last: "" }
  const one = Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(
      restore(deadLetters.decideSome(decision, frozen, { action: { by, note }, after: progress.last, most })),
      ({ deadLetterIds: deadLetters, more }) => {
        if (deadLetters.length > 0) progress = { done: progress.done + deadLetters.length, last: deadLetters.at(-1)! }
        const report = onProgress === undefined || deadLetters.length === 0
          ? Effect.void
          : restore(onProgress(progress))
        return Effect.as(Effect.andThen(Telemetry.operatorAction(decision, deadLetters.length), report), more)
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
 * Returns the operator actions on dead letters, newest first.
 *
 * @since 0.1.0
 */
export const audit = (
  query?: Omit<Audit.Query, "about">
): Effect.Effect<ReadonlyArray<Audit.Entry>, StoreFailure, Store> => Audit.list({ ...query, about: "deadLetters" })
