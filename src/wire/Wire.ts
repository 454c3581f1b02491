/**
 * Messages on the wire: a message as a CloudEvent 1.0 in binary mode, with W3C trace context. A pure codec, which every
 * broker uses.
 *
 * In binary mode the payload is the body, and everything else is an attribute (a header of the broker). So a consumer
 * that knows nothing of Millrace reads plain JSON. A producer that knows nothing of Millrace can send plain JSON as
 * well. Such a message gets its id, key and payload by a mapping.
 *
 * | part of a message | attribute, after the prefix | |
 * | --- | --- | --- |
 * | id | `id` | |
 * | topic | `type`; also the end of `source` | |
 * | key, if there is one | `partitionkey` | |
 * | time of the publish | `time` | RFC 3339 |
 * | version, if not 1 | `schemaversion` | |
 * | `traceparent`, `tracestate` | the same names without prefix | as tracers read them |
 * | another header | its name, if it is an extension name of CloudEvents | otherwise in `millraceheaders`, as JSON |
 *
 * A decoded message equals the encoded one. A message that a broker cannot carry is refused by a typed error, and never
 * changed.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import { type InvalidMessage, InvalidSetting, type UnreadableMessage } from "../Errors.ts"
import * as GivenDuration from "../internal/GivenDuration.ts"
import type { Message } from "../Message.ts"
import { fewest } from "./attributes.ts"
import * as WireDecoder from "./WireDecoder.ts"
import * as WireEncoder from "./WireEncoder.ts"

/**
 * A message as a broker carries it.
 *
 * @since 0.1.0
 */
export interface WireMessage {
  readonly attributes: Readonly<Record<string, string>>
  /** The payload: JSON text. */
  readonly body: string
}

/**
 * A message as it came from a broker.
 *
 * @since 0.1.0
 */
export interface Received {
  readonly attributes: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
  /** The id that the broker gave the message. A message without an id of its own gets this one. */
  readonly brokerId: string
  /**
   * The group in which the broker keeps the message in order, if there is one. A message without a key of its own gets
   * it as its key.
   */
  readonly brokerKey?: string | undefined
  /** The topic of the place that the message came from. A message that is no CloudEvent gets this one. */
  readonly topic: string
}

/**
 * How a message without our attributes becomes a message of Millrace. Each function may return undefined, which leaves
 * the default.
 *
 * @since 0.1.0
 */
export interface ForeignMapping {
  /**
   * Returns the topic, also for a CloudEvent. The default is `type` of a CloudEvent, and otherwise the topic of the
   * place that the message came from.
   */
  readonly topic?: ((received: Received) => string | undefined) | undefined
  /**
   * Returns the id. The default is the broker's own id. The broker gives another one when the producer sends the
   * message again, so map an id that the producer repeats.
   */
  readonly id?: ((received: Received) => string | undefined) | undefined
  /**
   * Returns the key. The default is the group in which the broker keeps the message in order. Without a group the
   * message has no key, and so waits for no other one.
   */
  readonly key?: ((received: Received) => string | undefined) | undefined
  /** Returns the payload as JSON text. The default is the body, if it is UTF-8. */
  readonly payload?: ((received: Received) => string | undefined) | undefined
}

/**
 * The form of messages on one broker.
 *
 * @since 0.1.0
 */
export interface WireOptions {
  /** The beginning of `source`: a URI reference that names this system. The topic follows it. Default `/millrace`. */
  readonly source?: string | undefined
  /** The beginning of the names of CloudEvents attributes: letters, digits, `_`, `-`, `.` and `:`. Default `ce_`. */
  readonly prefix?: string | undefined
  /** The name of the attribute with the media type of the body. Default `content-type`. */
  readonly contentType?: string | undefined
  /**
   * `unicode` writes values as they are, and refuses control characters. `ascii` writes other characters as `%XX`, as
   * CloudEvents does over HTTP. Default `unicode`.
   */
  readonly values?: "unicode" | "ascii" | undefined
  /** The most attributes of a message, at least 10. Beyond it, headers travel in one attribute. Default no limit. */
  readonly maxAttributes?: number | undefined
  /** The most bytes of body, names and values together. Default no limit beside those of a message. */
  readonly maxBytes?: number | undefined
  /** For messages of other producers. */
  readonly foreign?: ForeignMapping | undefined
}

/**
 * Encodes and decodes messages for one broker. Both are pure functions.
 *
 * @since 0.1.0
 */
export interface Wire {
  /** Fails with `InvalidMessage` if the broker cannot carry the message. */
  readonly encode: (message: Message) => Result.Result<WireMessage, InvalidMessage>
  /** Fails with `UnreadableMessage`, which names what is wrong. */
  readonly decode: (received: Received) => Result.Result<Message, UnreadableMessage>
}

/** The options with their defaults. */
export interface Settings {
  readonly source: string
  readonly prefix: string
  readonly contentType: string
  readonly ascii: boolean
  readonly maxAttributes: number
  readonly maxBytes: number
  readonly foreign: ForeignMapping
}

/** Returns the settings, or the first one that is out of its range. */
const resolve = (options: WireOptions): Result.Result<Settings, InvalidSetting> => {
  const { contentType = "content-type", foreign = {}, prefix = "ce_", source = "/millrace", values = "unicode" } =
    options
  const { maxAttributes = Infinity, maxBytes = Infinity } = options
  const refuse = (setting: keyof WireOptions, expected: string) =>
    Result.fail(new InvalidSetting({ setting, got: GivenDuration.shown(options[setting]), expected }))
  if (typeof source !== "string" || !/^[\x21-\x7e]{1,200}$/.test(source)) {
    return refuse("source", "a URI reference of 1 to 200 printable characters is needed")
  }
  if (typeof prefix !== "string" || !/^[\w.:-]{1,20}$/.test(prefix)) {
    return refuse("prefix", "1 to 20 letters, digits and characters of _ - . : are needed")
  }
  if (typeof contentType !== "string" || !/^[\w.:-]{1,40}$/.test(contentType)) {
    return refuse("contentType", "1 to 40 letters, digits and characters of _ - . : are needed")
  }
  if (values !== "unicode" && values !== "ascii") return refuse("values", "\"unicode\" or \"ascii\" is needed")
  if (!(maxAttributes >= fewest)) return refuse("maxAttributes", `a number of at least ${fewest} is needed`)
  if (!(maxBytes >= 1024)) return refuse("maxBytes", "a number of at least 1024 is needed")
  return Result.succeed({ source, prefix, contentType, ascii: values === "ascii", maxAttributes, maxBytes, foreign })
}

/**
 * Makes the codec of one broker, or fails with the first setting that is out of its range.
 *
 * ```ts
 * import { Result } from "effect"
 * import { Wire } from "millrace/wire"
 *
 * const wire = Result.getOrThrow(Wire.make({ foreign: { id: ({ attributes }) => attributes["order-id"] } }))
 * const received = { attributes: { "order-id": "o1" }, body: "5", brokerId: "1-0", topic: "orders" }
 * Result.getOrThrow(wire.decode(received)).id // => "o1"
 * ```
 *
 * @since 0.1.0
 */
export const make = (options: WireOptions = {}): Result.Result<Wire, InvalidSetting> =>
  Result.map(resolve(options), (settings) => ({
    encode: (message) => WireEncoder.encode(settings, message),
    decode: (received) => WireDecoder.decode(settings, received)
  }))
