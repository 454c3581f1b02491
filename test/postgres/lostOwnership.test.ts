/**
 * A commit that finds out that its lease is over. That message was not committed and will come again, here or
 * elsewhere. So messages that wait behind it in the same worker must not start.
 */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { type Delivery, Hold, Pipeline, Store, Topic, type Transport, Worker } from "millrace"
import { inject } from "vitest"
import { eventually, freshSchema, open, postgres, publish, receive, register, settle } from "./kit.ts"

const url = inject("databaseUrl")
const Notes = Topic.make("notes", { schema: Schema.Struct({ id: Schema.String }), id: ({ id }) => id, key: () => "k" })

/** How a lease is over without its worker's knowledge. */
const ends = {
  "the server's life": (schema: string) => `delete from "${schema}".server_life`,
  "another worker's claim": (schema: string) =>
    `update "${schema}".lanes set token = token + 1, owner = 'other', lease_until = clock_timestamp() + interval '2 s'`
}

type Way = (
  subscription: Transport.Subscription,
  delivery: Delivery.Delivery
) => Effect.Effect<unknown, unknown, Store.Store>
const transact = (body: Effect.Effect<unknown, unknown, Store.Transaction>) =>
  Effect.flatMap(Store.Store, (store) => store.transact(body))
const ways: Record<string, Way> = {
  "a settlement": (subscription, delivery) => settle(subscription, [delivery]),
  "a fence": (subscription, delivery) => transact(subscription.fence([delivery])),
  "a hold": (subscription, delivery) =>
    Effect.exit(subscription.whileNotReading(delivery, transact(subscription.hold(delivery, [], Hold.parked))))
}

describe.concurrent("a lease that is over", () => {
  for (const [by, end] of Object.entries(ends)) {
    for (const [what, way] of Object.entries(ways)) {
      it.live(`by ${by} is lost here once ${what} finds it out`, () => {
        const schema = freshSchema()
        return Effect.gen(function*() {
          const sql = yield* SqlClient.SqlClient
          yield* register({ lanes: 1 })
          yield* publish(["a", "k"])
          const subscription = yield* open("worker", { lanes: 1 })
          const [a] = yield* receive(subscription, 1)
          yield* sql.unsafe(end(schema))
          assert.isFalse(Deferred.isDoneUnsafe(a!.lease.lost))
          yield* way(subscription, a!)
          assert.isTrue(Deferred.isDoneUnsafe(a!.lease.lost))
          assert.deepStrictEqual(subscription.held(), [])
        }).pipe(Effect.scoped, Effect.provide(postgres(url, {}, schema)))
      })
    }

    it.live(`by ${by} lets no handler start before the message before it is committed`, () => {
      const schema = freshSchema()
      const started: Array<string> = []
      return Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        const over = yield* Deferred.make<void>()
        const pipeline = Pipeline.from(Notes, { consumer: "c" }).pipe(
          Pipeline.mapEffect(({ id }) =>
            Effect.suspend(() => {
              started.push(id)
              return Deferred.await(over)
            })
          )
        )
        yield* Worker.drain(pipeline, { lanes: 1 })
        yield* Topic.publishAll(Notes, [{ id: "1" }, { id: "2" }, { id: "3" }])
        // Nothing but the commit looks in time.
        const worker = yield* Effect.forkChild(
          Worker.run(pipeline, { lanes: 1, idlePoll: "4 seconds", lease: "30 seconds", grace: 0 })
        )
        yield* eventually(Effect.sync(() => started.length === 1))
        yield* Effect.sleep(100)
        yield* sql.unsafe(end(schema))
        yield* Deferred.succeed(over, undefined)
        yield* eventually(Effect.sync(() => started.filter((id) => id === "3").length > 0), "15 seconds")
        assert.deepStrictEqual(started, ["1", "1", "2", "3"])
        yield* Fiber.interrupt(worker)
      }).pipe(Effect.scoped, Effect.provide(postgres(url, {}, schema)))
    })
  }
})
