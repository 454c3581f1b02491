/**
 * Writes a message as a CloudEvent in binary mode. A header becomes an attribute of its own if CloudEvents and the
 * broker allow it. The other headers travel in one attribute as JSON.
 */
import * as Result from "effect/Result"
import { InvalidMessage } from "../Errors.ts"
import * as Message from "../Message.ts"
import { asciiJson, escaped, isExtension, isPlain, isTraceparent, isTracestate } from "./attributes.ts"
import type { Settings, WireMessage } from "./Wire.ts"

const refuse = ({ id, topic }: Message.Message, field: string, problem: string, hint: string): InvalidMessage =>
  new InvalidMessage({ topic, id: id.slice(0, 64), field, problem, hint })

/** Returns the parts of a message that are attributes, by name. Undefined ones are left out. */
const partsOf = ({ source }: Settings, message: Message.Message): ReadonlyArray<readonly [string, string]> => {
  const { id, key, keyed, publishedAt, topic, version } = message
  const parts: Readonly<Record<string, string | undefined>> = {
    specversion: "1.0",
    id,
    source: `${source}/${topic}`,
    type: topic,
    partitionkey: keyed ? key : undefined,
    time: publishedAt > 0 && publishedAt <= 8.64e15 ? new Date(publishedAt).toISOString() : undefined,
    schemaversion: version === 1 ? undefined : String(version)
  }
  return Object.entries(parts).flatMap(([name, value]) => value === undefined ? [] : [[name, value]])
}

/** Returns the trace context among the headers, if it is usable. A tracer reads it without the prefix. */
const traceOf = (headers: ReadonlyMap<string, string>): ReadonlyArray<readonly [string, string]> => {
  const [parent, state] = [headers.get("traceparent"), headers.get("tracestate")]
  if (parent === undefined || !isTraceparent(parent)) return []
  return state === undefined || !isTracestate(state)
    ? [["traceparent", parent]]
    : [["traceparent", parent], ["tracestate", state]]
}

/** Encodes a message, or refuses it by the part that the broker cannot carry. */
export const encode = (settings: Settings, message: Message.Message): Result.Result<WireMessage, InvalidMessage> => {
  const { ascii, contentType, maxAttributes, maxBytes, prefix } = settings
  const bad = Message.problem(message)
  if (bad !== undefined) return Result.fail(bad)
  const written = (value: string) => ascii ? escaped(value) : value
  const parts = partsOf(settings, message)
  const unusable = ascii ? undefined : parts.find(([, value]) => !isPlain(value))
  if (unusable !== undefined) {
    const field = unusable[0] === "partitionkey" ? "key" : unusable[0]
    const problem = "has a control character, which attributes cannot carry"
    return Result.fail(refuse(message, field, problem, "Remove it, or set the wire's \"values\" to \"ascii\"."))
  }
  const headers = new Map(Object.entries(message.headers))
  const trace = traceOf(headers)
  for (const [name] of trace) headers.delete(name)
  const own = [...headers].filter(([name, value]) => isExtension(name) && isPlain(value))
  const attributes = [...parts.map(([name, value]) => [prefix + name, written(value)] as const), ...trace]
  const packed = own.length < headers.size ? 1 : 0
  if (attributes.length + own.length + packed <= maxAttributes) {
    for (const [name, value] of own) {
      attributes.push([prefix + name, written(value)])
      headers.delete(name)
    }
  }
  if (headers.size > 0) attributes.push([`${prefix}millraceheaders`, written(asciiJson(Object.fromEntries(headers)))])
  // The media type is optional, so it is left out first when there are too many attributes.
  if (attributes.length < maxAttributes) attributes.push([contentType, "application/json"])
  const bytes = attributes.reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value),
    Buffer.byteLength(message.payload)
  )
  return bytes > maxBytes
    ? Result.fail(
      refuse(
        message,
        "payload",
        `and attributes have ${bytes} bytes, the broker carries ${maxBytes}`,
        "Store the large part elsewhere and publish a reference to it."
      )
    )
    : Result.succeed({ attributes: Object.fromEntries(attributes), body: message.payload })
}
