/**
 * What the runtime counts: names of metrics in one place.
 *
 * Metrics follow OpenTelemetry's messaging conventions where they have a name, and `millrace.*` elsewhere. Labels are
 * topics, consumers and outcomes; never keys, ids or lanes, so that the number of series stays small.
 *
 * @since 0.1.0
 */
import * as Metric from "effect/Metric"

/**
 * How a message ended, as the label `outcome` of {@link outcomes}. `retried` and `released` are no ends: it comes again.
 * `failed` is the end of one that is handled at most once.
 *
 * @since 0.1.0
 */
export type Outcome = "committed" | "duplicate" | "retried" | "held" | "dead" | "failed" | "released"

/**
 * Messages by `consumer` and `outcome`.
 *
 * @since 0.1.0
 */
export const outcomes = Metric.counter("millrace.message.outcomes", {
  description: "Messages by outcome",
  attributes: { unit: "{message}" },
  incremental: true
})

/**
 * Messages published, by `topic`.
 *
 * @since 0.1.0
 */
export const sent = Metric.counter("messaging.client.sent.messages", {
  description: "Messages published",
  attributes: { unit: "{message}" },
  incremental: true
})

/**
 * Seconds from the publish to the commit, by `consumer`: the store's clock then, the worker's now.
 *
 * @since 0.1.0
 */
export const latency = Metric.histogram("millrace.delivery.latency", {
  description: "Time from publish to commit",
  attributes: { unit: "s" },
  boundaries: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]
})

/**
 * {@link outcomes} of one consumer.
 *
 * @since 0.1.0
 */
export const outcomesOf = (consumer: string, outcome: Outcome) => Metric.withAttributes(outcomes, { consumer, outcome })

/**
 * Messages in the hands of a worker now, by `consumer`: prefetched, running and waiting for their commit.
 *
 * @since 0.1.0
 */
export const inFlight = Metric.gauge("millrace.inflight.messages", {
  description: "Messages in the hands of this process",
  attributes: { unit: "{message}" }
})

/**
 * Members of a commit transaction, by `consumer`.
 *
 * @since 0.1.0
 */
export const groupSize = Metric.histogram("millrace.commit.group.size", {
  description: "Messages that share a commit transaction",
  attributes: { unit: "{message}" },
  boundaries: [1, 2, 5, 10, 25, 50, 100, 250, 500]
})

/**
 * Duration of commit transactions in seconds, by `consumer`.
 *
 * @since 0.1.0
 */
export const commitDuration = Metric.histogram("millrace.commit.duration", {
  description: "Duration of commit transactions",
  attributes: { unit: "s" },
  boundaries: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
})

/**
 * Renewal requests, by `consumer`.
 *
 * @since 0.1.0
 */
export const renewals = Metric.counter("millrace.lease.renewals", {
  description: "Lease renewals",
  attributes: { unit: "{request}" },
  incremental: true
})

/**
 * Leases lost before their work was done, by `consumer`.
 *
 * @since 0.1.0
 */
export const losses = Metric.counter("millrace.lease.losses", {
  description: "Leases lost before they were given back",
  attributes: { unit: "{lease}" },
  incremental: true
})
