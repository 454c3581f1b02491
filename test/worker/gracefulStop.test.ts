// The graceful stop: what runs may finish, the rest is given back at once, and nothing is counted.
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Logger } from "effect"
import { TestClock } from "effect/testing"
import { Memory, Pipeline, Retry } from "millrace"
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
  ports,
  publish,
  runReadyFibers,
  start,
  until
} from "./support.ts"

/** A pipeline whose handlers wait for the test, and what began, was interrupted, and was committed. */
const latched = () => {
  const latch = Deferred.makeUnsafe<void>()
  const began = new Journal<Order>()
  const done = new Journal<Order>()
  const interrupted: Array<string> = []
  const pipeline = Pipeline.from(Orders, { consumer: "ledger" }).pipe(
    Pipeline.tap(began.write),
    Pipeline.tap((one) => Effect.onInterrupt(Deferred.await(latch), () => Effect.sync(() => interrupted.push(one.id)))),
    Pipeline.commit(done.write)
  )
  return { latch, began, done, interrupted, pipeline }
}

const stopping = <A, E>(worker: Fiber.Fiber<A, E>) =>
  Effect.forkChild(Fiber.interrupt(worker), { startImmediately: true })

/** A second worker's view of what is left: each message, with its attempts so far. */
const rest = Effect.fnUntraced(function*() {
  const left = new Journal<Order>()
  yield* drain(Pipeline.from(Orders, { consumer: "ledger" }).pipe(Pipeline.commit(left.write)))
  return left
})

describe("a worker that is stopped", () => {
  it.effect("finishes what runs, starts nothing more, and gives the rest back in order without an attempt counted", () =>
    Effect.gen(function*() {
      const { began, done, latch, interrupted, pipeline } = latched()
      yield* publish(Orders, [...orders("a", 3), ...orders("b", 3)])
      const worker = yield* start(pipeline, { grace: "10 seconds" })
      yield* until("one of each key runs", () => began.size === 2)
      const stop = yield* stopping(worker)
      yield* publish(Orders, [order("c", 1)])
      yield* TestClock.adjust("9 seconds")
      yield* runReadyFibers
      assert.isUndefined(stop.pollUnsafe(), "it waits for what runs")
      yield* Deferred.succeed(latch, undefined)
      yield* until("it has stopped", () => stop.pollUnsafe() !== undefined)
      assert.deepStrictEqual(done.values.map((one) => one.id).toSorted(), ["a1", "b1"])
      assert.deepStrictEqual(interrupted, [])
      const left = yield* rest()
      assert.deepStrictEqual(left.values.filter((one) => one.account === "a").map((one) => one.n), [2, 3])
      assert.deepStrictEqual(left.values.map((one) => one.id).toSorted(), ["a2", "a3", "b2", "b3", "c1"])
      assert.isTrue(left.attempts.every((attempt) => attempt === 1))
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("interrupts what does not finish within its grace, and gives it back uncounted", () => {
    const logged: Array<string> = []
    return Effect.gen(function*() {
      const { began, done, interrupted, pipeline } = latched()
      yield* publish(Orders, orders("a", 2))
      const worker = yield* start(pipeline, { grace: "10 seconds" })
      yield* until("it runs", () => began.size === 1)
      const stop = yield* stopping(worker)
      yield* TestClock.adjust("9999 millis")
      yield* runReadyFibers
      assert.deepStrictEqual([interrupted.length, stop.pollUnsafe()], [0, undefined])
      yield* TestClock.adjust("1 millis")
      yield* until("it has stopped", () => stop.pollUnsafe() !== undefined)
      assert.deepStrictEqual([interrupted, done.size], [["a1"], 0])
      assert.deepStrictEqual(logged.filter((line) => line.includes("attempt")), [
        "1 attempt did not finish within the grace period; it is given back, uncounted."
      ])
      const left = yield* rest()
      assert.deepStrictEqual(left.values.map((one) => one.n), [1, 2])
      assert.deepStrictEqual(left.attempts, [1, 1])
    }).pipe(Effect.provide([
      Memory.layer,
      Logger.layer([Logger.make(({ message }) => void logged.push(String(message)))])
    ]))
  })

  it.effect("with no grace interrupts at once", () =>
    Effect.gen(function*() {
      const { began, interrupted, pipeline } = latched()
      yield* publish(Orders, orders("a", 1))
      const worker = yield* start(pipeline, { grace: 0 })
      yield* until("it runs", () => began.size === 1)
      const stop = yield* stopping(worker)
      yield* TestClock.adjust(0)
      yield* until("it has stopped", () => stop.pollUnsafe() !== undefined)
      assert.deepStrictEqual(interrupted, ["a1"])
      assert.strictEqual((yield* rest()).size, 1)
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("with nothing to do stops at once", () =>
    Effect.gen(function*() {
      const worker = yield* start(latched().pipeline)
      yield* runReadyFibers
      const stop = yield* stopping(worker)
      yield* until("it has stopped", () => stop.pollUnsafe() !== undefined)
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("gives its messages back at once: another worker has them without any lease running out", () =>
    Effect.gen(function*() {
      const { began, pipeline } = latched()
      yield* publish(Orders, orders("a", 3))
      const worker = yield* start(pipeline, { grace: "1 second", lease: "1 hour" })
      yield* until("it runs", () => began.size === 1)
      const done = new Journal<Order>()
      yield* start(Pipeline.from(Orders, { consumer: "ledger" }).pipe(Pipeline.commit(done.write)), { lease: "1 hour" })
      yield* stopping(worker)
      yield* eventually("the other one has done them", () => done.size === 3, 2_000)
      assert.deepStrictEqual(done.values.map((one) => one.n), [1, 2, 3])
    }).pipe(Effect.provide(Memory.layer)))
})

describe("a worker that is stopped between two attempts", () => {
  const failing = (tried: Journal<Order>, delay: string) =>
    Pipeline.from(Orders, { consumer: "ledger" }).pipe(
      Pipeline.tap(tried.write),
      Pipeline.mapEffect((one, { attempt }) =>
        attempt <= 2 ? Effect.fail(new Declined({ reason: "busy" })) : Effect.succeed(one)
      ),
      Pipeline.commit(() => Effect.void),
      Pipeline.retry(Retry.exponential(delay as "1 second", { jitter: false, factor: 1, attempts: 5 }))
    )

  it.effect("writes its attempts down and does not wait: the next one continues after what was left of the delay", () =>
    Effect.gen(function*() {
      const tried = new Journal<Order>()
      const pipeline = failing(tried, "800 millis")
      yield* publish(Orders, orders("a", 2))
      const worker = yield* start(pipeline, { grace: "1 minute" })
      yield* until("the first attempt has failed", () => tried.size === 1)
      yield* runReadyFibers
      yield* TestClock.adjust("300 millis")
      const stop = yield* stopping(worker)
      yield* until("it has stopped, without any time passing", () => stop.pollUnsafe() !== undefined)
      yield* start(pipeline)
      yield* runReadyFibers
      yield* TestClock.adjust("499 millis")
      yield* runReadyFibers
      assert.strictEqual(tried.size, 1)
      yield* TestClock.adjust("1 millis")
      yield* until("the second attempt", () => tried.size === 2)
      yield* eventually("the third, then the successor", () => tried.size === 4 + 2, 5_000)
      assert.deepStrictEqual(tried.entries.map((one) => `${one.value.id}:${one.context.attempt}`), [
        "a1:1",
        "a1:2",
        "a1:3",
        "a2:1",
        "a2:2",
        "a2:3"
      ])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("leaves a longer delay to the next worker, with its attempts", () =>
    Effect.gen(function*() {
      const tried = new Journal<Order>()
      const pipeline = failing(tried, "1 hour")
      yield* publish(Orders, [order("a", 1)])
      yield* drain(pipeline)
      yield* TestClock.adjust("1 hour")
      yield* drain(pipeline)
      yield* TestClock.adjust("1 hour")
      yield* drain(pipeline)
      assert.deepStrictEqual(tried.attempts, [1, 2, 3])
      assert.deepStrictEqual(yield* deadLetters("ledger"), [])
    }).pipe(Effect.provide(Memory.layer)))
})

it.effect("stopping a hundred times loses nothing and does nothing twice", () =>
  Effect.gen(function*() {
    const done = new Journal<Order>()
    const pipeline = Pipeline.from(Orders, { consumer: "ledger" }).pipe(
      Pipeline.tap((one) => Effect.repeat(Effect.yieldNow, { times: one.n % 7 })),
      Pipeline.commit(done.write)
    )
    const accounts = Array.from({ length: 40 }, (_, i) => `account-${i}-`)
    for (let n = 1; n <= 10; n++) yield* publish(Orders, accounts.map((account) => order(account, n)))
    for (let i = 0; i < 100; i++) {
      const worker = yield* start(pipeline, { concurrency: 4, lanes: 8, grace: "1 minute" })
      yield* Effect.repeat(Effect.yieldNow, { times: 5 + i % 23 })
      const stop = yield* stopping(worker)
      yield* until("it has stopped", () => stop.pollUnsafe() !== undefined)
    }
    yield* drain(pipeline, { lanes: 8 })
    assert.strictEqual(done.size, 400)
    assert.isTrue(done.attempts.every((attempt) => attempt === 1))
    for (const account of accounts) {
      const ns = done.values.filter((one) => one.account === account).map((one) => one.n)
      assert.deepStrictEqual(ns, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    }
  }).pipe(Effect.provide(Memory.layer)))

it.effect("a drain whose last poll ran beside work polls again: it may have left out what there was no room for", () => {
  const settled = Deferred.makeUnsafe<void>()
  let polls = 0
  const layer = ports({
    subscription: (inner) => ({
      // One message at a time; a poll that finds none ends when that one has been settled.
      take: (room, accept) =>
        polls++ % 2 === 0
          ? inner.take({ ...room, messages: Math.min(1, room.messages) }, accept)
          : Effect.andThen(Deferred.await(settled), runReadyFibers),
      acknowledge: (deliveries) => Effect.andThen(inner.acknowledge(deliveries), Deferred.succeed(settled, undefined))
    })
  })
  return Effect.gen(function*() {
    const done = new Journal<Order>()
    yield* publish(Orders, orders("a", 2))
    yield* drain(Pipeline.from(Orders, { consumer: "ledger" }).pipe(Pipeline.commit(done.write)))
    assert.deepStrictEqual(done.values.map((one) => one.id), ["a1", "a2"])
  }).pipe(Effect.provide(layer))
})
