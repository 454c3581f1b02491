/** A worker on a group of a Redis stream, with a real Redis and in real time. */
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Deferred, Effect, Fiber, Layer } from "effect"
import { Redis } from "effect/persistence/Redis"
import { DeadLetters, type Delivery, Memory, Pipeline, Retry, Store, Transport, Worker } from "millrace"
import { RedisConnection, RedisStreams } from "millrace/redis"
import { makeMessage } from "../../src/testing/conformance/kit.ts"
import { limit } from "../harness/patience.ts"
import { Declined, type Order, order, Orders, orders } from "../worker/support.ts"
import { anyServer, redisRuns } from "./redisServer.ts"
import { empty, freshStream, ids, ledger, noting, onMemory, send, sizes, spec, until } from "./streamKit.ts"

const runs = await redisRuns("the tests of a worker on Redis Streams")

/** Runs a test on any server, with a stream of its own. */
const onAny = <A, E>(
  test: (stream: string, url: string) => Effect.Effect<A, E, Store.Store | Transport.Transport | Redis>,
  options: Partial<RedisStreams.RedisStreamsOptions> = {}
) =>
  Effect.gen(function*() {
    const url = (yield* anyServer) ?? ""
    const stream = freshStream()
    return yield* Effect.provide(test(stream, url), onMemory(url, { stream, ...options }))
  }).pipe(Effect.scoped)

describe.runIf(runs)("a worker on a group of a stream", () => {
  it.live("processes what was published, deletes it, and leaves no consumer behind", () =>
    onAny((stream) =>
      Effect.gen(function*() {
        const { pipeline, seen } = noting()
        const sent = orders("a", 150).concat(orders("b", 150))
        yield* send(sent)
        const workers = yield* Effect.forEach(
          [1, 2],
          () => Effect.forkChild(Worker.run(pipeline, { grace: "1 second" }))
        )
        yield* until("all are processed", Effect.sync(() => seen.length >= sent.length))
        yield* send([order("c", 1)])
        yield* empty(stream)
        yield* Effect.forEach(workers, Fiber.interrupt, { concurrency: 2 })
        assert.deepStrictEqual(seen.toSorted(), ids([...sent, order("c", 1)]))
        const redis = yield* Redis
        assert.deepStrictEqual(yield* redis.send("XINFO", "CONSUMERS", stream, "ledger"), [])
      })
    ))

  it.live("is refused while another worker of its group has another lease, and starts when that one is gone", () =>
    onAny((stream) =>
      Effect.gen(function*() {
        const redis = yield* Redis
        const { pipeline } = noting()
        const first = yield* Effect.forkChild(Worker.run(pipeline, { lease: "20 seconds" }))
        const consumers = Effect.orElseSucceed(
          redis.send<ReadonlyArray<unknown>>("XINFO", "CONSUMERS", stream, "ledger"),
          () => []
        )
        yield* until("the first one reads", Effect.map(consumers, ({ length }) => length === 1))
        const refused = yield* Effect.flip(Worker.run(pipeline, { lease: "10 seconds" }))
        assert.deepInclude(refused, { _tag: "Unsupported", asked: "a lease of 10s" })
        assert.include(refused.message, "group \"ledger\" has a lease of 20s")
        assert.strictEqual((yield* consumers).length, 1, "the refused one leaves nothing behind")
        yield* Fiber.interrupt(first)
        const second = yield* Effect.forkChild(Worker.run(pipeline, { lease: "10 seconds" }))
        yield* until("the second one reads", Effect.map(consumers, ({ length }) => length === 1))
        yield* Fiber.interrupt(second)
      })
    ))

  it.live("does not get a message again while its work takes three leases", () =>
    onAny((stream) =>
      Effect.gen(function*() {
        const lease = limit(1000)
        let handled = 0
        const pipeline = ledger.pipe(
          Pipeline.tap(() => Effect.suspend(() => Effect.sleep(++handled === 1 ? 3.5 * lease : 0)))
        )
        yield* send([order("a", 1)])
        const run = Worker.run(pipeline, { lease, grace: "1 second", idlePoll: "100 millis" })
        const workers = yield* Effect.forEach([1, 2], () => Effect.forkChild(run))
        yield* empty(stream)
        yield* Effect.forEach(workers, Fiber.interrupt, { concurrency: 2 })
        assert.strictEqual(handled, 1)
      })
    ))

  it.live("that stops gives its messages back at once, and no crash is counted for it", () =>
    onAny(() =>
      Effect.scoped(Effect.gen(function*() {
        const started = Deferred.makeUnsafe<void>()
        const stuck = ledger.pipe(
          Pipeline.tap(() => Effect.andThen(Deferred.succeed(started, undefined), Effect.never))
        )
        yield* send(orders("a", 20))
        for (let i = 0; i < 3; i++) {
          const worker = yield* Effect.forkChild(Worker.run(stuck, { concurrency: 4, grace: 0, lease: "1 minute" }))
          yield* Deferred.await(started)
          yield* Effect.sleep("100 millis")
          yield* Fiber.interrupt(worker)
        }
        const got: Array<Delivery.Delivery> = []
        const transport = yield* Transport.Transport
        const subscription = yield* transport.open(spec)
        while (got.length < 20) {
          yield* subscription.take({ messages: 100, bytes: 1e9, perKey: 100 }, (some) => void got.push(...some))
        }
        assert.deepStrictEqual(got.map(({ crashCount }) => crashCount), got.map(() => 0))
      }))
    ))

  it.live("keeps the attempts of a message that waits for its retry, and the message comes when it is due", () =>
    onAny((stream) =>
      Effect.gen(function*() {
        const attempts: Array<number> = []
        const pipeline = ledger.pipe(
          Pipeline.tap((_, { attempt }) =>
            Effect.suspend(() => {
              attempts.push(attempt)
              return attempt < 3 ? Effect.fail(new Declined({ reason: "no" })) : Effect.void
            })
          ),
          Pipeline.retry(Retry.exponential("600 millis", { attempts: 5, jitter: false }))
        )
        yield* send([order("a", 1)])
        const options: Worker.WorkerOptions = { lease: limit(500), holdAfter: 0, grace: 0, idlePoll: "50 millis" }
        const first = yield* Effect.forkChild(Worker.run(pipeline, options))
        yield* until("it failed once", Effect.sync(() => attempts.length === 1))
        yield* Effect.sleep("200 millis")
        yield* Fiber.interrupt(first)
        const second = yield* Effect.forkChild(Worker.run(pipeline, options))
        yield* empty(stream)
        yield* Fiber.interrupt(second)
        assert.deepStrictEqual(attempts, [1, 2, 3])
      })
    ))

  it.live("ends with a permanent error when its group is deleted, and when others trim what was not processed", () =>
    Effect.forEach(
      [["DEL"], ["XTRIM", "MAXLEN", "1"]] as const,
      ([command, ...args]) =>
        onAny((stream) =>
          Effect.gen(function*() {
            const redis = yield* Redis
            const stuck = ledger.pipe(Pipeline.tap(() => Effect.never))
            yield* send(orders("a", 3))
            const worker = yield* Effect.forkChild(Worker.run(stuck, { grace: 0, idlePoll: "50 millis" }))
            yield* until("it runs", Effect.map(sizes(stream), ({ pending }) => pending === 3))
            yield* redis.send(command, stream, ...args)
            const error = yield* Effect.flip(Fiber.join(worker))
            assert.deepInclude(error, { _tag: "TransportError", kind: "permanent", engine: "redis-group" })
            assert.match(error.message, command === "DEL" ? /XGROUP CREATE/ : /XAUTOCLAIM/)
          })
        )
    ))

  it.live("is refused for a pipeline that needs order or parks keys, and for a group that is missing", () =>
    onAny(() =>
      Effect.gen(function*() {
        const ordered = Worker.run(Pipeline.from(Orders, { consumer: "ledger" }))
        assert.deepInclude(yield* Effect.flip(ordered), { _tag: "Unsupported", engine: "redis-group" })
        const missing = yield* Effect.flip(Worker.run(ledger))
        assert.deepInclude(missing, { _tag: "TransportError", kind: "permanent" })
        assert.include(missing.message, "XGROUP CREATE")
      }), { create: false }))
})

/** Takes one message in a subscription that is closed again. */
const takeOne = Effect.scoped(Effect.gen(function*() {
  const store = yield* Store.Store
  yield* store.consumers.register({ consumer: "ledger", topics: [], lanes: 64, order: "continue" })
  const subscription = yield* Effect.flatMap(Transport.Transport, (transport) => transport.open(spec))
  const got: Array<Delivery.Delivery> = []
  while (got.length === 0) {
    yield* subscription.take({ messages: 1, bytes: 1e9, perKey: 1 }, (some) => void got.push(...some))
  }
  return got[0]!.message
}))

describe.runIf(runs)("a message on a stream", () => {
  it.live("comes back as it was published, and a plain client reads its parts", () =>
    onAny((stream) =>
      Effect.gen(function*() {
        const redis = yield* Redis
        const transport = yield* Transport.Transport
        const headers = Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`H ${i}`, `é${i}\n`]))
        const sent = yield* makeMessage({
          topic: "orders",
          id: "ü 1",
          key: "k ".repeat(100),
          payload: JSON.stringify("\0 \uFFFF ü \u{1f600} %"),
          headers
        })
        yield* transport.publish([sent])
        const [[, fields] = []] = yield* redis.send<ReadonlyArray<readonly [string, ReadonlyArray<string>]>>(
          "XRANGE",
          stream,
          "-",
          "+"
        )
        const field = (name: string) => fields![fields!.indexOf(name) + 1]
        assert.deepStrictEqual([field("ce_id"), field("ce_type"), field("data")], ["ü 1", "orders", sent.payload])
        const { publishedAt: _, ...got } = yield* takeOne
        const { publishedAt: __, ...expected } = sent
        assert.deepStrictEqual(got, expected)
      })
    ))

  it.live("of a foreign producer gets id, key and payload: from its fields, as a CloudEvent, or by a mapping", () => {
    const foreign: NonNullable<RedisStreams.RedisStreamsOptions["wire"]>["foreign"] = {
      id: ({ body }) => (JSON.parse(String(body)) as Partial<Order>).id,
      key: ({ attributes, body }) => attributes["owner"] ?? (JSON.parse(String(body)) as Partial<Order>).account
    }
    return onAny((stream) =>
      Effect.gen(function*() {
        const redis = yield* Redis
        const add = (...fields: ReadonlyArray<string>) => redis.send<string>("XADD", stream, "*", ...fields)
        yield* add("id", "o1", "account", "ada")
        assert.deepInclude(yield* takeOne, { id: "o1", key: "ada", payload: `{"id":"o1","account":"ada"}` })
        yield* redis.send("XTRIM", stream, "MAXLEN", "0")
        yield* redis.send("XGROUP", "DESTROY", stream, "ledger")
        yield* add("data", `{"id":"o2"}`, "owner", "bob", "source", "shop")
        assert.deepInclude(yield* takeOne, { id: "o2", key: "bob", headers: { owner: "bob", source: "shop" } })
        yield* redis.send("DEL", stream)
        yield* add("ce_specversion", "1.0", "ce_id", "o3", "ce_source", "/shop", "ce_type", "orders", "data", "{}")
        assert.deepInclude(yield* takeOne, { id: "o3", topic: "orders", payload: "{}" })
      }), { wire: { foreign } })
  })

  it.live("that cannot be read becomes a dead letter, which says why and shows the entry", () =>
    onAny((stream) =>
      Effect.gen(function*() {
        const redis = yield* Redis
        const entry = yield* redis.send<string>(
          "XADD",
          stream,
          "*",
          "ce_specversion",
          "1.0",
          "ce_id",
          "o1",
          "data",
          "{}"
        )
        const worker = yield* Effect.forkChild(Worker.run(ledger, { grace: 0 }))
        yield* empty(stream)
        yield* Fiber.interrupt(worker)
        const [dead, ...others] = yield* DeadLetters.list({ consumer: "ledger" })
        assert.lengthOf(others, 0)
        assert.deepInclude(dead, { reason: "undecodable" })
        assert.strictEqual(dead!.message.id, `${stream}:${entry}`)
        assert.match(dead!.message.payload, /its type is missing, and CloudEvents requires it: \{\}$/)
      })
    ))

  it.live("that is too large or has a character that attributes cannot carry is refused by its id", () =>
    onAny((stream) =>
      Effect.gen(function*() {
        const transport = yield* Transport.Transport
        const bad = yield* makeMessage({ topic: "orders", id: "a\u0001b" })
        const large = yield* makeMessage({
          topic: "orders",
          id: "large",
          payload: JSON.stringify("x".repeat(1_048_000))
        })
        const error = yield* Effect.flip(transport.publish([large, bad, { ...large, id: "" }]))
        assert(error._tag === "PublishFailed")
        assert.deepStrictEqual(error.failed.map(({ id, outcome }) => [id, outcome]), [["a\u0001b", "refused"], [
          "",
          "refused"
        ]])
        assert.strictEqual(yield* (yield* Redis).send("XLEN", stream), 1)
      })
    ))
})

describe("settings of Redis Streams", () => {
  it.effect("that are out of range are refused by their names, before anything is sent", () =>
    Effect.gen(function*() {
      const wrong: ReadonlyArray<readonly [string, Partial<RedisStreams.RedisStreamsOptions>]> = [
        ["stream", { stream: "a b" }],
        ["group", { group: "" }],
        ["acknowledged", { acknowledged: "trim" as never }],
        ["block", { block: "11 seconds" }],
        ["block", { block: 0 }],
        ["requestTimeout", { requestTimeout: "2 minutes" }],
        ["prefix", { wire: { prefix: "" } }]
      ]
      const noRedis = Layer.succeed(Redis, {} as Redis["Service"])
      for (const [setting, given] of wrong) {
        const layer = RedisStreams.layer({ stream: "orders", ...given }).pipe(
          Layer.provide(noRedis),
          Layer.provide(Memory.layer)
        )
        const error = yield* Effect.flip(Effect.scoped(Layer.build(layer)))
        assert.deepInclude(error, { _tag: "InvalidSetting", setting })
      }
    }))

  it.effect("of a lazy connection are checked at the start", () =>
    Effect.gen(function*() {
      const text = yield* Effect.flip(Effect.scoped(Layer.build(RedisConnection.layerLazy("http://u:canary@h"))))
      assert.deepInclude(text, { _tag: "InvalidSetting", setting: "url" })
      const env = ConfigProvider.layer(ConfigProvider.fromEnvRecord({}))
      const error = yield* Effect.flip(
        Effect.scoped(Layer.build(Layer.provide(RedisConnection.layerLazyConfig, env)))
      )
      assert.deepInclude(error, { _tag: "InvalidConfig", variable: "REDIS_URL" })
    }))
})
