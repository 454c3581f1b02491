/**
 * The record of a message that was dead-lettered: the message, the reason, and all failed attempts.
 *
 * A message is dead-lettered or committed, and never both, because both go through the inbox. The inbox keeps the id
 * of an open dead letter.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Failure } from "./Delivery.ts"
import type { Message } from "./Message.ts"

/**
 * The reason for a dead letter.
 *
 * - `exhausted`: the retry schedule of the message has ended.
 * - `rejected`: the error of the message rules out another attempt.
 * - `undecodable`: the payload of the message does not decode.
 * - `crashed`: processes died several times while the message was in flight.
 *
 * @since 0.1.0
 */
export type Reason = "exhausted" | "rejected" | "undecodable" | "crashed"

/**
 * The state of a dead letter.
 *
 * - `open`: the dead letter waits for an operator.
 * - `redriving`: its message is back in the queue.
 * - `resolved`: its message was committed after a redrive.
 * - `discarded`: an operator discarded the dead letter.
 *
 * @since 0.1.0
 */
export type State = "open" | "redriving" | "resolved" | "discarded"

/**
 * The order behind a dead letter. With `continue` the next messages of its key are processed. With `park` they wait in
 * order until an operator redrives, discards or releases the dead letter.
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
  /** The ids ascend with the time of the first death, and also sort so as texts. */
  readonly id: string
  /** The consumer that could not process the message. */
  readonly consumer: string
  /** The message as it is redriven: with the payload of the last edit, if there is one. */
  readonly message: Message
  /** The published payload, if an operator has edited it; otherwise undefined. */
  readonly original: string | undefined
  /** The rule that made the message a dead letter. */
  readonly reason: Reason
  /** The state at the time of this read. Operators and workers change it. */
  readonly state: State
  /** Whether the key of the message is parked behind this dead letter. */
  readonly parked: boolean
  /** Every failed attempt, oldest first, across redrives. */
  readonly attempts: ReadonlyArray<Failure>
  /** Milliseconds from the first failed attempt to the last one, since the message was published or last redriven. */
  readonly retriedMillis: number
  /** Tag of the last attempt's error. */
  readonly tag: string
  /** The cause: error tag, step and first frame outside of libraries. The same cause has the same fingerprint. */
  readonly fingerprint: string
  /** How often the dead letter was redriven. */
  readonly redriven: number
  /** Milliseconds since the epoch, on the store's clock. */
  readonly diedAt: number
  /** The operator that last changed the state. Empty if no operator did. */
  readonly changedBy: string
  /** The time of that change: milliseconds since the epoch, on the store's clock. 0 if no operator made one. */
  readonly changedAt: number
}

/**
 * Returns the fingerprint of a failure: tag, step and frame.
 *
 * @since 0.1.0
 */
export const fingerprint = (failure: Failure): string =>
  `${failure.tag}@${failure.step}${failure.frame === "" ? "" : ` ${failure.frame}`}`

/**
 * Returns the milliseconds from the first failed attempt to the last one, since the last redrive.
 *
 * @since 0.1.0
 */
export const retriedMillis = (attempts: ReadonlyArray<Failure>): number => {
  const made = attempts.filter(({ attempt }) => attempt > 0)
  const last = made.at(-1)
  // Attempt numbers start at 1 again after each redrive.
  const first = made[made.findLastIndex(({ attempt }, i) => i === 0 || attempt <= made[i - 1]!.attempt)]
  // Workers whose clocks differ may have recorded the two attempts, so the difference may be negative.
  return first === undefined || last === undefined ? 0 : Math.max(0, last.at - first.at)
}

/**
 * Decodes the typed error of a failed attempt with the Schema of `Pipeline.deadLetter({ errors })`.
 *
 * Returns none if no Schema wrote the error. Then the error is a failure of the runtime (`Defect`, `StepTimeout`, ...),
 * the Schema could not encode it, or the pipeline had no Schema. `tag`, `message` and `error` are present in each case.
 * Fails if this Schema does not decode the stored error.
 *
 * ```ts
 * import { Effect, Option, Schema } from "effect"
 * import { DeadLetter, DeadLetters } from "millrace"
 *
 * class Declined extends Schema.TaggedError<Declined>()("Declined", { code: Schema.Int }) {}
 * const code = Effect.gen(function*() {
 *   const deadLetter = yield* DeadLetters.get("0000000000000007")
 *   const error = yield* DeadLetter.decodeError(deadLetter.attempts.at(-1)!, Declined)
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

/**
 * Selects dead letters. Every field is optional, and a dead letter must match all given fields.
 *
 * @since 0.1.0
 */
export interface Filter {
  /** Only dead letters of this consumer. Default: of all consumers. */
  readonly consumer?: string | undefined
  /** Only dead letters in this state. */
  readonly state?: State | undefined
  /** Only dead letters with this reason. */
  readonly reason?: Reason | undefined
  /** The message's topic. */
  readonly topic?: string | undefined
  /** The message's key. */
  readonly key?: string | undefined
  /** The message's id. */
  readonly id?: string | undefined
  /** Only dead letters of this failure group, or of any of these. */
  readonly fingerprint?: string | ReadonlyArray<string> | undefined
  /** Tag of the last attempt's error. */
  readonly tag?: string | undefined
  /** Only dead letters that died at this time or later: milliseconds since the epoch, on the store's clock. */
  readonly since?: number | undefined
  /** Only dead letters that died before this time. */
  readonly until?: number | undefined
}

/**
 * Selects one page of dead letters, newest first. Ids ascend with the time of the first death and never change, so
 * pages neither skip nor repeat a dead letter while others arrive.
 *
 * @since 0.1.0
 */
export interface Query extends Filter {
  /** Only dead letters older than this id: the last id of the previous page. */
  readonly before?: string | undefined
  /** 1 to 1,000; default 100. */
  readonly limit?: number | undefined
}

/**
 * A count that ends at 10,000.
 *
 * @since 0.1.0
 */
export interface BoundedCount {
  /** The number of elements, at most 10,000. */
  readonly count: number
  /** Whether there are more than `count`. */
  readonly more: boolean
}

/**
 * The dead letters of one consumer with the same cause.
 *
 * @since 0.1.0
 */
export interface FailureGroup {
  /** The consumer of all these dead letters. */
  readonly consumer: string
  /** The cause that they share, see {@link DeadLetter}. */
  readonly fingerprint: string
  /** How many dead letters the group has. */
  readonly deadLetters: BoundedCount
  /** When the first of these dead letters died: milliseconds since the epoch, on the store's clock. */
  readonly firstAt: number
  /** When the last of them died, on the same clock. */
  readonly lastAt: number
  /** The newest of these dead letters. */
  readonly sample: DeadLetter
}

/**
 * A fixed set of dead letters. A message that becomes a dead letter later, or again, is not in it.
 *
 * @since 0.1.0
 */
export interface FrozenSet {
  /** The filter of the set, with the state `open`. */
  readonly filter: Filter
  /** The end of the set, in the store's own form. */
  readonly cutoff: string
  /** Number of dead letters in the set. */
  readonly deadLetters: BoundedCount
}

/**
 * Returns the failure of a message that waited when its topic was unsubscribed. No attempt was made for it.
 *
 * @since 0.1.0
 */
export const unsubscribed = (topic: string, at: number): Failure => ({
  attempt: 0,
  at,
  tag: "Unsubscribed",
  error: { _tag: "Unsubscribed", topic },
  message: `The consumer was unsubscribed from topic "${topic}" while this message waited.`,
  stack: "",
  step: "queue",
  frame: "",
  worker: "",
  codeVersion: ""
})
