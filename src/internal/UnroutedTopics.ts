/**
 * Warns when a message is published to a topic that no consumer reads, by the topic's name and once in the life of the
 * layer. Without the warning a typing error in a topic's name would have no sign. Each such message is also counted.
 */
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Telemetry from "../Telemetry.ts"

/** The most topics that are remembered. Topics beyond it are counted, and not warned about. */
const mostTopics = 1_000

export class UnroutedTopics {
  readonly #warned = new Set<string>()

  /** Records messages that were stored as unrouted: their number by topic. */
  note(counts: Iterable<readonly [topic: string, messages: number]>): Effect.Effect<void> {
    return Effect.forEach(counts, ([topic, messages]) => Effect.andThen(count(topic, messages), this.#warn(topic)), {
      discard: true
    })
  }

  #warn(topic: string): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.#warned.has(topic) || this.#warned.size >= mostTopics) return Effect.void
      this.#warned.add(topic)
      return Effect.logWarning(
        `No consumer reads topic "${topic}". Its messages wait for the first consumer of the topic. Only the option `
          + "`retention.unrouted` deletes them. If the name is right, start a worker that reads it. If not, correct the "
          + "name where it is published."
      )
    })
  }
}

const count = (topic: string, messages: number): Effect.Effect<void> =>
  Metric.update(Metric.withAttributes(Telemetry.unrouted, Telemetry.labels({ topic })), messages)
