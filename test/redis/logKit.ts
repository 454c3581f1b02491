/** A log of Redis Streams with a store on Postgres: layers, a ledger in the order of commits, and what Redis holds. */
import { Duration, Effect, Fiber, Layer } from "effect"
import { Redis } from "effect/persistence/Redis"
import { SqlClient } from "effect/sql"
import { type Delivery, Pipeline, Store, Transport, Worker } from "millrace"
import { RedisConnection, RedisStreams } from "millrace/redis"
import { inject } from "vitest"
import { limit } from "../harness/patience.ts"
import { freshSchema, postgres } from "../postgres/kit.ts"
import { type Order, Orders } from "../worker/support.ts"
import { anyServer } from "./redisServer.ts"
import { freshStream, quiet, send, spec, until } from "./streamKit.ts"

/** Where a test has its log and its tables. */
export interface Where {
  readonly redis: string
  readonly stream: string
  readonly database: string
  readonly schema: string
}

export const logOf = ({ redis, stream }: Where, shards = 4) =>
  RedisStreams.layerLog({ stream, shards, block: "200 millis", requestTimeout: Math.min(limit(3000), 60_000) }).pipe(
    Layer.provideMerge(RedisConnection.layerLazy(redis))
  )

const layers = (where: Where, shards?: number) =>
  logOf(where, shards).pipe(
    Layer.provideMerge(postgres(where.database, { retention: false }, where.schema)),
    Layer.provideMerge(quiet)
  )

export type Services = Layer.Success<ReturnType<typeof layers>>

/** A row of the ledger, in the order of commits within a key. */
export interface Row {
  readonly id: string
  readonly account: string
  readonly worker: string
}

export interface Ledger {
  readonly where: Where
  readonly rows: Effect.Effect<ReadonlyArray<Row>>
  /** Writes an order into the ledger, in the ambient transaction. */
  readonly write: (order: Order, worker?: string) => Effect.Effect<void>
  /** Waits until so many rows are there. */
  readonly has: (rows: number) => Effect.Effect<void>
}

/** Runs a test with a log, a schema and a ledger of its own. */
export const withLedger = <A, E>(
  test: (ledger: Ledger) => Effect.Effect<A, E, Services>,
  shards?: number
): Effect.Effect<A, unknown> =>
  Effect.gen(function*() {
    const where: Where = {
      redis: (yield* anyServer) ?? "",
      stream: freshStream(),
      database: inject("databaseUrl"),
      schema: freshSchema()
    }
    return yield* Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const table = sql(`${where.schema}.log_ledger`)
      yield* sql`create table ${table} (
        n bigint generated always as identity, id text not null, account text not null, worker text not null)`
      const rows = Effect.orDie(sql<Row>`select id, account, worker from ${table} order by n`)
      return yield* test({
        where,
        rows,
        write: ({ account, id }, worker = "") =>
          Effect.orDie(Effect.asVoid(sql`insert into ${table} ${sql.insert({ id, account, worker })}`)),
        has: (count) => until(`${count} rows are there`, Effect.map(rows, ({ length }) => length >= count))
      })
    }).pipe(Effect.provide(layers(where, shards)))
  }).pipe(Effect.scoped)

export const ledger = Pipeline.from(Orders, { consumer: "ledger" })

/** Runs a worker until `during` ends, and then stops it gracefully. */
export const during = <A, E, R, P extends Pipeline.Phase, A2, E2, R2>(
  pipeline: Pipeline.Pipeline<A, E, R, P>,
  effect: Effect.Effect<A2, E2, R2>,
  options: Worker.WorkerOptions = {}
) =>
  Effect.gen(function*() {
    const worker = yield* Effect.forkChild(
      Worker.run(pipeline, { lease: limit(3000), idlePoll: "100 millis", ...options })
    )
    const result = yield* Effect.raceFirst(effect, Effect.flatMap(Fiber.join(worker), () => Effect.die("it has ended")))
    yield* Fiber.interrupt(worker)
    return result
  })

/** The ids of one account, in the order of their commits. */
export const idsOf = (rows: ReadonlyArray<Row>, account: string): ReadonlyArray<string> =>
  rows.filter((row) => row.account === account).map(({ id }) => id)

/** The streams of a log that exist. */
export const streams = Effect.fnUntraced(function*({ stream }: Where) {
  const redis = yield* Redis
  const found = yield* redis.send<ReadonlyArray<string>>("KEYS", `${stream}*`)
  return found.toSorted()
})

export const idsIn = (deliveries: ReadonlyArray<Delivery.Delivery>) => deliveries.map(({ message: { id } }) => id)

/** The deliveries that a subscription hands out. */
export const takenFrom = ({ take }: Transport.Subscription, perKey = 9) => {
  const got: Array<Delivery.Delivery> = []
  return { got, next: (messages: number) => take({ messages, bytes: 1e6, perKey }, (some) => got.push(...some)) }
}

/** Opens a subscription to a log, without a worker. */
export const opened = Effect.fnUntraced(function*(worker: string, leaseMillis: number, lanes = 1) {
  const { consumers } = yield* Store.Store
  const transport = yield* Transport.Transport
  yield* consumers.register({ consumer: "ledger", topics: [], lanes, order: "continue" })
  return yield* transport.open({ ...spec, worker, lanes, lease: Duration.millis(leaseMillis) })
})

/** Processes these orders, and stops. */
export const processed = ({ has, write }: Ledger, some: ReadonlyArray<Order>) =>
  Effect.andThen(send(some), during(ledger.pipe(Pipeline.commit((one: Order) => write(one))), has(some.length)))
