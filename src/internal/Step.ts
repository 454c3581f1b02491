/**
 * The data of a pipeline: its steps in order, and its settings. `Pipeline.ts` builds this data with types, and the
 * worker runs it. No code here runs an effect. Values are untyped: a step gets the value that the previous one
 * returned.
 *
 * @since 0.1.0
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import type * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type * as SqlClient from "effect/sql/SqlClient"
import type { DeadLetterOrder } from "../DeadLetter.ts"
import type { DeliveryContext } from "../Delivery.ts"
import * as Retry from "../Retry.ts"
import type { Topic } from "../Topic.ts"
import * as GivenDuration from "./GivenDuration.ts"
import type { ToSqlData } from "./pipeline/SqlData.ts"

/**
 * The phase of a pipeline. `steps`: before the transaction. `commit`: inside of it.
 *
 * @since 0.1.0
 */
export type Phase = "steps" | "commit"

/**
 * The guarantee of a consumer for its commit steps and emits when a process dies or a message comes again.
 *
 * - `effectivelyOnce` (default): committed once for each message id, under redelivery, crashes and lost answers. The
 *   inbox remembers the ids.
 * - `atLeastOnce`: no inbox, so one statement less. A message published twice under one id has its effects twice.
 *   Postgres and memory remove the message inside of the transaction, so a message published once is committed once.
 *   There the queue also shows whether a COMMIT without an answer happened. On a broker, a redelivery repeats the
 *   effects.
 * - `atMostOnce`: the message is settled first, and its steps run then. A failure or crash after that is not
 *   repeated; a failure is reported in the log and the metric. So `retry` and `deadLetter` do not compile. Decoding
 *   comes first, so an undecodable message still becomes a dead letter.
 *
 * @since 0.1.0
 */
export type DeliveryMode = "effectivelyOnce" | "atLeastOnce" | "atMostOnce"

/**
 * Whether a pipeline needs the order of its keys. With `key` (default) the messages of a key are processed in order.
 * With `none` the pipeline also runs on a transport that keeps no order.
 *
 * @since 0.1.0
 */
export type KeyOrder = "key" | "none"

/** A topic of any type, as the runtime keeps it. */
export type AnyTopic = Topic<string, Schema.Constraint>

type Handler<A> = (value: never, context: DeliveryContext) => A
type AnyEffect = Effect.Effect<unknown, unknown, unknown>

/** One step, as the worker interprets it. Its function gets the value that the previous step returned. */
export type Step =
  | { readonly _tag: "Map"; readonly f: Handler<unknown> }
  | { readonly _tag: "Filter"; readonly f: Handler<boolean> }
  | { readonly _tag: "MapEffect"; readonly f: Handler<AnyEffect> }
  | { readonly _tag: "Tap"; readonly f: Handler<AnyEffect> }
  | { readonly _tag: "Commit"; readonly f: Handler<AnyEffect> }
  | {
    readonly _tag: "CommitBatch"
    /** Returns an array with a result for each message, or nothing. With nothing each message keeps its value. */
    readonly f: (values: NonEmptyReadonlyArray<never>, contexts: NonEmptyReadonlyArray<DeliveryContext>) => AnyEffect
    /** Returns the statement for all values (`commitRows`). Undefined if `f` must run. */
    readonly data:
      | ((services: Context.Context<never>) => ToSqlData<ReadonlyArray<DeliveryContext>> | undefined)
      | undefined
  }
  | {
    readonly _tag: "CommitSql"
    readonly f: Handler<Effect.Effect<ReadonlyArray<AnyEffect>, never, SqlClient.SqlClient>>
    /** Returns the statements without an effect. Undefined if an effect must run before them. */
    readonly data: ((services: Context.Context<never>) => ToSqlData | undefined) | undefined
  }
  | {
    readonly _tag: "Emit"
    readonly topic: AnyTopic
    readonly f: Handler<ReadonlyArray<unknown>>
    /**
     * Returns the id of one outgoing value. If undefined, the id is derived from the consumer, the message and the
     * emit's number.
     */
    readonly id: ((out: never, value: never, context: DeliveryContext) => string) | undefined
  }

/** Finds the user's function behind a wrapper of this library, so that `sourceOf` returns the user's source text. */
const wrapped = new WeakMap<object, { readonly users: object; readonly also: string }>()

/** Registers a wrapper around a user's function, and returns the wrapper. `also` is more of what the user gave. */
export const wrapping = <F extends object>(users: object, ours: F, also = ""): F => {
  wrapped.set(ours, { users, also })
  return ours
}

/** Returns the source text of the user's function, by which two pipelines are compared. */
export const sourceOf = (f: object): string => {
  const { also, users } = wrapped.get(f) ?? { users: f, also: "" }
  return Function.prototype.toString.call(users) + also
}

/** Names a step, for operators and for a comparison of two pipelines. */
export const kindOf = (step: Step): string =>
  step._tag === "Emit"
    ? `Emit ${step.topic.name}`
    : step._tag === "CommitBatch" && step.data !== undefined
    ? "CommitRows"
    : step._tag

/** The settings of a pipeline, with defaults filled in. */
export interface Settings {
  readonly delivery: DeliveryMode
  readonly keyOrder: KeyOrder
  readonly retry: Retry.Policy<never>
  readonly retryWhile: ((error: never) => boolean) | undefined
  readonly timeout: Duration.Input | undefined
  readonly commitTimeout: Duration.Input
  /** The order behind a dead letter. */
  readonly order: DeadLetterOrder
  /** The Schema that encodes a typed error for its stored failure. */
  readonly errors: Schema.Constraint | undefined
  readonly group: number
}

export const defaults: Settings = {
  delivery: "effectivelyOnce",
  keyOrder: "key",
  retry: Retry.standard,
  retryWhile: undefined,
  timeout: undefined,
  commitTimeout: "10 seconds",
  order: "continue",
  errors: undefined,
  group: 250
}

/**
 * Returns the `while` of a retry. If it is async or no function, returns a replacement whose problem is registered in
 * `GivenDuration.problems`. The worker then refuses to start.
 */
export const checkedWhile = (
  given: ((error: never) => boolean) | undefined
): ((error: never) => boolean) | undefined => {
  if (given === undefined) return undefined
  const problem = typeof given !== "function"
    ? "a function of the error is needed"
    : given.constructor.name === "AsyncFunction"
    ? "a function that returns true or false is needed, and an async one returns a promise"
    : undefined
  if (problem === undefined) return given
  const refused = () => true
  GivenDuration.problems.set(refused, GivenDuration.refusal("retry while", given, problem))
  return refused
}

/** A pipeline without its types. */
export interface Shape {
  readonly consumer: string
  /** Whether a value is wrapped with its topic's name (`fromAll`). */
  readonly union: boolean
  readonly topics: ReadonlyArray<AnyTopic>
  readonly steps: ReadonlyArray<Step>
  readonly settings: Settings
}

export const add = (self: Shape, step: Step): Shape => ({
  consumer: self.consumer,
  union: self.union,
  topics: self.topics,
  settings: self.settings,
  steps: [...self.steps, step]
})

export const set = (self: Shape, settings: Partial<Settings>): Shape => ({
  consumer: self.consumer,
  union: self.union,
  topics: self.topics,
  steps: self.steps,
  settings: { ...self.settings, ...settings }
})
