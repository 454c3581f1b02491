/** A message that SQS hands out again after its id has an outcome: a failure of this delivery holds nothing. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Stream } from "effect"
import { Consumers, DeadLetters, Hold, Pipeline, Retry, Store, Worker } from "millrace"
import { failure } from "../../src/testing/conformance/kit.ts"
import { limit } from "../harness/patience.ts"
import { until } from "../redis/streamKit.ts"
import { Declined, type Order, order, Orders, orders } from "../worker/support.ts"
import { during, type Ledger, opened, taken, withLedger } from "./overflowKit.ts"
import { send } from "./sqsKit.ts"

const wait = limit(60_000)
const options: Worker.WorkerOptions = { lease: limit(2000), idlePoll: "50 millis", lanes: 4, grace: 0 }

/** Fails each message after its first `passes` deliveries, and notes all deliveries. Its retries wait in the store. */
const failsAgain = (fifo: boolean, write: Ledger["write"], passes: number) => {
  const seen: Array<string> = []
  const pipeline = Pipeline.from(Orders, { consumer: "ledger", ...(fifo ? {} : { order: "none" as never }) }).pipe(
    Pipeline.mapEffect((one: Order) => {
      seen.push(one.id)
      return seen.filter((id) => id === one.id).length > passes
        ? Effect.fail(new Declined({ reason: "again" }))
        : Effect.succeed(one)
    }),
    Pipeline.commit((one) => write(one)),
    Pipeline.retry(Retry.exponential("13 hours", { attempts: 5, factor: 1, jitter: false }))
  )
  return { pipeline, seen }
}

it.live(
  "a failing message whose consumer was removed is not settled, and stays at SQS",
  () =>
    withLedger(true, ({ model }) =>
      Effect.scoped(Effect.gen(function*() {
        const store = yield* Store.Store
        yield* send(orders("bad", 1))
        const subscription = yield* opened("w", "30 seconds")
        const [first] = yield* taken(subscription, 1)
        yield* Consumers.remove("ledger", { by: "ann", force: { workers: true } })
        const hold = store.transact(subscription.hold(first!, [failure(1)], Hold.delayed(Duration.hours(13))))
        assert.strictEqual((yield* Effect.flip(subscription.whileNotReading(first!, hold)))._tag, "LeaseLost")
        assert.strictEqual(model.size, 1)
      }))),
  wait
)

for (const fifo of [true, false]) {
  describe.concurrent(`a failing message of a ${fifo ? "FIFO" : "standard"} queue whose id has an outcome`, () => {
    it.live(
      "that is a commit is settled as a duplicate, and never comes again",
      () =>
        withLedger(fifo, ({ emptied, has, held, ids, model, moved, write }) =>
          Effect.gen(function*() {
            const { pipeline, seen } = failsAgain(fifo, write, 1)
            yield* send(orders("bad", 1))
            // The first process commits, and its delete does not reach SQS.
            model.weather = { fails: (operation) => operation === "remove" }
            yield* during(pipeline, has(1), options)
            assert.strictEqual(model.size, 1)
            model.weather = {}
            const second = Worker.stream(pipeline, options).pipe(
              Stream.map((outcome) => `${outcome._tag} ${outcome.context.message.id}`),
              Stream.take(2),
              Stream.runCollect
            )
            const came = Effect.andThen(
              until("the duplicate failed", Effect.sync(() => seen.length === 2)),
              send([order("bad", 2)])
            )
            const [outcomes] = yield* Effect.all([second, came], { concurrency: 2 })
            assert.deepStrictEqual(outcomes, ["Duplicate bad1", "Committed bad2"])
            yield* during(pipeline, emptied, options)
            assert.deepStrictEqual(seen, ["bad1", "bad1", "bad2"])
            assert.deepStrictEqual([yield* ids, yield* held, yield* moved], [["bad1", "bad2"], [], []])
          })),
      wait
    )

    it.live(
      "that is a dead letter is settled as a duplicate, and makes no second one",
      () =>
        withLedger(fifo, ({ emptied, held, model, moved, write }) =>
          Effect.gen(function*() {
            const { pipeline, seen } = failsAgain(fifo, write, 0)
            yield* send(orders("bad", 1))
            model.weather = { fails: (operation) => operation === "remove" }
            const open = DeadLetters.list({ consumer: "ledger" })
            const died = until("it is a dead letter", Effect.map(open, ({ length }) => length === 1))
            yield* during(pipeline.pipe(Pipeline.retry(Retry.never)), died, options)
            assert.strictEqual(model.size, 1)
            model.weather = {}
            yield* during(pipeline, emptied, options)
            assert.deepStrictEqual(seen, ["bad1", "bad1"])
            assert.deepStrictEqual([(yield* open).length, yield* held, yield* moved], [1, [], []])
          })),
      wait
    )
  })
}
