/**
 * Orders travel over a log of Redis Streams, in order per account. They are published in a transaction, and a relay
 * appends them to the log. Two consumers read it, and each commits its own effects in Postgres.
 *
 * A log keeps its messages. So the second consumer starts later, and still reads from the first order on.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Layer, Schema, Stream } from "effect"
import { Redis } from "effect/persistence/Redis"
import { SqlClient } from "effect/sql"
import { Pipeline, Relay, Topic, Worker } from "millrace"
import { Postgres } from "millrace/postgres"
import { RedisConnection, RedisStreams } from "millrace/redis"

const Order = Schema.Struct({ id: Schema.String, account: Schema.String, cents: Schema.Int })
const Orders = Topic.make("orders", { schema: Order, key: (order) => order.account, id: (order) => order.id })

const ledger = Pipeline.from(Orders, { consumer: "ledger" }).pipe(
  Pipeline.commitSql(({ account, cents }, sql) =>
    sql`insert into ledger (account, cents) values (${account}, ${cents})`
  )
)
const totals = Pipeline.from(Orders, { consumer: "totals" }).pipe(
  Pipeline.commitSql(({ account, cents }, sql) =>
    sql`insert into totals values (${account}, ${cents})
      on conflict (account) do update set cents = totals.cents + excluded.cents`
  )
)

const placed = [
  { id: "o1", account: "ada", cents: 100 },
  { id: "o2", account: "ada", cents: 250 },
  { id: "o3", account: "ben", cents: 50 },
  { id: "o4", account: "ada", cents: -100 }
]

// Each shard is a stream: example:orders:0 and example:orders:1. Postgres has the lanes and positions of the consumers.
const log = RedisStreams.layerLog({ stream: "example:orders", shards: 2 }).pipe(
  Layer.provide(RedisConnection.layerLazyConfig) // REDIS_URL
)

const program = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  yield* sql`create table ledger (seq serial, account text not null, cents int not null)`
  yield* sql`create table totals (account text primary key, cents int not null)`
  yield* sql.withTransaction(Topic.publishAll(Orders, placed))
  // A service runs Worker.layer of both. This program ends each worker after four messages.
  for (const pipeline of [ledger, totals]) {
    yield* Worker.stream(pipeline).pipe(Stream.take(placed.length), Stream.runDrain, Effect.provide(log))
  }
  const rows = yield* sql<{ account: string; each: string; total: number }>`
    select account, string_agg(l.cents::text, ', ' order by seq) as each, t.cents as total
    from ledger l join totals t using (account) group by account, t.cents order by account`
  for (const { account, each, total } of rows) yield* Console.log(`${account}: ${each}; together ${total}`)
})

/** The streams of an earlier run would be another log, with other positions. */
const empty = Redis.use((redis) => redis.send("DEL", "example:orders:0", "example:orders:1")).pipe(
  Effect.provide(RedisConnection.layerConfig)
)

const services = Relay.layer(Orders, log).pipe(Layer.provideMerge(Postgres.layerConfig)) // DATABASE_URL

NodeRuntime.runMain(Effect.andThen(empty, Effect.provide(program, services)))

// Output:
// ada: 100, 250, -100; together 250
// ben: 50; together 50
