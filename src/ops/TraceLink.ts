/**
 * Links from a message to its trace. The header `traceparent` of the message has the id of the trace. The operator
 * gives the address at which a tracing system shows a trace.
 *
 * A link is safe to open: the address is http or https, and only the 32 hexadecimal digits of the id are put into it.
 */
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type { InvalidSetting } from "../Errors.ts"
import * as GivenDuration from "../internal/GivenDuration.ts"
import * as Message from "../Message.ts"

/** Returns the address of a trace. */
export type Link = (traceId: string) => string

/** The trace of a message, with its address if a template is given. */
export interface Trace {
  readonly traceId: string
  readonly url: string | undefined
}

const place = "{traceId}"

/** Returns the address for an id, or undefined if the template gives no address of http or https. */
const addressOf = (template: string, traceId: string): URL | undefined => {
  const text = template.replaceAll(place, traceId)
  const url = URL.canParse(text) ? new URL(text) : undefined
  return url !== undefined && ["http:", "https:"].includes(url.protocol) && url.username + url.password === ""
    ? url
    : undefined
}

/** Reads a template such as `https://traces.example.com/trace/{traceId}`. The id must not be a part of the host. */
export const parse = (template: string): Result.Result<Link, InvalidSetting> => {
  const [one, other] = ["0", "f"].map((digit) => addressOf(template, digit.repeat(32)))
  return template.includes(place) && one !== undefined && one.origin === other?.origin
    ? Result.succeed((traceId) => addressOf(template, traceId)!.href)
    : Result.fail(
      GivenDuration.refusal(
        "traceUrl",
        template,
        `an address of http or https with ${place} behind its host is needed: https://traces.example.com/trace/${place}`
      )
    )
}

/** Returns the trace of a message. Undefined if the message has no valid `traceparent`. */
export const of = (message: Message.Message, link: Link | undefined): Trace | undefined =>
  Option.match(Message.traceContext(message), {
    onNone: () => undefined,
    onSome: ({ traceId }) => ({ traceId, url: link?.(traceId) })
  })
