/** A worker on SQS polls seldom while it has nothing to do: on an idle queue, and while it is paused. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import { TestClock } from "effect/testing"
import { Pipeline, Store, Transport } from "millrace"
import { limit } from "../harness/patience.ts"
import { countingTakes, whilePaused } from "../redis/streamKit.ts"
import {
  eventually,
  Journal,
  type Order,
  order,
  Orders,
  orders,
  runReadyFibers,
  start,
  stop
} from "../worker/support.ts"
import { during, ledger, withLedger } from "./overflowKit.ts"
import { send, sqs, transportOn } from "./sqsKit.ts"

describe("a paused consumer on SQS", () => {
  it.live(
    "is asked after each idle poll only, also if a message of it ends during the pause",
    () =>
      withLedger(true, ({ ids, model, write }) =>
        Effect.gen(function*() {
          const { counts, transport } = yield* countingTakes()
          const [started, done] = [Deferred.makeUnsafe<void>(), Deferred.makeUnsafe<void>()]
          const pipeline = ledger.pipe(
            Pipeline.tap(() => Effect.andThen(Deferred.succeed(started, undefined), Deferred.await(done))),
            Pipeline.commit((one: Order) => write(one))
          )
          yield* send([order("a", 1)])
          const paused = whilePaused({
            running: () => Deferred.isDoneUnsafe(started),
            backlog: Effect.orDie(send(orders("b", 5))),
            ended: Effect.asVoid(Deferred.succeed(done, undefined)),
            ran: Effect.repeat(ids, { until: ({ length }) => length === 1 }).pipe(Effect.asVoid),
            counted: Effect.sync(() => [counts.takes, model.requests.get("receive") ?? 0])
          })
          const [takes, receives] = yield* during(pipeline, paused, { idlePoll: "1 second" }).pipe(
            Effect.provideService(Transport.Transport, transport)
          )
          assert.isAtMost(takes!, 6, "takes in three seconds")
          assert.isAtMost(receives!, 4, "polls in three seconds")
        })),
    limit(60_000)
  )
})

describe("an idle queue of SQS", () => {
  const pipeline = Pipeline.from(Orders, { consumer: "ledger" })

  it.effect.each(
    [
      { what: "short polls", longPollSeconds: 0, lease: "30 seconds" },
      { what: "a lease below three seconds", longPollSeconds: 5, lease: "2 seconds" }
    ] as const
  )("is asked once for each idle poll with $what", ({ lease, longPollSeconds }) => {
    const { layer, model } = sqs({ fifo: true })
    const journal = new Journal<Order>()
    return Effect.gen(function*() {
      const transport = transportOn(model, yield* Store.Store, undefined, undefined, longPollSeconds)
      const worker = yield* Effect.provideService(
        start(pipeline.pipe(Pipeline.tap(journal.write)), { lease, idlePoll: "1 second" }),
        Transport.Transport,
        transport
      )
      yield* runReadyFibers
      const before = model.requests.get("receive")!
      for (let i = 0; i < 50; i++) {
        yield* TestClock.adjust("200 millis")
        yield* runReadyFibers
      }
      const asked = model.requests.get("receive")! - before
      assert.isTrue(asked >= 5 && asked <= 12, `${asked} requests in ten seconds`)
      yield* send([order("a", 1)])
      yield* eventually("a message comes within an idle poll", () => journal.size === 1, 1_500)
      yield* stop(worker)
    }).pipe(Effect.provide(layer))
  })

  it.live(
    "is asked as seldom with the store on Postgres",
    () =>
      withLedger(false, ({ has, model, write }) =>
        Effect.gen(function*() {
          const transport = transportOn(model, yield* Store.Store, undefined, undefined, 0)
          const unordered = Pipeline.from(Orders, { consumer: "ledger", order: "none" }).pipe(
            Pipeline.commit((one: Order) => write(one))
          )
          const idle = Effect.gen(function*() {
            yield* send([order("a", 1)])
            yield* has(1)
            yield* Effect.sleep("500 millis")
            const before = model.requests.get("receive") ?? 0
            yield* Effect.sleep("3 seconds")
            const asked = (model.requests.get("receive") ?? 0) - before
            yield* send([order("a", 2)])
            yield* has(2)
            return asked
          })
          const asked = yield* during(unordered, idle, { idlePoll: "1 second" }).pipe(
            Effect.provideService(Transport.Transport, transport)
          )
          assert.isTrue(asked >= 1 && asked <= 5, `${asked} requests in three seconds`)
        })),
    limit(60_000)
  )
})
