// A queue whose redrive policy takes messages away: none of them is taken while the worker may still deliver it.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { Consumers, Pipeline, Worker } from "millrace"
import { mostOfKey } from "../../src/postgres/queue/OverflowLanes.ts"
import { limit } from "../harness/patience.ts"
import { until } from "../redis/streamKit.ts"
import { type Order, order, Orders, orders } from "../worker/support.ts"
import { during, ledger, opened, withLedger } from "./overflowKit.ts"
import { send } from "./sqsKit.ts"

const wait = limit(60_000)
const unordered = Pipeline.from(Orders, { consumer: "ledger", order: "none" })
const deliveries = 8

describe.concurrent("a queue with a redrive policy", () => {
  it.live(
    "keeps messages through more graceful stops than it allows deliveries",
    () =>
      withLedger(false, ({ has, ids, model, write }) =>
        Effect.gen(function*() {
          model.settings = { ...model.settings, maxReceiveCount: deliveries }
          yield* send(orders("a", 6))
          const stuck = unordered.pipe(Pipeline.tap(() => Effect.never))
          for (let stop = 0; stop < deliveries + 4; stop++) {
            const before = model.requests.get("receive") ?? 0
            const received = Effect.sync(() => model.requests.get("receive")! > before + 1)
            yield* during(stuck, until("it has received", received), { grace: 0, concurrency: 1, prefetch: 10 })
          }
          assert.lengthOf(model.dead, 0, "the queue has taken no message away")
          yield* during(unordered.pipe(Pipeline.commit((one: Order) => write(one))), has(6))
          assert.deepStrictEqual((yield* ids).toSorted(), orders("a", 6).map(({ id }) => id))
        })),
    wait
  )

  it.live(
    "moves a message that it has delivered too often into the lanes, also above the limit of its key",
    () =>
      withLedger(false, ({ model, moved, schema }) =>
        Effect.scoped(Effect.gen(function*() {
          model.settings = { ...model.settings, maxReceiveCount: deliveries }
          const sql = yield* SqlClient.SqlClient
          const subscription = yield* opened("w")
          yield* Consumers.pauseKey("ledger", "a", { by: "ann" })
          yield* sql`insert into ${sql(`${schema}.messages`)} (queue_id, lane, id, topic, key, keyed, payload, moved)
          select h.queue_id, h.lane, 'old' || n, 'orders', 'a', true, '{}', true
          from ${sql(`${schema}.holds`)} h, generate_series(1, ${mostOfKey}) n`
          yield* send([order("a", 1), order("b", 1)])
          model.handOut("a1", deliveries / 2 - 1)
          const got: Array<string> = []
          const demand = { messages: 9, bytes: 1e6, perKey: 9 }
          const take = subscription.take(demand, (some) => got.push(...some.map(({ message }) => message.id)))
          yield* until("it has moved", Effect.map(Effect.andThen(take, moved), (all) => all.includes("a1")))
          assert.deepStrictEqual(got, ["b1"])
          yield* subscription.release(subscription.held())
          yield* until("SQS has deleted it", Effect.sync(() => model.size === 1))
        }))),
    wait
  )

  it.live("is refused if it is FIFO, or if its limit is below two times `maxCrashes`", () =>
    Effect.gen(function*() {
      const refusal = (fifo: boolean, maxReceiveCount: number) =>
        withLedger(fifo, ({ model }) => {
          model.settings = { ...model.settings, maxReceiveCount }
          return Effect.flip(Worker.run(fifo ? ledger : unordered))
        })
      for (const fifo of [true, false]) {
        const error = yield* refusal(fifo, fifo ? 1000 : 6)
        assert.deepInclude(error, { _tag: "Unsupported", engine: fifo ? "sqs-fifo" : "sqs" })
        assert.include(error.message, "remove the redrive policy of the queue")
      }
    }), wait)
})
