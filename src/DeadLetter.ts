/**
 * The record of a message that was taken out of the flow: what it was, why it left, and everything that was tried.
 *
 * A letter and a commit exclude each other: both go through the inbox. While a letter is open its id is not forgotten.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Failure } from "./Delivery.ts"
import type { Message } from "./Message.ts"

/**
 * Why a message was taken out: its attempts were used up, its error is not worth another attempt, its payload does not
 * decode, or the process died with it again and again.
 *
 * @since 0.1.0
 */
export type Reason = "exhausted" | "rejected" | "undecodable" | "crashed"

/**
 * `open`: waits for a person. `redriving`: back in the queue. `resolved`: committed after a redrive.
 * `discarded`: given up by a person.
 *
 * @since 0.1.0
 */
export type State = "open" | "redriving" | "resolved" | "discarded"

/**
 * What happens to the successors of a dead message's key: `continue` lets them pass, `park` makes them wait in order
 * until a person has redriven or discarded the letter.
 *
 * @since 0.1.0
 */
export type DeadLetterOrder = "continue" | "park"

/**
 * One dead letter.
 *
 * @since 0.1.0
 */
export interface DeadLetter {
  /** Ascending with the time of death; sorts as text. */
  readonly id: string
  readonly consumer: string
  readonly message: Message
  readonly reason: Reason
  readonly state: State
  /** Whether its key waits for it. */
  readonly parked: boolean
  /** Every failed attempt, oldest first, across redrives. */
  readonly attempts: ReadonlyArray<Failure>
  /** Same cause, same fingerprint: error tag, step and first own frame. */
  readonly fingerprint: string
  /** How often it was redriven. */
  readonly redriven: number
  /** Milliseconds since the epoch, on the store's clock. */
  readonly diedAt: number
  /** Who changed its state last, and when (same clock); empty and 0 if nobody did. */
  readonly changedBy: string
  readonly changedAt: number
}

/**
 * The fingerprint of a failure, taken when it happens.
 *
 * @since 0.1.0
 */
export const fingerprint = (failure: Failure): string =>
  `${failure.tag}@${failure.step}${failure.frame === "" ? "" : ` ${failure.frame}`}`

/**
 * The typed error of a failed attempt, read with the Schema that `Pipeline.deadLetter({ errors })` wrote it with. None where it was
 * not written by a Schema: a failure of the runtime (`Defect`, `StepTimeout`, ...), an error that the Schema could not encode,
 * or a pipeline without one; `tag`, `message` and `error` are there all the same. Fails where this Schema reads it no more.
 *
 * ```ts
 * import { Effect, Option, Schema } from "effect"
 * import { DeadLetter, DeadLetters } from "millrace"
 *
 * class Declined extends Schema.TaggedError<Declined>()("Declined", { code: Schema.Int }) {}
 * const code = Effect.gen(function*() {
 *   const letter = yield* DeadLetters.get("0000000000000007")
 *   const error = yield* DeadLetter.decodeError(letter.attempts.at(-1)!, Declined)
 *   return Option.map(error, (declined) => declined.code)
 * })
 * ```
 *
 * @since 0.1.0
 */
export const decodeError = <S extends Schema.Constraint>(
  failure: Failure,
  errors: S
): Effect.Effect<Option.Option<S["Type"]>, Schema.SchemaError, S["DecodingServices"]> =>
  failure.encoded === true
    ? Effect.asSome(Schema.decodeUnknownEffect(Schema.toCodecJson(errors))(failure.error))
    : Effect.succeedNone
