/**
 * A message on SQS: a CloudEvent in binary mode. The payload is the body, and the other parts are attributes.
 *
 * SQS refuses some characters, and limits group ids and deduplication ids to 128 characters of ASCII. A text that does
 * not fit there is hashed.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import { createHash } from "node:crypto"
import { InvalidSetting } from "../Errors.ts"
import * as GivenDuration from "../internal/GivenDuration.ts"
import type * as Message from "../Message.ts"
import { unreadable } from "../wire/unreadable.ts"
import * as Wire from "../wire/Wire.ts"
import type { Outgoing, Received } from "./SqsApi.ts"

/** The most bytes of a message, and of all messages of one request: 1 MiB. */
export const mostBytes = 1_048_576

/** The most attributes of a message. */
const mostAttributes = 10

/** The names of attributes that SQS accepts. */
const attributeName = /^(?!aws\.|amazon\.|\.|.*\.\.)[\w.-]*[\w-]$/i

/** Returns the codec with these options, within the limits of SQS. Refuses names that SQS refuses. */
export const wireOf = (options: Wire.WireOptions = {}): Result.Result<Wire.Wire, InvalidSetting> => {
  const { contentType, maxAttributes = mostAttributes, maxBytes = mostBytes, prefix } = options
  const made = Wire.make({
    ...options,
    maxAttributes: Math.min(maxAttributes, mostAttributes),
    maxBytes: Math.min(maxBytes, mostBytes)
  })
  if (Result.isFailure(made)) return made
  const setting = prefix !== undefined && !attributeName.test(`${prefix}id`)
    ? "prefix"
    : contentType !== undefined && !attributeName.test(contentType)
    ? "contentType"
    : undefined
  if (setting === undefined) return made
  const expected =
    "SQS takes letters, digits and single characters of _ - . and no name that begins with aws. or amazon."
  return Result.fail(new InvalidSetting({ setting, got: GivenDuration.shown(options[setting]), expected }))
}

/** Characters that SQS refuses in a body. */
const refused = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u

const escaped = (json: string): string =>
  json.replaceAll(
    /[\uFFFE\uFFFF]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`
  )

const legal = /^[\x21-\x7E]{1,128}$/

/** Returns a text as a group id or a deduplication id. A text that SQS would refuse is hashed. */
export const identifier = (text: string): string =>
  legal.test(text) ? text : `sha256-${createHash("sha256").update(text).digest("hex")}`

/**
 * Returns the message as it is sent, or the reason why SQS would refuse it.
 *
 * The deduplication id contains a hash of the payload. So SQS drops a second publish of one message. It drops no other
 * message under the same id, and that one becomes a dead letter at the consumer.
 */
export const toSqs = (wire: Wire.Wire, message: Message.Message, fifo: boolean): Outgoing | string => {
  const { id, key, payload } = message
  const encoded = wire.encode(message)
  if (Result.isFailure(encoded)) return `its ${encoded.failure.field} ${encoded.failure.problem}`
  const { attributes } = encoded.success
  const body = escaped(payload)
  if (body === "") return "its payload is empty, and SQS takes no empty body"
  if (refused.test(body)) return "its payload has a character that SQS refuses; publish JSON text, which escapes it"
  const bytes = bytesOf(body, attributes)
  if (bytes > mostBytes) return `it has ${bytes} bytes with its attributes, and SQS takes ${mostBytes} at most`
  const content = createHash("sha256").update(payload).digest("hex").slice(0, 16)
  return {
    body,
    attributes,
    groupId: fifo ? identifier(key) : undefined,
    deduplicationId: fifo ? identifier(`${id}:${content}`) : undefined
  }
}

/** Returns the bytes of a message as SQS counts them: body, and name, type and value of each attribute. */
export const bytesOf = (body: string, attributes: Readonly<Record<string, string>>): number => {
  let bytes = Buffer.byteLength(body)
  for (const [name, value] of Object.entries(attributes)) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength("String") + Buffer.byteLength(value)
  }
  return bytes
}

/**
 * Returns the message of a delivery. A message of any sender is accepted, so that it can become a dead letter. The id
 * and the key of a foreign message are the message id and the message group of SQS, unless the wire finds others.
 */
export const fromSqs = (
  wire: Wire.Wire,
  { attributes, body, groupId, messageId, sentAt }: Received,
  topic: string
): Message.Message => {
  const received = { attributes, body, brokerId: messageId, brokerKey: groupId, topic }
  const message = Result.getOrElse(wire.decode(received), (failure) => unreadable(received, failure))
  return message.publishedAt > 0 ? message : { ...message, publishedAt: sentAt }
}
