/**
 * Reads a message from a broker. Its producer is Millrace or another program that writes CloudEvents. The user's
 * `foreign` mapping reads every other message.
 *
 * Every input gives a message or a typed error. The names of attributes are compared without their case, because some
 * brokers and proxies change it.
 */
import * as Result from "effect/Result"
import { UnreadableMessage } from "../Errors.ts"
import * as Message from "../Message.ts"
import { nameProblem } from "../Topic.ts"
import { isTraceparent, isTracestate, unescaped } from "./attributes.ts"
import type { ForeignMapping, Received, Settings } from "./Wire.ts"

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** Carries a problem out of the functions below. It never leaves this file. */
class Unreadable {
  readonly field: string
  readonly problem: string
  readonly hint: string
  constructor(field: string, problem: string, hint: string) {
    this.field = field
    this.problem = problem
    this.hint = hint
  }
}

type Read<A> = Result.Result<A, Unreadable>

const fail = (field: string, problem: string, hint: string): Result.Result<never, Unreadable> =>
  Result.fail(new Unreadable(field, problem, hint))

/** The attributes of a message: those of CloudEvents by their names without the prefix, and the others. */
interface Attributes {
  readonly event: ReadonlyMap<string, string>
  readonly others: ReadonlyMap<string, string>
}

const attributesOf = ({ ascii, contentType, prefix }: Settings, { attributes }: Received): Attributes => {
  const event = new Map<string, string>()
  const others = new Map<string, string>()
  const begin = prefix.toLowerCase()
  for (const [name, value] of Object.entries(attributes)) {
    const lower = name.toLowerCase()
    if (lower.startsWith(begin)) event.set(lower.slice(begin.length), ascii ? unescaped(value) : value)
    else if (lower !== contentType.toLowerCase()) others.set(name, value)
  }
  return { event, others }
}

/** Asks a function of the user's mapping. A function that throws or returns no text makes the message unreadable. */
const mapped = (foreign: ForeignMapping, part: keyof ForeignMapping, received: Received): Read<string | undefined> => {
  const f = foreign[part]
  if (f === undefined) return Result.succeed(undefined)
  try {
    const value: unknown = f(received)
    return value === undefined || typeof value === "string"
      ? Result.succeed(value)
      : fail(part, "was mapped to something that is no text", `Correct the wire's mapping "foreign.${part}".`)
  } catch {
    return fail(part, "could not be mapped: the mapping threw", `Correct the wire's mapping "foreign.${part}".`)
  }
}

const textOf = (body: string | Uint8Array): Read<string> => {
  if (typeof body === "string") return Result.succeed(body)
  try {
    return Result.succeed(strict.decode(body))
  } catch {
    return fail(
      "payload",
      "is no UTF-8 text",
      "Give the wire a mapping \"foreign.payload\" that makes JSON text of it."
    )
  }
}

/** Returns the headers that travelled in one attribute. */
const packedOf = (event: ReadonlyMap<string, string>): Read<ReadonlyArray<readonly [string, string]>> => {
  const text = event.get("millraceheaders")
  if (text === undefined) return Result.succeed([])
  const problem = () =>
    fail("millraceheaders", "is no JSON object of texts", "Do not change this attribute on the way.")
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return problem()
    const entries = Object.entries(parsed)
    return entries.every((entry): entry is [string, string] => typeof entry[1] === "string")
      ? Result.succeed(entries)
      : problem()
  } catch {
    return problem()
  }
}

const traceNames: ReadonlySet<string> = new Set(["traceparent", "tracestate"])

/** Attributes of CloudEvents that are parts of a message or trace context, and so no headers of their own. */
const noHeaders: ReadonlySet<string> = new Set([
  "specversion",
  "id",
  "type",
  "partitionkey",
  "time",
  "schemaversion",
  "millraceheaders",
  ...traceNames
])

/** Collects the headers. `ours` is the `source` that this wire writes, which is no header. */
const headersOf = (
  { event, others }: Attributes,
  ours: string
): Read<Readonly<Record<string, string>>> =>
  Result.map(packedOf(event), (packed) => {
    const headers = new Map<string, string>()
    // A tracer's own attribute has no prefix. CloudEvents also knows the trace context as an extension.
    const trace = (name: string) => [
      ...[...others].flatMap(([other, value]) => other.toLowerCase() === name ? [value] : []),
      event.get(name) ?? ""
    ]
    const parent = trace("traceparent").find(isTraceparent)
    const state = trace("tracestate").find(isTracestate)
    if (parent !== undefined) headers.set("traceparent", parent)
    if (parent !== undefined && state !== undefined) headers.set("tracestate", state)
    for (const [name, value] of others) {
      if (!traceNames.has(name.toLowerCase())) headers.set(name, value)
    }
    for (const [name, value] of event) {
      if (!noHeaders.has(name) && !(name === "source" && value === ours)) headers.set(name, value)
    }
    for (const [name, value] of packed) headers.set(name, value)
    return Object.fromEntries(headers)
  })

const versionOf = (event: ReadonlyMap<string, string>): Read<number> => {
  const text = event.get("schemaversion")
  if (text === undefined) return Result.succeed(1)
  return /^\d{1,9}$/.test(text) && Number(text) >= 1
    ? Result.succeed(Number(text))
    : fail("schemaversion", "is no whole number from 1", "Send the version of the topic's schema, or none.")
}

const timeOf = (event: ReadonlyMap<string, string>): number => {
  const millis = Date.parse(event.get("time") ?? "")
  return millis > 0 ? millis : 0
}

const required = (event: ReadonlyMap<string, string>, name: string): Read<string> => {
  const value = event.get(name)
  return value === undefined || value === ""
    ? fail(name, "is missing, and CloudEvents requires it", "Send it, or send the message without specversion.")
    : Result.succeed(value)
}

/** Returns the `source` of a topic's messages on this wire. */
const sourceOf = ({ source }: Settings, topic: string): string => `${source}/${topic}`

/** Returns the parts that the standard attributes name, or what the mapping makes of a message without them. */
const identityOf = (settings: Settings, received: Received, { event }: Attributes) =>
  Result.gen(function*() {
    const { foreign } = settings
    const specversion = event.get("specversion")
    const topic = yield* mapped(foreign, "topic", received)
    if (specversion !== undefined) {
      if (!/^1(?:\.\d+)?$/.test(specversion)) {
        return yield* fail("specversion", "is not 1.0", "Send CloudEvents of version 1.0.")
      }
      const [id, type] = [yield* required(event, "id"), yield* required(event, "type")]
      const source = yield* required(event, "source")
      // A message of this wire that has no key was published without one. Its group is its id.
      const group = source === sourceOf(settings, type) ? undefined : received.brokerKey
      const key = event.get("partitionkey") ?? group
      return { id, topic: topic ?? type, key, payload: yield* textOf(received.body) }
    }
    return {
      id: (yield* mapped(foreign, "id", received)) ?? received.brokerId,
      topic: topic ?? received.topic,
      key: (yield* mapped(foreign, "key", received)) ?? received.brokerKey,
      payload: (yield* mapped(foreign, "payload", received)) ?? (yield* textOf(received.body))
    }
  })

const read = (settings: Settings, received: Received): Read<Message.Message> =>
  Result.gen(function*() {
    const attributes = attributesOf(settings, received)
    const { id, key, payload, topic } = yield* identityOf(settings, received, attributes)
    const badTopic = nameProblem("topic", topic)
    if (badTopic !== undefined) {
      return yield* fail("topic", badTopic.problem, "Give the wire a mapping \"foreign.topic\" that returns its topic.")
    }
    const message: Message.Message = {
      id,
      topic,
      key: key ?? id,
      keyed: key !== undefined,
      payload,
      headers: yield* headersOf(attributes, sourceOf(settings, topic)),
      version: yield* versionOf(attributes.event),
      publishedAt: timeOf(attributes.event)
    }
    const bad = Message.problem(message)
    return bad === undefined ? message : yield* fail(bad.field, bad.problem, "Correct the producer, or map this part.")
  })

/** Decodes what came from a broker. */
export const decode = (settings: Settings, received: Received): Result.Result<Message.Message, UnreadableMessage> =>
  Result.mapError(
    read(settings, received),
    ({ field, hint, problem }) =>
      new UnreadableMessage({ brokerId: received.brokerId.slice(0, 100), field, problem, hint })
  )
