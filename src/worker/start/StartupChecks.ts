/**
 * Checks names and settings, and refuses what the engine cannot do, before anything is opened. For this the pipeline's
 * needs are compared with the capabilities that the transport declares.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import { hostname } from "node:os"
import { type InvalidName, InvalidSetting, Unsupported } from "../../Errors.ts"
import * as GivenDuration from "../../internal/GivenDuration.ts"
import type * as Pipeline from "../../Pipeline.ts"
import { nameProblem } from "../../Topic.ts"
import type { Capabilities } from "../../Transport.ts"
import * as TurnBatch from "../attempt/TurnBatch.ts"
import { resolve, type Settings, type WorkerOptions } from "./Settings.ts"

/**
 * Returns an error if the deduplication window is too short, else undefined. A message can be delivered again after
 * each of `maxCrashes` crashes, and while a broker retains it. The inbox must remember its id for longer than that.
 */
export const shortWindow = (
  window: Duration.Duration,
  can: Capabilities,
  leaseMillis: number,
  maxCrashes: number
): InvalidSetting | undefined => {
  const longest = Math.max(
    leaseMillis * (maxCrashes + 1),
    Option.match(can.retention, { onNone: () => 0, onSome: Duration.toMillis })
  )
  return Duration.toMillis(window) > longest ? undefined : new InvalidSetting({
    setting: "retention.inbox",
    got: Duration.format(window),
    expected: `a message can come again for ${
      Duration.format(Duration.millis(longest))
    }, and its id must be remembered longer`
  })
}

/**
 * The longest `Pipeline.commitTimeout`. Millrace lets Postgres end a transaction that is idle for 30 seconds, or lasts
 * for 60, since its worker may have crashed. The limit is the same on every engine, so a test cannot pass with a
 * setting that production refuses.
 */
const longestCommit = Duration.seconds(25)

const longCommit = (timeout: Duration.Input): InvalidSetting | undefined => {
  const given = GivenDuration.millis(timeout)
  return given > 0 && given <= Duration.toMillis(longestCommit) ? undefined : new InvalidSetting({
    setting: "commitTimeout",
    got: Number.isNaN(given) ? GivenDuration.shown(timeout) : Duration.format(Duration.millis(given)),
    expected: `a commit step takes ${
      Duration.format(longestCommit)
    } at most, since its transaction holds up others; longer work belongs in mapEffect`
  })
}

/**
 * Returns the first invalid setting of the pipeline, else undefined. The worker then refuses to start, so no message
 * becomes a dead letter because of that setting.
 */
export const badSetting = (
  { commitTimeout, group, retry, retryWhile, timeout }: Pipeline.Settings
): InvalidSetting | undefined =>
  longCommit(commitTimeout)
    ?? (timeout === undefined || GivenDuration.millis(timeout) > 0
      ? undefined
      : GivenDuration.refusal("timeout", timeout, "a duration above zero is needed"))
    ?? (Number.isInteger(group) && group > 0
      ? undefined
      : GivenDuration.refusal("group", group, "a whole number from 1 on is needed"))
    ?? GivenDuration.problems.get(retry)
    ?? (retryWhile === undefined ? undefined : GivenDuration.problems.get(retryWhile))

/** Returns the first need of the pipeline that the engine cannot meet, else undefined. */
export const refuse = (
  can: Capabilities,
  pipeline: Pick<Pipeline.Pipeline<unknown, unknown, unknown>, "settings">,
  maxCrashes: number
): Unsupported | undefined => {
  const no = (asked: string, because: string, instead: string) =>
    new Unsupported({ engine: can.engine, asked, because, instead })
  if (can.order === "none") {
    return no("order per key", "it hands messages to any worker", "a queue with message groups or partitions")
  }
  if (can.hold === "overflow" && pipeline.settings.order === "park") {
    return no("parked keys", "it cannot keep one key back", "a Postgres overflow around the transport")
  }
  if (Option.isSome(can.discardsAfter) && can.discardsAfter.value <= maxCrashes * 2) {
    return no(
      `maxCrashes ${maxCrashes}`,
      `it discards a message after ${can.discardsAfter.value} deliveries`,
      "raise or switch off its limit"
    )
  }
  return undefined
}

/** Returns the topics that a pipeline reads, and those that it emits to. */
const named = (
  { steps, topics }: Pipeline.Pipeline<unknown, unknown, unknown>
): ReadonlyArray<Pipeline.AnyTopic> => [
  ...topics,
  ...steps.flatMap((step) => step._tag === "Emit" ? [step.topic] : [])
]

/** Checks names and settings without a request to store or transport. Returns the settings with their defaults. */
export const check = Effect.fnUntraced(function*(
  pipeline: Pipeline.Pipeline<unknown, unknown, unknown>,
  options: WorkerOptions
): Effect.fn.Return<Settings, InvalidName | InvalidSetting> {
  const badName = nameProblem("consumer", pipeline.consumer)
    ?? named(pipeline).map((topic) => nameProblem("topic", topic.name)).find((problem) => problem !== undefined)
  if (badName !== undefined) return yield* badName
  const bad = badSetting(pipeline.settings)
  if (bad !== undefined) return yield* bad
  const random = yield* Random.nextIntBetween(0, 0xffffff)
  const name = options.name ?? `${hostname()}:${process.pid}:${random.toString(16)}`
  const settings = resolve(options, name, yield* TurnBatch.runs(pipeline))
  return settings instanceof Error ? yield* settings : settings
})
