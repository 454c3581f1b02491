/**
 * Publishes in a business transaction: the message exists if, and only if, the order does.
 *
 * This is an outbox without another table of yours and without a process that reads it. Needs `DATABASE_URL`.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { Pipeline, Topic, Worker } from "millrace"
import { Postgres } from "millrace/postgres"

const OrderPlaced = Topic.make("orders", {
  schema: Schema.Struct({ order: Schema.String, item: Schema.String }),
  key: (order) => order.item,
  id: (order) => order.order
})

class SoldOut extends Schema.TaggedError<SoldOut>()("SoldOut", { item: Schema.String }) {}

const place = (order: string, item: string) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    yield* sql`insert into orders (id, item) values (${order}, ${item})`
    yield* Topic.publish(OrderPlaced, { order, item }) // joins the transaction around it
    const left = yield* sql`update stock set n = n - 1 where item = ${item} and n > 0 returning n`
    if (left.length === 0) return yield* new SoldOut({ item }) // rolls order and message back
  })

const shipping = Pipeline.from(OrderPlaced, { consumer: "shipping" }).pipe(
  Pipeline.commitSql(({ order }, sql) => sql`insert into shipments (order_id) values (${order})`)
)

const program = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  yield* sql`create table stock (item text primary key, n int not null)`
  yield* sql`create table orders (id text primary key, item text not null)`
  yield* sql`create table shipments (order_id text not null)`
  yield* sql`insert into stock values ('book', 2)`

  for (const order of ["o1", "o2", "o3"]) {
    yield* sql.withTransaction(place(order, "book")).pipe(
      Effect.catchTag("SoldOut", ({ item }) => Console.log(`no ${item} left for ${order}`))
    )
  }
  yield* Worker.drain(shipping)
  const shipped = yield* sql<{ order_id: string }>`select order_id from shipments order by order_id`
  yield* Console.log(`shipped ${shipped.map((shipment) => shipment.order_id).join(", ")}`)
})

NodeRuntime.runMain(program.pipe(Effect.provide(Postgres.layerConfig)))

// Output:
// no book left for o3
// shipped o1, o2
