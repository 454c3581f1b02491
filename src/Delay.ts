/**
 * When a message is published that is not published now, and the name under which it waits.
 *
 * A delayed message is published when it is due: that is when it takes its place in its key's order, as if it had been
 * published at that moment. Until then it is in nobody's way, and one with a name can be replaced and cancelled.
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
 * When to publish, as `Topic.publish` takes it.
 *
 * @since 0.1.0
 */
export interface DelayOptions {
  /** How long to wait, counted from the database's now; at most 100 years. Zero and less: due at once. */
  readonly delay?: Duration.Input | undefined
  /** Instead of `delay`: the time, by the database's clock (a number: milliseconds since the epoch). Past: due at once. */
  readonly at?: DateTime.DateTime | Date | number | undefined
}

/**
 * The same, as a store takes it: checked, in milliseconds, and with the name.
 *
 * @since 0.1.0
 */
export interface ResolvedDelay {
  /** Milliseconds since the epoch; undefined: `delay` counts. */
  readonly at: number | undefined
  /** Milliseconds from the store's now. */
  readonly delay: number
  /** Of the one message that goes with it. */
  readonly name: string | undefined
}

/** Longer is a mistake in the unit, more likely than a plan. */
const longest = Duration.toMillis("36525 days")
/** 9999-12-31: what every engine and every tool can write. */
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
 * What is wrong with a time or a name, if anything.
 *
 * @since 0.1.0
 */
export const problem = (messages: ReadonlyArray<Message.Message>, later: ResolvedDelay): InvalidMessage | undefined => {
  const message = messages[0]
  if (message === undefined) return undefined
  if (later.name !== undefined && messages.length > 1) {
    return refuse(message, "name", "stands for one message, and there are several", "Publish them one by one.")
  }
  return (later.name === undefined ? undefined : Message.delayNameProblem(message, later.name))
    ?? (later.at === undefined ? delayProblem(message, later.delay) : atProblem(message, later.at))
}

/**
 * From what a person gave to what a store takes; undefined: publish now, and there is no name.
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
  const later: ResolvedDelay = {
    at: at === undefined ? undefined : millisAt(at),
    delay: delay === undefined ? 0 : GivenDuration.millis(delay),
    name
  }
  return problem(messages, later) ?? later
}

/** A date may come from another realm (a test runner's), where it is no instance of this one's class. */
const millisAt = (at: unknown): number =>
  typeof at === "number"
    ? at
    : isDate(at)
    ? at.getTime()
    : DateTime.isDateTime(at)
    ? DateTime.toEpochMillis(at)
    : Number.NaN
