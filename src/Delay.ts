/**
 * The due time of a message that is published later, and the name under which it waits.
 *
 * A delayed message is published when it is due. Only then it takes its place in the order of its key. A message with
 * a name can be replaced and cancelled until then.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import { isDate } from "node:util/types"
import { InvalidMessage } from "./Errors.ts"
import * as GivenDuration from "./internal/GivenDuration.ts"
import * as Message from "./Message.ts"

/**
 * The options of `Topic.publish` that delay a message.
 *
 * @since 0.1.0
 */
export interface DelayOptions {
  /**
   * How long to wait, counted on the database's clock; at most 100 years. A delay of zero or less means that the
   * message is due at once.
   */
  readonly delay?: Duration.Input | undefined
  /**
   * The due time in place of `delay`, on the database's clock. A number is milliseconds since the epoch. A message with
   * a past time is due at once.
   */
  readonly at?: DateTime.DateTime | Date | number | undefined
}

/**
 * The checked options, in milliseconds and with the name, as a store takes them.
 *
 * @since 0.1.0
 */
export interface ResolvedDelay {
  /** The due time in milliseconds since the epoch. If undefined, `delay` applies. */
  readonly at: number | undefined
  /** The delay in milliseconds from the store's present time. */
  readonly delay: number
  /** The name of the only message of the publish. */
  readonly name: string | undefined
}

/** The longest delay. A longer one is refused, since it is most likely a mistake in the unit. */
const longest = Duration.toMillis("36525 days")
/** The latest due time: 9999-12-31, which every engine and every tool can write. */
const latest = 253_402_214_400_000

const refuse = (message: Message.Message, field: string, problem: string, hint: string): InvalidMessage =>
  new InvalidMessage({ topic: message.topic, id: message.id.slice(0, 64), field, problem, hint })

const delayProblem = (message: Message.Message, millis: number): InvalidMessage | undefined =>
  Number.isNaN(millis)
    ? refuse(message, "delay", "is not a duration", "Give a Duration, such as \"10 minutes\".")
    : millis > longest
    ? refuse(message, "delay", "is longer than 100 years", "Check its unit: a number is in milliseconds.")
    : undefined

const atProblem = (message: Message.Message, millis: number): InvalidMessage | undefined =>
  Number.isNaN(millis)
    ? refuse(
      message,
      "at",
      "is not a time",
      "Give a Date, a DateTime, or milliseconds since the epoch; a text goes through `new Date(text)`."
    )
    : millis > latest
    ? refuse(message, "at", "is after the year 9999", "Check its unit: a number is in milliseconds.")
    : undefined

/**
 * Returns the problem of a due time or a name, if any.
 *
 * @since 0.1.0
 */
export const problem = (messages: ReadonlyArray<Message.Message>, delay: ResolvedDelay): InvalidMessage | undefined => {
  const message = messages[0]
  if (message === undefined) return undefined
  if (delay.name !== undefined && messages.length > 1) {
    return refuse(message, "name", "names one message, but there are several", "Publish them one by one.")
  }
  return (delay.name === undefined ? undefined : Message.delayNameProblem(message, delay.name))
    ?? (delay.at === undefined ? delayProblem(message, delay.delay) : atProblem(message, delay.at))
}

/**
 * Checks the caller's options and returns them as a store takes them. Returns undefined for a message without a name
 * that is published now.
 *
 * @since 0.1.0
 */
export const resolve = (
  messages: ReadonlyArray<Message.Message>,
  options: DelayOptions & { readonly name?: string | undefined }
): ResolvedDelay | InvalidMessage | undefined => {
  const { at, delay, name } = options
  if (messages[0] === undefined || (at === undefined && delay === undefined && name === undefined)) return undefined
  if (at !== undefined && delay !== undefined) {
    return refuse(messages[0], "delay", "and its at are both given", "Give one of them.")
  }
  const resolved: ResolvedDelay = {
    at: at === undefined ? undefined : millisAt(at),
    delay: delay === undefined ? 0 : GivenDuration.millis(delay),
    name
  }
  return problem(messages, resolved) ?? resolved
}

/**
 * Reads a time. A date may come from another JavaScript realm (of a test runner, say). Then `instanceof Date` is false,
 * so the date is recognized otherwise.
 */
const millisAt = (at: unknown): number =>
  typeof at === "number"
    ? at
    : isDate(at)
    ? at.getTime()
    : DateTime.isDateTime(at)
    ? DateTime.toEpochMillis(at)
    : Number.NaN
