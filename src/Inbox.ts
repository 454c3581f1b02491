/**
 * The inbox for code that has no pipeline: an effect once per id with its first result for everybody, and waiting until a message
 * is committed or dead.
 *
 * `once` gives an HTTP handler with an idempotency key what a pipeline's commit has: the record of the id, the result, and all that the
 * effect did through the store's transaction commit together or not at all. Effects outside of the transaction (network calls)
 * are at least once. An id and its result are remembered for the deduplication window (`retention.inbox`, 7 days by default), and then forgotten
 * together: the same id runs anew.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import {
  AwaitTimeout,
  ForeignSqlClient,
  IdempotencyConflict,
  InProgress,
  InvalidId,
  type InvalidName,
  type InvalidSetting,
  ResultRefused,
  ResultUnavailable,
  StoreFailure,
  type UnknownOutcome
} from "./Errors.ts"
import * as Backoff from "./internal/Backoff.ts"
import * as GivenDuration from "./internal/GivenDuration.ts"
import * as Message from "./Message.ts"
import * as MessageId from "./MessageId.ts"
import { type InboxRecord, type OnceClaim, Store, type Transaction, type TransactionFailure } from "./Store.ts"
import { nameProblem } from "./Topic.ts"

/**
 * Under which id an effect runs once.
 *
 * @since 0.1.0
 */
export interface OnceKey {
  /** Whose ids these are: a name as a pipeline's consumer has one. It need not be registered, and should have no pipeline. */
  readonly consumer: string
  /** The idempotency key: at most 512 bytes. */
  readonly id: string
  /**
   * What is asked for under this id, so that a second request with the same id and other content is refused (`IdempotencyConflict`).
   * A text is compared as it is, any other JSON value by its canonical form (the order of keys does not matter). Only a hash is
   * stored. Default: the empty text.
   */
  readonly payload?: Schema.Json | undefined
}

/**
 * How `once` stores its result, and what it does while another caller is at work.
 *
 * @since 0.1.0
 */
export interface OnceOptions<S extends Schema.Constraint> {
  /** Encodes the result for later callers, as JSON; at most 1 MiB. */
  readonly result: S
  /**
   * While another caller is at work under the id: `wait` for what comes of it, or `refuse` at once with `InProgress`. Waiting keeps
   * no connection, unless it happens inside of a transaction. On an engine with one session (PGlite) a caller always waits, for the
   * session. Default `wait`.
   */
  readonly whileBusy?: "wait" | "refuse" | undefined
  /**
   * How long to wait for another caller (then `InProgress`) and for a store that is away (then its failure). Another caller is
   * waited for from when there was a connection to ask on. It does not bound the effect. Default 10 seconds.
   */
  readonly timeout?: Duration.Input | undefined
}

/** How long to wait, or the refusal of what is no duration. */
const patienceOf = (given: Duration.Input): Effect.Effect<number, InvalidSetting> => {
  const millis = GivenDuration.millis(given)
  return millis >= 0
    ? Effect.succeed(millis)
    : Effect.fail(GivenDuration.refusal("timeout", given, "a duration is needed"))
}

/**
 * What `once` can fail with, beside the effect's own error.
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
 * Runs an effect once for an id, and gives its first result to everybody who comes with the same id.
 *
 * The effect runs inside of a transaction of the store: what it does on the store's `SqlClient`, what it publishes, the record of the id
 * and the result commit together. If it fails, its error comes out, all of that is rolled back and nothing is remembered: the id can
 * be tried again. Joins the ambient transaction if there is one; the id is then known when that one has committed.
 *
 * A conflict with another transaction, a database that is away for a moment, and a COMMIT whose answer is lost are settled by asking
 * the inbox again, up to ten times (not within an ambient transaction, whose owner repeats it as a whole); if that does not help,
 * that failure comes out. So the effect may run more than once, but is committed once. It keeps a connection as long as it runs:
 * bound it with `Effect.timeout`, and call slow services before.
 *
 * On Postgres its transaction is READ COMMITTED. For another level, begin a transaction of your own around it, and repeat that on 40001.
 *
 * Interruption rolls back. Results are forgotten with their ids, after the deduplication window.
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
 * @since 0.1.0
 */
export const once = <S extends Schema.Constraint, E, R>(
  key: OnceKey,
  effect: Effect.Effect<S["Type"], E, R>,
  options: OnceOptions<S>
): Effect.Effect<
  S["Type"],
  E | OnceError,
  Store | Exclude<R, Transaction> | S["DecodingServices"] | S["EncodingServices"]
> => Effect.flatMap(checked(key), (store) => settle(store, key, effect, options))

/** What can be refused without asking anybody. */
const checked = Effect.fnUntraced(function*(
  { consumer, id }: Pick<OnceKey, "consumer" | "id">
): Effect.fn.Return<Store["Service"], InvalidName | InvalidId, Store> {
  const badName = nameProblem("consumer", consumer)
  if (badName !== undefined) return yield* badName
  const problem = Message.textProblem(id, Message.limits.idBytes)
  if (problem !== undefined) return yield* new InvalidId({ consumer, id: id.slice(0, 64), problem })
  return yield* Store
})

/** The effect's own error, so that it is told apart from a failure of the store around it. */
class Own<E> {
  readonly _tag = "Own"
  readonly error: E
  constructor(error: E) {
    this.error = error
  }
}

/** Nobody decided about the id in time. */
class Late {
  readonly _tag = "Late"
}

/** Tries of a transaction that does not get through, beside the first one. */
const tries = 10

/** For a worker's commit of the same id, which cannot be seen without waiting for it. */
const refusalMillis = 1000

/** One transaction after the other, until the id is decided. */
const settle = Effect.fnUntraced(function*<S extends Schema.Constraint, E, R>(
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
  const codec = codecOf(key, options.result)
  const wait = options.whileBusy !== "refuse"
  const patience = new Patience(yield* Clock.Clock, wait, yield* patienceOf(options.timeout ?? "10 seconds"))
  const own = Effect.mapError(effect, (error) => new Own(error))
  const once = Effect.gen(function*() {
    patience.begins()
    const entered = yield* Effect.timeoutOrElse(store.inbox.claimOnce(consumer, { id, fingerprint }, wait), {
      duration: patience.left,
      orElse: () => Effect.fail(new Late())
    })
    patience.answered(entered)
    if (entered._tag !== "Fresh") return entered
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
        if (!patience.over) break
        return yield* patience.unsettled ?? new InProgress({ consumer, id, waitedMillis: patience.waitedMillis })
      default:
        if (repeatable && patience.passes(answer)) break
        return yield* patience.unsettled ?? answer
    }
    yield* patience.pause
  }
})

/** How long one call has waited (not worked), how often it was in trouble, and whether a COMMIT of its own is not settled yet. */
class Patience {
  /** Its answer did not come: until the inbox was asked, nobody may be told that nothing was committed. */
  unsettled: UnknownOutcome | undefined
  private readonly clock: Clock.Clock
  private readonly wait: boolean
  private readonly patience: number
  private limit: number
  private waited = 0
  /** Since when it waits; undefined while the effect runs. */
  private since: number | undefined
  /** How long it had waited when its first transaction began: for the store, not for another caller. */
  private before: number | undefined
  private rounds = 0
  private troubles = 0

  constructor(clock: Clock.Clock, wait: boolean, patience: number) {
    this.clock = clock
    this.wait = wait
    this.patience = patience
    this.limit = wait ? this.patience : Math.min(this.patience, refusalMillis)
    this.since = this.now()
  }

  private now(): number {
    return Number(this.clock.monotonicTimeNanosUnsafe()) / 1e6
  }

  get waitedMillis(): number {
    return Math.round(this.waited + (this.since === undefined ? 0 : this.now() - this.since))
  }

  get left(): Duration.Duration {
    return Duration.millis(Math.max(0, this.limit - this.waitedMillis + (this.before ?? 0)))
  }

  /** Whether an id that another caller holds is given up now. One whose own COMMIT is not settled waits for that in any case. */
  get over(): boolean {
    return (!this.wait && this.unsettled === undefined) || Duration.toMillis(this.left) <= 0
  }

  /** A transaction has begun. Only now may it be another caller who is waited for. */
  begins(): void {
    this.before ??= this.waitedMillis
  }

  answered({ _tag }: OnceClaim): void {
    if (_tag === "Busy") return
    this.unsettled = undefined
    if (_tag !== "Fresh") return
    this.waited = this.waitedMillis
    this.since = undefined
  }

  /** Whether a failure goes away when the transaction is run again, and it is worth the time. */
  passes(error: { readonly _tag: string }): boolean {
    this.since ??= this.now()
    if (error._tag === "UnknownOutcome") {
      this.unsettled = error as UnknownOutcome
      this.limit = this.waitedMillis + this.patience
    }
    const passes = error._tag === "UnknownOutcome" || error._tag === "TransientFailure"
      || (error instanceof StoreFailure && error.kind !== "refused")
    return passes && ++this.troubles <= tries && this.waitedMillis < this.limit
  }

  /** Those that wait for one another should not meet again. */
  readonly pause: Effect.Effect<void> = Effect.suspend(() => Backoff.pause(this.rounds++, { first: 5, cap: 100 }))
}

const fingerprintOf = (payload: Schema.Json): string =>
  MessageId.ofPayload(typeof payload === "string" ? payload : MessageId.canonical(payload))

/** What is wrong, cut, since messages of schema issues may quote. */
const issueOf = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  return (error instanceof Error ? error.message : String(error)).slice(0, 500)
}

/** The result as it is stored, and back. */
const codecOf = <S extends Schema.Constraint>({ consumer, id }: OnceKey, schema: S) => {
  const codec = Schema.toCodecJson(schema)
  const encodeValue = Schema.encodeUnknownEffect(codec)
  const decodeValue = Schema.decodeUnknownEffect(codec, { errors: "all" })
  const refused = (problem: string) => new ResultRefused({ consumer, id, problem })
  const unavailable = (reason: "undecodable" | "none", detail: string) =>
    new ResultUnavailable({ consumer, id, reason, detail })

  const encode = (value: S["Type"]): Effect.Effect<string, ResultRefused, S["EncodingServices"]> =>
    Effect.suspend(() => encodeValue(value)).pipe(
      Effect.map((encoded) => JSON.stringify(encoded) ?? "null"),
      Effect.catchCause((cause) =>
        Cause.hasInterrupts(cause)
          ? Effect.interrupt
          : Effect.fail(refused(`does not fit its schema: ${issueOf(cause)}`))
      ),
      Effect.filterOrFail(
        (text) => Buffer.byteLength(text) <= Message.limits.payloadBytes,
        (text) => refused(`has ${Buffer.byteLength(text)} bytes, at most ${Message.limits.payloadBytes} are kept`)
      )
    )
  const decode = (text: string | undefined): Effect.Effect<S["Type"], ResultUnavailable, S["DecodingServices"]> =>
    text === undefined
      ? Effect.fail(unavailable("none", ""))
      : Effect.suspend(() => decodeValue(JSON.parse(text) as unknown)).pipe(
        Effect.catchCause((cause) =>
          Cause.hasInterrupts(cause) ? Effect.interrupt : Effect.fail(unavailable("undecodable", issueOf(cause)))
        )
      )
  return { encode, decode }
}

/**
 * How long `Inbox.await` waits.
 *
 * @since 0.1.0
 */
export interface AwaitOptions {
  /** Then it fails with `AwaitTimeout`. Default 30 seconds. */
  readonly timeout?: Duration.Input | undefined
}

/** Milliseconds between looks at the inbox: few at first, since most messages are handled soon. */
const firstLook = 20
const slowestLook = 1000

/**
 * Waits until a message is committed for a consumer (`Committed`) or given up (`Dead`, with its dead letter's id), and answers which.
 *
 * Woken at once by this process. On Postgres, who has waited for 20 ms asks all workers' processes to tell, by one NOTIFY, and is woken by
 * the one that commits the message; without such a call a worker notifies nobody. What is missed is found by looking, after 20 ms
 * at first and every second at last (the whole story behind a pooler): a statement each. A consumer that is not known yet is waited for. `Dead` is how it stands: a redrive may commit the message later. Ids are
 * forgotten after the deduplication window, and are then waited for in vain. Fails with `AwaitTimeout`, or with the `StoreFailure`
 * if the store was away in the end. Inside of a transaction it is refused at once (a `StoreFailure` of kind `refused`): that would be kept
 * open meanwhile. Interruption ends the wait and changes nothing.
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { Inbox, Topic } from "millrace"
 *
 * const Orders = Topic.make("orders", { schema: Schema.Struct({ orderId: Schema.String }), id: (order) => order.orderId })
 *
 * const order = Effect.gen(function*() {
 *   const id = yield* Topic.publish(Orders, { orderId: "o-1" })
 *   const settled = yield* Inbox.await({ consumer: "warehouse", id }, { timeout: "5 seconds" })
 *   return settled._tag === "Committed" ? "on its way" : `failed, see deadLetterId ${settled.deadLetterId}`
 * })
 * ```
 *
 * @since 0.1.0
 */
const awaitSettled = Effect.fnUntraced(function*(
  key: { readonly consumer: string; readonly id: string },
  options: AwaitOptions = {}
): Effect.fn.Return<InboxRecord, InvalidName | InvalidId | InvalidSetting | AwaitTimeout | StoreFailure, Store> {
  const { inTransaction, inbox } = yield* checked(key)
  const { consumer, id } = key
  if (yield* inTransaction) {
    return yield* new StoreFailure({
      operation: "await a message",
      kind: "refused",
      code: "",
      detail: "inside of a transaction, which would be kept open until somebody else commits",
      hint: "Await it when the transaction has ended."
    })
  }
  const timeout = yield* patienceOf(options.timeout ?? "30 seconds")
  let away: StoreFailure | undefined
  let millis = firstLook / 2
  let looks = 0
  const look = Effect.scoped(Effect.gen(function*() {
    // Who has waited for the first pause asks other processes, once: most are answered before.
    const decided = yield* inbox.watch(consumer, id, looks++ === 1)
    const looked = yield* Effect.result(inbox.lookup(consumer, id))
    away = Result.isFailure(looked) ? looked.failure : undefined
    if (away?.kind === "refused") return yield* away
    if (Result.isSuccess(looked) && looked.success !== undefined) return looked.success
    millis = Math.min(slowestLook, millis * 2)
    yield* Effect.raceFirst(decided, Effect.sleep(millis))
    return undefined
  }))
  const settled = Effect.gen(function*() {
    while (true) {
      const found = yield* look
      if (found !== undefined) return found
    }
  })
  return yield* Effect.timeoutOrElse(settled, {
    duration: timeout,
    orElse: () => Effect.fail(away ?? new AwaitTimeout({ consumer, id, waitedMillis: Math.round(timeout) }))
  })
})

export { awaitSettled as await }
