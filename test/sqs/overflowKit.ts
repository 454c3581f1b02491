/** A model of SQS with a store on Postgres: a ledger in the order of commits, and what is left in queue and lanes. */
import { Duration, Effect, Layer, Logger } from "effect"
import { SqlClient } from "effect/sql"
import { type Delivery, Pipeline, Store, Transport } from "millrace"
import { inject } from "vitest"
import { freshSchema, postgres } from "../postgres/kit.ts"
import { during as running } from "../redis/logKit.ts"
import { until } from "../redis/streamKit.ts"
import { type Order, Orders } from "../worker/support.ts"
import { transportOn } from "./sqsKit.ts"
import { SqsModel } from "./SqsModel.ts"

export const layers = (model: SqsModel, schema = freshSchema(), url = inject("databaseUrl")) =>
  Layer.effect(Transport.Transport, Effect.map(Store.Store, (store) => transportOn(model, store))).pipe(
    Layer.provideMerge(postgres(url, { retention: false }, schema)),
    Layer.provideMerge(Logger.layer([]))
  )

/** Runs a test with a queue, a schema and a ledger of its own. */
export const withLedger = <A, E>(
  fifo: boolean,
  test: (ledger: Ledger) => Effect.Effect<A, E, Layer.Success<ReturnType<typeof layers>>>,
  url?: string
) => {
  const model = new SqsModel(fifo)
  const schema = freshSchema()
  return Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const [table, messages, holds] = [sql(`${schema}.kept`), sql(`${schema}.messages`), sql(`${schema}.holds`)]
    yield* sql`create table ${table} (n bigint generated always as identity, id text not null)`
    const ids = Effect.orDie(Effect.map(
      sql<{ readonly id: string }>`select id from ${table} order by n`,
      (rows) => rows.map(({ id }) => id)
    ))
    return yield* test({
      model,
      schema,
      ids,
      write: ({ id }) => Effect.orDie(Effect.asVoid(sql`insert into ${table} (id) values (${id})`)),
      has: (count) => until(`${count} are there`, Effect.map(ids, ({ length }) => length >= count)),
      moved: Effect.orDie(Effect.map(
        sql<{ readonly id: string }>`select id from ${messages} order by lane, seq`,
        (rows) => rows.map(({ id }) => id)
      )),
      due: Effect.orDie(Effect.asVoid(sql`update ${holds} set until = clock_timestamp() where until < 'infinity'`)),
      held: Effect.orDie(Effect.map(
        sql<{ readonly key: string }>`select key from ${holds} order by key`,
        (rows) => rows.map(({ key }) => key)
      )),
      emptied: until("the queue is empty", Effect.sync(() => model.size === 0))
    })
  }).pipe(Effect.scoped, Effect.provide(layers(model, schema, url)))
}

export interface Ledger {
  readonly model: SqsModel
  readonly schema: string
  /** The ids in the order of their commits. */
  readonly ids: Effect.Effect<ReadonlyArray<string>>
  /** Writes an order in the ambient transaction. */
  readonly write: (order: Order) => Effect.Effect<void>
  /** Waits until so many are there. */
  readonly has: (count: number) => Effect.Effect<void>
  /** The ids of the messages in the lanes, in order. */
  readonly moved: Effect.Effect<ReadonlyArray<string>>
  /** The held keys. */
  readonly held: Effect.Effect<ReadonlyArray<string>>
  /** Makes every hold due that is not parked. */
  readonly due: Effect.Effect<void>
  /** Waits until the queue of SQS is empty. */
  readonly emptied: Effect.Effect<void>
}

export const ledger = Pipeline.from(Orders, { consumer: "ledger" })

/** Runs a worker until `effect` ends, and then stops it. */
export const during: typeof running = (pipeline, effect, options) =>
  running(pipeline, effect, { lease: "2 seconds", idlePoll: "50 millis", lanes: 4, ...options })

/** Opens a subscription without a worker. */
export const opened = (worker: string, lease: Duration.Input = "2 seconds") =>
  Effect.gen(function*() {
    const { consumers } = yield* Store.Store
    const transport = yield* Transport.Transport
    yield* consumers.register({ consumer: "ledger", topics: [], lanes: 4, order: "park" })
    return yield* transport.open({
      consumer: "ledger",
      topics: ["orders"],
      worker,
      lanes: 4,
      lease: Duration.fromInputUnsafe(lease),
      idlePoll: Duration.millis(50)
    })
  })

/** Takes until so many deliveries are here. */
export const taken = (subscription: Transport.Subscription, count: number) =>
  Effect.gen(function*() {
    const got: Array<Delivery.Delivery> = []
    const demand = { messages: 100, bytes: 1e6, perKey: 100 }
    while (got.length < count) yield* subscription.take(demand, (some) => got.push(...some))
    return got
  }).pipe(Effect.timeout("20 seconds"), Effect.orDie)
