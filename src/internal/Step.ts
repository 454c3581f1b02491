/**
 * What a pipeline is made of, as data: operators in their order, and settings. `Pipeline.ts` builds it in types, the worker
 * interprets it. Nothing here runs anything, and values are untyped: an operator is given what the one before it returned.
 *
 * @since 0.1.0
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type * as SqlClient from "effect/sql/SqlClient"
import type { DeadLetterOrder } from "../DeadLetter.ts"
import type { DeliveryContext } from "../Delivery.ts"
import * as Retry from "../Retry.ts"
import type { Topic } from "../Topic.ts"
import * as GivenDuration from "./GivenDuration.ts"

/**
 * `steps`: before the transaction. `commit`: inside of it.
 *
 * @since 0.1.0
 */
export type Phase = "steps" | "commit"

/**
 * What a consumer promises when something dies on the way, for what is done inside of the transaction.
 *
 * - `effectivelyOnce` (default): committed once for each message id, under redelivery, crashes and lost answers. The inbox remembers
 *   the ids.
 * - `atLeastOnce`: no inbox, so one statement less. A message published twice under one id has its effects twice. One that was
 *   published once is committed once where the transport forgets it inside of the transaction (Postgres, memory), since an
 *   unknown outcome is settled by whether the message is still there; on a broker a redelivery repeats it.
 * - `atMostOnce`: the message is settled and claimed first, and its steps run then. What dies or fails after that is not
 *   repeated: the failure is reported in the log and in the metric, and that is all. So `retry` and `deadLetter` do not compile. A
 *   message that does not decode still becomes a dead letter, since decoding comes first.
 *
 * @since 0.1.0
 */
export type DeliveryMode = "effectivelyOnce" | "atLeastOnce" | "atMostOnce"

/** A topic of any kind, as the runtime keeps it. */
export type AnyTopic = Topic<string, Schema.Constraint>

type Handler<A> = (value: never, delivered: DeliveryContext) => A
type AnyEffect = Effect.Effect<unknown, unknown, unknown>

/** One operator, as the worker interprets it. Values are what the operator before it returned. */
export type Step =
  | { readonly _tag: "Map"; readonly f: Handler<unknown> }
  | { readonly _tag: "Filter"; readonly f: Handler<boolean> }
  | { readonly _tag: "MapEffect"; readonly f: Handler<AnyEffect> }
  | { readonly _tag: "Tap"; readonly f: Handler<AnyEffect> }
  | { readonly _tag: "Commit"; readonly f: Handler<AnyEffect> }
  | {
    readonly _tag: "CommitBatch"
    /** Answers nothing (each value is kept), or an array with a result for each member. */
    readonly f: (values: NonEmptyReadonlyArray<never>, delivered: NonEmptyReadonlyArray<DeliveryContext>) => AnyEffect
  }
  | {
    readonly _tag: "CommitSql"
    /** The statements, as data: nothing is decided between them. */
    readonly f: Handler<Effect.Effect<ReadonlyArray<AnyEffect>, never, SqlClient.SqlClient>>
  }
  | {
    readonly _tag: "Emit"
    readonly topic: AnyTopic
    readonly f: Handler<ReadonlyArray<unknown>>
    /** Of one outgoing value; undefined: derived from the consumer, the message and its number. */
    readonly id: ((out: never, value: never, delivered: DeliveryContext) => string) | undefined
  }

/** What a wrapper calls, so that its text stands for the operator's. */
const wrapped = new WeakMap<object, object>()

/** A function of ours around one of the user's. */
export const wrapping = <F extends object>(users: object, ours: F): F => {
  wrapped.set(ours, users)
  return ours
}

/** The text of the user's function, to tell pipelines apart. */
export const sourceOf = (f: object): string => Function.prototype.toString.call(wrapped.get(f) ?? f)

/** What a pipeline asks of the worker, defaults filled in. */
export interface Settings {
  readonly delivery: DeliveryMode
  readonly retry: Retry.Policy<never>
  readonly retryWhile: ((error: never) => boolean) | undefined
  readonly timeout: Duration.Input | undefined
  readonly commitTimeout: Duration.Input
  readonly order: DeadLetterOrder
  /** Writes a typed error into its failure, so that it can be read back. */
  readonly errors: Schema.Constraint | undefined
  readonly group: number
}

export const defaults: Settings = {
  delivery: "effectivelyOnce",
  retry: Retry.standard,
  retryWhile: undefined,
  timeout: undefined,
  commitTimeout: "10 seconds",
  order: "continue",
  errors: undefined,
  group: 250
}

/** Stores the problem of a `while` that cannot decide, for the worker: it is async, or no function. */
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

export const add = (self: Shape, operator: Step): Shape => ({
  consumer: self.consumer,
  union: self.union,
  topics: self.topics,
  settings: self.settings,
  steps: [...self.steps, operator]
})

export const set = (self: Shape, settings: Partial<Settings>): Shape => ({
  consumer: self.consumer,
  union: self.union,
  topics: self.topics,
  steps: self.steps,
  settings: { ...self.settings, ...settings }
})
