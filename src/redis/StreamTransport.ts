/**
 * The transport on a group of a Redis stream: its capabilities, and how it opens a subscription.
 * `StreamQueue.ts` reads.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Redis from "effect/persistence/Redis"
import { Unsupported } from "../Errors.ts"
import { capabilitiesWith } from "../internal/broker/BrokerSource.ts"
import * as BrokerSubscription from "../internal/broker/BrokerSubscription.ts"
import type { Store } from "../Store.ts"
import type { Capabilities, Transport } from "../Transport.ts"
import type { Wire } from "../wire/Wire.ts"
import * as Durability from "./Durability.ts"
import { requested } from "./RedisFailure.ts"
import { fromFields } from "./StreamEntry.ts"
import * as StreamPublish from "./StreamPublish.ts"
import * as StreamQueue from "./StreamQueue.ts"
import * as Scripts from "./streamScripts.ts"

/** The capabilities of a group. */
export const group: Capabilities = {
  engine: StreamQueue.engine,
  queue: "engine",
  order: "none",
  fence: "inbox",
  acknowledge: "after",
  lease: { unit: "message", ceiling: Option.none() },
  hold: "inPlace",
  discardsAfter: Option.none(),
  deduplicates: Option.none(),
  maxBytes: Option.none(),
  retention: Option.none()
}

/** The settings of the transport, with their defaults. */
export interface Settings {
  readonly stream: string
  readonly group: string | undefined
  readonly create: boolean
  readonly deletes: boolean
  readonly blockMillis: number
  readonly requestMillis: number
  readonly wire: Wire
}

/** A consumer that has not read for so long is over: one hour. */
const forgottenAfter = 3_600_000

const otherLease = (group: string, leaseMillis: number, other: number): Unsupported =>
  new Unsupported({
    engine: StreamQueue.engine,
    asked: `a lease of ${Duration.format(Duration.millis(leaseMillis))}`,
    because: `a worker of group "${group}" has a lease of ${Duration.format(Duration.millis(other))}, `
      + "and the shorter lease would take entries away that the other worker still has",
    instead: "give all workers of the group the same lease, or stop the others first"
  })

const open = (
  redis: Redis.Redis["Service"],
  store: Store["Service"],
  settings: Settings
): Transport["Service"]["open"] =>
  Effect.fnUntraced(function*(spec) {
    const { blockMillis, create, deletes, requestMillis, stream, wire } = settings
    const group = settings.group ?? spec.consumer
    const request = requested(StreamQueue.engine, requestMillis)
    if (create) {
      yield* Effect.catchIf(
        request("create the group", redis.send("XGROUP", "CREATE", stream, group, "0", "MKSTREAM")),
        ({ detail }) => detail.startsWith("BUSYGROUP"),
        () => Effect.void
      )
    }
    // The first request shows whether the group can be read, before anything is delivered.
    const answer = yield* request("read the stream", redis.eval(Scripts.look)(stream, group))
    const problem = StreamQueue.problemOf({ stream, group }, answer)
    if (problem !== undefined) return yield* problem
    yield* Effect.ignore(Durability.warn(redis, requestMillis, "messages"))
    const leaseMillis = Duration.toMillis(spec.lease)
    const consumer = StreamQueue.consumerOf(spec.worker, leaseMillis)
    const forget = Effect.ignore(
      request("delete a consumer", redis.eval(Scripts.forget)(stream, group, consumer, forgottenAfter))
    )
    // Finalizers run in reverse: the consumer is deleted when its messages are given back.
    yield* Effect.addFinalizer(() => forget)
    const other = StreamQueue.otherLease(
      yield* request("look at the consumers", redis.eval(Scripts.join)(stream, group, consumer)),
      leaseMillis
    )
    if (other !== undefined) return yield* otherLease(group, leaseMillis, other)
    return yield* BrokerSubscription.open({
      queue: StreamQueue.make(redis, {
        stream,
        group,
        consumer,
        leaseMillis,
        deletes,
        requestMillis
      }),
      store,
      spec,
      longPollMillis: blockMillis,
      messageOf: ({ fields, messageId }, topic) => fromFields(wire, { stream, id: messageId, fields, topic })
    })
  })

/** Returns the transport on this connection. */
export const make = (
  redis: Redis.Redis["Service"],
  store: Store["Service"],
  settings: Settings
): Transport["Service"] => ({
  capabilities: Effect.succeed(capabilitiesWith(group, store)),
  publish: StreamPublish.make(redis, {
    engine: StreamQueue.engine,
    requestMillis: settings.requestMillis,
    wire: settings.wire,
    streamOf: () => settings.stream
  }),
  open: open(redis, store, settings)
})
