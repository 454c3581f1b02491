/**
 * Encodes and decodes the results that `Inbox.once` stores. A result is stored as JSON text of limited size.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { ResultRefused, ResultUnavailable } from "../Errors.ts"
import * as Message from "../Message.ts"

/** Returns the decoding issue, cut to 500 characters, because messages of schema issues may quote values. */
const issueOf = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  return (error instanceof Error ? error.message : String(error)).slice(0, 500)
}

/** Encodes and decodes the result of one id. `rolledBack` says whether a refusal undoes the effect. */
export const make = <S extends Schema.Constraint>(
  { consumer, id }: { readonly consumer: string; readonly id: string },
  schema: S,
  rolledBack: boolean
) => {
  const codec = Schema.toCodecJson(schema)
  const encodeValue = Schema.encodeUnknownEffect(codec)
  const decodeValue = Schema.decodeUnknownEffect(codec, { errors: "all" })
  const refused = (problem: string) => new ResultRefused({ consumer, id, problem, rolledBack })
  const unavailable = (reason: "undecodable" | "none", detail: string) =>
    new ResultUnavailable({ consumer, id, reason, detail })

  const encode = (value: S["Type"]): Effect.Effect<string, ResultRefused, S["EncodingServices"]> =>
    Effect.suspend(() => encodeValue(value)).pipe(
      Effect.map((encoded) => JSON.stringify(encoded) ?? "null"),
      Effect.catchCause((cause) =>
        Cause.hasInterrupts(cause)
          ? Effect.interrupt
          : Effect.fail(refused(`does not fit its schema: ${issueOf(cause)}`))
      ),
      Effect.filterOrFail(
        (text) => Buffer.byteLength(text) <= Message.limits.payloadBytes,
        (text) => refused(`has ${Buffer.byteLength(text)} bytes, at most ${Message.limits.payloadBytes} are kept`)
      )
    )
  const decode = (text: string | undefined): Effect.Effect<S["Type"], ResultUnavailable, S["DecodingServices"]> =>
    text === undefined
      ? Effect.fail(unavailable("none", ""))
      : Effect.suspend(() => decodeValue(JSON.parse(text) as unknown)).pipe(
        Effect.catchCause((cause) =>
          Cause.hasInterrupts(cause) ? Effect.interrupt : Effect.fail(unavailable("undecodable", issueOf(cause)))
        )
      )
  return { encode, decode }
}
