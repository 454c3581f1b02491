// The default retries outlast an outage of a quarter of an hour. A dead letter says how long its message was tried.
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Logger, Schema } from "effect"
import { Memory, Pipeline, Topic } from "millrace"
import {
  deadLetters,
  Declined,
  eventually,
  Journal,
  type Order,
  order,
  Orders,
  orders,
  publish,
  start
} from "./support.ts"

/** A ledger behind a service that fails until a time. */
const until = (back: number) => {
  const done = new Journal<Order>()
  const pipeline = Pipeline.from(Orders, { consumer: "ledger" }).pipe(
    Pipeline.mapEffect((one) =>
      Effect.flatMap(
        Clock.currentTimeMillis,
        (now) => now < back ? Effect.fail(new Declined({ reason: "away" })) : Effect.succeed(one)
      )
    ),
    Pipeline.commit(done.write),
    Pipeline.deadLetter({ order: "park" })
  )
  return { done, pipeline }
}

describe("the retries of a pipeline that names none", () => {
  it.effect("outlast an outage of a quarter of an hour: no key is parked, and the order is kept", () =>
    Effect.gen(function*() {
      const outage = 15 * 60_000
      const { done, pipeline } = until((yield* Clock.currentTimeMillis) + outage)
      yield* publish(Orders, [...orders("a", 2), ...orders("b", 2)])
      yield* start(pipeline)
      yield* eventually("all are committed", () => done.size === 4, outage + 90_000)
      assert.deepStrictEqual(yield* deadLetters("ledger"), [])
      for (const account of ["a", "b"]) {
        assert.deepStrictEqual(done.values.filter((one) => one.account === account), orders(account, 2))
      }
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("end, and the dead letter and its log line say how long the message was tried", () => {
    const lines: Array<string> = []
    const log = Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))])
    const died = () => lines.find((line) => line.includes("became a dead letter"))
    return Effect.gen(function*() {
      const { pipeline } = until(Infinity)
      yield* publish(Orders, [order("a", 1)])
      yield* start(pipeline)
      yield* eventually("it is dead", () => died() !== undefined, 30 * 60_000)
      const [deadLetter] = yield* deadLetters("ledger")
      assert.lengthOf(deadLetter!.attempts, 30)
      assert.strictEqual(deadLetter!.retriedMillis, deadLetter!.attempts[29]!.at - deadLetter!.attempts[0]!.at)
      assert.isAbove(deadLetter!.retriedMillis, 16 * 60_000)
      assert.match(died()!, /dead letter \(exhausted\): Declined.*, after it was tried for \d\dm /)
    }).pipe(Effect.provide(Layer.merge(Memory.layer, log)))
  })

  it.effect("are not counted as time where the first attempt was the last", () => {
    const lines: Array<string> = []
    const log = Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))])
    const Numbers = Topic.make("numbers", { schema: Schema.Int, id: "content" })
    return Effect.gen(function*() {
      yield* publish(Numbers, [1])
      yield* start(
        Pipeline.from(Numbers, { consumer: "ledger" }).pipe(
          Pipeline.tap(() => Effect.fail({ _tag: "Final", retryable: false }))
        )
      )
      yield* eventually("it is dead", () => lines.some((line) => line.endsWith("(rejected): Final (step 1, tap)")))
      assert.strictEqual((yield* deadLetters("ledger"))[0]!.retriedMillis, 0)
    }).pipe(Effect.provide(Layer.merge(Memory.layer, log)))
  })
})
