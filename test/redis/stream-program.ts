/**
 * A worker process on a group of a Redis stream and on Postgres. Its handler says which message it begins, waits, and
 * writes the message into a ledger without a unique constraint.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Effect, Layer, Logger, Redacted, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { Pipeline, Retry, Topic, Worker } from "millrace"
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
  /** Whether the handler fails. The retry is then due in 13 hours. */
  readonly fails: boolean
}

class Declined extends Schema.TaggedError<Declined>("test/Declined")("Declined", {}) {}

const Orders = Topic.make("orders", { schema: Schema.Struct({ id: Schema.String }), id: (order) => order.id })

const setup = given<Setup>()
if (setup !== undefined) {
  const { database, fails, leaseMillis, name, redis, schema, stream, waitMillis } = setup
  const pipeline = Pipeline.from(Orders, { consumer: "ledger", order: "none" }).pipe(
    Pipeline.tap((one) =>
      Effect.andThen(Effect.sync(() => void process.stdout.write(`begins ${one.id}\n`)), Effect.sleep(waitMillis))
    ),
    Pipeline.mapEffect((one) => fails ? Effect.fail(new Declined({})) : Effect.succeed(one)),
    Pipeline.commit((one) =>
      Effect.flatMap(
        SqlClient.SqlClient,
        (sql) => sql`insert into ${sql(schema)}.stream_ledger (id, worker) values (${one.id}, ${name})`
      )
    ),
    Pipeline.retry(Retry.exponential("13 hours", { attempts: 5, factor: 1, jitter: false }))
  )
  const main = Worker.layer(pipeline, { lease: leaseMillis, idlePoll: "50 millis", grace: "1 second" }).pipe(
    Layer.provide(RedisStreams.layer({ stream, create: true, block: "100 millis" })),
    Layer.provide(RedisConnection.layerLazy(redis)),
    Layer.provide(Postgres.layer({ url: Redacted.make(database), schema, retention: false })),
    Layer.provide(Logger.layer([])),
    Worker.launch
  )
  NodeRuntime.runMain(main, { teardown: Worker.teardown, disableErrorReporting: true })
}
