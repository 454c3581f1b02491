/**
 * What a consumer does with each message, as a typed value.
 *
 * A pipeline has two phases. **Steps** run before the transaction, concurrently across keys: they may call the network, and
 * they run again when an attempt fails. **Commit** steps run inside the one transaction that also holds the inbox
 * record, the outgoing messages and the acknowledgement; they hold database work only. The phase is in the type: what may
 * wait does not compile after `commit`. A pipeline does nothing by itself; a `Worker` runs it.
 *
 * Guarantees are given per consumer: one effect per message id, in order per key. Effects outside of the transaction happen at least once.
 *
 * @since 0.1.0
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { type Pipeable, pipeArguments } from "effect/Pipeable"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import type { Statement } from "effect/sql/Statement"
import type { DeadLetterOrder } from "./DeadLetter.ts"
import type { DeliveryContext } from "./Delivery.ts"
import type { BeforeCommit, Emitting, NoAsync, Reads, Repeatable } from "./internal/CompileErrors.ts"
import * as Step from "./internal/Step.ts"
import type { AnyTopic, DeliveryMode, Phase, Shape } from "./internal/Step.ts"
import * as Retry from "./Retry.ts"
import type { Topic } from "./Topic.ts"

export type { AnyTopic, DeliveryMode, Phase, Settings, Step } from "./internal/Step.ts"

const TypeId = "~millrace/Pipeline"

/**
 * A pipeline: `A` is the value that the last operator returned, `E` what its steps may fail with, `R` what they require, `P` the phase
 * that it has reached, and `M` what it promises.
 *
 * @since 0.1.0
 */
export interface Pipeline<
  out A,
  out E = never,
  out R = never,
  out P extends Phase = Phase,
  out M extends DeliveryMode = DeliveryMode
> extends Pipeable, Shape {
  readonly [TypeId]: {
    readonly _A: () => A
    readonly _E: () => E
    readonly _R: () => R
    readonly _P: () => P
    readonly _M: () => M
  }
  toJSON(): unknown
}

/**
 * What its steps may fail with: `Pipeline.Error<typeof ledger>`, as `Effect.Error` of an effect. The runtime adds `Retry.RuntimeFailure`.
 *
 * @since 0.1.0
 */
export type Error<T> = T extends Pipeline<unknown, infer E, unknown> ? E : never

/**
 * What the steps of a pipeline require, as `Effect.Services` of an effect.
 *
 * @since 0.1.0
 */
export type Services<T> = T extends Pipeline<unknown, unknown, infer R> ? R : never

const phantom = () => undefined as never

const make = <A, E, R, P extends Phase, M extends DeliveryMode>(shape: Shape): Pipeline<A, E, R, P, M> => ({
  [TypeId]: { _A: phantom, _E: phantom, _R: phantom, _P: phantom, _M: phantom },
  ...shape,
  pipe() {
    return pipeArguments(this, arguments)
  },
  toJSON() {
    return {
      _id: "Pipeline",
      consumer: shape.consumer,
      topics: shape.topics.map((topic) => topic.name),
      delivery: shape.settings.delivery,
      operators: shape.steps.map((operator) =>
        operator._tag === "Emit" ? `Emit ${operator.topic.name}` : operator._tag
      ),
      order: shape.settings.order
    }
  }
})

/**
 * Who reads, and what is promised.
 *
 * @since 0.1.0
 */
export interface FromOptions<M extends DeliveryMode> {
  /** The reader's name: two pipelines with one name share one queue (and are warned of), two names each get every message. */
  readonly consumer: string
  /** What holds when something dies on the way. Default `effectivelyOnce`. */
  readonly delivery?: M | undefined
}

/**
 * Reads one topic. Queue, deduplication, attempts and dead letters belong to the consumer.
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { Pipeline, Topic } from "millrace"
 *
 * const Views = Topic.make("views", { schema: Schema.Struct({ page: Schema.String }), key: (view) => view.page, id: "random" })
 * // Better a view too few than a step that runs twice.
 * const counter = Pipeline.from(Views, { consumer: "counter", delivery: "atMostOnce" }).pipe(
 *   Pipeline.tap((view) => Effect.log(view.page))
 * )
 * ```
 *
 * @since 0.1.0
 */
export const from = <Name extends string, S extends Schema.Constraint, M extends DeliveryMode = "effectivelyOnce">(
  topic: Topic<Name, S>,
  options: FromOptions<M>
): Pipeline<S["Type"], never, S["DecodingServices"], "steps", M> =>
  make({ ...beginning(options), union: false, topics: [topic] })

const beginning = (options: FromOptions<DeliveryMode>): Pick<Shape, "consumer" | "steps" | "settings"> => ({
  consumer: options.consumer,
  steps: [],
  settings: { ...Step.defaults, delivery: options.delivery ?? Step.defaults.delivery }
})

/**
 * One value of several topics, with its topic's name to tell which.
 *
 * @since 0.1.0
 */
export type Union<T extends ReadonlyArray<AnyTopic>> = {
  readonly [I in keyof T]: { readonly topic: T[I]["name"]; readonly value: T[I]["schema"]["Type"] }
}[number]

/**
 * Reads several topics in one key space: messages of one key keep their order across the topics. A message of a topic
 * that this code does not know yet (a rolling deploy) is held for a while, uncounted, and never becomes a dead letter.
 *
 * The topics share the consumer's ids: two of them that derive `id` from one number must say which they are (`paid-${orderId}`).
 * Steps whose branches have different types are joined by `Effect.gen`, with a `switch` over `topic`.
 *
 * @since 0.1.0
 */
export const fromAll = <const T extends ReadonlyArray<AnyTopic>, M extends DeliveryMode = "effectivelyOnce">(
  topics: T,
  options: FromOptions<M>
): Pipeline<Union<T>, never, T[number]["schema"]["DecodingServices"], "steps", M> =>
  make({ ...beginning(options), union: true, topics })

/**
 * Transforms the value; pure, in either phase.
 *
 * @since 0.1.0
 */
export const map =
  <A, B>(f: (value: A, delivered: DeliveryContext) => B) =>
  <E, R, P extends Phase, M extends DeliveryMode>(self: Pipeline<A, E, R, P, M>): Pipeline<B, E, R, P, M> =>
    make(Step.add(self, { _tag: "Map", f }))

/**
 * Lets a message pass that satisfies the predicate. Another one is settled in its turn, without the operators after this.
 *
 * @since 0.1.0
 */
export const filter: {
  <A, B extends A>(
    refinement: (value: A, delivered: DeliveryContext) => value is B
  ): <E, R, P extends Phase, M extends DeliveryMode>(self: Pipeline<A, E, R, P, M>) => Pipeline<B, E, R, P, M>
  <A>(
    predicate: (value: NoInfer<A>, delivered: DeliveryContext) => boolean
  ): <E, R, P extends Phase, M extends DeliveryMode>(self: Pipeline<A, E, R, P, M>) => Pipeline<A, E, R, P, M>
} =
  <A>(f: (value: A, delivered: DeliveryContext) => boolean) =>
  <E, R, P extends Phase, M extends DeliveryMode>(self: Pipeline<A, E, R, P, M>): Pipeline<A, E, R, P, M> =>
    make(Step.add(self, { _tag: "Filter", f }))

/** Adds a step that runs an effect. The types of its function stand with each of the three operators. */
const running = (_tag: "MapEffect" | "Tap" | "Commit") => (f: unknown) => (self: unknown): never =>
  make(Step.add(self as Shape, { _tag, f } as Step.Step)) as never

/**
 * Runs an effect before the transaction: lookups, network calls, whatever may wait. It happens at least once, and again in
 * every attempt. It has a scope of its own: what it opens is released, and what it forks into it is interrupted, when it ends.
 *
 * @since 0.1.0
 */
export const mapEffect: {
  <A, B, E2, R2>(
    f: (value: A, delivered: DeliveryContext) => Effect.Effect<B, E2, R2>
  ): <E, R, P extends Phase, M extends DeliveryMode>(
    self: Pipeline<A, E, R, P, M> & BeforeCommit<"mapEffect", P>
  ) => Pipeline<B, E | E2, R | Exclude<R2, Scope.Scope>, "steps", M>
  <A>(
    f: (value: A, delivered: DeliveryContext) => Effect.Effect<unknown, unknown, unknown> | PromiseLike<unknown>
  ): <E, R, P extends Phase, M extends DeliveryMode>(
    self: Pipeline<A, E, R, P, M> & NoAsync<"mapEffect">
  ) => never
} = running("MapEffect")

/**
 * Runs an effect before the transaction and keeps the value.
 *
 * @since 0.1.0
 */
export const tap: {
  <A, X, E2, R2>(
    f: (value: NoInfer<A>, delivered: DeliveryContext) => Effect.Effect<X, E2, R2>
  ): <E, R, P extends Phase, M extends DeliveryMode>(
    self: Pipeline<A, E, R, P, M> & BeforeCommit<"tap", P>
  ) => Pipeline<A, E | E2, R | Exclude<R2, Scope.Scope>, "steps", M>
  <A>(
    f: (
      value: NoInfer<A>,
      delivered: DeliveryContext
    ) => Effect.Effect<unknown, unknown, unknown> | PromiseLike<unknown>
  ): <E, R, P extends Phase, M extends DeliveryMode>(
    self: Pipeline<A, E, R, P, M> & NoAsync<"tap">
  ) => never
} = running("Tap")

/**
 * Runs an effect inside the transaction: its statements, the inbox record, the emits and the acknowledgement commit together,
 * once. Many messages share a transaction. Database work only: waiting belongs in `mapEffect`. A statement that may
 * fail and be caught belongs in a nested `sql.withTransaction`.
 *
 * @since 0.1.0
 */
export const commit: {
  <A, B, E2, R2>(
    f: (value: A, delivered: DeliveryContext) => Effect.Effect<B, E2, R2>
  ): <E, R, P extends Phase, M extends DeliveryMode>(
    self: Pipeline<A, E, R, P, M>
  ) => Pipeline<B, E | E2, R | Exclude<R2, Scope.Scope>, "commit", M>
  <A>(
    f: (value: A, delivered: DeliveryContext) => Effect.Effect<unknown, unknown, unknown> | PromiseLike<unknown>
  ): <E, R, P extends Phase, M extends DeliveryMode>(
    self: Pipeline<A, E, R, P, M> & NoAsync<"commit">
  ) => never
} = running("Commit")

/**
 * The value after a batch: its result for the member if it returned any, else the member's value as it was.
 *
 * @since 0.1.0
 */
export type Batched<A, X> = X extends ReadonlyArray<infer B> ? B : A

/**
 * Runs one effect for all messages of a group inside the transaction, across keys, each key's in order: one statement for a hundred
 * rows. With `mapEffect` or `tap` before it a key has one message in a group; without them, all that it has in memory. It is given their values (never none) and their deliveries, and returns nothing, which keeps the values, or one result for
 * each in the same order; another number of results is a defect. Duplicates and filtered messages are not among them.
 *
 * If a batch fails, the group is rolled back and run again with each message by itself, in a savepoint of its own: the
 * function is then called with one. So it must not count on who else is there. Database work only, as in {@link commit}. A bare
 * statement answers its rows, of which an insert has none: `Effect.asVoid` keeps the values. Rows of another shape are made with
 * `Array.map` of effect, which keeps that there is at least one.
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { SqlClient } from "effect/sql"
 * import { Pipeline, Topic } from "millrace"
 *
 * const Clicks = Topic.make("clicks", { schema: Schema.Struct({ id: Schema.String, page: Schema.String }), id: (c) => c.id })
 * const clicks = Pipeline.from(Clicks, { consumer: "clicks" }).pipe(
 *   Pipeline.commitBatch((batch) =>
 *     Effect.flatMap(SqlClient.SqlClient, (sql) => Effect.asVoid(sql`insert into clicks ${sql.insert(batch)}`))
 *   )
 * )
 * ```
 *
 * @since 0.1.0
 */
export const commitBatch = <A, X extends ReadonlyArray<unknown> | void, E2, R2>(
  f: (values: NonEmptyReadonlyArray<A>, delivered: NonEmptyReadonlyArray<DeliveryContext>) => Effect.Effect<X, E2, R2>
) =>
<E, R, P extends Phase, M extends DeliveryMode>(
  self: Pipeline<A, E, R, P, M>
): Pipeline<Batched<A, X>, E | E2, R | Exclude<R2, Scope.Scope>, "commit", M> =>
  make(Step.add(self, { _tag: "CommitBatch", f }))

/**
 * Runs statements inside the transaction, given as data and in order, so that the runtime may send them together. Nothing can
 * be decided between them; the value is kept.
 *
 * @since 0.1.0
 */
export const commitSql = <A>(
  f: (
    value: NoInfer<A>,
    sql: SqlClient.SqlClient,
    delivered: DeliveryContext
  ) => Statement<unknown> | ReadonlyArray<Statement<unknown>>
) =>
<E, R, P extends Phase, M extends DeliveryMode>(
  self: Pipeline<A, E, R, P, M>
): Pipeline<A, E, R | SqlClient.SqlClient, "commit", M> =>
  make(Step.add(self, {
    _tag: "CommitSql",
    f: Step.wrapping(f, (value: A, delivered) =>
      Effect.map(SqlClient.SqlClient, (sql) => {
        const statements = f(value, sql, delivered)
        return isStatements(statements) ? statements : [statements]
      }))
  }))

const isStatements = (
  given: Statement<unknown> | ReadonlyArray<Statement<unknown>>
): given is ReadonlyArray<Statement<unknown>> => Array.isArray(given)

/**
 * Publishes one message in the transaction, to any topic. The topic's own `id` is not asked: ids are derived from the consumer, the
 * message and the position of the emit (all emits of the message counted, in order), so that a re-run emits the same message. Give
 * `{ id }` for your own, which must not change from run to run either. The value is kept.
 *
 * For a delayed or named message call `Topic.publish` inside of {@link commit}: it joins the transaction.
 *
 * @since 0.1.0
 */
export const emit = <A, Name extends string, S extends Schema.Constraint>(
  topic: Topic<Name, S>,
  f: (value: Emitting<NoInfer<A>>, delivered: DeliveryContext) => S["Type"],
  options?: { readonly id?: ((value: NoInfer<A>, delivered: DeliveryContext) => string) | undefined }
) =>
<E, R, P extends Phase, M extends DeliveryMode>(
  self: Pipeline<A, E, R, P, M>
): Pipeline<A, E, R | S["EncodingServices"], "commit", M> => {
  const id = options?.id
  return make(Step.add(self, {
    _tag: "Emit",
    topic,
    f: Step.wrapping(f, (value: Emitting<NoInfer<A>>, delivered) => [f(value, delivered)]),
    id: id === undefined ? undefined : (_, value: A, delivered) => id(value, delivered)
  }))
}

/**
 * Publishes any number of messages in the transaction, none included, in the order of the array. Ids as with {@link emit}; `id` is
 * asked for each of them. The value is kept.
 *
 * @since 0.1.0
 */
export const emitAll = <A, Name extends string, S extends Schema.Constraint>(
  topic: Topic<Name, S>,
  f: (value: Emitting<NoInfer<A>>, delivered: DeliveryContext) => ReadonlyArray<S["Type"]>,
  options?: {
    readonly id?: ((out: S["Type"], value: NoInfer<A>, delivered: DeliveryContext) => string) | undefined
  }
) =>
<E, R, P extends Phase, M extends DeliveryMode>(
  self: Pipeline<A, E, R, P, M>
): Pipeline<A, E, R | S["EncodingServices"], "commit", M> =>
  make(Step.add(self, { _tag: "Emit", topic, f, id: options?.id }))

/**
 * How failed attempts are repeated: any `Schedule` that can read the pipeline's errors and what the runtime adds to them
 * (`Retry.RuntimeFailure`). It is of the whole pipeline wherever it stands; put it behind the steps, so that the types see every
 * error. Default: `Retry.standard`, which tries for 16 to 25 minutes. After `Retry.mostAttempts` (10,000) a message is a dead letter whatever the schedule says.
 *
 * Delays up to the worker's `holdAfter` are slept in place; longer ones are persisted, while the key waits and nobody else.
 * `while` ends the attempts early: the message goes to the dead letters as `rejected`. In a `pipe` it is given the pipeline's errors
 * and the runtime's, typed, whatever the schedule reads.
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { Pipeline, Retry, Topic } from "millrace"
 *
 * class Declined extends Schema.TaggedError<Declined>()("Declined", { code: Schema.Int }) {}
 * const Payments = Topic.make("payments", { schema: Schema.Int, id: "content" })
 * const ledger = Pipeline.from(Payments, { consumer: "ledger" }).pipe(
 *   Pipeline.tap((code) => Effect.fail(new Declined({ code }))),
 *   Pipeline.retry(Retry.exponential("1 second"), { while: (error) => error._tag !== "Declined" || error.code >= 500 })
 * )
 * ```
 *
 * @since 0.1.0
 */
export const retry = <E0, Seen = unknown>(
  policy: Retry.Policy<E0> | Retry.RetryOptions,
  options?: { readonly while?: ((error: NoInfer<Seen> | Retry.RuntimeFailure) => boolean) | undefined }
) =>
<A, E, R, P extends Phase, M extends DeliveryMode>(
  self:
    & Pipeline<A, E, R, P, M>
    & Pipeline<unknown, Seen, unknown>
    & Reads<"The retry schedule", E | Retry.RuntimeFailure, E0>
    & Repeatable<"retry", M>
): Pipeline<A, E, R, P, M> =>
  make(
    Step.set(self, {
      retry: Retry.policy(policy) as Retry.Policy<never>,
      retryWhile: Step.checkedWhile(options?.while as ((error: never) => boolean) | undefined)
    })
  )

/**
 * Bounds the steps before the transaction, in each attempt; beyond it the attempt fails with `StepTimeout`. Default: no bound.
 *
 * @since 0.1.0
 */
export const timeout =
  (duration: Duration.Input) =>
  <A, E, R, P extends Phase, M extends DeliveryMode>(self: Pipeline<A, E, R, P, M>): Pipeline<A, E, R, P, M> =>
    make(Step.set(self, { timeout: duration }))

/**
 * Bounds each commit step; beyond it the attempt fails with `StepTimeout`. Default: 10 seconds; at most 25 seconds.
 *
 * @since 0.1.0
 */
export const commitTimeout =
  (duration: Duration.Input) =>
  <A, E, R, P extends Phase, M extends DeliveryMode>(self: Pipeline<A, E, R, P, M>): Pipeline<A, E, R, P, M> =>
    make(Step.set(self, { commitTimeout: duration }))

/**
 * What happens behind a dead message, and how its errors are kept.
 *
 * `order`: `continue` lets its key's successors pass, as a pipeline without this operator does; `park` keeps them waiting, in
 * order, until a person redrives or discards the dead letter. It is fixed by the consumer's first registration: a worker that asks for the
 * other one later is refused with `ConsumerConflict`.
 *
 * `errors`: a Schema that covers every error of the pipeline (`Pipeline.Error`), so a `Schema.Union` where there are several: with
 * statements in {@link commit} `SqlError.SqlError` is one of them. Each failure is then kept as this Schema encodes it, the retry
 * schedule reads the typed errors of attempts before a restart, and `DeadLetter.decodeError` reads them back from the dead letter.
 * Without it, for an error that it cannot encode, and for failures of the runtime, tag, message and what JSON can keep are there.
 * A `Topic.publish` in a step adds its errors to the pipeline's (`InvalidName`, `InvalidMessage`, `EncodeFailed`, `StoreFailure`): cover them,
 * or `Effect.orDie` what cannot be fixed by trying again. It is of the whole pipeline wherever it stands; put it last, so that the
 * types see every error.
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { SqlClient, SqlError } from "effect/sql"
 * import { DeadLetter, DeadLetters, Pipeline, Topic } from "millrace"
 *
 * class Declined extends Schema.TaggedError<Declined>()("Declined", { at: Schema.Date }) {}
 * const Errors = Schema.Union([Declined, SqlError.SqlError])
 * const Payments = Topic.make("payments", { schema: Schema.String, id: "content" })
 * const ledger = Pipeline.from(Payments, { consumer: "ledger" }).pipe(
 *   Pipeline.tap((id) => id === "" ? Effect.fail(new Declined({ at: new Date(0) })) : Effect.void),
 *   Pipeline.commit((id) => Effect.flatMap(SqlClient.SqlClient, (sql) => sql`insert into ledger (id) values (${id})`)),
 *   Pipeline.deadLetter({ order: "park", errors: Errors })
 * )
 * const why = Effect.gen(function*() {
 *   const [deadLetter] = yield* DeadLetters.list({ consumer: ledger.consumer })
 *   return yield* DeadLetter.decodeError(deadLetter!.attempts.at(-1)!, Errors) // Option<Pipeline.Error<typeof ledger>>
 * })
 * ```
 *
 * @since 0.1.0
 */
export const deadLetter = <S extends Schema.Constraint = never>(options: {
  readonly order: DeadLetterOrder
  readonly errors?: S | undefined
}) =>
<A, E, R, P extends Phase, M extends DeliveryMode>(
  self:
    & Pipeline<A, E, R, P, M>
    & ([S] extends [never] ? unknown : Reads<"The Schema of deadLetter", E, S["Type"]>)
    & Repeatable<"deadLetter", M>
): Pipeline<A, E, R | S["EncodingServices"] | S["DecodingServices"], P, M> =>
  make(Step.set(self, { order: options.order, errors: options.errors }))

/**
 * How many messages share a transaction at most. Default 250. With 1 each has its own, as it must where a commit step uses
 * `set local` or advisory locks.
 *
 * @since 0.1.0
 */
export const group =
  (size: number) =>
  <A, E, R, P extends Phase, M extends DeliveryMode>(self: Pipeline<A, E, R, P, M>): Pipeline<A, E, R, P, M> =>
    make(Step.set(self, { group: size }))
