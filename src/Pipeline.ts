/**
 * Describes what a consumer does with each message, as a typed value.
 *
 * A pipeline has two phases. **Steps** run before the transaction, concurrently across keys. They may call the network,
 * and they run again when an attempt fails. **Commit** steps run inside the one transaction that also holds the inbox
 * record, the outgoing messages and the acknowledgement. Commit steps contain database work only.
 *
 * The phase is part of the type, so a step that may wait does not compile after `commit`. A pipeline does nothing by
 * itself; a `Worker` runs it.
 *
 * Each guarantee holds per consumer: one effect per message id, in order per key. A pipeline that needs no order
 * declares this, and can then run on more transports. Effects outside of the transaction happen at least once.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { DeliveryContext } from "./Delivery.ts"
import type { AsyncResult, BeforeCommit, NoAsync } from "./internal/CompileErrors.ts"
import { make, type Pipeline, running } from "./internal/pipeline/PipelineType.ts"
import * as Step from "./internal/Step.ts"
import type { AnyTopic, DeliveryMode, KeyOrder, Phase, Shape } from "./internal/Step.ts"
import type { Topic } from "./Topic.ts"

export { type Columns, type ColumnValues, commitRows, type RowOf } from "./internal/pipeline/CommitRows.ts"
export { type Batched, commit, commitBatch, commitSql, emit, emitAll } from "./internal/pipeline/CommitSteps.ts"
export { commitTimeout, deadLetter, group, retry, timeout } from "./internal/pipeline/PipelineSettings.ts"
export type { Error, Pipeline, Services } from "./internal/pipeline/PipelineType.ts"
export type { AnyTopic, DeliveryMode, KeyOrder, Phase, Settings, Step } from "./internal/Step.ts"

/**
 * The consumer of a pipeline, its delivery mode, and whether it needs order.
 *
 * @since 0.1.0
 */
export interface FromOptions<M extends DeliveryMode, O extends KeyOrder = KeyOrder> {
  /**
   * The consumer's name. Two pipelines with one name share one queue, and the worker of the second one logs a warning.
   * Consumers with different names each get every message that is published after they registered.
   */
  readonly consumer: string
  /** The guarantee for the case that a process dies or a message comes twice. Default `effectivelyOnce`. */
  readonly delivery?: M | undefined
  /**
   * Whether the messages of a key need their order. Default `key`. With `none` the pipeline can also run on a transport
   * that keeps no order, such as a standard queue of SQS. There a retry delays only its own message, and messages of
   * one key may run at the same time. Parked keys need order, so `Pipeline.deadLetter({ order: "park" })` does not
   * compile with `none`. On a transport with order the messages of a key stay in order in both cases.
   */
  readonly order?: O | undefined
}

/**
 * Reads one topic. Queue, deduplication, attempts and dead letters belong to the consumer.
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { Pipeline, Topic } from "millrace"
 *
 * const View = Schema.Struct({ page: Schema.String })
 * const Views = Topic.make("views", { schema: View, key: (view) => view.page, id: "random" })
 * // Better a view too few than a step that runs twice.
 * const counter = Pipeline.from(Views, { consumer: "counter", delivery: "atMostOnce" }).pipe(
 *   Pipeline.tap((view) => Effect.log(view.page))
 * )
 * ```
 *
 * @since 0.1.0
 */
export const from = <
  Name extends string,
  S extends Schema.Constraint,
  M extends DeliveryMode = "effectivelyOnce",
  O extends KeyOrder = "key"
>(
  topic: Topic<Name, S>,
  options: FromOptions<M, O>
): Pipeline<S["Type"], never, S["DecodingServices"], "steps", M, O> =>
  make({ ...beginning(options), union: false, topics: [topic] })

const beginning = (options: FromOptions<DeliveryMode>): Pick<Shape, "consumer" | "steps" | "settings"> => ({
  consumer: options.consumer,
  steps: [],
  settings: {
    ...Step.defaults,
    delivery: options.delivery ?? Step.defaults.delivery,
    keyOrder: options.order ?? Step.defaults.keyOrder
  }
})

/**
 * A value of one of several topics, with its topic's name.
 *
 * @since 0.1.0
 */
export type Union<T extends ReadonlyArray<AnyTopic>> = {
  readonly [I in keyof T]: { readonly topic: T[I]["name"]; readonly value: T[I]["schema"]["Type"] }
}[number]

/**
 * Reads several topics in one key space, so that messages of one key keep their order across the topics. In a rolling
 * deploy, older code may get messages of a topic that it does not know yet. Such a message is held for a while without
 * a counted attempt, and does not become a dead letter.
 *
 * The topics share the consumer's ids. If two topics derive `id` from the same number, add the topic to the id
 * (`paid-${orderId}`). If a step treats each topic differently, use `Effect.gen` with a `switch` over `topic`, which
 * joins the types of the branches.
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { Pipeline, Topic } from "millrace"
 *
 * const Order = Schema.Struct({ id: Schema.String, customer: Schema.String })
 * const options = { schema: Order, key: (order: typeof Order.Type) => order.customer }
 * const Placed = Topic.make("placed", { ...options, id: (order) => `placed-${order.id}` })
 * const Cancelled = Topic.make("cancelled", { ...options, id: (order) => `cancelled-${order.id}` })
 * const history = Pipeline.fromAll([Placed, Cancelled], { consumer: "history" }).pipe(
 *   Pipeline.tap(({ topic, value }) => Effect.log(`${topic} ${value.id}`))
 * )
 * ```
 *
 * @since 0.1.0
 */
export const fromAll = <
  const T extends ReadonlyArray<AnyTopic>,
  M extends DeliveryMode = "effectivelyOnce",
  O extends KeyOrder = "key"
>(
  topics: T,
  options: FromOptions<M, O>
): Pipeline<Union<T>, never, T[number]["schema"]["DecodingServices"], "steps", M, O> =>
  make({ ...beginning(options), union: true, topics })

/**
 * Transforms the value with a pure function, in either phase.
 *
 * ```ts
 * import { Schema } from "effect"
 * import { Pipeline, Topic } from "millrace"
 *
 * const Payments = Topic.make("payments", {
 *   schema: Schema.Struct({ id: Schema.String, cents: Schema.Int }),
 *   id: (payment) => payment.id
 * })
 * const amounts = Pipeline.from(Payments, { consumer: "amounts" }).pipe(
 *   Pipeline.map(({ cents }, { attempt }) => ({ euros: cents / 100, attempt }))
 * )
 * ```
 *
 * @since 0.1.0
 */
export const map =
  <A, B>(f: (value: A, context: DeliveryContext) => B) =>
  <E, R, P extends Phase, M extends DeliveryMode, O extends KeyOrder>(
    self: Pipeline<A, E, R, P, M, O>
  ): Pipeline<B, E, R, P, M, O> => make(Step.add(self, { _tag: "Map", f }))

/**
 * Keeps the messages that satisfy the predicate. Any other message is settled in its turn, without the steps after
 * this one.
 *
 * ```ts
 * import { Schema } from "effect"
 * import { Pipeline, Topic } from "millrace"
 *
 * const Payments = Topic.make("payments", {
 *   schema: Schema.Struct({ id: Schema.String, cents: Schema.Int }),
 *   id: (payment) => payment.id
 * })
 * const ledger = Pipeline.from(Payments, { consumer: "ledger" }).pipe(
 *   Pipeline.filter((payment) => payment.cents !== 0)
 * )
 * ```
 *
 * @since 0.1.0
 */
export const filter: {
  <A, B extends A>(
    refinement: (value: A, context: DeliveryContext) => value is B
  ): <E, R, P extends Phase, M extends DeliveryMode, O extends KeyOrder>(
    self: Pipeline<A, E, R, P, M, O>
  ) => Pipeline<B, E, R, P, M, O>
  <A>(
    predicate: (value: NoInfer<A>, context: DeliveryContext) => boolean
  ): <E, R, P extends Phase, M extends DeliveryMode, O extends KeyOrder>(
    self: Pipeline<A, E, R, P, M, O>
  ) => Pipeline<A, E, R, P, M, O>
} =
  <A>(f: (value: A, context: DeliveryContext) => boolean) =>
  <E, R, P extends Phase, M extends DeliveryMode, O extends KeyOrder>(
    self: Pipeline<A, E, R, P, M, O>
  ): Pipeline<A, E, R, P, M, O> => make(Step.add(self, { _tag: "Filter", f }))

/**
 * Runs an effect before the transaction, such as a lookup or a network call. The effect happens at least once, and
 * again in every attempt. The effect has its own scope. When it ends, its resources are released and its fibers are
 * interrupted.
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { Pipeline, Topic } from "millrace"
 *
 * const Payments = Topic.make("payments", {
 *   schema: Schema.Struct({ id: Schema.String, cents: Schema.Int }),
 *   id: (payment) => payment.id
 * })
 * declare const rateOf: (day: string) => Promise<number>
 * const converted = Pipeline.from(Payments, { consumer: "converted" }).pipe(
 *   Pipeline.mapEffect(({ cents }) =>
 *     Effect.map(Effect.tryPromise(() => rateOf("2030-01-31")), (rate) => cents * rate)
 *   )
 * )
 * ```
 *
 * @since 0.1.0
 */
export const mapEffect: {
  <A, B, E2, R2>(
    f: (value: A, context: DeliveryContext) => Effect.Effect<B, E2, R2>
  ): <E, R, P extends Phase, M extends DeliveryMode, O extends KeyOrder>(
    self: Pipeline<A, E, R, P, M, O> & BeforeCommit<"mapEffect", P>
  ) => Pipeline<B, E | E2, R | Exclude<R2, Scope.Scope>, "steps", M, O>
  <A>(
    f: (value: A, context: DeliveryContext) => Effect.Effect<unknown, unknown, unknown> | AsyncResult
  ): <E, R, P extends Phase, M extends DeliveryMode, O extends KeyOrder>(
    self: Pipeline<A, E, R, P, M, O> & NoAsync<"mapEffect">
  ) => never
} = running("MapEffect")

/**
 * Runs an effect before the transaction. The value for the next step stays the same.
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { Pipeline, Topic } from "millrace"
 *
 * const Payments = Topic.make("payments", {
 *   schema: Schema.Struct({ id: Schema.String, cents: Schema.Int }),
 *   id: (payment) => payment.id
 * })
 * const logged = Pipeline.from(Payments, { consumer: "logged" }).pipe(
 *   Pipeline.tap(({ id }, { attempt }) => Effect.log(`payment ${id}, attempt ${attempt}`))
 * )
 * ```
 *
 * @since 0.1.0
 */
export const tap: {
  <A, X, E2, R2>(
    f: (value: NoInfer<A>, context: DeliveryContext) => Effect.Effect<X, E2, R2>
  ): <E, R, P extends Phase, M extends DeliveryMode, O extends KeyOrder>(
    self: Pipeline<A, E, R, P, M, O> & BeforeCommit<"tap", P>
  ) => Pipeline<A, E | E2, R | Exclude<R2, Scope.Scope>, "steps", M, O>
  <A>(
    f: (
      value: NoInfer<A>,
      context: DeliveryContext
    ) => Effect.Effect<unknown, unknown, unknown> | AsyncResult
  ): <E, R, P extends Phase, M extends DeliveryMode, O extends KeyOrder>(
    self: Pipeline<A, E, R, P, M, O> & NoAsync<"tap">
  ) => never
} = running("Tap")
