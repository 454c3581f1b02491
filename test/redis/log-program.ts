/**
 * A worker process on a log of Redis Streams and on Postgres. Its handler says which message it begins, waits, and
 * writes the message into a ledger without a unique constraint. It can kill its own process.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Effect, Layer, Logger, Redacted, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { Pipeline, Topic, Worker } from "millrace"
import { Postgres } from "millrace/postgres"
import { RedisConnection, RedisStreams } from "millrace/redis"
import { given } from "../harness/given.ts"

export interface Setup {
  readonly database: string
  readonly schema: string
  readonly redis: string
  readonly stream: string
  readonly name: string
  readonly leaseMillis: number
  readonly waitMillis: number
  /** The id of a message whose handler kills the process. */
  readonly fatal: string
}

const Orders = Topic.make("orders", {
  schema: Schema.Struct({ id: Schema.String, account: Schema.String, n: Schema.Int }),
  key: (order) => order.account,
  id: (order) => order.id
})

const setup = given<Setup>()
if (setup !== undefined) {
  const { database, fatal, leaseMillis, name, redis, schema, stream, waitMillis } = setup
  const pipeline = Pipeline.from(Orders, { consumer: "ledger" }).pipe(
    Pipeline.tap(({ id }) =>
      Effect.andThen(
        Effect.sync(() => {
          if (id === fatal) process.kill(process.pid, "SIGKILL")
          process.stdout.write(`begins ${id}\n`)
        }),
        Effect.sleep(waitMillis)
      )
    ),
    Pipeline.commit(({ account, id }) =>
      Effect.flatMap(
        SqlClient.SqlClient,
        (sql) => sql`insert into ${sql(`${schema}.log_ledger`)} ${sql.insert({ id, account, worker: name })}`
      )
    )
  )
  const main = Worker.layer(pipeline, { lease: leaseMillis, idlePoll: "50 millis", grace: "1 second", name }).pipe(
    Layer.provide(RedisStreams.layerLog({ stream, shards: 4, block: "100 millis" })),
    Layer.provide(RedisConnection.layerLazy(redis)),
    Layer.provide(Postgres.layer({ url: Redacted.make(database), schema, retention: false })),
    Layer.provide(Logger.layer([])),
    Worker.launch
  )
  NodeRuntime.runMain(main, { teardown: Worker.teardown, disableErrorReporting: true })
}
