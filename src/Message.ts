/**
 * The immutable message envelope: encoded payload, id, key, headers and trace context.
 *
 * A `Message` is a plain readonly object made by one function. A Schema class would take seven times as long to make,
 * and one message is made for every delivery. Ids, keys and headers come from callers and foreign systems. Their size
 * is bounded, and NUL, which Postgres cannot store, is refused with an error that names the field.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { InvalidMessage } from "./Errors.ts"

/**
 * A message as a transport stores it and a worker receives it. The payload is JSON text that the topic's Schema
 * encoded.
 *
 * @since 0.1.0
 */
export interface Message {
  /** Deduplication id: one effect per consumer and id. At most 512 bytes. */
  readonly id: string
  /** The topic of the publish. */
  readonly topic: string
  /**
   * Messages with one key are processed in the order of their publishes. If the publisher gave no key, this is the id.
   */
  readonly key: string
  /** Whether the publisher gave a key. A message without a key waits for no other message. */
  readonly keyed: boolean
  /** The encoded value, JSON text. At most 1 MiB of UTF-8. */
  readonly payload: string
  /** Strings beside the payload, trace context (`traceparent`) included. At most 64, and 16 KiB together. */
  readonly headers: Readonly<Record<string, string>>
  /** Version of the topic's Schema that encoded the payload. */
  readonly version: number
  /** Time of the publish: milliseconds since the epoch on the database's clock. 0 until the message is stored. */
  readonly publishedAt: number
}

/**
 * Limits of a message. The limits are the same on every transport, so that messages can be moved to another transport.
 *
 * @since 0.1.0
 */
export const limits = {
  /** The most bytes of a payload in UTF-8. */
  payloadBytes: 1_048_576,
  /** The most bytes of an id or a key in UTF-8. */
  idBytes: 512,
  /** The most headers of a message. */
  headers: 64,
  /** The most bytes of all header names and values together in UTF-8. */
  headerBytes: 16_384
} as const

/**
 * Returns the name of a character in the text that Postgres would refuse (NUL) or change (a surrogate without its
 * partner).
 */
const unstorable = (text: string): string | undefined =>
  text.includes("\0") ? "a NUL character" : text.isWellFormed() ? undefined : "a lone surrogate"

/**
 * Compares the UTF-8 length with a limit. A short text is not measured, since a UTF-16 unit takes at most three bytes.
 */
const exceeds = (text: string, bytes: number): boolean =>
  text.length > bytes || (text.length * 3 > bytes && Buffer.byteLength(text) > bytes)

/** Returns the problem of an id or a key of at most so many bytes, if any. */
export const textProblem = (text: string, bytes: number): string | undefined => {
  const bad = unstorable(text)
  return text.length === 0
    ? "is empty"
    : bad !== undefined
    ? `contains ${bad}`
    : exceeds(text, bytes)
    ? `has more than ${bytes} bytes`
    : undefined
}

const refuse = (topic: string, id: string, field: string, problem: string, hint: string): InvalidMessage =>
  new InvalidMessage({ topic, id: id.slice(0, 64), field, problem, hint })

const checkText = (
  topic: string,
  id: string,
  field: string,
  text: string,
  bytes: number
): InvalidMessage | undefined => {
  const bad = unstorable(text)
  if (bad !== undefined) {
    return refuse(topic, id, field, `contains ${bad}`, "Remove it, or encode the text (base64, say).")
  }
  return exceeds(text, bytes)
    ? refuse(topic, id, field, `has more than ${bytes} bytes`, "Shorten it; hash long natural keys.")
    : undefined
}

const checkHeaders = (
  topic: string,
  id: string,
  headers: Readonly<Record<string, string>>
): InvalidMessage | undefined => {
  const names = Object.keys(headers)
  if (names.length > limits.headers) {
    return refuse(
      topic,
      id,
      "headers",
      `has ${names.length} entries, at most ${limits.headers} are kept`,
      "Put data into the payload."
    )
  }
  let bytes = 0
  for (const name of names) {
    const value = headers[name]
    if (typeof value !== "string") return refuse(topic, id, `headers.${name}`, "is not a string", "Encode it as text.")
    const bad = unstorable(name) ?? unstorable(value)
    if (bad !== undefined) return refuse(topic, id, `headers.${name}`, `contains ${bad}`, "Remove it, or encode it.")
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value)
  }
  return bytes > limits.headerBytes
    ? refuse(
      topic,
      id,
      "headers",
      `have ${bytes} bytes, at most ${limits.headerBytes} are kept`,
      "Put data into the payload."
    )
    : undefined
}

/**
 * Returns the problem of a message, if any: an empty, oversized or unstorable id, key, payload or header.
 *
 * @since 0.1.0
 */
export const problem = (message: Message): InvalidMessage | undefined => {
  const { id, topic } = message
  if (id.length === 0) {
    return refuse(topic, id, "id", "is empty", "Return a stable, non-empty text from the topic's `id`.")
  }
  if (message.key.length === 0) {
    return refuse(topic, id, "key", "is empty", "Return a non-empty text from the topic's `key`.")
  }
  return checkText(topic, id, "id", id, limits.idBytes)
    ?? checkText(topic, id, "key", message.key, limits.idBytes)
    ?? checkHeaders(topic, id, message.headers)
    ?? (unstorable(message.payload) !== undefined
      ? refuse(topic, id, "payload", `contains ${unstorable(message.payload)}`, "Publish JSON text; JSON escapes it.")
      : exceeds(message.payload, limits.payloadBytes)
      ? refuse(
        topic,
        id,
        "payload",
        `has more than ${limits.payloadBytes} bytes`,
        "Store the large part elsewhere and publish a reference to it."
      )
      : undefined)
}

/**
 * Returns the problem of a name under which a message waits. The limits are those of an id.
 *
 * @since 0.1.0
 */
export const delayNameProblem = (
  { id, topic }: Pick<Message, "id" | "topic">,
  name: string
): InvalidMessage | undefined =>
  name.length === 0
    ? refuse(topic, id, "name", "is empty", "Give a text that says what waits, or none.")
    : checkText(topic, id, "name", name, limits.idBytes)

/**
 * Makes a message, checked against {@link limits}. Fails with `InvalidMessage`, which names the field and the fix.
 *
 * @since 0.1.0
 */
export const make = (fields: {
  readonly id: string
  readonly topic: string
  readonly key?: string | undefined
  readonly payload: string
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly version?: number | undefined
}): Effect.Effect<Message, InvalidMessage> => {
  const message: Message = {
    id: fields.id,
    topic: fields.topic,
    key: fields.key ?? fields.id,
    keyed: fields.key !== undefined,
    payload: fields.payload,
    headers: fields.headers ?? {},
    version: fields.version ?? 1,
    publishedAt: 0
  }
  const bad = problem(message)
  return bad === undefined ? Effect.succeed(message) : Effect.fail(bad)
}

/**
 * Returns the span that published the message, from its `traceparent` header (W3C Trace Context).
 *
 * @since 0.1.0
 */
export const traceContext = (
  message: Message
): Option.Option<{ readonly traceId: string; readonly spanId: string; readonly sampled: boolean }> => {
  const match = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(message.headers["traceparent"] ?? "")
  return match === null
    ? Option.none()
    : Option.some({ traceId: match[1]!, spanId: match[2]!, sampled: (Number.parseInt(match[3]!, 16) & 1) === 1 })
}
