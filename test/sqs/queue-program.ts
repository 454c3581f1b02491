/**
 * A worker process on a FIFO queue of a server that speaks SQS, and on Postgres. Its handler says which message it
 * begins, waits, and writes the message into a ledger without a unique constraint.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Effect, Layer, Logger, Redacted, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { Pipeline, Topic, Worker } from "millrace"
import { Postgres } from "millrace/postgres"
import { Sqs } from "millrace/sqs"
import { given } from "../harness/given.ts"

export interface Setup {
  readonly database: string
  readonly schema: string
  readonly endpoint: string
  readonly queueUrl: string
  readonly name: string
  readonly leaseMillis: number
  readonly waitMillis: number
}

const Orders = Topic.make("orders", {
  schema: Schema.Struct({ id: Schema.String, account: Schema.String, n: Schema.Int }),
  key: (order) => order.account,
  id: (order) => order.id
})

const setup = given<Setup>()
if (setup !== undefined) {
  const { database, endpoint, leaseMillis, name, queueUrl, schema, waitMillis } = setup
  const pipeline = Pipeline.from(Orders, { consumer: "ledger" }).pipe(
    Pipeline.tap(({ id }) =>
      Effect.andThen(Effect.sync(() => void process.stdout.write(`begins ${id}\n`)), Effect.sleep(waitMillis))
    ),
    Pipeline.commit(({ id }) =>
      Effect.flatMap(
        SqlClient.SqlClient,
        (sql) => sql`insert into ${sql(`${schema}.queue_ledger`)} ${sql.insert({ id, worker: name })}`
      )
    )
  )
  const credentials = { accessKeyId: "test", secretAccessKey: Redacted.make("test") }
  const main = Worker.layer(pipeline, { lease: leaseMillis, idlePoll: "50 millis", grace: "1 second" }).pipe(
    Layer.provide(Sqs.layer({ queueUrl, endpoint, region: "us-east-1", credentials, longPoll: 0 })),
    Layer.provide(Postgres.layer({ url: Redacted.make(database), schema, retention: false })),
    Layer.provide(Logger.layer([])),
    Worker.launch
  )
  NodeRuntime.runMain(main, { teardown: Worker.teardown, disableErrorReporting: true })
}
