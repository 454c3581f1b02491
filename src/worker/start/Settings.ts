/**
 * The settings of a worker, their defaults, and their checks. The README shows the same table.
 */
import type * as Duration from "effect/Duration"
import type { InvalidSetting } from "../../Errors.ts"
import * as GivenDuration from "../../internal/GivenDuration.ts"

/**
 * How a worker runs. Every setting has a default that fits most pipelines.
 *
 * @since 0.1.0
 */
export interface WorkerOptions {
  /**
   * How many messages are processed at the same time, each of another key. Default 256. If no step waits before the
   * commit phase, only `prefetch` bounds how many messages are on their way to a commit.
   */
  readonly concurrency?: number | undefined
  /**
   * How many messages are in memory, including those in progress. Default twice the concurrency. If no step waits
   * before the commit phase, the default is at least 4,096, since larger groups commit more messages a second.
   */
  readonly prefetch?: number | undefined
  /** How many messages of one key are in memory. Default 32. */
  readonly prefetchPerKey?: number | undefined
  /** How many bytes of payload are in memory. Default 32 MiB. */
  readonly prefetchBytes?: number | undefined
  /**
   * How long an unresponsive worker keeps its messages. A lease is renewed after a third of this time. Default 30
   * seconds.
   */
  readonly lease?: Duration.Input | undefined
  /** How long a stopping worker waits for running attempts before it interrupts them. Default 25 seconds. */
  readonly grace?: Duration.Input | undefined
  /** How long a worker without messages waits for a wake-up before it polls again. Default 1 second. */
  readonly idlePoll?: Duration.Input | undefined
  /**
   * The longest retry delay that a worker waits in memory. For a longer one the key is held in the store. Default 1
   * second.
   */
  readonly holdAfter?: Duration.Input | undefined
  /**
   * After this many crashes of processes with the message in flight, the message becomes a dead letter `crashed`. It
   * must have run alone in one of these crashes. Default 3, at least 2.
   */
  readonly maxCrashes?: number | undefined
  /**
   * The number of lanes of the queue. The first registration of the consumer fixes it. Default 64. A log decides it by
   * its shards.
   */
  readonly lanes?: number | undefined
  /** How many group commits run at the same time. All messages of a lane go through the same committer. Default 4. */
  readonly committers?: number | undefined
  /**
   * How long a message is held if its topic is not one of the pipeline's. No attempt is counted for it. Default 30
   * seconds.
   */
  readonly unknownTopicHold?: Duration.Input | undefined
  /**
   * The name of this worker in recorded failures. Lanes show the name with a random part that is new in every run. The
   * default is `host:pid` and a random part.
   */
  readonly name?: string | undefined
  /**
   * How an attempt's span refers to the span that published its message. With `link` the attempt begins a trace of its
   * own, which links to the publisher's span. With `parent` the attempt continues the publisher's trace. Without an
   * installed tracer this has no effect. Default `link`.
   */
  readonly tracing?: "link" | "parent" | undefined
  /**
   * Attributes of attempts' spans that are off by default. `key` adds the message's key (`millrace.message.key`), which
   * may be personal data. `bodySize` adds the bytes of its payload (`messaging.message.body.size`). Default none.
   */
  readonly spanAttributes?: ReadonlyArray<"key" | "bodySize"> | undefined
  /**
   * How often the worker reads the lag, backlog and holds of its queue, for metrics, health and the series of
   * `millrace/ops`. With an infinite duration it never does. Default 10 seconds.
   */
  readonly statsEvery?: Duration.Input | undefined
  /**
   * The version of your code. Each recorded failure has it, so an operator sees on which deploys a message failed. The
   * default is empty.
   */
  readonly codeVersion?: string | undefined
}

/** The options of a worker after defaults are filled in. Durations are in milliseconds. */
export interface Settings {
  readonly concurrency: number
  readonly prefetch: number
  readonly prefetchPerKey: number
  readonly prefetchBytes: number
  readonly leaseMillis: number
  readonly graceMillis: number
  readonly idlePollMillis: number
  readonly holdAfterMillis: number
  readonly maxCrashes: number
  readonly lanes: number
  readonly committers: number
  readonly unknownTopicHoldMillis: number
  readonly tracing: "link" | "parent"
  readonly spanAttributes: ReadonlyArray<"key" | "bodySize">
  readonly statsEveryMillis: number
  readonly name: string
  readonly codeVersion: string
  /** Whether the pipeline's turns run in batches (`TurnBatch.ts`), so that most have no fiber. */
  readonly batches: boolean
}

/**
 * The defaults of every setting.
 *
 * @since 0.1.0
 */
export const defaults = {
  concurrency: 256,
  prefetchPerKey: 32,
  prefetchBytes: 33_554_432,
  lease: "30 seconds",
  grace: "25 seconds",
  idlePoll: "1 second",
  holdAfter: "1 second",
  maxCrashes: 3,
  lanes: 64,
  committers: 4,
  unknownTopicHold: "30 seconds",
  tracing: "link",
  statsEvery: "10 seconds"
} as const

/** The least default of `prefetch` where turns run in batches. */
const prefetchOfBatches = 4_096

/** Checks the options and fills in the defaults. Returns the settings, or the first invalid setting as an error. */
export const resolve = (options: WorkerOptions, name: string, batches: boolean): Settings | InvalidSetting => {
  const problems: Array<InvalidSetting> = []
  const whole = (setting: string, got: number, least: number, most: number): number => {
    if (Number.isInteger(got) && got >= least && got <= most) return got
    problems.push(GivenDuration.refusal(setting, got, `a whole number from ${least} to ${most} is needed`))
    // The check of the other settings continues. Some of these are computed from this setting, so a valid value is
    // returned in place of the invalid one.
    return least
  }
  const millis = (setting: string, got: Duration.Input, least: number, most = 86_400_000): number => {
    const value = GivenDuration.millis(got)
    if (!(value >= least && value <= most)) {
      const range = `a duration from ${least} ms ${most === Infinity ? "on" : "to 1 day"} is needed`
      problems.push(GivenDuration.refusal(setting, got, range))
    }
    return value
  }
  const concurrency = whole("concurrency", options.concurrency ?? defaults.concurrency, 1, 100_000)
  const defaultPrefetch = Math.max(concurrency * 2, batches ? prefetchOfBatches : 0)
  const settings: Settings = {
    concurrency,
    prefetch: whole("prefetch", options.prefetch ?? defaultPrefetch, concurrency, 1_000_000),
    prefetchPerKey: whole("prefetchPerKey", options.prefetchPerKey ?? defaults.prefetchPerKey, 1, 100_000),
    prefetchBytes: whole("prefetchBytes", options.prefetchBytes ?? defaults.prefetchBytes, 1, Number.MAX_SAFE_INTEGER),
    leaseMillis: millis("lease", options.lease ?? defaults.lease, 300),
    graceMillis: millis("grace", options.grace ?? defaults.grace, 0),
    idlePollMillis: millis("idlePoll", options.idlePoll ?? defaults.idlePoll, 1),
    holdAfterMillis: millis("holdAfter", options.holdAfter ?? defaults.holdAfter, 0),
    maxCrashes: whole("maxCrashes", options.maxCrashes ?? defaults.maxCrashes, 2, 1000),
    lanes: whole("lanes", options.lanes ?? defaults.lanes, 1, 1024),
    committers: whole("committers", options.committers ?? defaults.committers, 1, 64),
    unknownTopicHoldMillis: millis("unknownTopicHold", options.unknownTopicHold ?? defaults.unknownTopicHold, 1),
    tracing: options.tracing ?? defaults.tracing,
    spanAttributes: options.spanAttributes ?? [],
    statsEveryMillis: millis("statsEvery", options.statsEvery ?? defaults.statsEvery, 100, Infinity),
    name,
    codeVersion: options.codeVersion ?? "",
    batches
  }
  return problems[0] ?? settings
}
