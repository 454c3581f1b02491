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
  /** Messages handled at once, each of another key. Default 256. */
  readonly concurrency?: number | undefined
  /** Messages in memory, running ones included. Default twice the concurrency. */
  readonly prefetch?: number | undefined
  /** Messages of one key in memory. Default 32. */
  readonly prefetchPerKey?: number | undefined
  /** Bytes of payload in memory. Default 32 MiB. */
  readonly prefetchBytes?: number | undefined
  /** How long an unresponsive worker keeps its messages. Renewed at a third of it. Default 30 seconds. */
  readonly lease?: Duration.Input | undefined
  /** How long a stopping worker lets running attempts finish before it interrupts them. Default 25 seconds. */
  readonly grace?: Duration.Input | undefined
  /** How long a worker with nothing to do waits before it looks again by itself. Default 1 second. */
  readonly idlePoll?: Duration.Input | undefined
  /** Retry delays up to this are slept in place, longer ones are persisted. Default 1 second. */
  readonly holdAfter?: Duration.Input | undefined
  /**
   * Crashes of a process that held the message until it is a dead letter `crashed`, if it ran alone in one of them.
   * Default 3, at least 2.
   */
  readonly maxCrashes?: number | undefined
  /** Hash partitions of the queue's keys, fixed by the first registration. Default 64. */
  readonly lanes?: number | undefined
  /** Transactions side by side; a lane is always on the same one. Default 4. */
  readonly committers?: number | undefined
  /** How long a message of a topic that this code does not know is held, uncounted. Default 30 seconds. */
  readonly unknownTopicHold?: Duration.Input | undefined
  /**
   * Name of this worker in failures and, with a part that is new in every run, in lanes. Default: `host:pid` and a
   * random part.
   */
  readonly name?: string | undefined
  /**
   * How an attempt's span refers to the span that published its message. With `link` it begins a trace of its own and
   * is linked to that span; with `parent` it continues that trace. Only where a tracer is installed. Default `link`.
   */
  readonly tracing?: "link" | "parent" | undefined
  /**
   * How often the worker reads its queue's lag, backlog and holds, for metrics and health. Infinity means never.
   * Default 10 seconds.
   */
  readonly statsEvery?: Duration.Input | undefined
  /** Version of your code, kept with each failure: tells on which deploys a message died. Default empty. */
  readonly codeVersion?: string | undefined
}

/** The options with defaults, durations in milliseconds. */
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
  readonly statsEveryMillis: number
  readonly name: string
  readonly codeVersion: string
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

/** Checks the options and fills in the defaults. Returns the first setting that is invalid. */
export const resolve = (options: WorkerOptions, name: string): Settings | InvalidSetting => {
  const problems: Array<InvalidSetting> = []
  const whole = (setting: string, got: number, least: number, most: number): number => {
    if (Number.isInteger(got) && got >= least && got <= most) return got
    problems.push(GivenDuration.refusal(setting, got, `a whole number from ${least} to ${most} is needed`))
    // The check of the other settings continues. Some of them are computed from this one, so it needs a valid value.
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
  const settings: Settings = {
    concurrency,
    prefetch: whole("prefetch", options.prefetch ?? concurrency * 2, concurrency, 1_000_000),
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
    statsEveryMillis: millis("statsEvery", options.statsEvery ?? defaults.statsEvery, 100, Infinity),
    name,
    codeVersion: options.codeVersion ?? ""
  }
  return problems[0] ?? settings
}
