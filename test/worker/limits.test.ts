// A worker's limits: the messages that it holds at once, and the settings that it refuses.
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Schema } from "effect"
import { Memory, Pipeline, Topic, type Transport, Worker } from "millrace"
import {
  drain,
  Journal,
  type Order,
  order,
  Orders,
  orders,
  ports,
  publish,
  runReadyFibers,
  start,
  until
} from "./support.ts"

/** A pipeline whose handlers wait for the test, and how many run. */
const waiting = () => {
  const latch = Deferred.makeUnsafe<void>()
  const counts = { now: 0, most: 0, done: 0 }
  const pipeline = Pipeline.from(Orders, { consumer: "ledger" }).pipe(
    Pipeline.tap(() =>
      Effect.suspend(() => {
        counts.most = Math.max(counts.most, ++counts.now)
        return Effect.ensuring(Deferred.await(latch), Effect.sync(() => counts.now--))
      })
    ),
    Pipeline.commit(() => Effect.sync(() => counts.done++))
  )
  return { latch, counts, pipeline }
}

/** Memory, and how many deliveries and bytes a worker has been handed and not yet settled. */
const counting = () => {
  const handed = { total: 0, most: 0, bytes: 0 }
  const layer = ports({
    subscription: (inner): Partial<Transport.Subscription> => ({
      take: (room, accept) =>
        inner.take(room, (deliveries) => {
          assert.isAtMost(deliveries.length, room.messages)
          handed.total += deliveries.length
          handed.most = Math.max(handed.most, handed.total)
          for (const delivery of deliveries) handed.bytes += delivery.message.payload.length
          accept(deliveries)
        }),
      removeInTransaction: (deliveries) =>
        Effect.tap(inner.removeInTransaction(deliveries), (ours) => Effect.sync(() => handed.total -= ours.length))
    })
  })
  return { handed, layer }
}

const accounts = Array.from({ length: 200 }, (_, i) => `account-${i}-`)

describe("a worker", () => {
  it.effect("runs at most as many handlers at once as its concurrency, and as many as that", () =>
    Effect.gen(function*() {
      const { counts, latch, pipeline } = waiting()
      yield* publish(Orders, accounts.map((account) => order(account, 1)))
      yield* start(pipeline, { concurrency: 7, lanes: 8 })
      yield* until("it has its fill", () => counts.now === 7)
      yield* runReadyFibers
      assert.strictEqual(counts.most, 7)
      yield* Deferred.succeed(latch, undefined)
      yield* until("all are done", () => counts.done === 200)
      assert.strictEqual(counts.most, 7)
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("holds at most as many messages as its prefetch says, over the whole backlog", () => {
    const { handed, layer } = counting()
    return Effect.gen(function*() {
      const { counts, latch, pipeline } = waiting()
      yield* publish(Orders, accounts.flatMap((account) => orders(account, 5)))
      yield* start(pipeline, { concurrency: 10, prefetch: 24, lanes: 8 })
      yield* until("it has its fill", () => counts.now === 10)
      yield* runReadyFibers
      assert.isAtLeast(handed.most, 20)
      yield* Deferred.succeed(latch, undefined)
      yield* until("all are done", () => counts.done === 1000)
      assert.isAtMost(handed.most, 24)
      assert.strictEqual(handed.total, 0)
    }).pipe(Effect.provide(layer))
  })

  it.effect("holds at most as many bytes as it may, yet takes a single message of any size", () => {
    const { handed, layer } = counting()
    return Effect.gen(function*() {
      const Texts = Topic.make("texts", { schema: Schema.String, id: "random" })
      const latch = Deferred.makeUnsafe<void>()
      let done = 0
      yield* publish(Texts, Array.from({ length: 40 }, () => "x".repeat(1_000)))
      yield* start(
        Pipeline.from(Texts, { consumer: "c" }).pipe(
          Pipeline.tap(() => Deferred.await(latch)),
          Pipeline.commit(() => Effect.sync(() => done++))
        ),
        { prefetchBytes: 5_500 }
      )
      yield* runReadyFibers
      assert.isAtMost(handed.bytes, 6_600)
      assert.isAtLeast(handed.total, 5)
      yield* Deferred.succeed(latch, undefined)
      yield* until("all are done", () => done === 40)
      yield* publish(Texts, ["y".repeat(100_000)])
      yield* until("so is the large one", () => done === 41)
    }).pipe(Effect.provide(layer))
  })

  it.effect("lets no key fill its hands: one with a long backlog leaves room for the others", () => {
    const { handed, layer } = counting()
    return Effect.gen(function*() {
      const latch = Deferred.makeUnsafe<void>()
      const done = new Journal<Order>()
      yield* publish(Orders, [...orders("hot", 500), ...accounts.slice(0, 50).map((account) => order(account, 1))])
      yield* start(
        Pipeline.from(Orders, { consumer: "ledger" }).pipe(
          Pipeline.tap((one) => one.account === "hot" ? Deferred.await(latch) : Effect.void),
          Pipeline.commit(done.write)
        ),
        { concurrency: 8, prefetch: 64, prefetchPerKey: 4, lanes: 1 }
      )
      yield* until("the others are done", () => done.size === 50)
      yield* runReadyFibers
      assert.isAtMost(handed.total, 4)
      yield* Deferred.succeed(latch, undefined)
      yield* until("and the hot one", () => done.size === 550)
      const hot = done.values.filter((one) => one.account === "hot").map((one) => one.n)
      assert.deepStrictEqual(hot, Array.from({ length: 500 }, (_, i) => i + 1))
    }).pipe(Effect.provide(layer))
  })
})

describe("a worker is refused, and nothing is started,", () => {
  const pipeline = Pipeline.from(Orders, { consumer: "ledger" })
  const refusal = (options: Worker.WorkerOptions, other: Pipeline.Pipeline<unknown> = pipeline) =>
    Effect.flip(Worker.run(other, options)) as Effect.Effect<Worker.WorkerError, never, never>

  it.effect.each<[keyof Worker.WorkerOptions, ReadonlyArray<unknown>]>([
    ["concurrency", [0, -1, 1.5, NaN, Infinity, 100_001]],
    ["prefetch", [0, 255, 1_000_001, 300.5]],
    ["prefetchPerKey", [0, -5, 100_001]],
    ["prefetchBytes", [0, -1, 0.5, Infinity]],
    ["lease", [0, "299 millis", "2 days", "Infinity", "soon", -1]],
    ["grace", [-1, "25 hours", "later"]],
    ["idlePoll", [0, "-1 seconds", "never"]],
    ["holdAfter", [-1, "2 days", "x"]],
    ["maxCrashes", [0, 1, 1.5, 1001]],
    ["lanes", [0, 1025, -64, 3.3]],
    ["committers", [0, 65, 2.5]],
    ["unknownTopicHold", [0, "2 days", ""]]
  ])("with a %s that makes no sense; the error names it", ([setting, values]) =>
    Effect.gen(function*() {
      for (const value of values) {
        const error = yield* refusal({ [setting]: value })
        assert.deepInclude(error, { _tag: "InvalidSetting", setting }, `${setting} = ${String(value)}`)
        assert.include(error.message, String(value))
      }
    }).pipe(Effect.provide(Memory.layer)))

  it.effect.each(["26 seconds", "2 minutes", 0, Number.NaN, "infinity"] as const)(
    "with a commit timeout of %s, in which the database would have ended the transaction",
    (timeout) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(
          Effect.scoped(Worker.run(pipeline.pipe(Pipeline.commitTimeout(timeout as "2 minutes"))))
        )
        assert.deepInclude(error, { _tag: "InvalidSetting", setting: "commitTimeout" })
        assert.include((error as Error).message, "25s")
      }).pipe(Effect.provide(Memory.layer))
  )

  it.effect("with a prefetch below its concurrency", () =>
    Effect.gen(function*() {
      const error = yield* refusal({ concurrency: 10, prefetch: 9 })
      assert.deepInclude(error, { _tag: "InvalidSetting", setting: "prefetch" })
      assert.include(error.message, "10")
    }).pipe(Effect.provide(Memory.layer)))

  it.effect.each(["", "a b", "-x", "ledger\0", "x".repeat(201), "é"])(
    "with the consumer name %j",
    (consumer) =>
      Effect.gen(function*() {
        const error = yield* refusal({}, Pipeline.from(Orders, { consumer }))
        assert.deepInclude(error, { _tag: "InvalidName", kind: "consumer", got: consumer })
      }).pipe(Effect.provide(Memory.layer))
  )

  it.effect("with other lanes or another order than its consumer was registered with", () =>
    Effect.gen(function*() {
      yield* drain(pipeline, { lanes: 8 })
      const lanes = yield* refusal({ lanes: 16 })
      assert.deepInclude(lanes, { _tag: "ConsumerConflict", setting: "lanes", registered: "8", asked: "16" })
      const order = yield* refusal({ lanes: 8 }, pipeline.pipe(Pipeline.deadLetter({ order: "park" })))
      assert.deepInclude(order, { _tag: "ConsumerConflict", registered: "continue", asked: "park" })
      assert.include(order.message, "order continue")
      yield* drain(pipeline, { lanes: 8 })
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("where the SqlClient around it is not the store's", () =>
    Effect.gen(function*() {
      assert.deepInclude(yield* refusal({}), { _tag: "ForeignSqlClient", consumer: "ledger" })
    }).pipe(Effect.provide(ports({ store: () => ({ joinsTransactions: () => false }) }))))

  it.effect("and a layer of it fails to build", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Effect.provide(Effect.void, Worker.layer(pipeline, { lanes: 0 })))
      assert.strictEqual(error._tag, "InvalidSetting")
    }).pipe(Effect.provide(Memory.layer)))
})
