/**
 * The import of dead letters from an export.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { DeadLetter } from "../DeadLetter.ts"
import { InvalidDeadLetter } from "../Errors.ts"
import * as Message from "../Message.ts"
import type { OperatorAction } from "../Store.ts"

/** A time in milliseconds since the epoch that Postgres can keep. */
const Time = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 253_402_300_799_999 }))

const Failure = Schema.Struct({
  attempt: Schema.Int,
  at: Time,
  tag: Schema.String,
  error: Schema.Unknown,
  encoded: Schema.optionalKey(Schema.Literal(true)),
  message: Schema.String,
  stack: Schema.String,
  step: Schema.String,
  failedStep: Schema.optionalKey(Schema.Struct({ name: Schema.String, position: Schema.Int })),
  frame: Schema.String,
  worker: Schema.String,
  codeVersion: Schema.String
})

/** The JSON of a dead letter, as `millrace dead export` writes it. */
const Exported = Schema.Struct({
  id: Schema.String.check(Schema.isPattern(/^\d{16}$/)),
  consumer: Schema.NonEmptyString,
  message: Schema.Struct({
    id: Schema.String,
    topic: Schema.String,
    key: Schema.String,
    keyed: Schema.Boolean,
    payload: Schema.String,
    headers: Schema.Record(Schema.String, Schema.String),
    version: Schema.Int,
    publishedAt: Time
  }),
  original: Schema.optionalKey(Schema.String),
  reason: Schema.Literals(["exhausted", "rejected", "undecodable", "crashed"]),
  state: Schema.Literals(["open", "redriving", "resolved", "discarded"]),
  parked: Schema.Boolean,
  attempts: Schema.Array(Failure),
  retriedMillis: Schema.Finite,
  tag: Schema.String,
  fingerprint: Schema.String,
  redriven: Schema.Int,
  diedAt: Time,
  changedBy: Schema.String,
  changedAt: Time
})

const decode = Schema.decodeEffect(Schema.fromJsonString(Exported))

/**
 * Reads a line of an export. Fails with `InvalidDeadLetter` if the line is no dead letter, or if its message breaks a
 * limit.
 *
 * @since 0.1.0
 */
export const parse = (line: string): Effect.Effect<DeadLetter, InvalidDeadLetter> =>
  Effect.flatMap(
    Effect.mapError(decode(line), ({ message }) => new InvalidDeadLetter({ problem: message.replaceAll(/\s+/g, " ") })),
    ({ original, ...deadLetter }) => {
      const problem = Message.problem(deadLetter.message)
      return problem === undefined
        ? Effect.succeed({ ...deadLetter, original })
        : Effect.fail(new InvalidDeadLetter({ problem: problem.message }))
    }
  )

/** Names the message of a dead letter among those of all consumers. */
export const nameOf = ({ consumer, message }: DeadLetter): string => JSON.stringify([consumer, message.id])

/**
 * Returns a function that finds dead letters of different messages with one id, as in exports of two databases that
 * were joined. It gets one after another with its place, and returns the problem of one whose id stands before.
 *
 * @since 0.1.0
 */
export const repeatedIds = (): (deadLetter: DeadLetter, place: string) => InvalidDeadLetter | undefined => {
  const seen = new Map<string, { readonly name: string; readonly place: string }>()
  return (deadLetter, place) => {
    const name = nameOf(deadLetter)
    const before = seen.get(deadLetter.id)
    if (before === undefined) seen.set(deadLetter.id, { name, place })
    return before === undefined || before.name === name ? undefined : new InvalidDeadLetter({
      problem: `its id ${deadLetter.id} is also that of another message (${before.place})`
    })
  }
}

/**
 * An import.
 *
 * @since 0.1.0
 */
export interface ImportAction extends OperatorAction {
  /** Leaves out what exists. Without it, the first one that exists fails the whole import. Default false. */
  readonly skipExisting?: boolean | undefined
}

/**
 * The result of an import.
 *
 * @since 0.1.0
 */
export interface Imported {
  readonly imported: number
  /** Those that existed. */
  readonly skipped: number
}
