// Publishing later: valid times, the effect of a name, and the wait of a worker.
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Effect } from "effect"
import { TestClock } from "effect/testing"
import { Errors, Memory, Pipeline, Topic, Worker } from "millrace"
import { drain, Journal, order, Orders, runReadyFibers, start, stop } from "../worker/support.ts"

const recorder = () => {
  const seen = new Journal<(typeof Orders)["schema"]["Type"]>()
  const pipeline = Pipeline.from(Orders, { consumer: "recorder" }).pipe(Pipeline.tap(seen.write))
  return { seen, pipeline, ids: () => seen.values.map((value) => value.id) }
}

describe("a message that is published later", () => {
  it.effect("is handled at its time, while others go on", () =>
    Effect.gen(function*() {
      const { ids, pipeline } = recorder()
      const worker = yield* start(pipeline)
      yield* runReadyFibers
      yield* Topic.publish(Orders, order("a", 1), { delay: "90 seconds" })
      yield* Topic.publish(Orders, order("a", 2))
      yield* runReadyFibers
      assert.deepStrictEqual(ids(), ["a2"])
      yield* TestClock.adjust("89999 millis")
      yield* runReadyFibers
      assert.deepStrictEqual(ids(), ["a2"])
      yield* TestClock.adjust("1 millis")
      yield* runReadyFibers
      assert.deepStrictEqual(ids(), ["a2", "a1"])
      yield* stop(worker)
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("is not waited for by a drain, and is drained once it is due", () =>
    Effect.gen(function*() {
      const { ids, pipeline } = recorder()
      yield* Topic.publish(Orders, order("a", 1), { delay: "1 hour" })
      yield* Worker.drain(pipeline)
      assert.deepStrictEqual(ids(), [])
      yield* TestClock.adjust("1 hour")
      yield* Worker.drain(pipeline)
      assert.deepStrictEqual(ids(), ["a1"])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("takes a time as a Date, a DateTime or a number, and all of a call at once", () =>
    Effect.gen(function*() {
      const { ids, pipeline } = recorder()
      yield* Topic.publish(Orders, order("c", 3), { at: new Date(3_000) })
      yield* Topic.publish(Orders, order("b", 2), { at: DateTime.makeUnsafe(2_000) })
      yield* Topic.publish(Orders, order("a", 1), { at: 1_000 })
      yield* Topic.publishAll(Orders, [order("d", 4), order("d", 5)], { delay: Duration.seconds(4) })
      for (let second = 1; second <= 4; second++) {
        yield* TestClock.adjust("1 second")
        yield* drain(pipeline)
      }
      assert.deepStrictEqual(ids(), ["a1", "b2", "c3", "d4", "d5"])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("is replaced by what is published under its name, and is cancelled by it", () =>
    Effect.gen(function*() {
      const { ids, pipeline } = recorder()
      const options = { delay: "1 minute", name: "reminder" } as const
      yield* Topic.publish(Orders, order("a", 1), options)
      yield* Topic.publish(Orders, order("a", 2), options)
      yield* Topic.publish(Orders, order("b", 3), options)
      assert.isTrue(yield* Topic.cancel(Orders, { key: "b", name: "reminder" }))
      assert.isFalse(yield* Topic.cancel(Orders, { key: "b", name: "reminder" }))
      assert.isFalse(yield* Topic.cancel(Orders, { key: "no\0key", name: "reminder" }))
      yield* TestClock.adjust("1 minute")
      yield* Worker.drain(pipeline)
      assert.deepStrictEqual(ids(), ["a2"])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("is refused where its time is none, or its name is not usable, and says how to fix it", () =>
    Effect.gen(function*() {
      const bad: ReadonlyArray<readonly [field: string, options: Topic.PublishOptions]> = [
        ["delay", { delay: Number.NaN }],
        ["delay", { delay: "soon" as "1 second" }],
        ["delay", { delay: Duration.infinity }],
        ["delay", { delay: "36526 days" }],
        ["delay", { delay: 1, at: 1 }],
        ["at", { at: Number.NaN }],
        ["at", { at: new Date("no date") }],
        ["at", { at: Number.POSITIVE_INFINITY }],
        ["at", { at: 253_402_300_800_000 }],
        ["name", { name: "" }],
        ["name", { delay: 1, name: "a\0" }],
        ["name", { delay: 1, name: "é".repeat(257) }]
      ]
      for (const [field, options] of bad) {
        const error = yield* Effect.flip(Topic.publish(Orders, order("a", 1), options))
        assert.instanceOf(error, Errors.InvalidMessage)
        assert.strictEqual(error.field, field)
        assert.include(error.message, "Nothing was published")
      }
      const error = yield* Effect.flip(Topic.cancel(Orders, { key: "a", name: "" }))
      assert.instanceOf(error, Errors.InvalidMessage)
      const { ids, pipeline } = recorder()
      yield* TestClock.adjust("36526 days")
      yield* Worker.drain(pipeline)
      assert.deepStrictEqual(ids(), [])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("is due at once where its time has passed", () =>
    Effect.gen(function*() {
      const { ids, pipeline } = recorder()
      yield* TestClock.adjust("1 hour")
      yield* Topic.publish(Orders, order("a", 1), { delay: Duration.millis(-5) })
      yield* Topic.publish(Orders, order("a", 2), { at: 0 })
      yield* Topic.publish(Orders, order("a", 3), { delay: Duration.negativeInfinity })
      yield* Worker.drain(pipeline)
      assert.deepStrictEqual(ids(), ["a1", "a2", "a3"])
    }).pipe(Effect.provide(Memory.layer)))
})
