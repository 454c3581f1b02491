// A worker on SQS: retries, leases, crashes and graceful stops, on a model of SQS and in virtual time.
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Fiber, Option } from "effect"
import { TestClock } from "effect/testing"
import { Consumers, Health, Pipeline, Retry, Store, Transport, Worker } from "millrace"
import {
  deadLetters,
  Declined,
  drain,
  eventually,
  Journal,
  type Order,
  order,
  Orders,
  orders,
  runReadyFibers,
  start,
  stop,
  until
} from "../worker/support.ts"
import { processOn, send, sqs } from "./sqsKit.ts"

const unordered = Pipeline.from(Orders, { consumer: "ledger", order: "none" })
const ordered = Pipeline.from(Orders, { consumer: "ledger" })

/** Both kinds of queue, with a pipeline that starts on it. */
const kinds = [
  ["a standard queue", { fifo: false }, unordered],
  ["a FIFO queue", { fifo: true }, ordered]
] as const

describe.each(kinds)("on %s", (_, options, base) => {
  it.effect("every message is processed once, and nothing is left in the queue", () => {
    const { layer, model } = sqs(options)
    const journal = new Journal<Order>()
    return Effect.gen(function*() {
      yield* send(orders("a", 12).concat(orders("b", 12)))
      yield* drain(base.pipe(Pipeline.tap(journal.write)))
      assert.strictEqual(journal.size, 24)
      assert.strictEqual(model.size, 0)
      assert.isBelow(model.requests.get("remove")!, 10, "deletes go ten in a request")
      const { waiting } = yield* Effect.flatMap(Store.Store, (store) => store.consumers.status("ledger"))
      assert.strictEqual(waiting, 0)
    }).pipe(Effect.provide(layer))
  })

  it.effect("a retry with a long delay waits at SQS, and keeps its attempts and its delay", () => {
    const { layer, model } = sqs(options)
    const journal = new Journal<Order>()
    const pipeline = base.pipe(
      Pipeline.tap(journal.write),
      Pipeline.tap((one) => one.n === 1 ? Effect.fail(new Declined({ reason: "no" })) : Effect.void),
      Pipeline.retry(Retry.exponential("1 minute", { attempts: 3, jitter: false, cap: "10 minutes" }))
    )
    return Effect.gen(function*() {
      yield* send(orders("a", 3))
      const first = yield* start(pipeline)
      yield* eventually("the first attempt", () => journal.size >= 1)
      yield* runReadyFibers
      assert.deepStrictEqual(journal.attempts.slice(0, 1), [1])
      // Another process continues with the second attempt: it reads the first one from the store.
      yield* stop(first)
      const second = yield* start(pipeline)
      yield* TestClock.adjust("50 seconds")
      yield* runReadyFibers
      assert.notInclude(journal.attempts, 2, "the next attempt is not due")
      yield* eventually("the second attempt", () => journal.attempts.includes(2), 30_000)
      yield* eventually("the third attempt", () => journal.attempts.includes(3), 180_000)
      yield* eventually("nothing is left", () => model.size === 0)
      yield* stop(second)
      const [dead] = yield* deadLetters("ledger")
      assert.strictEqual(dead?.reason, "exhausted")
      assert.lengthOf(dead!.attempts, 3)
      if (options.fifo) {
        assert.deepStrictEqual(journal.values.map((one) => one.n), [1, 1, 1, 2, 3], "the group waits for its message")
      }
    }).pipe(Effect.provide(layer))
  })

  it.effect("a message whose work takes three leases is not handed out again", () => {
    const { layer, model } = sqs(options)
    const journal = new Journal<Order>()
    const done = Deferred.makeUnsafe<void>()
    const pipeline = base.pipe(
      Pipeline.tap((one, delivered) => Effect.andThen(journal.write(one, delivered), Deferred.await(done)))
    )
    return Effect.gen(function*() {
      yield* send([order("a", 1)])
      const worker = yield* start(pipeline, { lease: "3 seconds" })
      const other = yield* start(pipeline, { lease: "3 seconds" })
      yield* until("it runs", () => journal.size === 1)
      for (let i = 0; i < 12; i++) {
        yield* TestClock.adjust("750 millis")
        yield* runReadyFibers
      }
      assert.strictEqual(journal.size, 1)
      assert.strictEqual(model.countOf("a1"), 1)
      yield* Deferred.succeed(done, undefined)
      yield* eventually("it is deleted", () => model.size === 0)
      yield* stop(worker)
      yield* stop(other)
    }).pipe(Effect.provide(layer))
  })

  it.effect("a worker whose renewals fail loses its lease before another one gets the message", () => {
    const { layer, model } = sqs(options)
    const running: Array<string> = []
    const interrupted: Array<string> = []
    const handling = (name: string) =>
      base.pipe(Pipeline.tap(() =>
        Effect.suspend(() => {
          running.push(name)
          if (name === "second") return Effect.void
          return Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted.push(name)))
        })
      ))
    return Effect.gen(function*() {
      yield* send([order("a", 1)])
      const first = yield* start(handling("first"), { lease: "3 seconds" })
      yield* until("it runs", () => running.length === 1)
      model.weather = { fails: (operation) => operation === "hide" }
      const second = yield* start(handling("second"), { lease: "3 seconds" })
      yield* eventually("the other one gets it", () => {
        if (running.length === 1) return false
        assert.deepStrictEqual(interrupted, ["first"], "the first one was interrupted before")
        return true
      }, 10_000)
      yield* eventually("it is deleted", () => model.size === 0)
      yield* stop(first)
      yield* stop(second)
    }).pipe(Effect.provide(layer))
  })

  it.effect("a graceful stop gives back every message at once, and no crash is counted for it", () => {
    const { layer, model } = sqs(options)
    const started = Deferred.makeUnsafe<void>()
    const stuck = base.pipe(Pipeline.tap(() => Effect.andThen(Deferred.succeed(started, undefined), Effect.never)))
    const crashes: Array<number> = []
    return Effect.gen(function*() {
      yield* send(orders("a", 5).concat(orders("b", 5)))
      // Suspects begin at two crashes: three graceful stops must not make one.
      for (let i = 0; i < 3; i++) {
        const worker = yield* start(stuck, { concurrency: 4, prefetch: 10 })
        yield* runReadyFibers
        yield* stop(worker)
        assert.deepStrictEqual(model.hidden(yield* nowMillis), [], "every message is visible again")
      }
      const transport = yield* Transport.Transport
      yield* Effect.scoped(Effect.gen(function*() {
        const subscription = yield* transport.open(spec)
        yield* Effect.forkScoped(Effect.forever(TestClock.adjust("100 millis")))
        while (crashes.length < 10) {
          yield* subscription.take({ messages: 10, bytes: 1e9, perKey: 100 }, (got) => {
            crashes.push(...got.map(({ crashCount }) => crashCount))
          })
        }
      }))
      assert.deepStrictEqual(crashes, Array.from({ length: 10 }, () => 0))
    }).pipe(Effect.provide(layer))
  })
})

describe("a message of a FIFO queue that is handled at most once", () => {
  it.effect("ends before another worker gets the next one of its key", () => {
    const { layer, model } = sqs({ fifo: true })
    const journal: Array<string> = []
    const atMostOnce = Pipeline.from(Orders, { consumer: "ledger", delivery: "atMostOnce" }).pipe(
      Pipeline.tap((one) =>
        Effect.andThen(Effect.sync(() => journal.push(`${one.id} begins`)), Effect.sleep("9 seconds"))
      ),
      Pipeline.commit((one) => Effect.sync(() => void journal.push(`${one.id} is committed`)))
    )
    return Effect.gen(function*() {
      yield* send([order("a", 1)])
      const first = yield* start(atMostOnce, { lease: "3 seconds" })
      yield* until("it runs", () => journal.length === 1)
      const second = yield* start(atMostOnce, { lease: "3 seconds" })
      yield* send([order("a", 2)])
      yield* eventually("both are deleted", () => model.size === 0, 60_000)
      yield* stop(first)
      yield* stop(second)
      assert.deepStrictEqual(journal, ["a1 begins", "a1 is committed", "a2 begins", "a2 is committed"])
    }).pipe(Effect.provide(layer))
  })
})

describe("a message that a stopping worker gives back", () => {
  const stuck = unordered.pipe(Pipeline.tap(() => Effect.never))

  it.effect("stays visible although a renewal of it is on its way", () => {
    const { layer, model } = sqs({ fifo: false })
    model.lax = true
    return Effect.gen(function*() {
      yield* send(orders("a", 3))
      const worker = yield* start(stuck, { lease: "6 seconds", grace: 0 })
      yield* runReadyFibers
      const sent = { renewals: 0 }
      model.weather = { delays: (seconds) => seconds === 0 ? 0 : (sent.renewals++, 4_000) }
      yield* eventually("it is renewed", () => sent.renewals === 1, 6_000)
      const stopping = yield* Effect.forkChild(Fiber.interrupt(worker), { startImmediately: true })
      yield* eventually("it stops", () => stopping.pollUnsafe() !== undefined, 10_000)
      yield* TestClock.adjust("4 seconds")
      yield* runReadyFibers
      assert.deepStrictEqual(model.hidden(yield* nowMillis), [])
    }).pipe(Effect.provide(layer))
  })

  it.effect("is given back once more if SQS refused one entry of the request", () => {
    const { layer, model } = sqs({ fifo: false })
    return Effect.gen(function*() {
      yield* send(orders("a", 3))
      const worker = yield* start(stuck, { lease: "30 seconds", grace: 0 })
      yield* runReadyFibers
      let entries = 0
      model.weather = { skips: (operation) => operation === "hide" && ++entries === 2 }
      const stopping = yield* Effect.forkChild(Fiber.interrupt(worker), { startImmediately: true })
      yield* eventually("it stops", () => stopping.pollUnsafe() !== undefined, 10_000)
      assert.deepStrictEqual(model.hidden(yield* nowMillis), [])
      assert.strictEqual(entries, 4, "only the refused one is asked again")
    }).pipe(Effect.provide(layer))
  })
})

const nowMillis = TestClock.testClockWith((clock) => Effect.sync(() => clock.currentTimeMillisUnsafe()))

const spec: Transport.SubscriptionSpec = {
  consumer: "ledger",
  topics: ["orders"],
  worker: "looker",
  lanes: 64,
  lease: Duration.seconds(30),
  idlePoll: Duration.millis(100)
}

describe("a message that crashes its process", () => {
  it.effect("is suspected by the count of SQS, and a dead letter only after it crashed alone", () => {
    const { layer, model } = sqs({ fifo: false })
    const bad = "b1"
    const runs: Array<string> = []
    const pipeline = (process: { dead: boolean }) =>
      unordered.pipe(Pipeline.tap((one) =>
        Effect.suspend(() => {
          runs.push(one.id)
          if (one.id !== bad) return Effect.sleep("1 second")
          process.dead = true
          return Effect.never
        })
      ))
    return Effect.gen(function*() {
      yield* send([order("b", 1), order("a", 1), order("c", 1)])
      for (let life = 0; life < 8 && model.size > 0; life++) {
        const process = yield* processOn(model)
        yield* Effect.forkDetach(process.run(Worker.run(pipeline(process), { lease: "3 seconds", grace: 0 })))
        yield* eventually("it crashes or is done", () => process.dead || model.size === 0, 120_000)
        process.dead = true
        yield* TestClock.adjust("4 seconds")
        yield* runReadyFibers
      }
      const dead = yield* deadLetters("ledger")
      assert.deepStrictEqual(dead.map(({ message, reason }) => [message.id, reason]), [[bad, "crashed"]])
      assert.strictEqual(model.size, 0)
      assert.isTrue(runs.includes("a1") && runs.includes("c1"))
    }).pipe(Effect.provide(layer))
  })
})

describe("a suspect whose renewals fail", () => {
  it.effect.each([
    { what: "can be interrupted", step: Effect.sleep("5 seconds") },
    { what: "cannot be interrupted", step: Effect.uninterruptible(Effect.sleep("5 seconds")) }
  ])("has crashed nothing, if its step $what", ({ step }) => {
    const { layer, model } = sqs({ fifo: false })
    const runs: Array<string> = []
    const committed: Array<string> = []
    const pipeline = unordered.pipe(
      Pipeline.tap((one) => Effect.andThen(Effect.sync(() => runs.push(one.id)), step)),
      Pipeline.commit((one) => Effect.sync(() => void committed.push(one.id)))
    )
    return Effect.gen(function*() {
      yield* send([order("a", 1)])
      model.handOut("a1", 2)
      model.weather = { fails: (operation) => operation === "hide" }
      const workers = yield* Effect.forEach(
        [1, 2],
        () => Effect.flatMap(processOn(model), (process) => process.run(start(pipeline, { lease: "3 seconds" })))
      )
      yield* eventually("it has lost its lease twice", () => runs.length === 3 || model.size === 0, 60_000)
      model.weather = {}
      yield* eventually("it is deleted", () => model.size === 0, 60_000)
      yield* Effect.forEach(workers, stop)
      assert.deepStrictEqual(yield* deadLetters("ledger"), [])
      assert.deepStrictEqual(committed, ["a1"])
    }).pipe(Effect.provide(layer))
  })
})

describe("SQS that fails", () => {
  it.effect("is asked again with backoff, health shows the worker, and nothing spins", () => {
    const { layer, model } = sqs({ fifo: true })
    const journal = new Journal<Order>()
    return Effect.gen(function*() {
      const workers = yield* Health.Workers
      const shown = () =>
        JSON.stringify(
          [...workers].filter(({ consumer }) => consumer === "shown").map((state) => state.failing() ?? "")
        )
      yield* send([order("a", 1)])
      model.weather = { fails: () => true }
      const worker = yield* start(Pipeline.from(Orders, { consumer: "shown" }).pipe(Pipeline.tap(journal.write)))
      yield* eventually("health names the failure", () => shown().includes("ECONNREFUSED"))
      const before = model.requests.get("settings")!
      yield* TestClock.adjust("1 minute")
      yield* runReadyFibers
      assert.isBelow(model.requests.get("settings")! - before, 30)
      model.weather = {}
      yield* eventually("it is processed", () => journal.size === 1)
      model.weather = { fails: (operation) => operation === "receive" }
      yield* eventually("health names the later failure, too", () => shown().includes("ECONNREFUSED"))
      const polls = model.requests.get("receive")!
      yield* TestClock.adjust("1 minute")
      yield* runReadyFibers
      assert.include(shown(), "ECONNREFUSED")
      assert.isBelow(model.requests.get("receive")! - polls, 30)
      model.weather = {}
      yield* send([order("a", 2)])
      yield* eventually("it continues", () => journal.size === 2)
      assert.notInclude(shown(), "ECONNREFUSED")
      yield* stop(worker)
    }).pipe(Effect.provide(layer))
  })

  it.effect("with a deleted queue ends the worker with a permanent error", () => {
    const { layer, model } = sqs({ fifo: true })
    return Effect.gen(function*() {
      const worker = yield* start(ordered)
      yield* runReadyFibers
      model.deleted = true
      yield* eventually("it ends", () => worker.pollUnsafe() !== undefined)
      const error = yield* Effect.flip(Fiber.join(worker))
      assert.deepInclude(error, { _tag: "TransportError", kind: "permanent" })
      assert.include(error.message, "QueueDoesNotExist")
    }).pipe(Effect.provide(layer))
  })

  it.effect("with a redrive policy is refused where the store has no lanes, and on a FIFO queue in any case", () =>
    Effect.gen(function*() {
      for (const [fifo, pipeline] of [[true, ordered], [true, unordered], [false, unordered]] as const) {
        const { layer, model } = sqs({ fifo })
        model.settings = { ...model.settings, maxReceiveCount: 1000 }
        const error = yield* Effect.provide(Effect.flip(Worker.run(pipeline)), layer)
        assert.deepInclude(error, { _tag: "Unsupported", asked: "a queue with a limit of 1000 deliveries" })
      }
    }))

  it.effect("refuses to park keys where the store has no lanes", () => {
    const { layer } = sqs({ fifo: true })
    return Effect.gen(function*() {
      yield* drain(ordered.pipe(Pipeline.retry({ attempts: 20 })))
      const parks = yield* Effect.flip(Worker.run(ordered.pipe(Pipeline.deadLetter({ order: "park" }))))
      assert.deepInclude(parks, { _tag: "Unsupported", asked: "parked keys" })
    }).pipe(Effect.provide(layer))
  })

  it.effect("without order refuses a pipeline that needs order", () => {
    const { layer } = sqs({ fifo: false })
    return Effect.gen(function*() {
      assert.deepInclude(yield* Effect.flip(Worker.run(ordered)), { _tag: "Unsupported", engine: "sqs" })
    }).pipe(Effect.provide(layer))
  })
})

describe("an operator", () => {
  it.effect("pauses a consumer on SQS, resumes it, and removes it", () => {
    const { layer } = sqs({ fifo: true })
    const journal = new Journal<Order>()
    return Effect.gen(function*() {
      const worker = yield* start(ordered.pipe(Pipeline.tap(journal.write)))
      yield* runReadyFibers
      yield* Consumers.pause("ledger", { by: "ann" })
      yield* TestClock.adjust("3 seconds")
      yield* send([order("a", 1)])
      yield* TestClock.adjust("3 seconds")
      yield* runReadyFibers
      assert.strictEqual(journal.size, 0)
      yield* Consumers.resume("ledger", { by: "ann" })
      yield* eventually("it continues", () => journal.size === 1)
      yield* Consumers.remove("ledger", { by: "ann", force: { workers: true } })
      yield* eventually("it ends", () => worker.pollUnsafe() !== undefined)
      assert.deepInclude(yield* Effect.flip(Fiber.join(worker)), { _tag: "ConsumerRemoved" })
    }).pipe(Effect.provide(layer))
  })
})

describe("the capabilities of a queue", () => {
  it.effect("are those of its settings", () => {
    const { layer, model } = sqs({ fifo: true })
    model.settings = { maxReceiveCount: 50, retentionSeconds: 60, maximumBytes: 262_144 }
    return Effect.gen(function*() {
      const can = yield* Effect.flatMap(Transport.Transport, ({ capabilities }) => capabilities)
      assert.deepInclude(can, { engine: "sqs-fifo", order: "group", fence: "inbox" })
      assert.deepStrictEqual(can.discardsAfter, Option.some(50))
      assert.deepStrictEqual(can.maxBytes, Option.some(262_144))
      assert.strictEqual(Duration.toSeconds(Option.getOrThrow(can.retention)), 60)
    }).pipe(Effect.provide(layer))
  })
})
