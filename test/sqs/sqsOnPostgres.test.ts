// Messages of SQS commit in Postgres: a crash between COMMIT and the delete makes a duplicate, and no second effect.
import { assert, describe, it } from "@effect/vitest"
import { Context, Duration, Effect, Fiber, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { Consumers, type Delivery, Pipeline, Store, Transport, Worker } from "millrace"
import { inject } from "vitest"
import { freshSchema, postgres } from "../postgres/kit.ts"
import { type Order, order, Orders, orders } from "../worker/support.ts"
import { send, transportOn } from "./sqsKit.ts"
import { SqsModel } from "./SqsModel.ts"

/** Postgres as store, and the transport on the model. */
const on = (model: SqsModel, schema?: string) =>
  Layer.effect(Transport.Transport, Effect.map(Store.Store, (store) => transportOn(model, store))).pipe(
    Layer.provideMerge(postgres(inject("databaseUrl"), {}, schema))
  )

/** Takes one message in a subscription that stays open. */
const taken = Effect.gen(function*() {
  const store = yield* Store.Store
  yield* store.consumers.register({ consumer: "ledger", topics: [], lanes: 4, order: "continue" })
  const subscription = yield* Effect.flatMap(Transport.Transport, (transport) =>
    transport.open({
      consumer: "ledger",
      topics: ["orders"],
      worker: "w",
      lanes: 4,
      lease: Duration.seconds(30),
      idlePoll: Duration.millis(100)
    }))
  const got: Array<Delivery.Delivery> = []
  yield* send([order("a", 1)])
  const demand = { messages: 1, bytes: 1e6, perKey: 1 }
  while (got.length === 0) yield* subscription.take(demand, (some) => got.push(...some))
  return { got, store, subscription }
})

const until = (what: string, condition: () => boolean) =>
  Effect.gen(function*() {
    while (!condition()) yield* Effect.sleep("20 millis")
  }).pipe(Effect.timeoutOrElse({ duration: "30 seconds", orElse: () => Effect.die(new Error(`not so: ${what}`)) }))

const effects = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  yield* sql`create table sqs_effects (n bigint generated always as identity, id text not null)`
  yield* Effect.addFinalizer(() => Effect.ignore(sql`drop table sqs_effects`))
  return {
    insert: ({ id }: Order) => sql`insert into sqs_effects (id) values (${id})`,
    all: Effect.map(
      sql<{ readonly id: string }>`select id from sqs_effects order by n`,
      (rows) => rows.map(({ id }) => id)
    )
  }
})

describe("on SQS with Postgres", () => {
  for (const fifo of [true, false]) {
    it.live(`a crash between COMMIT and the delete has no second effect (${fifo ? "FIFO" : "standard"})`, () => {
      const model = new SqsModel(fifo)
      return Effect.gen(function*() {
        const { all, insert } = yield* effects
        const pipeline = Pipeline.from(Orders, { consumer: "ledger", ...(fifo ? {} : { order: "none" as never }) })
          .pipe(
            Pipeline.commit((one: Order) => Effect.asVoid(insert(one)))
          )
        const sent = orders("a", 4).concat(orders("b", 4))
        yield* send(sent)
        // The first process commits, and none of its deletes reaches SQS.
        model.weather = { fails: (operation) => operation === "remove" }
        const options: Worker.WorkerOptions = { lease: "1 second", grace: 0, idlePoll: "100 millis" }
        const first = yield* Effect.forkChild(Worker.run(pipeline, options))
        const seen: Array<string> = []
        while (seen.length < sent.length) {
          yield* Effect.sleep("50 millis")
          seen.splice(0, seen.length, ...(yield* all))
        }
        yield* Fiber.interrupt(first)
        assert.strictEqual(model.size, sent.length)
        model.weather = {}
        const second = yield* Effect.forkChild(Worker.run(pipeline, options))
        yield* until("the queue is empty", () => model.size === 0)
        yield* Fiber.interrupt(second)
        const committed = yield* all
        assert.deepStrictEqual(committed.toSorted(), sent.map(({ id }) => id).toSorted())
        if (fifo) {
          assert.deepStrictEqual(
            committed.filter((id) => id.startsWith("a")),
            orders("a", 4).map(({ id }) => id)
          )
        }
      }).pipe(Effect.scoped, Effect.provide(on(model)))
    })
  }

  it.live("an id stays known after another process removed the consumer and registered it again", () => {
    const schema = freshSchema()
    const claim = (store: Store.Store["Service"]) => store.inbox.claim("ledger", [{ id: "a1", fingerprint: "f" }])
    return Effect.gen(function*() {
      const process = yield* Layer.build(on(new SqsModel(true), schema))
      const other = Context.get(process, Store.Store)
      const sql = Context.get(process, SqlClient.SqlClient)
      const { got, store, subscription } = yield* taken
      const remove = Effect.provideService(
        Consumers.remove("ledger", { by: "ann", force: { messages: true, workers: true } }),
        Store.Store,
        other
      )
      // A removal locks the consumer like this.
      const lock = sql`select from ${sql(`${schema}.consumers`)} where name = 'ledger' for update nowait`
      const commit = store.transact(Effect.gen(function*() {
        const ours = yield* subscription.removeInTransaction(got)
        const claims = ours.length === 0 ? [] : yield* claim(store)
        return { claims, removable: (yield* Effect.exit(lock))._tag === "Success" }
      }))
      yield* remove
      yield* other.consumers.register({ consumer: "ledger", topics: [], lanes: 4, order: "continue" })
      assert.deepStrictEqual(yield* commit, { claims: ["fresh"], removable: false })
      assert.deepStrictEqual(yield* other.transact(claim(other)), ["duplicate"])
      yield* remove
      assert.deepStrictEqual((yield* commit).claims, [], "a removed consumer commits nothing")
    }).pipe(Effect.scoped, Effect.provide(on(new SqsModel(true), schema)))
  })

  it.live("a commit is flushed, also where the session does not flush", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const { got, store, subscription } = yield* taken
      const flushes = Effect.map(
        sql<{ readonly on: string }>`select current_setting('synchronous_commit') as on`,
        ([row]) => row!.on
      )
      const within = (level: string) =>
        store.transact(
          sql.unsafe(`set local synchronous_commit = ${level}`).pipe(
            Effect.andThen(subscription.removeInTransaction(got)),
            Effect.andThen(flushes)
          )
        )
      assert.strictEqual(yield* within("off"), "on")
      assert.strictEqual(yield* within("remote_write"), "remote_write")
    }).pipe(Effect.scoped, Effect.provide(on(new SqsModel(true)))))
})
