/**
 * The record of a message that was taken out of the flow: what it was, why it left, and everything that was tried.
 *
 * A dead letter and a commit exclude each other: both go through the inbox. While a dead letter is open its id is not forgotten.
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
 * until a person has redriven or discarded the dead letter.
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
  /** As it is redriven: with the payload of the last edit, if there was one. */
  readonly message: Message
  /** The payload as it was published, once a person has edited it; undefined before. */
  readonly original: string | undefined
  readonly reason: Reason
  readonly state: State
  /** Whether its key waits for it. */
  readonly parked: boolean
  /** Every failed attempt, oldest first, across redrives. */
  readonly attempts: ReadonlyArray<Failure>
  /** How long it was tried since it was published or last redriven: from the first failed attempt to the last one, in milliseconds. */
  readonly retriedMillis: number
  /** Tag of the last attempt's error. */
  readonly tag: string
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
 * How long a message was tried in its last life: milliseconds from the first failed attempt to the last one. Attempts before a redrive
 * do not count.
 *
 * @since 0.1.0
 */
export const retriedMillis = (attempts: ReadonlyArray<Failure>): number => {
  const made = attempts.filter(({ attempt }) => attempt > 0)
  const last = made.at(-1)
  // The numbers begin again with each redrive.
  const first = made[made.findLastIndex(({ attempt }, i) => i === 0 || attempt <= made[i - 1]!.attempt)]
  // Workers whose clocks differ may have made them.
  return first === undefined || last === undefined ? 0 : Math.max(0, last.at - first.at)
}

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
 * Which dead letters are meant. Every field is optional, and all that are given must fit.
 *
 * @since 0.1.0
 */
export interface Filter {
  readonly consumer?: string | undefined
  readonly state?: State | undefined
  readonly reason?: Reason | undefined
  readonly topic?: string | undefined
  /** The message's key. */
  readonly key?: string | undefined
  /** The message's id. */
  readonly id?: string | undefined
  /** One failure group. */
  readonly fingerprint?: string | undefined
  /** Tag of the last attempt's error. */
  readonly tag?: string | undefined
  /** Died at this time or later: milliseconds since the epoch, on the store's clock. */
  readonly since?: number | undefined
  /** Died before this time. */
  readonly until?: number | undefined
}

/**
 * One page of dead letters, newest first. Ids ascend with the time of the first death and never change, so that pages neither skip nor
 * repeat a dead letter while others arrive.
 *
 * @since 0.1.0
 */
export interface Query extends Filter {
  /** Only dead letters older than this id: the last id of the page before. */
  readonly before?: string | undefined
  /** 1 to 1,000; default 100. */
  readonly limit?: number | undefined
}

/**
 * How many there are: counting ends at `more`, since a person needs to know that there are many, not how many exactly.
 *
 * @since 0.1.0
 */
export interface BoundedCount {
  readonly count: number
  /** There are more than `count`. */
  readonly more: boolean
}

/**
 * Dead letters of one consumer that died of the same cause.
 *
 * @since 0.1.0
 */
export interface FailureGroup {
  readonly consumer: string
  readonly fingerprint: string
  readonly deadLetters: BoundedCount
  /** When the first and the last of them died; milliseconds since the epoch, on the store's clock. */
  readonly firstAt: number
  readonly lastAt: number
  /** The one that died last. */
  readonly sample: DeadLetter
}

/**
 * A set of dead letters, fixed: what becomes a dead letter later, or becomes open again, is not in it.
 *
 * @since 0.1.0
 */
export interface FrozenSet {
  /** Of open dead letters. */
  readonly filter: Filter
  /** The store's own: where the set ends. */
  readonly cutoff: string
  /** How many dead letters were in it. */
  readonly deadLetters: BoundedCount
}

/**
 * Why a message died that waited when its topic was unsubscribed: no attempt of it was made.
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
