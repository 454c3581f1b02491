/**
 * A message on SQS: its payload is the body, and one attribute holds the rest. Messages of foreign senders have no such
 * attribute, so a mapping finds their id and key.
 *
 * SQS refuses some characters, and limits group ids and deduplication ids to 128 characters of ASCII. A text that does
 * not fit there is hashed.
 *
 * @since 0.1.0
 */
import { createHash } from "node:crypto"
import * as Message from "../Message.ts"
import type { Outgoing, Received } from "./SqsApi.ts"

/** The attribute with id, topic, key, version and headers, as JSON. */
export const envelopeAttribute = "millrace-envelope"

/**
 * A message of a foreign sender.
 *
 * @since 0.1.0
 */
export interface ForeignMessage {
  /** The id that SQS gave the message. */
  readonly messageId: string
  /** The message group. Undefined on a standard queue. */
  readonly groupId: string | undefined
  readonly body: string
  /** The text attributes. */
  readonly attributes: Readonly<Record<string, string>>
}

/**
 * The parts of a foreign message that a mapping chooses. A part that is left out keeps its default. The defaults are
 * the id of SQS, the message group as key, the body as payload and the text attributes as headers. The default topic is
 * the pipeline's first one.
 *
 * @since 0.1.0
 */
export interface ForeignMapping {
  readonly id?: string | undefined
  readonly key?: string | undefined
  readonly topic?: string | undefined
  readonly payload?: string | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** Characters that SQS refuses in a body or an attribute. */
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

interface Envelope {
  readonly id: string
  readonly topic: string
  readonly key?: string
  readonly version: number
  readonly headers: Readonly<Record<string, string>>
}

/**
 * Returns the message as it is sent, or the reason why SQS would refuse it.
 *
 * The deduplication id contains a hash of the payload. So SQS drops a second publish of one message. It drops no other
 * message under the same id, and that one becomes a dead letter at the consumer.
 */
export const toSqs = (message: Message.Message, fifo: boolean, maximumBytes: number): Outgoing | string => {
  const { headers, id, key, keyed, topic, version } = message
  const envelope: Envelope = { id, topic, ...(keyed ? { key } : {}), version, headers }
  const trace = headers["traceparent"]
  const attributes = {
    [envelopeAttribute]: escaped(JSON.stringify(envelope)),
    ...(trace === undefined || trace === "" ? {} : { traceparent: trace })
  }
  const body = escaped(message.payload)
  if (refused.test(body)) return "its payload has a character that SQS refuses; publish JSON text, which escapes it"
  const bytes = bytesOf(body, attributes)
  if (bytes > maximumBytes) return `it has ${bytes} bytes with its headers, and the queue takes ${maximumBytes} at most`
  const content = createHash("sha256").update(message.payload).digest("hex").slice(0, 16)
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

const envelopeOf = (text: string | undefined): Envelope | undefined => {
  if (text === undefined) return undefined
  try {
    const { headers, id, key, topic, version } = JSON.parse(text) as Partial<Record<keyof Envelope, unknown>>
    if (typeof id !== "string" || typeof topic !== "string" || typeof version !== "number") return undefined
    if (typeof headers !== "object" || headers === null) return undefined
    return {
      id,
      topic,
      version,
      headers: headers as Envelope["headers"],
      ...(typeof key === "string" ? { key } : {})
    }
  } catch {
    return undefined
  }
}

/** Returns the mapping's choice for a foreign message. A mapping that throws chooses nothing. */
const chosen = (
  foreign: ((message: ForeignMessage) => ForeignMapping) | undefined,
  { attributes, body, groupId, messageId }: Received
): ForeignMapping => {
  if (foreign === undefined) return {}
  try {
    return foreign({ attributes, body, groupId, messageId }) ?? {}
  } catch {
    return {}
  }
}

/**
 * Returns the message of a delivery. A message of any sender is accepted, so that it can become a dead letter.
 *
 * A message that does not fit the limits of Millrace gets the id and the key of SQS, and no headers. If it still does
 * not fit, it also gets the topic of the pipeline and an empty payload.
 */
export const fromSqs = (
  received: Received,
  topic: string,
  foreign: ((message: ForeignMessage) => ForeignMapping) | undefined
): Message.Message => {
  const envelope = envelopeOf(received.attributes[envelopeAttribute])
  const choice: ForeignMapping & { readonly version?: number } = envelope ?? chosen(foreign, received)
  const id = choice.id ?? received.messageId
  const key = choice.key ?? (envelope === undefined ? received.groupId : undefined)
  const message: Message.Message = {
    id,
    topic: choice.topic ?? topic,
    key: key ?? id,
    keyed: key !== undefined,
    payload: choice.payload ?? received.body,
    headers: choice.headers ?? received.attributes,
    version: choice.version ?? 1,
    publishedAt: received.sentAt
  }
  if (Message.problem(message) === undefined) return message
  const plain = { ...message, id: received.messageId, key: received.groupId ?? received.messageId, headers: {} }
  return Message.problem(plain) === undefined ? plain : { ...plain, topic, payload: "" }
}
