// Turns that run without a fiber: when they do, and what happens where they cannot go on so.
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { Pipeline, Worker } from "millrace"
import { Permitted } from "../../src/worker/attempt/TurnBatch.ts"
import {
  deadLetters,
  drain,
  eventually,
  Journal,
  order,
  Orders,
  orders,
  ports,
  publish,
  runReadyFibers
} from "./support.ts"

const grouped = ports({ store: () => ({ maxGroup: 250 }) })
const base = Pipeline.from(Orders, { consumer: "ledger" })
const batches = Effect.provideService(Permitted, true)
const accounts = Array.from({ length: 40 }, (_, i) => order(`k${i}-`, 1))

/** A pipeline that records how many messages each group has. */
const counting = (sizes: Array<number>) =>
  base.pipe(Pipeline.commitBatch((batch) => Effect.sync(() => void sizes.push(batch.length))))

describe("turns without fibers", () => {
  it.effect("share a group although there are more of them than fibers may run", () =>
    Effect.gen(function*() {
      const sizes: Array<number> = []
      yield* publish(Orders, accounts)
      yield* drain(counting(sizes), { committers: 1, lanes: 4, concurrency: 2, prefetch: 200 })
      assert.deepStrictEqual(sizes, [40])
    }).pipe(batches, Effect.provide(grouped)))

  it.effect("are not those of a pipeline that waits before the commit phase", () =>
    Effect.gen(function*() {
      let most = 0
      let running = 0
      const waits = base.pipe(Pipeline.tap(() =>
        Effect.acquireUseRelease(
          Effect.sync(() => most = Math.max(most, ++running)),
          () => Effect.yieldNow,
          () => Effect.sync(() => running--)
        )
      ))
      yield* publish(Orders, accounts)
      yield* drain(waits, { lanes: 4, concurrency: 2 })
      assert.strictEqual(most, 2)
    }).pipe(batches, Effect.provide(grouped)))

  it.live("leave other fibers their time between slow functions", () =>
    Effect.gen(function*() {
      let beats = 0
      const seen = new Set<number>()
      const slow = base.pipe(Pipeline.map((value) => {
        const until = performance.now() + 4
        while (performance.now() < until);
        seen.add(beats)
        return value
      }))
      yield* publish(Orders, accounts)
      yield* Effect.forkChild(Effect.forever(Effect.andThen(Effect.yieldNow, Effect.sync(() => beats++))))
      yield* drain(slow, { lanes: 4 })
      // 40 functions of 4 ms each: a batch runs for 10 ms, and then other fibers have their time.
      assert.isAbove(seen.size, 5)
    }).pipe(batches, Effect.provide(grouped)))

  it.effect("count one attempt where the commit fails, and the next attempt follows", () =>
    Effect.gen(function*() {
      const attempts: Array<number> = []
      const flaky = base.pipe(
        Pipeline.commit((value, { attempt }) =>
          Effect.suspend(() => {
            attempts.push(attempt)
            return attempt < 3 ? Effect.fail("no" as const) : Effect.succeed(value)
          })
        ),
        Pipeline.retry({ attempts: 5, base: "10 millis" })
      )
      yield* publish(Orders, [order("a", 1)])
      const draining = yield* Effect.forkChild(drain(flaky))
      yield* eventually("three attempts", () => attempts.length === 3)
      yield* Fiber.join(draining)
      assert.deepStrictEqual(attempts, [1, 2, 3])
    }).pipe(batches, Effect.provide(grouped)))

  it.effect("leave a message that does not decode, or whose step throws, to a fiber that dead-letters it", () =>
    Effect.gen(function*() {
      const done = new Journal<{ readonly id: string }>()
      const throwing = base.pipe(
        Pipeline.map((value) => {
          if (value.account === "b") throw new Error("b")
          return value
        }),
        Pipeline.commit(done.write),
        Pipeline.retry({ attempts: 1 })
      )
      yield* publish(Orders, [...orders("a", 3), ...orders("b", 1), ...orders("a", 5).slice(3)])
      yield* drain(throwing)
      assert.deepStrictEqual(done.values.map(({ id }) => id), ["a1", "a2", "a3", "a4", "a5"])
      assert.deepStrictEqual((yield* deadLetters("ledger")).map(({ message }) => message.id), ["b1"])
    }).pipe(batches, Effect.provide(grouped)))

  it.effect("are given back at once where their commit fails while the worker stops", () =>
    Effect.gen(function*() {
      const begun = Deferred.makeUnsafe<void>()
      const failing = base.pipe(Pipeline.commit(() =>
        Effect.andThen(Deferred.succeed(begun, undefined), Effect.andThen(Effect.sleep("1 second"), Effect.fail("no")))
      ))
      yield* publish(Orders, [order("a", 1)])
      const running = yield* Effect.forkChild(Worker.run(failing, { grace: "25 seconds" }))
      yield* Deferred.await(begun)
      const started = yield* Effect.clockWith((clock) =>
        clock.currentTimeMillis
      )
      const stopping = yield* Effect.forkChild(Fiber.interrupt(running))
      yield* eventually("the worker has stopped", () => stopping.pollUnsafe() !== undefined)
      const took = (yield* Effect.clockWith((clock) => clock.currentTimeMillis)) - started
      assert.isBelow(took, 20_000)
    }).pipe(batches, Effect.provide(grouped)))

  it.effect("are held for a moment if the runtime has a defect while it settles them", () =>
    Effect.gen(function*() {
      let deaths = 2
      const done: Array<string> = []
      const broken = ports({
        store: () => ({ maxGroup: 250 }),
        subscription: (inner) => ({
          acknowledge: (deliveries) =>
            Effect.suspend(() => deaths-- > 0 ? Effect.die(new Error("planned")) : inner.acknowledge(deliveries))
        })
      })
      yield* Effect.gen(function*() {
        const ledger = base.pipe(Pipeline.map((value) => void done.push(value.id)))
        yield* publish(Orders, orders("a", 2))
        const draining = yield* Effect.forkChild(drain(ledger))
        yield* runReadyFibers
        yield* TestClock.adjust(Duration.seconds(30))
        yield* runReadyFibers
        yield* TestClock.adjust(Duration.seconds(30))
        yield* Effect.timeout(Fiber.join(draining), "1 minute").pipe(
          Effect.forkChild,
          Effect.flatMap((fiber) =>
            Effect.andThen(eventually("the worker is done", () => fiber.pollUnsafe() !== undefined), Fiber.join(fiber))
          )
        )
        yield* publish(Orders, [order("a", 3)])
        yield* drain(ledger)
        assert.include(done, "a3")
      }).pipe(Effect.provide(broken))
    }).pipe(batches))
})

describe("a worker whose groups cannot be committed as data", () => {
  it.effect("tries fewer and fewer groups as data, and commits each of them", () =>
    Effect.gen(function*() {
      let tries = 0
      const done: Array<string> = []
      const refusing = ports({
        // Each group has one message.
        store: () => ({ maxGroup: 1, commitData: () => Effect.sync(() => tries++ < 0) }),
        subscription: () => ({ removal: () => ({}) })
      })
      yield* Effect.gen(function*() {
        yield* publish(Orders, accounts.slice(0, 12))
        yield* drain(base.pipe(Pipeline.map((value) => void done.push(value.id))), { committers: 1, lanes: 4 })
      }).pipe(Effect.provide(refusing))
      assert.deepStrictEqual(done.toSorted(), accounts.slice(0, 12).map(({ id }) => id).toSorted())
      // After a group that was not committed as data, the next 1, 2, 4, ... groups are composed at once.
      assert.strictEqual(tries, 4)
    }).pipe(batches))
})
