/**
 * Orders travel over a FIFO queue of Amazon SQS, in order per account. They are published in a transaction, and a relay
 * sends them to the queue. A worker on the queue commits their effects in Postgres.
 *
 * `SQS_QUEUE_URL` names the queue. With `SQS_ENDPOINT` the queue may be one of a local emulator.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Layer, Schema, Stream } from "effect"
import { SqlClient } from "effect/sql"
import { Pipeline, Relay, Topic, Worker } from "millrace"
import { Postgres } from "millrace/postgres"
import { Sqs } from "millrace/sqs"

const Order = Schema.Struct({ id: Schema.String, account: Schema.String, cents: Schema.Int })
const Orders = Topic.make("orders", { schema: Order, key: (order) => order.account, id: (order) => order.id })

const ledger = Pipeline.from(Orders, { consumer: "ledger" }).pipe(
  Pipeline.commitSql(({ account, cents }, sql) =>
    sql`insert into ledger (account, cents) values (${account}, ${cents})`
  )
)

const placed = [
  { id: "o1", account: "ada", cents: 100 },
  { id: "o2", account: "ada", cents: 250 },
  { id: "o3", account: "ben", cents: 50 },
  { id: "o2", account: "ada", cents: 250 } // published twice, and SQS drops the second one
]

const program = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  yield* sql`create table ledger (seq serial, account text not null, cents int not null)`
  yield* sql.withTransaction(Topic.publishAll(Orders, placed))
  // A service runs Worker.layer(ledger). This program ends after three messages.
  yield* Worker.stream(ledger).pipe(Stream.take(3), Stream.runDrain, Effect.provide(Sqs.layerConfig))
  const rows = yield* sql<{ account: string; all: string }>`
    select account, string_agg(cents::text, ', ' order by seq) as all from ledger group by account order by account`
  for (const { account, all } of rows) yield* Console.log(`${account}: ${all}`)
})

const services = Relay.layer(Orders, Sqs.layerConfig).pipe(Layer.provideMerge(Postgres.layerConfig)) // DATABASE_URL

NodeRuntime.runMain(Effect.provide(program, services))

// Output:
// ada: 100, 250
// ben: 50
