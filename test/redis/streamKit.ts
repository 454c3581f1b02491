/** A group of a stream on a real Redis: its queue, a worker's layers, and ways to publish and wait. */
import { Duration, Effect, Layer, Logger, Schedule } from "effect"
import { Redis } from "effect/persistence/Redis"
import { Consumers, Memory, Pipeline, Transport } from "millrace"
import { RedisConnection, RedisStreams } from "millrace/redis"
import { randomUUID } from "node:crypto"
import * as StreamQueue from "../../src/redis/StreamQueue.ts"
import { makeMessage } from "../../src/testing/conformance/kit.ts"
import { limit } from "../harness/patience.ts"
import { type Order, Orders } from "../worker/support.ts"

export const freshStream = (): string => `test:${randomUUID()}`

/** The queues of consumers on a new stream with the group `g`, and plain commands beside them. */
export const queues = Effect.fnUntraced(function*(leaseMillis: number, deletes = true) {
  const redis = yield* Redis
  const stream = freshStream()
  yield* redis.send("XGROUP", "CREATE", stream, "g", "0", "MKSTREAM")
  const queue = (consumer: string) =>
    StreamQueue.make(redis, { stream, group: "g", consumer, leaseMillis, deletes, requestMillis: limit(3000) })
  const add = (count: number) =>
    Effect.forEach(Array.from({ length: count }), () => redis.send<string>("XADD", stream, "*", "data", "{}"))
  return { add, queue, redis, stream }
})

/** Reads at once what can be read. */
export const readAll = ({ receive }: ReturnType<typeof StreamQueue.make>, leaseMillis: number, most = 100) =>
  receive({ most, waitMillis: 0, leaseMillis })

/** The transport on a stream, with the connection beside it. The group is created where it is missing. */
export const transportOn = (url: string, options: RedisStreams.RedisStreamsOptions) =>
  RedisStreams.layer({
    create: true,
    block: "200 millis",
    requestTimeout: Math.min(limit(3000), 60_000),
    ...options
  }).pipe(
    Layer.provideMerge(RedisConnection.layerLazy(url))
  )

export const quiet = Logger.layer([])

/** The transport with the memory store, without log lines. */
export const onMemory = (url: string, options: RedisStreams.RedisStreamsOptions) =>
  transportOn(url, options).pipe(Layer.provideMerge(Memory.layer), Layer.provideMerge(quiet))

/** Publishes orders on the transport, as a relay does. */
export const send = (orders: ReadonlyArray<Order>) =>
  Effect.gen(function*() {
    const transport = yield* Transport.Transport
    const messages = yield* Effect.forEach(orders, (one) =>
      makeMessage({ topic: "orders", id: one.id, key: one.account, payload: JSON.stringify(one) }))
    yield* transport.publish(messages)
  })

/** The number of entries of a stream, and of those that are pending in its group. */
export const sizes = Effect.fnUntraced(function*(stream: string, group = "ledger") {
  const redis = yield* Redis
  const length = yield* redis.send<number>("XLEN", stream)
  const [pending] = yield* redis.send<readonly [number]>("XPENDING", stream, group)
  return { length, pending }
})

/** Waits for a condition in real time. */
export const until = <E, R>(what: string, condition: Effect.Effect<boolean, E, R>) =>
  condition.pipe(
    Effect.repeat({ until: (holds) => holds, schedule: Schedule.spaced("20 millis") }),
    Effect.timeoutOrElse({ duration: limit(30_000), orElse: () => Effect.die(new Error(`not so: ${what}`)) }),
    Effect.asVoid
  )

export const ledger = Pipeline.from(Orders, { consumer: "ledger", order: "none" })
export const ids = (given: ReadonlyArray<{ readonly id: string }>) => given.map(({ id }) => id).toSorted()

/** A pipeline that notes the ids which it has handled. */
export const noting = () => {
  const seen: Array<string> = []
  return { seen, pipeline: ledger.pipe(Pipeline.commit((one: Order) => Effect.sync(() => void seen.push(one.id)))) }
}

export const empty = (stream: string) =>
  until("the stream is empty", Effect.map(sizes(stream), ({ length, pending }) => length + pending === 0))

/** Counts the calls of `take` of the subscriptions that the effect opens. */
export const countingTakes = Effect.fnUntraced(function*() {
  const inner = yield* Transport.Transport
  const counts = { takes: 0 }
  const transport: Transport.Transport["Service"] = {
    ...inner,
    open: (spec) =>
      Effect.map(inner.open(spec), (subscription): Transport.Subscription => ({
        ...subscription,
        take: (...args) => Effect.suspend(() => (counts.takes++, subscription.take(...args)))
      }))
  }
  return { counts, transport }
})

/**
 * Pauses the consumer while a message of it runs, lets the message end, and returns what `counted` has counted in the
 * three seconds after that. `backlog` publishes what waits during the pause.
 */
export const whilePaused = <E, R>(
  { backlog, counted, ended, ran, running }: {
    readonly running: () => boolean
    readonly backlog: Effect.Effect<void, E, R>
    readonly ended: Effect.Effect<void>
    readonly ran: Effect.Effect<void>
    readonly counted: Effect.Effect<ReadonlyArray<number>, E, R>
  }
) =>
  Effect.gen(function*() {
    yield* until("it runs", Effect.sync(running))
    yield* Consumers.pause("ledger", { by: "ann" })
    yield* backlog
    // The worker learns of the pause.
    yield* Effect.sleep("1500 millis")
    yield* ended
    yield* ran
    yield* Effect.sleep("500 millis")
    const before = yield* counted
    yield* Effect.sleep("3 seconds")
    const after = yield* counted
    return after.map((n, i) => n - before[i]!)
  })

export const spec: Transport.SubscriptionSpec = {
  consumer: "ledger",
  topics: ["orders"],
  worker: "looker",
  lanes: 64,
  lease: Duration.seconds(30),
  idlePoll: Duration.millis(100)
}
