/**
 * Shows that a retry keeps its key's order. The typed error decides whether there is a retry.
 *
 * While ada's first payment waits for the bank, her second one waits behind it. Payments of other accounts do not wait.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, References, Schema } from "effect"
import { DeadLetters, Memory, Pipeline, Retry, Topic, Worker } from "millrace"

const Payments = Topic.make("payments", {
  schema: Schema.Struct({ id: Schema.String, account: Schema.String }),
  key: (payment) => payment.account,
  id: (payment) => payment.id
})

class BankClosed extends Schema.TaggedError<BankClosed>()("BankClosed", {}) {}
class CardStolen extends Schema.TaggedError<CardStolen>()("CardStolen", {}) {
  readonly retryable = false // a dead letter after one attempt
}

/** Runs before the transaction, so it may wait. It runs again with each attempt. */
const charge = (id: string, attempt: number) =>
  Effect.gen(function*() {
    if (id === "ada-1" && attempt < 3) return yield* new BankClosed()
    if (id === "eve-1") return yield* new CardStolen()
    yield* Console.log(`${id} charged in attempt ${attempt}`)
  })

const billing = Pipeline.from(Payments, { consumer: "billing" }).pipe(
  Pipeline.tap((payment, { attempt }) => charge(payment.id, attempt)),
  Pipeline.retry(Retry.exponential("50 millis", { attempts: 5 })) // any Schedule that reads the typed error
)

const program = Effect.gen(function*() {
  yield* Topic.publishAll(Payments, [
    { id: "ada-1", account: "ada" },
    { id: "ada-2", account: "ada" },
    { id: "bob-1", account: "bob" },
    { id: "eve-1", account: "eve" }
  ])
  yield* Worker.drain(billing)
  for (const deadLetter of yield* DeadLetters.list({ consumer: "billing" })) {
    yield* Console.log(
      `${deadLetter.message.id} is a dead letter (${deadLetter.attempts[0]!.tag}, ${deadLetter.reason})`
    )
  }
})

NodeRuntime.runMain(program.pipe(
  Effect.provide(Memory.layer),
  Effect.provideService(References.MinimumLogLevel, "Error")
))

// Output:
// bob-1 charged in attempt 1
// ada-1 charged in attempt 3
// ada-2 charged in attempt 1
// eve-1 is a dead letter (CardStolen, rejected)
