/**
 * What a consumer does with each message, as a typed value.
 *
 * A pipeline has two phases. **Steps** run before the transaction, concurrently across keys: they may call the network, and
 * they run again when an attempt fails. **Commit** steps run inside the one transaction that also holds the inbox
 * record, the outgoing messages and the acknowledgement; they hold database work only. The phase is in the type: what may
 * wait does not compile after `commit`. A pipeline does nothing by itself; a `Worker` runs it.
 *
 * Guarantees are given per consumer: one effect per message id, in order per key. Effects outside of the transaction
 * (a network call in `mapEffect`) happen at least once.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Pipeable } from "effect/Pipeable"
import { pipeArguments } from "effect/Pipeable"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import type { Statement } from "effect/sql/Statement"
import type { DeadLetterOrder } from "./DeadLetter.ts"
import type { Delivered } from "./Delivery.ts"
import * as Retry from "./Retry.ts"
import type { Topic } from "./Topic.ts"

const TypeId = "~millrace/Pipeline"

/**
 * `steps`: before the transaction. `commit`: inside of it.
 *
 * @since 0.1.0
 */
export type Phase = "steps" | "commit"

/** A topic of any kind, as the runtime keeps it. */
export type AnyTopic = Topic<string, Schema.Constraint>

/** One operator, as the worker interprets it. Values are what the operator before it returned. */
export type Operator =
  | { readonly _tag: "Map"; readonly f: (value: never, delivered: Delivered) => unknown }
  | { readonly _tag: "Filter"; readonly f: (value: never, delivered: Delivered) => boolean }
  | {
    readonly _tag: "MapEffect"
    readonly f: (value: never, delivered: Delivered) => Effect.Effect<unknown, unknown, unknown>
  }
  | {
    readonly _tag: "Tap"
    readonly f: (value: never, delivered: Delivered) => Effect.Effect<unknown, unknown, unknown>
  }
  | {
    readonly _tag: "Commit"
    readonly f: (value: never, delivered: Delivered) => Effect.Effect<unknown, unknown, unknown>
  }
  | {
    readonly _tag: "CommitSql"
    /** The statements, as data: nothing is decided between them. */
    readonly f: (
      value: never,
      delivered: Delivered
    ) => Effect.Effect<ReadonlyArray<Effect.Effect<unknown, unknown, unknown>>, never, SqlClient.SqlClient>
  }
  | {
    readonly _tag: "Emit"
    readonly topic: AnyTopic
    readonly f: (value: never, delivered: Delivered) => ReadonlyArray<unknown>
    readonly id: ((value: never, delivered: Delivered) => string) | undefined
  }

/** What a pipeline asks of the worker, defaults filled in. */
export interface Settings {
  readonly retry: Retry.Policy<never>
  readonly retryWhile: ((error: never) => boolean) | undefined
  readonly timeout: Duration.Input | undefined
  readonly commitTimeout: Duration.Input
  readonly order: DeadLetterOrder
  readonly group: number
}

/**
 * A pipeline: `A` is the value that the last operator returned, `E` what its steps may fail with, `R` what they require.
 *
 * @since 0.1.0
 */
export interface Pipeline<out A, out E = never, out R = never, out P extends Phase = Phase> extends Pipeable {
  readonly [TypeId]: {
    readonly _A: () => A
    readonly _E: () => E
    readonly _R: () => R
    readonly _P: () => P
  }
  readonly consumer: string
  /** Whether a value is wrapped with its topic's name (`fromAll`). */
  readonly union: boolean
  readonly topics: ReadonlyArray<AnyTopic>
  readonly operators: ReadonlyArray<Operator>
  readonly settings: Settings
  toJSON(): unknown
}

interface Shape {
  readonly consumer: string
  readonly union: boolean
  readonly topics: ReadonlyArray<AnyTopic>
  readonly operators: ReadonlyArray<Operator>
  readonly settings: Settings
}

const phantom = () => undefined as never

const make = <A, E, R, P extends Phase>(shape: Shape): Pipeline<A, E, R, P> => ({
  [TypeId]: { _A: phantom, _E: phantom, _R: phantom, _P: phantom },
  ...shape,
  pipe() {
    return pipeArguments(this, arguments)
  },
  toJSON() {
    return {
      _id: "Pipeline",
      consumer: shape.consumer,
      topics: shape.topics.map((topic) => topic.name),
      operators: shape.operators.map((operator) =>
        operator._tag === "Emit" ? `Emit ${operator.topic.name}` : operator._tag
      ),
      order: shape.settings.order
    }
  }
})

const defaults: Settings = {
  retry: Retry.standard,
  retryWhile: undefined,
  timeout: undefined,
  commitTimeout: "10 seconds",
  order: "continue",
  group: 250
}

const add = (self: Shape, operator: Operator): Shape => ({
  consumer: self.consumer,
  union: self.union,
  topics: self.topics,
  settings: self.settings,
  operators: [...self.operators, operator]
})

const set = (self: Shape, settings: Partial<Settings>): Shape => ({
  consumer: self.consumer,
  union: self.union,
  topics: self.topics,
  operators: self.operators,
  settings: { ...self.settings, ...settings }
})

/**
 * Reads one topic. Queue, deduplication, attempts and dead letters belong to the consumer.
 *
 * @since 0.1.0
 */
export const from = <Name extends string, S extends Schema.Constraint>(
  topic: Topic<Name, S>,
  options: {
    /** The reader's name: two pipelines with one name share one queue, two names each get every message. */
    readonly consumer: string
  }
): Pipeline<S["Type"], never, S["DecodingServices"], "steps"> =>
  make({ consumer: options.consumer, union: false, topics: [topic], operators: [], settings: defaults })

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
 * @since 0.1.0
 */
export const fromAll = <const T extends ReadonlyArray<AnyTopic>>(
  topics: T,
  options: { readonly consumer: string }
): Pipeline<Union<T>, never, T[number]["schema"]["DecodingServices"], "steps"> =>
  make({ consumer: options.consumer, union: true, topics, operators: [], settings: defaults })

/**
 * Transforms the value; pure, in either phase.
 *
 * @since 0.1.0
 */
export const map =
  <A, B>(f: (value: A, delivered: Delivered) => B) =>
  <E, R, P extends Phase>(self: Pipeline<A, E, R, P>): Pipeline<B, E, R, P> => make(add(self, { _tag: "Map", f }))

/**
 * Lets a message pass that satisfies the predicate. Another one is settled in its turn, without the operators after this.
 *
 * @since 0.1.0
 */
export const filter: {
  <A, B extends A>(
    refinement: (value: A, delivered: Delivered) => value is B
  ): <E, R, P extends Phase>(self: Pipeline<A, E, R, P>) => Pipeline<B, E, R, P>
  <A>(
    predicate: (value: NoInfer<A>, delivered: Delivered) => boolean
  ): <E, R, P extends Phase>(self: Pipeline<A, E, R, P>) => Pipeline<A, E, R, P>
} =
  <A>(f: (value: A, delivered: Delivered) => boolean) =>
  <E, R, P extends Phase>(self: Pipeline<A, E, R, P>): Pipeline<A, E, R, P> => make(add(self, { _tag: "Filter", f }))

/**
 * Runs an effect before the transaction: lookups, network calls, whatever may wait. It happens at least once, and again in
 * every attempt. It has a scope of its own: what it opens is released, and what it forks into it is interrupted, when it ends.
 *
 * @since 0.1.0
 */
export const mapEffect =
  <A, B, E2, R2>(f: (value: A, delivered: Delivered) => Effect.Effect<B, E2, R2>) =>
  <E, R>(self: Pipeline<A, E, R, "steps">): Pipeline<B, E | E2, R | Exclude<R2, Scope.Scope>, "steps"> =>
    make(add(self, { _tag: "MapEffect", f }))

/**
 * Runs an effect before the transaction and keeps the value.
 *
 * @since 0.1.0
 */
export const tap =
  <A, X, E2, R2>(f: (value: NoInfer<A>, delivered: Delivered) => Effect.Effect<X, E2, R2>) =>
  <E, R>(self: Pipeline<A, E, R, "steps">): Pipeline<A, E | E2, R | Exclude<R2, Scope.Scope>, "steps"> =>
    make(add(self, { _tag: "Tap", f }))

/**
 * Runs an effect inside the transaction: its statements, the inbox record, the emits and the acknowledgement commit together,
 * once. Many messages share a transaction. Database work only: waiting belongs in `mapEffect`. A statement that may
 * fail and be caught belongs in a nested `sql.withTransaction`.
 *
 * @since 0.1.0
 */
export const commit =
  <A, B, E2, R2>(f: (value: A, delivered: Delivered) => Effect.Effect<B, E2, R2>) =>
  <E, R, P extends Phase>(self: Pipeline<A, E, R, P>): Pipeline<B, E | E2, R | Exclude<R2, Scope.Scope>, "commit"> =>
    make(add(self, { _tag: "Commit", f }))

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
    delivered: Delivered
  ) => Statement<unknown> | ReadonlyArray<Statement<unknown>>
) =>
<E, R, P extends Phase>(self: Pipeline<A, E, R, P>): Pipeline<A, E, R | SqlClient.SqlClient, "commit"> =>
  make(add(self, {
    _tag: "CommitSql",
    f: (value: A, delivered) =>
      Effect.map(SqlClient.SqlClient, (sql) => {
        const statements = f(value, sql, delivered)
        return isStatements(statements) ? statements : [statements]
      })
  }))

const isStatements = (
  given: Statement<unknown> | ReadonlyArray<Statement<unknown>>
): given is ReadonlyArray<Statement<unknown>> => Array.isArray(given)

/**
 * Publishes one message in the transaction. Its id is derived from the consumer, the message and the position of the emit, so
 * that a re-run emits the same message. The value is kept.
 *
 * @since 0.1.0
 */
export const emit = <A, Name extends string, S extends Schema.Constraint>(
  topic: Topic<Name, S>,
  f: (value: NoInfer<A>, delivered: Delivered) => S["Type"],
  options?: { readonly id?: ((value: NoInfer<A>, delivered: Delivered) => string) | undefined }
) =>
<E, R, P extends Phase>(self: Pipeline<A, E, R, P>): Pipeline<A, E, R | S["EncodingServices"], "commit"> =>
  make(add(self, {
    _tag: "Emit",
    topic,
    f: (value: A, delivered) => [f(value, delivered)],
    id: options?.id
  }))

/**
 * Publishes any number of messages in the transaction, none included. The value is kept.
 *
 * @since 0.1.0
 */
export const emitAll = <A, Name extends string, S extends Schema.Constraint>(
  topic: Topic<Name, S>,
  f: (value: NoInfer<A>, delivered: Delivered) => ReadonlyArray<S["Type"]>
) =>
<E, R, P extends Phase>(self: Pipeline<A, E, R, P>): Pipeline<A, E, R | S["EncodingServices"], "commit"> =>
  make(add(self, { _tag: "Emit", topic, f, id: undefined }))

/**
 * How failed attempts are repeated: any `Schedule` that can read the pipeline's errors and what the runtime adds to them
 * (`Retry.RuntimeFailure`). Put it after the steps it is to cover. Default: `Retry.standard`.
 *
 * Delays up to the worker's `holdAfter` are slept in place; longer ones are persisted, while the key waits and nobody else.
 * `while` ends the attempts early: the message goes to the dead letters as `rejected`.
 *
 * @since 0.1.0
 */
export const retry = <E0>(
  schedule: Retry.Policy<E0>,
  options?: { readonly while?: ((error: NoInfer<E0>) => boolean) | undefined }
) =>
<A, E, R, P extends Phase>(
  self: [E | Retry.RuntimeFailure] extends [E0] ? Pipeline<A, E, R, P> : Pipeline<A, E0, R, P>
): Pipeline<A, E, R, P> =>
  make(
    set(self, {
      retry: schedule as Retry.Policy<never>,
      retryWhile: options?.while as ((error: never) => boolean) | undefined
    })
  )

/**
 * Bounds the steps before the transaction, in each attempt; beyond it the attempt fails with `StepTimeout`. Default: no bound.
 *
 * @since 0.1.0
 */
export const timeout =
  (duration: Duration.Input) => <A, E, R, P extends Phase>(self: Pipeline<A, E, R, P>): Pipeline<A, E, R, P> =>
    make(set(self, { timeout: duration }))

/**
 * Bounds each commit step; beyond it the attempt fails with `StepTimeout`. Default: 10 seconds.
 *
 * @since 0.1.0
 */
export const commitTimeout =
  (duration: Duration.Input) => <A, E, R, P extends Phase>(self: Pipeline<A, E, R, P>): Pipeline<A, E, R, P> =>
    make(set(self, { commitTimeout: duration }))

/**
 * What happens behind a dead message: `continue` (default) lets its key's successors pass, `park` keeps them waiting, in
 * order, until a person redrives or discards the letter.
 *
 * @since 0.1.0
 */
export const deadLetter =
  (options: { readonly order: DeadLetterOrder }) =>
  <A, E, R, P extends Phase>(self: Pipeline<A, E, R, P>): Pipeline<A, E, R, P> =>
    make(set(self, { order: options.order }))

/**
 * How many messages share a transaction at most. Default 250. With 1 each has its own, as it must where a commit step uses
 * `set local` or advisory locks.
 *
 * @since 0.1.0
 */
export const group = (size: number) => <A, E, R, P extends Phase>(self: Pipeline<A, E, R, P>): Pipeline<A, E, R, P> =>
  make(set(self, { group: size }))
