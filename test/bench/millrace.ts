/**
 * The same work through Millrace: messages of about 200 bytes over 1,000 keys, published beforehand, in one process.
 * Each message inserts one ledger row. The clock runs from the start of the worker to the last commit.
 */
import { Deferred, Effect, Fiber, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { Pipeline, Topic, Worker } from "millrace"

const Payment = Schema.Struct({ id: Schema.String, key: Schema.String, amount: Schema.Int, pad: Schema.String })

export const millrace = Effect.fnUntraced(function*(messages: number, keys: number) {
  const sql = yield* SqlClient.SqlClient
  const run = `bench-${Math.floor(performance.now() * 1000)}`
  yield* sql`drop table if exists millrace_ledger`
  yield* sql`create table millrace_ledger (id bigserial primary key, message_id text, key text, amount int)`
  const Payments = Topic.make(run, { schema: Payment, key: (payment) => payment.key, id: (payment) => payment.id })
  const finished = Deferred.makeUnsafe<void>()
  let done = 0
  const ledger = Pipeline.from(Payments, { consumer: run }).pipe(
    Pipeline.commitSql((payment, sql) =>
      sql`insert into millrace_ledger (message_id, key, amount) values (${payment.id}, ${payment.key}, ${payment.amount})`
    ),
    Pipeline.map((payment) => {
      if (++done === messages) Deferred.doneUnsafe(finished, Effect.void)
      return payment
    })
  )
  // The consumer is registered by a first, empty run, so that publishing routes to its queue.
  yield* Worker.drain(ledger)
  const published = performance.now()
  yield* Topic.publishAll(
    Payments,
    Array.from({ length: messages }, (_, i) => ({
      id: `m${i}`,
      key: `k${i * 7919 % keys}`,
      amount: i,
      pad: "x".repeat(150)
    }))
  )
  const publishRate = messages / (performance.now() - published) * 1000
  const started = performance.now()
  const worker = yield* Effect.forkChild(Worker.run(ledger))
  yield* Effect.raceFirst(Deferred.await(finished), Fiber.join(worker))
  // The graceful stop waits for the last commit.
  yield* Fiber.interrupt(worker)
  const rate = messages / (performance.now() - started) * 1000
  const [row] = yield* sql<{ readonly n: number }>`select count(*)::int as n from millrace_ledger`
  if (row?.n !== messages) return yield* Effect.die(`the ledger has ${row?.n} rows instead of ${messages}`)
  return { rate, publishRate }
})
