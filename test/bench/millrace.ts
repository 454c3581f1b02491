/**
 * The same work through Millrace: messages of about 200 bytes over 1,000 keys, published beforehand, in one process.
 * Each message inserts one ledger row. The clock runs from the start of the worker to the last commit.
 */
import { Deferred, Effect, Fiber, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { Pipeline, Topic, Worker } from "millrace"

const Payment = Schema.Struct({ id: Schema.String, key: Schema.String, amount: Schema.Int, pad: Schema.String })
type From = Pipeline.Pipeline<typeof Payment.Type, never, never, "steps", "effectivelyOnce", "key">

/** The commit step of each form. Each writes the same row, but `nothing` has no commit step. */
const forms = {
  commitSql: (from: From) =>
    from.pipe(
      Pipeline.commitSql(({ amount, id, key }, sql) =>
        sql`insert into millrace_ledger (message_id, key, amount) values (${id}, ${key}, ${amount})`
      )
    ),
  commitRows: (from: From) =>
    from.pipe(Pipeline.commitRows(
      "millrace_ledger",
      { message_id: "text", key: "text", amount: "int" },
      ({ amount, id, key }) => ({ message_id: id, key, amount })
    )),
  commit: (from: From) =>
    from.pipe(Pipeline.commit(({ amount, id, key }) =>
      Effect.flatMap(
        SqlClient.SqlClient,
        (sql) => sql`insert into millrace_ledger (message_id, key, amount) values (${id}, ${key}, ${amount})`
      )
    )),
  nothing: (from: From) => from
}
export type Form = keyof typeof forms

const walPosition = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.map(
    sql<{ readonly at: number }>`select (pg_current_wal_lsn() - '0/0'::pg_lsn)::float8 as at`,
    ([row]) => row!.at
  ))

/** Runs the processing of all messages. Returns the rate, and the cost of one message in Node and in WAL. */
export const measured = Effect.fnUntraced(function*<E, R>(messages: number, processing: Effect.Effect<unknown, E, R>) {
  const from = yield* walPosition
  const cpu = process.cpuUsage()
  const started = performance.now()
  yield* processing
  const rate = messages / (performance.now() - started) * 1000
  const { system, user } = process.cpuUsage(cpu)
  return { rate, nodeMicros: (system + user) / messages, walBytes: ((yield* walPosition) - from) / messages }
})

/** A topic with this many messages, and the queue of its consumer, which is registered by a first, empty run. */
export const published = Effect.fnUntraced(function*(messages: number, keys: number) {
  const run = `bench-${Math.floor(performance.now() * 1000)}`
  const sql = yield* SqlClient.SqlClient
  yield* sql`drop table if exists millrace_ledger`
  yield* sql`create table millrace_ledger (id bigserial primary key, message_id text, key text, amount int)`
  const Payments = Topic.make(run, { schema: Payment, key: (payment) => payment.key, id: (payment) => payment.id })
  const from = Pipeline.from(Payments, { consumer: run })
  yield* Worker.drain(from)
  const began = performance.now()
  yield* Topic.publishAll(
    Payments,
    Array.from({ length: messages }, (_, i) => ({
      id: `m${i}`,
      key: `k${i * 7919 % keys}`,
      amount: i,
      pad: "x".repeat(150)
    }))
  )
  return { from, run, publishRate: messages / (performance.now() - began) * 1000 }
})

export const millrace = Effect.fnUntraced(function*(messages: number, keys: number, form: Form = "commitSql") {
  const sql = yield* SqlClient.SqlClient
  const { from, publishRate } = yield* published(messages, keys)
  const finished = Deferred.makeUnsafe<void>()
  let done = 0
  const ledger = (forms[form](from) as Pipeline.Pipeline<unknown, unknown, SqlClient.SqlClient>).pipe(
    Pipeline.map(() => {
      if (++done === messages) Deferred.doneUnsafe(finished, Effect.void)
    })
  )
  const processing = Effect.gen(function*() {
    const worker = yield* Effect.forkChild(Worker.run(ledger))
    yield* Effect.raceFirst(Deferred.await(finished), Fiber.join(worker))
    // The graceful stop waits for the last commit.
    yield* Fiber.interrupt(worker)
  })
  const cost = yield* measured(messages, processing)
  const [row] = yield* sql<{ readonly n: number }>`select count(*)::int as n from millrace_ledger`
  const expected = form === "nothing" ? 0 : messages
  if (row?.n !== expected) return yield* Effect.die(`the ledger has ${row?.n} rows instead of ${expected}`)
  return { ...cost, publishRate }
})
