/** A group of messages of SQS that is committed as data: all of it in one write, or none of it. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Exit } from "effect"
import { SqlClient } from "effect/sql"
import { Consumers, type Delivery, Hold, Pipeline, Store, type Transport, Worker } from "millrace"
import { inject } from "vitest"
import { failure } from "../../src/testing/conformance/kit.ts"
import { limit } from "../harness/patience.ts"
import { proxy } from "../harness/proxy.ts"
import { dataCommits } from "../postgres/dataKit.ts"
import { freshSchema } from "../postgres/kit.ts"
import { type Order, order, orders } from "../worker/support.ts"
import { layers, type Ledger, ledger, opened, taken, withLedger } from "./overflowKit.ts"
import { send } from "./sqsKit.ts"
import { SqsModel } from "./SqsModel.ts"

const wait = limit(60_000)
const commitData = dataCommits("ledger")

interface Three extends Ledger {
  readonly subscription: Transport.Subscription
  /** The messages a1, a2 and b1. */
  readonly got: ReadonlyArray<Delivery.Delivery>
  /** A statement that writes an id into the ledger. */
  readonly insert: { readonly sql: string; readonly params: ReadonlyArray<unknown> }
}

/** Runs a test with a subscription that has three messages. */
const withThree = <A, E>(
  fifo: boolean,
  test: (three: Three) => Effect.Effect<A, E, SqlClient.SqlClient | Store.Store>,
  url?: string
) =>
  withLedger(fifo, (ledger) =>
    Effect.scoped(Effect.gen(function*() {
      yield* send([...orders("a", 2), order("b", 1)])
      const subscription = yield* opened("w", "30 seconds")
      const got = yield* taken(subscription, 3)
      const insert = { sql: `insert into ${ledger.schema}.kept (id) values ($1)`, params: ["kept"] }
      return yield* test({ ...ledger, subscription, got, insert })
    })), url)

const lookup = (id: string) => Effect.flatMap(Store.Store, ({ inbox }) => inbox.lookup("ledger", id))

for (const fifo of [true, false]) {
  describe.concurrent(`a group of a ${fifo ? "FIFO" : "standard"} queue as data`, () => {
    it.live(
      "claims its ids, and its statements commit",
      () =>
        withThree(fifo, ({ got, ids, insert, subscription }) =>
          Effect.gen(function*() {
            assert.isTrue(yield* commitData(subscription, got, [insert]))
            assert.deepStrictEqual([yield* ids, yield* lookup("b1")], [["kept"], { _tag: "Committed" }])
          })),
      wait
    )

    it.live(
      "does nothing if an id is known",
      () =>
        withThree(fifo, ({ got, ids, insert, subscription }) =>
          Effect.gen(function*() {
            const store = yield* Store.Store
            yield* store.transact(store.inbox.claim("ledger", [{ id: "b1", fingerprint: "print of b1" }]))
            assert.isFalse(yield* commitData(subscription, got, [insert]))
            assert.deepStrictEqual([yield* ids, yield* lookup("a1")], [[], undefined])
          })),
      wait
    )

    it.live(
      "does nothing if its consumer was removed, also if it is registered again",
      () =>
        withThree(fifo, ({ got, ids, insert, model, subscription }) =>
          Effect.gen(function*() {
            const { consumers } = yield* Store.Store
            yield* Consumers.remove("ledger", { by: "ann", force: { workers: true } })
            assert.isFalse(yield* commitData(subscription, got, [insert]))
            yield* consumers.register({ consumer: "ledger", topics: [], lanes: 4, order: "park" })
            assert.isFalse(yield* commitData(subscription, got, [insert]))
            assert.deepStrictEqual([yield* ids, model.size], [[], 3])
          })),
      wait
    )

    it.live(
      fifo ? "does nothing if one of its keys is diverted" : "commits although one of its keys is paused",
      () =>
        withThree(fifo, ({ got, ids, insert, subscription }) =>
          Effect.gen(function*() {
            yield* Consumers.pauseKey("ledger", "b", { by: "ann" })
            assert.strictEqual(yield* commitData(subscription, got, [insert]), !fifo)
            assert.deepStrictEqual(yield* ids, fifo ? [] : ["kept"])
          })),
      wait
    )

    it.live(
      "is described only if each message is held and has no record in the store",
      () =>
        withThree(fifo, ({ got, subscription }) =>
          Effect.gen(function*() {
            const [first, other] = ["a1", "b1"].map((id) => got.find(({ message }) => message.id === id))
            assert.isDefined(subscription.removal!(got))
            Deferred.doneUnsafe(other!.lease.lost, Exit.succeed({} as never))
            assert.isUndefined(subscription.removal!(got))
            assert.isDefined(subscription.removal!([first!]))
            // The store has a record of a message that runs alone.
            yield* Effect.scoped(subscription.isolate(first))
            assert.isUndefined(subscription.removal!([first!]))
          })),
      wait
    )
  })
}

describe.concurrent("a group of SQS as data", () => {
  it.live(
    "is composed if it has a message of the lanes, too",
    () =>
      withThree(true, ({ got, moved, subscription }) =>
        Effect.gen(function*() {
          const store = yield* Store.Store
          const [first, other] = ["a1", "b1"].map((id) => got.find(({ message }) => message.id === id)!)
          const hold = subscription.hold(first!, [failure(1)], Hold.delayed(Duration.zero))
          yield* subscription.whileNotReading(first!, store.transact(hold))
          const fromLanes = yield* taken(subscription, 2)
          assert.deepStrictEqual(fromLanes.map(({ message }) => message.id), yield* moved)
          assert.isUndefined(subscription.removal!([...fromLanes, other!]))
          // Each side alone is data.
          assert.isTrue(yield* commitData(subscription, fromLanes))
          assert.isTrue(yield* commitData(subscription, [other!]))
          assert.deepStrictEqual(yield* moved, [])
        })),
    wait
  )

  it.live(
    "keeps its consumer until COMMIT, and is flushed where the session does not flush",
    () =>
      withThree(true, ({ got, ids, schema, subscription }) =>
        Effect.gen(function*() {
          const sql = yield* SqlClient.SqlClient
          const level = {
            sql: `insert into ${schema}.kept (id) select current_setting('synchronous_commit')`,
            params: []
          }
          // A removal locks the consumer like this.
          const lock = sql`select from ${sql(`${schema}.consumers`)} where name = 'ledger' for update nowait`
          let removable: boolean | undefined
          const look = Effect.map(Effect.exit(lock), ({ _tag }) => void (removable = _tag === "Success"))
          assert.isTrue(yield* commitData(subscription, got, [level], look))
          assert.deepStrictEqual([removable, yield* ids], [false, ["on"]])
        }), `${inject("databaseUrl")}?options=${encodeURIComponent("-c synchronous_commit=off")}`),
    wait
  )

  it.live("goes over the wire in one write, from BEGIN to COMMIT", () =>
    Effect.gen(function*() {
      const between = yield* proxy(inject("databaseUrl"))
      const model = new SqsModel(true)
      const schema = freshSchema()
      const program = Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        yield* sql`create table ${sql(`${schema}.kept`)} (id text)`
        const pipeline = ledger.pipe(
          Pipeline.commitSql((one: Order, sql) => sql`insert into ${sql(`${schema}.kept`)} (id) values (${one.id})`)
        )
        yield* Worker.drain(pipeline, { lanes: 4 })
        yield* send(orders("a", 1))
        const writes: Array<string> = []
        // The texts of BEGIN and COMMIT are on the wire, since this connection has not prepared them before.
        between.dropResponses = (chunk) => {
          const found = chunk.toString("latin1").match(/BEGIN|values \(|COMMIT/g)
          if (found !== null && found.includes("BEGIN")) writes.push(found.join())
          return false
        }
        yield* Worker.drain(pipeline, { lanes: 4, committers: 1 })
        assert.deepStrictEqual(writes, ["BEGIN,values (,COMMIT"])
        assert.strictEqual(model.size, 0)
      })
      yield* Effect.provide(program, layers(model, schema, between.url))
    }).pipe(Effect.scoped), wait)
})
