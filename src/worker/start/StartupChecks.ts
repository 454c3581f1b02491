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

/** Refuses another number of lanes than the one that the engine decides. */
export const otherLanes = (can: Capabilities, { lanes }: Pick<WorkerOptions, "lanes">): Unsupported | undefined =>
  can.lanes === undefined || lanes === undefined || lanes === can.lanes ? undefined : no(
    can,
    `${lanes} lanes`,
    `it has ${can.lanes} shards, and each is one lane`,
    "leave the worker's lanes out"
  )

/** Returns the first need of the pipeline that the engine cannot meet, else undefined. */
export const refuse = (
  can: Capabilities,
  { settings }: Pick<Pipeline.Pipeline<unknown, unknown, unknown>, "settings">,
  { leaseMillis, maxCrashes }: Pick<Settings, "leaseMillis" | "maxCrashes">
): Unsupported | undefined =>
  unordered(can, settings) ?? unheld(can, settings) ?? discarding(can, maxCrashes)
    ?? outlasting(can, settings, leaseMillis)

const no = (can: Capabilities, asked: string, because: string, instead: string) =>
  new Unsupported({ engine: can.engine, asked, because, instead })

/** Refuses order where the engine keeps none, or where only the inbox could refuse a stale owner and is not used. */
const unordered = (can: Capabilities, { delivery, keyOrder }: Pipeline.Settings): Unsupported | undefined => {
  if (keyOrder === "none") return undefined
  if (can.order === "none") {
    return no(
      can,
      "order per key",
      "it hands messages to any worker",
      "use a queue with message groups, or declare order none in Pipeline.from"
    )
  }
  return can.fence === "inbox" && delivery === "atLeastOnce"
    ? no(
      can,
      "order per key with atLeastOnce",
      "only the inbox refuses a stale owner here, and atLeastOnce does not use it",
      "use effectivelyOnce, or declare order none in Pipeline.from"
    )
    : undefined
}

/** Refuses holds that the engine cannot keep. */
const unheld = (can: Capabilities, { order }: Pipeline.Settings): Unsupported | undefined =>
  can.hold !== "inPlace" && order === "park"
    ? no(
      can,
      "parked keys",
      "it cannot keep one key back until an operator decides",
      "use order continue in Pipeline.deadLetter, or a transport on Postgres"
    )
    : undefined

/**
 * Refuses an engine that takes a message away while Millrace may still deliver it. Each retry that is held, and each
 * stop of a worker, counts as a delivery there, so no limit is high enough by itself. A subscription moves a message
 * into the lanes before its limit, if there are lanes. This keeps no order, since later messages of its key stay.
 */
const discarding = (can: Capabilities, maxCrashes: number): Unsupported | undefined => {
  const limit = Option.getOrUndefined(can.discardsAfter)
  if (limit === undefined) return undefined
  const asked = `a queue with a limit of ${limit} deliveries`
  const remove = "remove the redrive policy of the queue, since Millrace has dead letters of its own"
  if (can.order !== "none") {
    return no(can, asked, "it takes a message away at its limit, and later ones of its key pass it", remove)
  }
  if (can.hold !== "inPlace") {
    return no(can, asked, "it takes a message away at its limit, and this store has no lanes for it", remove)
  }
  return limit > maxCrashes * 2 ? undefined : no(
    can,
    `maxCrashes ${maxCrashes}`,
    `it takes a message away after ${limit} deliveries`,
    `raise its limit above ${maxCrashes * 2}, or ${remove}`
  )
}

/**
 * Refuses leases and steps that the engine's longest lease cannot cover, with one lease to spare.
 */
const outlasting = (
  can: Capabilities,
  { timeout }: Pipeline.Settings,
  leaseMillis: number
): Unsupported | undefined => {
  const ceiling = Option.getOrUndefined(can.lease.ceiling)
  if (ceiling === undefined) return undefined
  const most = Duration.toMillis(ceiling)
  const text = (millis: number) => Duration.format(Duration.millis(millis))
  const because = `a lease ends after ${text(most)}, however often it is renewed`
  if (leaseMillis > most / 2) {
    return no(can, `a lease of ${text(leaseMillis)}`, because, `use a lease of at most ${text(most / 2)}`)
  }
  const step = timeout === undefined ? 0 : GivenDuration.millis(timeout)
  return leaseMillis + step > most
    ? no(
      can,
      `a timeout of ${text(step)} with a lease of ${text(leaseMillis)}`,
      because,
      `use a timeout of at most ${text(most - leaseMillis)}`
    )
    : undefined
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
