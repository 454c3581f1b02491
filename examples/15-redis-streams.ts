/**
 * Processes a stream of Redis that another program writes, with its effects in Postgres. The other program is
 * `redis-cli`, or any client that sends `XADD`.
 *
 * The producer sends one view twice, and the view is counted once. The id is the producer's own, found by a mapping.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Layer, Schema } from "effect"
import { Redis } from "effect/persistence/Redis"
import { SqlClient } from "effect/sql"
import { Pipeline, Topic, Worker } from "millrace"
import { Postgres } from "millrace/postgres"
import { RedisConnection, RedisStreams } from "millrace/redis"

const View = Schema.Struct({ id: Schema.String, page: Schema.String })
const Views = Topic.make("views", { schema: View, id: (view) => view.id })

// A group of a stream keeps no order.
const views = Pipeline.from(Views, { consumer: "views", order: "none" }).pipe(
  Pipeline.commitSql(({ page }, sql) => sql`insert into views values (${page})`)
)

const program = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  const redis = yield* Redis
  yield* sql`create table views (page text not null)`
  yield* redis.send("DEL", "example:views")
  for (const [id, page] of [["v1", "/home"], ["v2", "/docs"], ["v1", "/home"]]) {
    yield* redis.send("XADD", "example:views", "*", "data", JSON.stringify({ id, page }))
  }
  yield* Worker.drain(views) // a service runs Worker.layer(views) instead
  const rows = yield* sql<{ page: string }>`select page from views order by page`
  yield* Console.log(`${rows.length} views: ${rows.map(({ page }) => page).join(" and ")}`)
})

const services = RedisStreams.layer({
  stream: "example:views",
  create: true, // a service creates its group when it is deployed, so that a deleted group is an error
  wire: { foreign: { id: ({ body }) => JSON.parse(String(body)).id } }
}).pipe(
  Layer.provideMerge(RedisConnection.layerLazyConfig), // REDIS_URL
  Layer.provideMerge(Postgres.layerConfig) // DATABASE_URL
)

NodeRuntime.runMain(program.pipe(Effect.provide(services)))

// Output:
// 2 views: /docs and /home
