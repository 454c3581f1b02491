// effect-mq on Postgres, through drizzle.
import { PgClient } from "@effect/sql-pg"
import { generateDrizzleJson, generateMigration } from "drizzle-kit/api-postgres"
import { Effect, Layer, ManagedRuntime, Redacted, Schema } from "effect"
import { Job, Worker } from "effect-mq"
import * as Mq from "effect-mq/drizzle-postgres"
import { inThousands, insert, measure, pool, tick, url } from "./work.mjs"

const jobs = Mq.mqJobs()
const tables = {
  jobs,
  attempts: Mq.mqJobAttempts(jobs),
  schedules: Mq.mqSchedules(),
  queues: Mq.mqQueueControl(),
  dedupe: Mq.mqDedupe(),
  flowChildren: Mq.mqFlowChildren(),
  flowOutbox: Mq.mqFlowOutbox()
}

/** The tables are in no schema of their own. */
const migrate = async () => {
  const { rows } = await pool.query("select tablename from pg_tables where tablename like 'effect\\_mq\\_%'")
  for (const { tablename } of rows) await pool.query(`drop table if exists ${tablename} cascade`)
  const empty = await generateDrizzleJson({})
  for (const text of await generateMigration(empty, await generateDrizzleJson(tables, empty.id))) await pool.query(text)
}

const Insert = Job.make("insert", {
  payload: { id: Schema.String, key: Schema.String, amount: Schema.Int, pad: Schema.String },
  queue: "q"
})

const store = Mq.DrizzleJobStore.layer(tables).pipe(
  Layer.provide(PgClient.layer({ url: Redacted.make(url), maxConnections: 20 }))
)

const concurrency = 100

export const contenders = {
  "effect-mq": async () => {
    await migrate()
    const runtime = ManagedRuntime.make(store)
    const handler = Insert.toLayer((item) => Effect.promise(() => insert(pool, item).then(tick)), { concurrency })
    const worker = Layer.provide(handler, Worker.layer({ queues: { q: { concurrency } } }))
    await measure(
      { guarantees: "at least once, no order, effect apart", settings: `${concurrency} at once, pools 20 and 20` },
      async () => {
        for (const some of inThousands) await runtime.runPromise(Insert.enqueueMany(some))
      },
      async () => {
        runtime.runFork(Layer.launch(worker))
      }
    )
  }
}
