/**
 * The transport on a group of a Redis stream: its capabilities, how it publishes, and how it opens a subscription.
 * `StreamQueue.ts` reads.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Redis from "effect/persistence/Redis"
import * as Result from "effect/Result"
import { PublishFailed, type TransportError } from "../Errors.ts"
import * as BrokerSubscription from "../internal/broker/BrokerSubscription.ts"
import type { Message } from "../Message.ts"
import type { Store } from "../Store.ts"
import type { Capabilities, Transport } from "../Transport.ts"
import type { Wire } from "../wire/Wire.ts"
import * as Durability from "./Durability.ts"
import { didNothing, requested } from "./RedisFailure.ts"
import { fromFields, toFields } from "./StreamEntry.ts"
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
  hold: "timed",
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

/** The most messages and bytes of one publish request. */
const most = { messages: 100, bytes: 1_048_576 }

type Failed = PublishFailed["failed"][number]

/** A message that waits for its request. */
interface Waiting {
  readonly message: Message
  readonly fields: ReadonlyArray<string>
}

/** Splits messages into requests. A message that is larger than the limit has a request of its own. */
const requestsOf = (waiting: ReadonlyArray<Waiting>): ReadonlyArray<ReadonlyArray<Waiting>> => {
  const requests: Array<Array<Waiting>> = []
  let bytes = Infinity
  for (const one of waiting) {
    const size = Buffer.byteLength(one.message.payload)
    const last = requests.at(-1)
    if (last === undefined || last.length >= most.messages || bytes + size > most.bytes) {
      requests.push([one])
      bytes = size
    } else {
      last.push(one)
      bytes += size
    }
  }
  return requests
}

const publish = (redis: Redis.Redis["Service"], settings: Settings): Transport["Service"]["publish"] => {
  const append = redis.eval(Scripts.append)
  const request = requested(StreamQueue.engine, settings.requestMillis)
  return Effect.fnUntraced(function*(messages) {
    const failed: Array<Failed> = []
    const waiting: Array<Waiting> = []
    for (const message of messages) {
      const encoded = toFields(settings.wire, message)
      if (Result.isSuccess(encoded)) waiting.push({ message, fields: encoded.success })
      else failed.push({ id: message.id, outcome: "refused", detail: encoded.failure.problem })
    }
    let broken: TransportError | undefined
    for (const some of requestsOf(waiting)) {
      const names = (outcome: Failed["outcome"], detail: string) => {
        for (const { message: { id } } of some) failed.push({ id, outcome, detail })
      }
      if (broken !== undefined) {
        names("notStored", "an earlier request failed")
        continue
      }
      const sent = yield* Effect.result(
        request("append to the stream", append(settings.stream, some.map(({ fields }) => fields)))
      )
      if (Result.isSuccess(sent)) continue
      if (sent.failure.kind === "permanent") return yield* sent.failure
      broken = sent.failure
      names(didNothing(broken) ? "notStored" : "unknown", broken.detail)
    }
    if (failed.length > 0) return yield* new PublishFailed({ engine: StreamQueue.engine, failed })
  })
}

/** A consumer that has not read for so long is over: one hour. */
const forgottenAfter = 3_600_000

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
    const forget = Effect.ignore(
      request("delete a consumer", redis.eval(Scripts.forget)(stream, group, spec.worker, forgottenAfter))
    )
    // Finalizers run in reverse: the consumer is deleted when its messages are given back.
    yield* Effect.addFinalizer(() => forget)
    return yield* BrokerSubscription.open({
      queue: StreamQueue.make(redis, {
        stream,
        group,
        consumer: spec.worker,
        leaseMillis: Duration.toMillis(spec.lease),
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
  capabilities: Effect.succeed(group),
  publish: publish(redis, settings),
  open: open(redis, store, settings)
})
