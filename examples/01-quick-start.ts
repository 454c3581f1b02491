/**
 * Shows the smallest whole program: a table, a topic, a pipeline, a worker. The README begins with it.
 *
 * Postgres runs inside the process here, so the program needs no server.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { Pipeline, Topic, Worker } from "millrace"
import { Embedded } from "millrace/embedded"

const Payments = Topic.make("payments", {
  schema: Schema.Struct({ id: Schema.String, account: Schema.String, cents: Schema.Int }),
  key: (payment) => payment.account, // payments of one account are processed in order
  id: (payment) => payment.id // a payment that is sent twice is applied once
})

const ledger = Pipeline.from(Payments, { consumer: "ledger" }).pipe(
  // runs in the message's own transaction
  Pipeline.commitSql(({ account, cents }, sql) => sql`insert into ledger values (${account}, ${cents})`)
)

const program = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  yield* sql`create table ledger (account text not null, cents int not null)`
  yield* Worker.drain(ledger) // registers the consumer, as a service does when it starts
  yield* Topic.publish(Payments, { id: "p1", account: "ada", cents: 500 })
  yield* Topic.publish(Payments, { id: "p2", account: "ada", cents: -120 })
  yield* Topic.publish(Payments, { id: "p1", account: "ada", cents: 500 }) // sent twice
  yield* Worker.drain(ledger) // processes what waits; a service runs Worker.layer(ledger) instead
  const [row] = yield* sql<{ cents: number }>`select sum(cents)::int as cents from ledger where account = 'ada'`
  yield* Console.log(`ada has ${row?.cents} cents`)
})

NodeRuntime.runMain(program.pipe(Effect.provide(Embedded.layer())))

// Output:
// ada has 380 cents
