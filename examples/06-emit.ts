/**
 * Runs two pipelines. The first emits receipts in the transaction of the payment, and the second one mails them.
 *
 * A failed attempt emits nothing. The next attempt emits the same messages with the same ids.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Schema } from "effect"
import { Memory, Pipeline, Retry, Topic, Worker } from "millrace"

const Payments = Topic.make("payments", {
  schema: Schema.Struct({ id: Schema.String, account: Schema.String, cents: Schema.Int }),
  key: (payment) => payment.account,
  id: (payment) => payment.id
})

const Receipts = Topic.make("receipts", {
  schema: Schema.Struct({ to: Schema.String, text: Schema.String }),
  key: (receipt) => receipt.to
})

const ledger = Pipeline.from(Payments, { consumer: "ledger" }).pipe(
  Pipeline.emit(Receipts, ({ account, cents }) => ({ to: account, text: `${cents} cents received` })),
  Pipeline.commit((_, { attempt }) => attempt === 1 ? Effect.fail("the first attempt is undone") : Effect.void),
  Pipeline.retry(Retry.exponential("10 millis", { attempts: 3 }))
)

const mailer = Pipeline.from(Receipts, { consumer: "mailer" }).pipe(
  Pipeline.tap(({ text, to }) => Console.log(`mail to ${to}, "${text}"`))
)

const program = Effect.gen(function*() {
  yield* Topic.publish(Payments, { id: "p1", account: "ada", cents: 500 })
  yield* Worker.drain(ledger)
  yield* Worker.drain(mailer)
})

NodeRuntime.runMain(program.pipe(Effect.provide(Memory.layer)))

// Output:
// mail to ada, "500 cents received"
