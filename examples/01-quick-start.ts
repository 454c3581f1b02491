/**
 * The smallest whole program: a topic, a pipeline, a worker. In memory, so that it needs nothing; on Postgres the last line
 * names another layer, and nothing else changes.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Schema, TxRef } from "effect"
import { Memory, Pipeline, Topic, Worker } from "millrace"

const Payments = Topic.make("payments", {
  schema: Schema.Struct({ id: Schema.String, account: Schema.String, cents: Schema.Int }),
  key: (payment) => payment.account, // order is kept per account
  id: (payment) => payment.id // a second message with this id has no effect
})

const balances = TxRef.makeUnsafe<Record<string, number>>({}) // rolls back with the message's transaction

const ledger = Pipeline.from(Payments, { consumer: "ledger" }).pipe(
  Pipeline.filter((payment) => payment.cents !== 0),
  Pipeline.commit(({ account, cents }) =>
    TxRef.update(balances, (all) => ({ ...all, [account]: (all[account] ?? 0) + cents }))
  )
)

const program = Effect.gen(function*() {
  yield* Topic.publish(Payments, { id: "p1", account: "ada", cents: 500 })
  yield* Topic.publish(Payments, { id: "p2", account: "ada", cents: -120 })
  yield* Topic.publish(Payments, { id: "p1", account: "ada", cents: 500 }) // sent twice, applied once
  yield* Worker.drain(ledger)
  yield* Console.log(yield* TxRef.get(balances))
})

NodeRuntime.runMain(program.pipe(Effect.provide(Memory.layer)))

// Output:
// { ada: 380 }
