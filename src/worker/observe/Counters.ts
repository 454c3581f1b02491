/**
 * Counts a worker's messages by topic and outcome. Each metric is looked up once and then kept, so counting is cheap.
 */
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type { Reason } from "../../DeadLetter.ts"
import type { Delivery } from "../../Delivery.ts"
import type { Settled } from "../../Store.ts"
import * as Telemetry from "../../Telemetry.ts"

/**
 * The most error tags that are counted by name. Further tags are counted as `_OTHER`, since tags that contain data
 * would each become a time series.
 */
const maxErrorTypes = 50

/** The most error tags of a topic whose attempts are timed by name. Each one is a time series for each bucket. */
const maxErrorTypesTimed = 10

const reasons: ReadonlyArray<Reason> = ["exhausted", "rejected", "undecodable", "crashed"]

type Tally = { -readonly [K in keyof Settled]: number }

const empty = (): Tally => ({ committed: 0, duplicates: 0, dead: 0, retried: 0 })

/** The outcomes that a series has, each with its field. A message that failed at most once has no dead letter. */
const fields: { readonly [O in Telemetry.DeliveryOutcome]?: keyof Settled } = {
  committed: "committed",
  duplicate: "duplicates",
  dead: "dead",
  retried: "retried"
}

interface OfTopic {
  readonly latency: Metric.Metric<number, unknown>
  readonly process: Metric.Metric<number, unknown>
  /** The durations of failed attempts, by the type of the error. */
  readonly failed: Map<string, Metric.Metric<number, unknown>>
  readonly outcomes: Map<string, Metric.Metric<number, unknown>>
}

export class Counters {
  private readonly consumer: string
  private readonly topics = new Map<string, OfTopic>()
  private readonly errorTypes = new Set<string>()
  private tally: Tally = empty()

  constructor(consumer: string) {
    this.consumer = consumer
  }

  /**
   * Begins the counters of alerts at 0. A monitoring system learns of an increase only from two values, so it would
   * miss the first dead letter and the first takeover.
   */
  begin(topics: ReadonlyArray<{ readonly name: string }>): Effect.Effect<void> {
    return update((context) => {
      for (const { name } of topics) {
        this.metric(name, "committed", undefined).updateUnsafe(0, context)
        for (const reason of reasons) this.metric(name, "dead", reason).updateUnsafe(0, context)
      }
      const labels = Telemetry.labels({ consumer: this.consumer })
      for (const cause of ["expired", "free"]) {
        Metric.withAttributes(Telemetry.takeovers, { ...labels, "millrace.cause": cause }).updateUnsafe(0, context)
      }
    })
  }

  /** Counts an outcome. `detail` is the reason of a dead letter, or the tag of the error that is retried. */
  outcome({ message }: Delivery, outcome: Telemetry.DeliveryOutcome, detail?: string): Effect.Effect<void> {
    return update((context) => {
      const field = fields[outcome]
      if (field !== undefined) this.tally[field]++
      this.metric(message.topic, outcome, detail).updateUnsafe(1, context)
    })
  }

  /** Takes the counts since the last call, for the series of the consumer. */
  take(): Settled {
    const taken = this.tally
    this.tally = empty()
    return taken
  }

  /** Adds counts again that could not be recorded. */
  putBack(counts: Settled): void {
    for (const field of Object.values(fields)) this.tally[field] += counts[field]
  }

  /** Counts a committed message, and records the time since its publish. */
  committed({ message }: Delivery): Effect.Effect<void> {
    return update((context, clock) => {
      this.tally.committed++
      this.metric(message.topic, "committed", undefined).updateUnsafe(1, context)
      const millis = clock.currentTimeMillisUnsafe() - message.publishedAt
      this.of(message.topic).latency.updateUnsafe(Math.max(0, millis / 1000), context)
    })
  }

  /**
   * Counts committed messages of a batch, whose attempts began at these monotonic times. Records for each what
   * `attempt` and `committed` record.
   */
  committedTogether(deliveries: ReadonlyArray<Delivery>, began: ReadonlyArray<bigint>): Effect.Effect<void> {
    return update((context, clock) => {
      const now = clock.currentTimeMillisUnsafe()
      const ended = clock.monotonicTimeNanosUnsafe()
      this.tally.committed += deliveries.length
      deliveries.forEach(({ message: { publishedAt, topic } }, i) => {
        const { latency, process } = this.of(topic)
        process.updateUnsafe(Number(ended - began[i]!) / 1e9, context)
        latency.updateUnsafe(Math.max(0, (now - publishedAt) / 1000), context)
        this.metric(topic, "committed", undefined).updateUnsafe(1, context)
      })
    })
  }

  /** Records the duration of an attempt that began at this monotonic time. `failed` is the tag of its error. */
  attempt({ message }: Delivery, began: bigint, failed?: string): Effect.Effect<void> {
    return update((context, clock) => {
      const took = Number(clock.monotonicTimeNanosUnsafe() - began) / 1e9
      const metric = failed === undefined ? this.of(message.topic).process : this.failed(message.topic, failed)
      metric.updateUnsafe(took, context)
    })
  }

  private failed(topic: string, tag: string) {
    const { failed, process } = this.of(topic)
    const type = failed.has(tag) || failed.size < maxErrorTypesTimed ? tag : "_OTHER"
    let found = failed.get(type)
    if (found === undefined) {
      found = Metric.withAttributes(process, { "error.type": type })
      failed.set(type, found)
    }
    return found
  }

  private of(topic: string): OfTopic {
    let found = this.topics.get(topic)
    if (found === undefined) {
      const labels = Telemetry.labels({ topic, consumer: this.consumer })
      found = {
        latency: Metric.withAttributes(Telemetry.latency, labels),
        process: Metric.withAttributes(
          Telemetry.processDuration,
          Telemetry.labels({ topic, consumer: this.consumer, operation: "process" })
        ),
        failed: new Map(),
        outcomes: new Map()
      }
      this.topics.set(topic, found)
    }
    return found
  }

  private metric(topic: string, outcome: Telemetry.DeliveryOutcome, detail: string | undefined) {
    const { outcomes } = this.of(topic)
    const key = detail === undefined ? outcome : `${outcome} ${detail}`
    let found = outcomes.get(key)
    if (found === undefined) {
      found = Metric.withAttributes(Telemetry.outcomes, {
        ...Telemetry.labels({ topic, consumer: this.consumer }),
        "millrace.outcome": outcome,
        ...(detail === undefined
          ? undefined
          : outcome === "dead"
          ? { "millrace.reason": detail }
          : { "error.type": this.errorType(detail) })
      })
      // A tag beyond the limit counts as `_OTHER`, and gets no entry in the map. Such tags may contain data, and then
      // the map would grow without a bound.
      if (detail === undefined || outcome === "dead" || this.errorTypes.has(detail)) outcomes.set(key, found)
    }
    return found
  }

  private errorType(tag: string): string {
    if (this.errorTypes.size < maxErrorTypes) this.errorTypes.add(tag)
    return this.errorTypes.has(tag) ? tag : "_OTHER"
  }
}

const update = (f: (context: Context.Context<never>, clock: Clock.Clock) => void): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    f(fiber.context, fiber.getRef(Clock.Clock))
    return Effect.void
  })
