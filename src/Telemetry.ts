/**
 * Names of the metrics and of the log fields, in one place.
 *
 * Metrics follow OpenTelemetry's messaging conventions (1.44) where these have a name, and are called `millrace.*`
 * elsewhere. Labels are topics, consumers, outcomes and tags of errors. They are never keys, ids or lanes, so that the
 * number of series stays small. The metrics are ordinary `Metric`s of Effect, so each exporter of Effect exports them:
 * `Otlp.layer`, and `MetricsEndpoint.layer` of `millrace/ops` for Prometheus.
 *
 * Spans are made only if a tracer is installed, and for messages whose publisher's trace was sampled.
 *
 * - `publish TOPIC`: the publish.
 * - `receive CONSUMER`: the receipt of messages.
 * - `process TOPIC`: each attempt, linked to the span that published the message.
 * - `commit CONSUMER`: a group commit, linked to its members.
 *
 * A message that a handler publishes or emits carries the span of its attempt. The worker's option `spanAttributes`
 * adds the key or the size of a payload to spans. A failed span has the tag of its error in `error.type`. Exporters of
 * Effect add an event `exception` to it. The conventions' own exception events are log records with a name, and
 * Effect's logger sends no names.
 *
 * Log lines about a message, those of handlers included, carry `consumer`, `topic`, `id`, `attempt`, and `key` if the
 * message has one. Log lines never carry a payload or the text of a handler's error, which may quote a payload.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type { Action } from "./Audit.ts"
import type { Delivery } from "./Delivery.ts"

const seconds = { unit: "s" } as const

/** The histogram boundaries of durations in seconds, from OpenTelemetry's conventions. */
const durations = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10] as const

/**
 * Returns the labels of a topic, of a consumer, or of both. The metrics of OpenTelemetry's conventions also have the
 * name of an operation.
 *
 * @since 0.1.0
 */
export const labels = (of: {
  readonly topic?: string | undefined
  readonly consumer?: string | undefined
  readonly operation?: "publish" | "receive" | "process" | undefined
}): Record<string, string> => ({
  "messaging.system": "millrace",
  ...(of.operation === undefined ? undefined : { "messaging.operation.name": of.operation }),
  ...(of.topic === undefined ? undefined : { "messaging.destination.name": of.topic }),
  ...(of.consumer === undefined ? undefined : { "messaging.consumer.group.name": of.consumer })
})

/**
 * Returns the fields of a log line about a message.
 *
 * @since 0.1.0
 */
export const logFields = (
  consumer: string,
  { message }: Pick<Delivery, "message">,
  attempt: number
): Record<string, unknown> => ({
  consumer,
  topic: message.topic,
  id: message.id,
  ...(message.keyed ? { key: message.key } : undefined),
  attempt
})

/**
 * The outcome of a delivery, as the label `millrace.outcome` of {@link outcomes}. After `retried`, `held` and
 * `released` the message comes again. `failed` is the end of a message that is processed at most once.
 *
 * @since 0.1.0
 */
export type DeliveryOutcome = "committed" | "duplicate" | "retried" | "held" | "dead" | "failed" | "released"

/**
 * Messages by topic, consumer and `millrace.outcome`; those with the outcome `dead` also by `millrace.reason`, and
 * `retried` by `error.type`.
 *
 * @since 0.1.0
 */
export const outcomes = Metric.counter("millrace.message.outcomes", {
  description: "Messages by outcome",
  attributes: { unit: "{message}" },
  incremental: true
})

/**
 * Messages that this process sent to the store, by topic. Those of a publish that failed also have the `error.type`. A
 * publish within a transaction counts when it is written, even if the transaction rolls back later.
 *
 * @since 0.1.0
 */
export const sent = Metric.counter("messaging.client.sent.messages", {
  description: "Messages sent to the store",
  attributes: { unit: "{message}" },
  incremental: true
})

/**
 * Messages published to a topic that no consumer reads, by topic. They wait for the first consumer of the topic.
 *
 * @since 0.1.0
 */
export const unrouted = Metric.counter("millrace.unrouted.messages", {
  description: "Messages published to a topic that no consumer reads",
  attributes: { unit: "{message}" },
  incremental: true
})

/**
 * Seconds from the publish to the commit, by topic and consumer. The publish is timed by the store's clock and the
 * commit by the worker's.
 *
 * @since 0.1.0
 */
export const latency = Metric.histogram("millrace.delivery.latency", {
  description: "Time from publish to commit",
  attributes: seconds,
  boundaries: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]
})

/**
 * Messages handed to this process, by consumer. A redelivery counts again.
 *
 * @since 0.1.0
 */
export const consumed = Metric.counter("messaging.client.consumed.messages", {
  description: "Messages handed to this process",
  attributes: { unit: "{message}" },
  incremental: true
})

/**
 * Duration of a publish in seconds, from its encoding to the response of the store, by topic. One that failed also has
 * the `error.type`. A poll waits for messages, so its duration tells nothing and is not measured. Commits have a metric
 * of their own ({@link commitDuration}).
 *
 * @since 0.1.0
 */
export const operationDuration = Metric.histogram("messaging.client.operation.duration", {
  description: "Duration of a publish",
  attributes: seconds,
  boundaries: durations
})

/**
 * Duration of an attempt in seconds, from decoding to the commit, by topic and consumer. An attempt that failed also
 * has the `error.type`. The first 10 error tags of a topic have a name, and further ones count as `_OTHER`.
 *
 * @since 0.1.0
 */
export const processDuration = Metric.histogram("messaging.process.duration", {
  description: "Duration of an attempt",
  attributes: seconds,
  boundaries: durations
})

/**
 * Returns how many messages of a consumer had this outcome in this process, over all topics and reasons.
 *
 * @since 0.1.0
 */
export const counted = (consumer: string, outcome: DeliveryOutcome): Effect.Effect<number> =>
  Effect.map(Metric.snapshot, (metrics) => {
    let sum = 0
    for (const metric of metrics) {
      if (metric.id !== outcomes.id || metric.type !== "Counter") continue
      const { "messaging.consumer.group.name": of, "millrace.outcome": how } = metric.attributes ?? {}
      if (of === consumer && how === outcome) sum += Number(metric.state.count)
    }
    return sum
  })

/**
 * Messages in flight in this process, by consumer: prefetched, running, or waiting for their commit.
 *
 * @since 0.1.0
 */
export const inFlight = Metric.gauge("millrace.inflight.messages", {
  description: "Messages in flight in this process",
  attributes: { unit: "{message}" }
})

/**
 * How many messages share a commit transaction, by consumer.
 *
 * @since 0.1.0
 */
export const groupSize = Metric.histogram("millrace.commit.group.size", {
  description: "Messages that share a commit transaction",
  attributes: { unit: "{message}" },
  boundaries: [1, 2, 5, 10, 25, 50, 100, 250, 500]
})

/**
 * Duration of commit transactions in seconds, by consumer.
 *
 * @since 0.1.0
 */
export const commitDuration = Metric.histogram("millrace.commit.duration", {
  description: "Duration of commit transactions",
  attributes: seconds,
  boundaries: durations
})

/**
 * Renewal requests, by consumer.
 *
 * @since 0.1.0
 */
export const renewals = Metric.counter("millrace.lease.renewals", {
  description: "Lease renewals",
  attributes: { unit: "{request}" },
  incremental: true
})

/**
 * Leases lost before their work was done, by consumer.
 *
 * @since 0.1.0
 */
export const losses = Metric.counter("millrace.lease.losses", {
  description: "Leases lost before they were given back",
  attributes: { unit: "{lease}" },
  incremental: true
})

/**
 * Seconds that were left of the leases when the last renewal was confirmed or failed, by consumer. The normal value is
 * two thirds of the lease. If the value is near 0, leases are about to be lost.
 *
 * @since 0.1.0
 */
export const leaseSlack = Metric.gauge("millrace.lease.slack", {
  description: "Remaining time of the leases when they were renewed",
  attributes: seconds
})

/**
 * Lanes that this process owns now, by consumer.
 *
 * @since 0.1.0
 */
export const lanesOwned = Metric.gauge("millrace.lanes.owned", {
  description: "Lanes owned by this process",
  attributes: { unit: "{lane}" }
})

/**
 * Lanes that this process claimed, by consumer and `millrace.cause`. `expired`: the owner died, or was stopped for
 * too long. `free`: the lane had no owner.
 *
 * @since 0.1.0
 */
export const takeovers = Metric.counter("millrace.lane.takeovers", {
  description: "Lanes claimed",
  attributes: { unit: "{lane}" },
  incremental: true
})

/** Adds claimed lanes to {@link takeovers}. */
export const claimed = (consumer: string, expired: number, free: number): Effect.Effect<void> => {
  const count = (cause: string, lanes: number) =>
    lanes === 0
      ? Effect.void
      : Metric.update(Metric.withAttributes(takeovers, { ...labels({ consumer }), "millrace.cause": cause }), lanes)
  return Effect.andThen(count("expired", expired), count("free", free))
}

/**
 * Messages that can be processed and are not settled, by consumer. Messages in flight count, and those of held keys
 * do not. The store counts up to 10,000.
 *
 * @since 0.1.0
 */
export const waiting = Metric.gauge("millrace.queue.waiting.messages", {
  description: "Messages that wait or run, at most 10,000",
  attributes: { unit: "{message}" }
})

/**
 * Age of the oldest message that can be processed and is not settled, in seconds on the store's clock, by consumer. 0
 * if there is none.
 *
 * @since 0.1.0
 */
export const lag = Metric.gauge("millrace.queue.lag", {
  description: "Age of the oldest message that can be processed",
  attributes: seconds
})

/**
 * Keys on hold, by consumer and `millrace.hold`. `delayed`: a retry is due later. `parked`: the key waits for an
 * operator.
 *
 * @since 0.1.0
 */
export const heldKeys = Metric.gauge("millrace.held.keys", {
  description: "Keys on hold",
  attributes: { unit: "{key}" }
})

/**
 * Age of the oldest parked key in seconds, by consumer. 0 if no key is parked.
 *
 * @since 0.1.0
 */
export const parkedAge = Metric.gauge("millrace.parked.age", {
  description: "Age of the oldest parked key",
  attributes: seconds
})

/**
 * Open dead letters, by consumer. The store counts up to 10,000.
 *
 * @since 0.1.0
 */
export const deadLetters = Metric.gauge("millrace.dead_letters", {
  description: "Open dead letters, at most 10,000",
  attributes: { unit: "{message}" }
})

/**
 * 1 while an operator has paused the consumer, else 0; by consumer.
 *
 * @since 0.1.0
 */
export const paused = Metric.gauge("millrace.queue.paused", {
  description: "Whether an operator has paused the consumer",
  attributes: { unit: "{consumer}" }
})

/**
 * 1 while a redrive run of the consumer has stopped itself and waits for an operator, else 0; by consumer.
 *
 * @since 0.1.0
 */
export const redriveStopped = Metric.gauge("millrace.redrive_run.stopped", {
  description: "Whether a redrive run of the consumer has stopped itself",
  attributes: { unit: "{consumer}" }
})

/**
 * Deduplication window minus the age of the oldest unsettled message or open dead letter, in seconds, by consumer.
 * Messages of held keys count. Below 0, ids are kept longer than the window, and the inbox grows. Absent if ids are
 * kept indefinitely.
 *
 * @since 0.1.0
 */
export const windowSlack = Metric.gauge("millrace.deduplication_window.slack", {
  description: "Deduplication window minus the age of the oldest message or dead letter",
  attributes: seconds
})

/**
 * Dead letters, consumers and keys on which operators acted through this process, by `millrace.operation`, which is
 * the action in the audit. Refused actions do not count.
 *
 * @since 0.1.0
 */
export const operationItems = Metric.counter("millrace.operation.items", {
  description: "Dead letters, consumers and keys on which operators acted",
  attributes: { unit: "{item}" },
  incremental: true
})

/** Counts an operator action. */
export const operatorAction = (action: Action, items = 1): Effect.Effect<void> =>
  items === 0 ? Effect.void : Metric.update(
    Metric.withAttributes(operationItems, { ...labels({}), "millrace.operation": action }),
    items
  )

/**
 * Age of the queue's gauges above, in seconds, by consumer.
 *
 * @since 0.1.0
 */
export const statsAge = Metric.gauge("millrace.stats.age", {
  description: "Age of the gauges of the queue",
  attributes: seconds
})

const all: ReadonlyArray<Metric.Metric<never, unknown>> = [
  outcomes,
  sent,
  unrouted,
  consumed,
  operationDuration,
  processDuration,
  latency,
  inFlight,
  groupSize,
  commitDuration,
  renewals,
  losses,
  leaseSlack,
  lanesOwned,
  takeovers,
  waiting,
  lag,
  heldKeys,
  parkedAge,
  deadLetters,
  paused,
  redriveStopped,
  windowSlack,
  operationItems,
  statsAge
]

const suffixes = new Map(
  all.map((metric) => [
    metric.id,
    `${metric.attributes?.["unit"] === "s" ? "_seconds" : ""}${metric.type === "Counter" ? "_total" : ""}`
  ])
)

/**
 * Returns the name of a metric by OpenTelemetry's rules for Prometheus, with `_seconds` and `_total`. Other metrics
 * keep their names. `MetricsEndpoint.layer` of `millrace/ops` uses it. Use it yourself with
 * `PrometheusMetrics.format({ metricNameMapper: Telemetry.prometheusName })`, which returns the text without a server.
 *
 * @since 0.1.0
 */
export const prometheusName = (name: string): string => name + (suffixes.get(name) ?? "")
