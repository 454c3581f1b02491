/**
 * Compiler errors for pipelines that cannot work. Each rule is a type that is `unknown` if the rule holds, and
 * otherwise a sentence that the compiler error shows.
 *
 * @since 0.1.0
 */
import type { Row } from "effect/sql/SqlConnection"
import type { DeadLetterOrder } from "../DeadLetter.ts"
import type { DeliveryMode, KeyOrder, Phase } from "./Step.ts"

/** The result of an async function. */
export interface AsyncResult {
  readonly then: (...args: never) => unknown
}

/** The message for a step with an async function. No pipeline is assignable to it. */
export type NoAsync<Name extends string> =
  `${Name} takes no async function: return an Effect, with Effect.tryPromise around the promise`

/**
 * The value that an emit gets. If the value is the rows of a bare statement, the type has a hint. An emit of such rows
 * is mostly a mistake: the step before should have returned another value.
 */
export type Emitting<A> = [ReadonlyArray<Row>, A] extends [A, ReadonlyArray<Row>]
  ? A & Hint<"The step before returned the rows of its statement. Return the value, with Effect.as(value)">
  : A

/** A hint that a compiler error shows as part of a type. No value has this field at run time. */
interface Hint<Text extends string> {
  readonly "~hint"?: Text
}

/** Requires that a step that may wait stands before the commit phase, so that no open transaction waits for it. */
export type BeforeCommit<Name extends string, P extends Phase> = [P] extends ["steps"] ? unknown
  : `${Name} cannot stand after commit or emit: it may wait, and a transaction must not. Put it before them.`

/** Requires a delivery mode in which a failed message runs again. With `atMostOnce` it does not. */
export type Repeatable<Name extends string, M extends DeliveryMode> = [M] extends ["atMostOnce"]
  ? `${Name} cannot stand in an atMostOnce pipeline: its messages are settled before their steps run, and never come again.`
  : unknown

/** Requires a pipeline with order, if a dead letter holds its key. */
export type Parkable<D extends DeadLetterOrder, O extends KeyOrder> = [D] extends ["continue"] ? unknown
  : [O] extends ["key"] ? unknown
  : "deadLetter with order park cannot stand in a pipeline with order none: without order, no key can wait behind its dead letter. Use continue."

/** Requires that a schedule or Schema (`Reader`) reads all errors of the pipeline. */
export type Reads<Reader extends string, E, E0> = [E] extends [E0] ? unknown
  : { readonly [K in `${Reader} has to read these errors of the pipeline, too`]: Exclude<E, E0> }
