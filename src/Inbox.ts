/**
 * The inbox for code without a pipeline. `once` runs an effect once per id and returns its first result to every
 * caller. `await` waits until a message is committed or dead.
 *
 * `once` gives an HTTP handler with an idempotency key the guarantee of a pipeline's commit. The record of the id,
 * the result, and everything that the effect did through the store's transaction commit together or not at all.
 * Effects outside of the transaction (network calls) happen at least once. An id and its result are kept for the
 * deduplication window (`retention.inbox`, 7 days by default). Then both are forgotten, and the same id runs again.
 *
 * With the option `inbox`, the ids are kept in an inbox outside of the store, for example in Redis. Such an inbox is
 * for effects that no database contains. It promises less, because the effect and its record are not one transaction.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import { randomUUID } from "node:crypto"
import {
  AwaitTimeout,
  type ClaimLost,
  ForeignSqlClient,
  IdempotencyConflict,
  InProgress,
  InvalidId,
  type InvalidName,
  type InvalidSetting,
  type ResultRefused,
  ResultUnavailable,
  StoreFailure
} from "./Errors.ts"
import * as GivenDuration from "./internal/GivenDuration.ts"
import * as OnceCodec from "./internal/OnceCodec.ts"
import * as OnceOutside from "./internal/OnceOutside.ts"
import { OnceWait } from "./internal/OnceWait.ts"
import * as Message from "./Message.ts"
import * as MessageId from "./MessageId.ts"
import { type InboxRecord, type OutsideInbox, Store, type Transaction, type TransactionFailure } from "./Store.ts"
import { nameProblem } from "./Topic.ts"

/**
 * The id under which an effect runs once.
 *
 * @since 0.1.0
 */
export interface OnceKey {
  /**
   * The name that the ids belong to, with the limits of a consumer's name. The name need not be registered, and no
   * pipeline should use it.
   */
  readonly consumer: string
  /** The idempotency key: at most 512 bytes. */
  readonly id: string
  /**
   * The content of the request. A second request with the same id and other content fails with `IdempotencyConflict`.
   *
   * A text is compared as it is. Any other JSON value is compared by its canonical form, in which the order of keys
   * does not matter. Only a hash is stored. Default: the empty text.
   */
  readonly payload?: Schema.Json | undefined
}

/**
 * How `once` stores its result, and how it behaves while another caller runs.
 *
 * @since 0.1.0
 */
export interface OnceOptions<S extends Schema.Constraint> {
  /** The Schema of the effect's result. The result is stored as JSON, at most 1 MiB, and decoded for later callers. */
  readonly result: S
  /**
   * While another caller runs under the id: `wait` for its result, or `refuse` at once with `InProgress`. Default
   * `wait`.
   *
   * A waiting call holds no database connection, unless it runs inside of a transaction. On an engine with one session
   * (PGlite) a caller always waits for the session.
   */
  readonly whileBusy?: "wait" | "refuse" | undefined
  /**
   * How long to wait for another caller, and for a store that is not available. Default 10 seconds. After that the call
   * fails with `InProgress`, or with the failure of the store.
   *
   * The wait for another caller starts when the call has a database connection. The timeout does not limit the effect
   * itself.
   */
  readonly timeout?: Duration.Input | undefined
}

/**
 * The options of `once` on an inbox outside of the store.
 *
 * @since 0.1.0
 */
export interface OutsideOptions<S extends Schema.Constraint, I> extends OnceOptions<S> {
  /** The service of the inbox, for example `RedisInbox.RedisInbox` of `millrace/redis`. */
  readonly inbox: Context.Key<I, OutsideInbox>
}

/** Returns the timeout in milliseconds, or fails if it is no duration. */
const timeoutOf = (given: Duration.Input): Effect.Effect<number, InvalidSetting> => {
  const millis = GivenDuration.millis(given)
  return millis >= 0
    ? Effect.succeed(millis)
    : Effect.fail(GivenDuration.refusal("timeout", given, "a duration is needed"))
}

/**
 * The errors of `once`, beside the effect's own errors.
 *
 * @since 0.1.0
 */
export type OnceError =
  | InvalidName
  | InvalidId
  | InvalidSetting
  | ForeignSqlClient
  | IdempotencyConflict
  | InProgress
  | ResultUnavailable
  | ResultRefused
  | StoreFailure
  | TransactionFailure

/**
 * The errors of `once` on an inbox outside of the store, beside the effect's own errors.
 *
 * @since 0.1.0
 */
export type OutsideError = Exclude<OnceError, ForeignSqlClient | TransactionFailure> | ClaimLost

/**
 * Runs an effect once for an id, and returns its first result to every caller with the same id.
 *
 * The effect runs inside a transaction of the store. Its statements on the store's `SqlClient`, its publishes, the
 * record of the id and the result commit together. If the effect fails, the call fails with the same error, everything
 * is rolled back, and the id can be tried again. Inside an ambient transaction the call joins it, and the id is known
 * when that transaction has committed.
 *
 * The call runs its transaction again, up to ten times, after a conflict with another transaction or a COMMIT without
 * an answer. It also does so while the database is not available. If that does not help, the call fails with the last
 * failure. Inside an ambient transaction the call fails at once, and the owner of that transaction repeats it as a
 * whole. So the effect may run more than once, but is committed once. The effect holds a database connection while it
 * runs. Limit the effect with `Effect.timeout`, and call slow services before `once`.
 *
 * On Postgres the transaction of `once` is READ COMMITTED. For another level, call `once` inside a transaction of your
 * own, and repeat that transaction on 40001. An interruption rolls the transaction back. Results are forgotten with
 * their ids, after the deduplication window.
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { SqlClient } from "effect/sql"
 * import { Inbox } from "millrace"
 *
 * const Order = Schema.Struct({ orderId: Schema.String })
 *
 * const placeOrder = (idempotencyKey: string, body: string) =>
 *   Inbox.once(
 *     { consumer: "orders-api", id: idempotencyKey, payload: body },
 *     Effect.gen(function*() {
 *       const sql = yield* SqlClient.SqlClient
 *       yield* sql`insert into orders (id, body) values (${idempotencyKey}, ${body})`
 *       return { orderId: idempotencyKey }
 *     }),
 *     { result: Order, whileBusy: "refuse" }
 *   )
 * ```
 *
 * **On an inbox outside of the store** (option `inbox`) no transaction contains the effect, and no store is needed. The
 * id has an in-progress marker while the effect runs, which the call renews. After the effect, a done marker with the
 * result replaces it.
 *
 * - If the effect fails or is interrupted, the marker is deleted. The next call runs the effect again, although it may
 *   have happened in part.
 * - If the process dies, the marker expires. The next call runs the effect again, although it may have happened.
 * - If the marker cannot be renewed in time, the effect is interrupted, and the call fails with `ClaimLost`.
 *
 * @since 0.1.0
 */
export function once<S extends Schema.Constraint, I, E, R>(
  key: OnceKey,
  effect: Effect.Effect<S["Type"], E, R>,
  options: OutsideOptions<S, I>
): Effect.Effect<S["Type"], E | OutsideError, I | R | S["DecodingServices"] | S["EncodingServices"]>
export function once<S extends Schema.Constraint, E, R>(
  key: OnceKey,
  effect: Effect.Effect<S["Type"], E, R>,
  options: OnceOptions<S>
): Effect.Effect<
  S["Type"],
  E | OnceError,
  Store | Exclude<R, Transaction> | S["DecodingServices"] | S["EncodingServices"]
>
export function once<S extends Schema.Constraint, I, E, R>(
  key: OnceKey,
  effect: Effect.Effect<S["Type"], E, R>,
  options: OnceOptions<S> | OutsideOptions<S, I>
): Effect.Effect<
  S["Type"],
  E | OnceError | ClaimLost,
  I | Store | R | S["DecodingServices"] | S["EncodingServices"]
> {
  if ("inbox" in options) {
    return Effect.andThen(
      checked(key),
      Effect.flatMap(options.inbox, (inbox) => runOutside(inbox, key, effect, options))
    )
  }
  return Effect.andThen(checked(key), Effect.flatMap(Store, (store) => runOnce(store, key, effect, options)))
}

/** Checks consumer and id before any request. */
const checked = Effect.fnUntraced(function*(
  { consumer, id }: Pick<OnceKey, "consumer" | "id">
): Effect.fn.Return<void, InvalidName | InvalidId> {
  const badName = nameProblem("consumer", consumer)
  if (badName !== undefined) return yield* badName
  const problem = Message.textProblem(id, Message.limits.idBytes)
  if (problem !== undefined) return yield* new InvalidId({ consumer, id: id.slice(0, 64), problem })
})

/** Claims the id outside of the store, and runs the effect under the claim. */
const runOutside = Effect.fnUntraced(function*<S extends Schema.Constraint, E, R>(
  inbox: OutsideInbox,
  key: OnceKey,
  effect: Effect.Effect<S["Type"], E, R>,
  options: OnceOptions<S>
): Effect.fn.Return<S["Type"], E | OutsideError, R | S["DecodingServices"] | S["EncodingServices"]> {
  const claim = { id: key.id, fingerprint: fingerprintOf(key.payload ?? ""), owner: randomUUID() }
  const codec = OnceCodec.make(key, options.result, false)
  return yield* OnceOutside.run(inbox, key.consumer, claim, effect, codec, yield* waitOf(options))
})

/** Returns the wait of one call. Fails if its timeout is no duration. */
const waitOf = Effect.fnUntraced(function*(options: OnceOptions<Schema.Constraint>) {
  const timeout = yield* timeoutOf(options.timeout ?? "10 seconds")
  return new OnceWait(yield* Clock.Clock, options.whileBusy !== "refuse", timeout)
})

/** The effect's own error, distinguished from a failure of the store. */
class Own<E> {
  readonly _tag = "Own"
  readonly error: E
  constructor(error: E) {
    this.error = error
  }
}

/** The timeout passed, and the id is still undecided. */
class Late {
  readonly _tag = "Late"
}

/** Runs one transaction after the other until the id is decided. Returns the result. */
const runOnce = Effect.fnUntraced(function*<S extends Schema.Constraint, E, R>(
  store: Store["Service"],
  key: OnceKey,
  effect: Effect.Effect<S["Type"], E, R>,
  options: OnceOptions<S>
): Effect.fn.Return<
  S["Type"],
  E | OnceError,
  Exclude<R, Transaction> | S["DecodingServices"] | S["EncodingServices"]
> {
  const { consumer, id } = key
  if (!store.joinsTransactions(yield* Effect.context<never>())) {
    return yield* new ForeignSqlClient({ consumer, engine: store.engine })
  }
  const fingerprint = fingerprintOf(key.payload ?? "")
  const codec = OnceCodec.make(key, options.result, true)
  const wait = options.whileBusy !== "refuse"
  const waiting = yield* waitOf(options)
  const own = Effect.mapError(effect, (error) => new Own(error))
  const once = Effect.gen(function*() {
    waiting.transactionBegins()
    const claim = yield* Effect.timeoutOrElse(store.inbox.claimOnce(consumer, { id, fingerprint }, wait), {
      duration: waiting.remaining,
      orElse: () => Effect.fail(new Late())
    })
    waiting.claimed(claim)
    if (claim._tag !== "Fresh") return claim
    const value = yield* own
    yield* store.inbox.storeResult(consumer, id, yield* codec.encode(value))
    return { _tag: "Ran", value } as const
  })
  const repeatable = !(yield* store.inTransaction)
  while (true) {
    const result = yield* Effect.result(store.transact(once))
    const answer = Result.isSuccess(result) ? result.success : result.failure
    switch (answer._tag) {
      case "Ran":
        return answer.value
      case "Own":
        return yield* Effect.fail(answer.error)
      case "Committed":
        return yield* codec.decode(answer.result)
      case "Conflict":
        return yield* new IdempotencyConflict({ consumer, id })
      case "Dead":
        return yield* new ResultUnavailable({ consumer, id, reason: "dead", detail: answer.deadLetterId })
      case "Busy":
      case "Late":
        if (!waiting.isOver) break
        return yield* waiting.unknownOutcome ?? new InProgress({ consumer, id, waitedMillis: waiting.waitedMillis })
      default:
        if (repeatable && waiting.mayRetry(answer)) break
        return yield* waiting.unknownOutcome ?? answer
    }
    yield* waiting.pause
  }
})

const fingerprintOf = (payload: Schema.Json): string =>
  MessageId.ofPayload(typeof payload === "string" ? payload : MessageId.canonical(payload))

/**
 * How long `Inbox.await` waits.
 *
 * @since 0.1.0
 */
export interface AwaitOptions {
  /** How long the call waits before it fails with `AwaitTimeout`. Default 30 seconds. */
  readonly timeout?: Duration.Input | undefined
}

/**
 * The first and the longest pause between polls, in milliseconds. The first is short because most messages are
 * processed soon.
 */
const firstPause = 20
const longestPause = 1000

/**
 * Waits until a message is committed for a consumer (`Committed`) or dead (`Dead`, with its dead letter's id), and
 * returns which.
 *
 * A commit in this process wakes the call at once. On Postgres, a call that has waited for 20 ms asks the workers of
 * other processes for a notification, by one NOTIFY. The worker that commits the message then wakes it. Workers without
 * such a request send no notification.
 *
 * The call also polls, after 20 ms at first and every second at last, with one statement each. Behind a pooler without
 * notifications it only polls. The call also waits if no such consumer is registered yet. `Dead` is the present state,
 * and a redrive may commit the message later. An id that was forgotten after the deduplication window is never found.
 *
 * Fails with `AwaitTimeout`, or with the last `StoreFailure` if the store was not available at the end. Inside a
 * transaction the call fails at once with a `StoreFailure` of kind `refused`, because the wait would keep that
 * transaction open. An interruption ends the wait and changes nothing.
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { Inbox, Topic } from "millrace"
 *
 * const Order = Schema.Struct({ orderId: Schema.String })
 * const Orders = Topic.make("orders", { schema: Order, id: (order) => order.orderId })
 *
 * const order = Effect.gen(function*() {
 *   const id = yield* Topic.publish(Orders, { orderId: "o-1" })
 *   const outcome = yield* Inbox.await({ consumer: "warehouse", id }, { timeout: "5 seconds" })
 *   return outcome._tag === "Committed" ? "on its way" : `failed, see dead letter ${outcome.deadLetterId}`
 * })
 * ```
 *
 * @since 0.1.0
 */
const awaitOutcome = Effect.fnUntraced(function*(
  key: { readonly consumer: string; readonly id: string },
  options: AwaitOptions = {}
): Effect.fn.Return<InboxRecord, InvalidName | InvalidId | InvalidSetting | AwaitTimeout | StoreFailure, Store> {
  yield* checked(key)
  const { inTransaction, inbox } = yield* Store
  const { consumer, id } = key
  if (yield* inTransaction) {
    return yield* new StoreFailure({
      operation: "await a message",
      kind: "refused",
      code: "",
      detail: "inside of a transaction, which would stay open until another process commits",
      hint: "Await it when the transaction has ended."
    })
  }
  const timeout = yield* timeoutOf(options.timeout ?? "30 seconds")
  let away: StoreFailure | undefined
  let millis = firstPause / 2
  let polls = 0
  const poll = Effect.scoped(Effect.gen(function*() {
    // After the first pause, the call asks other processes for a notification, once. Most calls return before that, and
    // need no such request.
    const decided = yield* inbox.watch(consumer, id, polls++ === 1)
    const answer = yield* Effect.result(inbox.lookup(consumer, id))
    away = Result.isFailure(answer) ? answer.failure : undefined
    if (away?.kind === "refused") return yield* away
    if (Result.isSuccess(answer) && answer.success !== undefined) return answer.success
    millis = Math.min(longestPause, millis * 2)
    yield* Effect.raceFirst(decided, Effect.sleep(millis))
    return undefined
  }))
  const outcome = Effect.gen(function*() {
    while (true) {
      const found = yield* poll
      if (found !== undefined) return found
    }
  })
  return yield* Effect.timeoutOrElse(outcome, {
    duration: timeout,
    orElse: () => Effect.fail(away ?? new AwaitTimeout({ consumer, id, waitedMillis: Math.round(timeout) }))
  })
})

export { awaitOutcome as await }
