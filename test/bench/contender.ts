/**
 * Millrace as a contender of `npm run bench -- all`: the work of `peers/work.mjs` in a process of its own.
 *
 * It prints one line of JSON. The clock runs from the last message of the warm-up to the last commit. For latencies it
 * only serves, or only publishes.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Console, Deferred, Effect, Fiber, Redacted, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { Pipeline, Topic, Worker } from "millrace"
import { Postgres } from "millrace/postgres"
import { type Payment, payment, Payments, timedId } from "./payments.ts"

const url = process.env["DATABASE_URL"] ?? ""
const table = process.env["LEDGER"] ?? ""
const messages = Number(process.env["MESSAGES"] ?? 0)
const warmUp = Number(process.env["WARM_UP"] ?? 0)
const all = messages + warmUp

const finished = Deferred.makeUnsafe<void>()
let done = 0
let started = 0
let cpu: NodeJS.CpuUsage | undefined

/** Counts messages whose transaction commits next. */
const tick = (count: number) => {
  const before = done
  done += count
  if (before < warmUp && done >= warmUp) {
    started = performance.now()
    cpu = process.cpuUsage()
  }
  if (done === all) Deferred.doneUnsafe(finished, Effect.void)
}

const from = Pipeline.from(Payments, { consumer: "bench" })
const row = (payment: Payment) => [payment.id, payment.key, payment.amount] as const
const insert = (sql: SqlClient.SqlClient, payment: Payment) =>
  sql.unsafe(`insert into ${table} (message_id, key, amount) values ($1, $2, $3)`, row(payment))

const insertAll =
  `insert into ${table} (message_id, key, amount) select * from unnest($1::text[], $2::text[], $3::int[])`

const forms = {
  commitSql: from.pipe(Pipeline.commitSql((payment, sql) => {
    tick(1)
    return insert(sql, payment)
  })),
  commit: from.pipe(
    Pipeline.commit((payment) =>
      Effect.tap(Effect.flatMap(SqlClient.SqlClient, (sql) => insert(sql, payment)), () => Effect.sync(() => tick(1)))
    )
  ),
  commitBatch: from.pipe(Pipeline.commitBatch((payments) =>
    Effect.flatMap(SqlClient.SqlClient, (sql) => {
      tick(payments.length)
      return Effect.asVoid(sql.unsafe(insertAll, [
        payments.map(({ id }) => id),
        payments.map(({ key }) => key),
        payments.map(({ amount }) => amount)
      ]))
    })
  )),
  "no commit step": from.pipe(Pipeline.map(() => tick(1)))
} as const

const isForm = (name: string): name is keyof typeof forms => name in forms

const run = (form: keyof typeof forms) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const pipeline: Pipeline.Pipeline<unknown, unknown, SqlClient.SqlClient> = forms[form]
    // An empty run registers the consumer, so that a publish finds its queue.
    yield* Worker.drain(pipeline)
    const published = performance.now()
    yield* Topic.publishAll(Payments, Array.from({ length: all }, (_, i) => payment(i, `m${i}`)))
    const publishRate = all / (performance.now() - published) * 1000
    const worker = yield* Effect.forkChild(Worker.run(pipeline))
    yield* Effect.raceFirst(Deferred.await(finished), Fiber.join(worker))
    // The graceful stop waits for the last commit.
    yield* Fiber.interrupt(worker)
    const seconds = (performance.now() - started) / 1000
    const { system, user } = process.cpuUsage(cpu)
    const [counted] = yield* sql.unsafe<{ readonly n: number }>(`select count(*)::int as n from ${table}`)
    yield* Console.log(JSON.stringify({
      guarantees: "effectively once, order by key, effect in the transaction of the acknowledgement",
      settings: "defaults",
      rate: messages / seconds,
      publishRate,
      cpuMicros: (system + user) / messages,
      heapMb: process.memoryUsage().rss / 1e6,
      rows: form === "no commit step" ? all : counted?.n
    }))
  })

/** The line with the memory of a process that serves. */
const memory = Effect.suspend(() => {
  const { heapUsed, rss } = process.memoryUsage()
  return Console.log(JSON.stringify({ heapUsed, rss }))
})

/** Processes until the process ends, and prints its memory each second. The ledger shows how long that took. */
const serve = (form: keyof typeof forms) =>
  Effect.gen(function*() {
    const pipeline: Pipeline.Pipeline<unknown, unknown, SqlClient.SqlClient> = forms[form]
    yield* Worker.drain(pipeline)
    const worker = yield* Effect.forkChild(Worker.run(pipeline))
    yield* Console.log("ready")
    yield* Effect.forkChild(Effect.repeat(memory, Schedule.spaced("1 second")))
    return yield* Fiber.join(worker)
  })

/** Publishes at a steady rate, as `steadily` of `peers/work.mjs` does. A message's id is the time of its publish. */
const publish = (rate: number, seconds: number) =>
  Effect.gen(function*() {
    const began = performance.now()
    const publishing: Array<Fiber.Fiber<unknown, unknown>> = []
    for (let i = 0; i < rate * seconds; i++) {
      const wait = began + i * 1000 / rate - performance.now()
      if (wait > 0) yield* Effect.sleep(wait)
      publishing.push(yield* Effect.forkChild(Topic.publish(Payments, payment(i, timedId(i)))))
    }
    yield* Fiber.joinAll(publishing)
  })

const [, , form = "", role, rate, seconds] = process.argv
if (!isForm(form)) throw new Error(`There is no form "${form}". There are ${Object.keys(forms).join(", ")}.`)
const program = role === "serve"
  ? serve(form)
  : role === "publish"
  ? publish(Number(rate), Number(seconds))
  : run(form)
const millis = (variable: string) => process.env[variable] === undefined ? undefined : Number(process.env[variable])
NodeRuntime.runMain(program.pipe(Effect.provide(Postgres.layer({
  url: Redacted.make(url),
  schema: "bench",
  retention: { every: millis("RETENTION_EVERY"), inbox: millis("RETENTION_INBOX") }
}))))
