/**
 * Publishes the messages of a topic to another engine, for example from Postgres to a broker: an outbox relay.
 *
 * A relay is a worker with a consumer of its own. Each message is published first, and removed from the queue after the
 * other engine has confirmed it. So a message is published at least once, always under its own id, by which the broker
 * and the consumer's inbox can deduplicate. A key's next message is published after the one before it is removed.
 *
 * - A crash, or a process that was frozen beyond its lease, publishes a message again. The first publishes of a key's
 *   messages are in order, and repetitions have the same ids.
 * - Several processes share the lanes of the consumer, as workers do.
 * - While the other engine is not available, messages wait in order. No attempt is counted, and no message becomes a
 *   dead letter. The metrics `millrace.queue.lag` and `millrace.queue.waiting.messages` of the consumer grow. After 10
 *   seconds the check `workers` of `Health` shows the failure.
 * - A message that the other engine refuses becomes a dead letter of the relay's consumer, and its key waits.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type { DeadLetterOrder } from "../../DeadLetter.ts"
import type { InvalidSetting } from "../../Errors.ts"
import * as GivenDuration from "../../internal/GivenDuration.ts"
import * as Pipeline from "../../Pipeline.ts"
import type { Store } from "../../Store.ts"
import * as Topic from "../../Topic.ts"
import { Transport } from "../../Transport.ts"
import { RelayTarget } from "../start/RelayTarget.ts"
import * as Worker from "../Worker.ts"
import * as PublishWaves from "./PublishWaves.ts"

/**
 * How a relay runs: the settings of its worker, and its own.
 *
 * `grace` is 5 seconds by default, because a publish is short.
 *
 * @since 0.1.0
 */
export interface RelayOptions extends Omit<Worker.LayerOptions, "maxCrashes"> {
  /**
   * The relay's consumer. Relays of one topic to several engines need different names. Default `relay/` and the name of
   * the topic.
   */
  readonly consumer?: string | undefined
  /** The most messages of one request to the other engine: 1 to 10,000. Default 100. */
  readonly wave?: number | undefined
  /** How many requests run at the same time: 1 to 100. Default 4. */
  readonly requests?: number | undefined
  /** The order behind a message that the other engine refuses. Default `park`. */
  readonly order?: DeadLetterOrder | undefined
}

/** Returns the first setting of the relay's own that is out of its range. */
const problem = ({ requests = 4, wave = 100 }: RelayOptions): InvalidSetting | undefined => {
  const whole = (value: number, most: number) => Number.isInteger(value) && value >= 1 && value <= most
  return !whole(wave, 10_000)
    ? GivenDuration.refusal("wave", wave, "a whole number from 1 to 10000 is needed")
    : !whole(requests, 100)
    ? GivenDuration.refusal("requests", requests, "a whole number from 1 to 100 is needed")
    : undefined
}

/** Returns a topic whose payloads are not decoded, since the other engine gets them as they are. */
const undecoded = (name: string): Topic.Topic<string, typeof Schema.Void> => ({
  ...Topic.make(name, { schema: Schema.Void }),
  decode: () => Effect.void
})

/**
 * The most crashes that a worker can count. A relay runs no code of its user, so a message that was in flight in a
 * crash is no suspect.
 */
const maxCrashes = 1000

/**
 * Returns a layer that publishes the messages of a topic to the transport until its scope closes. The `Store` and
 * `Transport` of the context are those that the messages come from.
 *
 * The first consumer of a topic gets what waits, and a later one gets what is published from then on. So start the
 * relay before the first publish, if the topic has other consumers. The failures of the other layer fail this
 * layer. A failure of the other engine that does not pass by itself (`TransportError` of kind `permanent`) stops the
 * relay as a worker stops: see `Worker.layer`.
 *
 * ```ts
 * import { Layer, Schema } from "effect"
 * import { Relay, Topic, Worker } from "millrace"
 * import { Postgres } from "millrace/postgres"
 *
 * const Orders = Topic.make("orders", { schema: Schema.Struct({ id: Schema.String }), id: (order) => order.id })
 * const elsewhere = Postgres.layer({ url: "postgres://localhost:5432/reports" })
 * const program = Worker.launch(Relay.layer(Orders, elsewhere).pipe(Layer.provide(Postgres.layerConfig)))
 * ```
 *
 * @since 0.1.0
 */
export const layer = <O, E, R>(
  topic: { readonly name: string },
  transport: Layer.Layer<O | Transport, E, R>,
  options: RelayOptions = {}
): Layer.Layer<never, Worker.WorkerError | E, R | Store | Transport> =>
  Layer.unwrap(Effect.gen(function*() {
    const bad = problem(options)
    if (bad !== undefined) return yield* bad
    const { consumer = `relay/${topic.name}`, order = "park", requests = 4, wave: most = 100, ...worker } = options
    const target = Context.get(yield* Layer.build(Layer.fresh(transport)), Transport)
    const { publish, ...relayTarget } = yield* PublishWaves.make({ consumer, target, most, requests })
    const pipeline = Pipeline.from(undecoded(topic.name), { consumer, delivery: "atLeastOnce" }).pipe(
      Pipeline.tap((_, { message }) => publish(message)),
      Pipeline.deadLetter({ order })
    )
    return Layer.provide(
      Worker.layer(pipeline, { grace: "5 seconds", ...worker, maxCrashes }),
      Layer.succeed(RelayTarget, relayTarget)
    )
  }))
