/**
 * A live view of what a worker does: `Worker.stream` emits how each delivery ended, in order per account. The view only
 * observes. It may be slow, or stop, and no message is lost by that. `stopWhen` ends it.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Console, Deferred, Effect, References, Schema, Stream } from "effect"
import { Memory, Pipeline, Topic, Worker } from "millrace"

const Payments = Topic.make("payments", {
  schema: Schema.Struct({ id: Schema.String, account: Schema.String, cents: Schema.Int }),
  key: (payment) => payment.account,
  id: (payment) => payment.id
})

class Refused extends Schema.TaggedError<Refused>()("Refused", {}) {
  readonly retryable = false
}

const ledger = Pipeline.from(Payments, { consumer: "ledger" }).pipe(
  Pipeline.filter(({ cents }) => cents > 0),
  Pipeline.mapEffect(({ cents }) => cents > 1000 ? Effect.fail(new Refused()) : Effect.succeed(cents))
)

const shown = (outcome: Worker.Outcome<number>): string => {
  const { id } = outcome.context.message
  switch (outcome._tag) {
    case "Committed":
      return `${id}: ${outcome.value} cents`
    case "DeadLettered":
      return `${id}: a dead letter, ${outcome.reason}`
    default:
      return `${id}: ${outcome._tag}`
  }
}

const program = Effect.gen(function*() {
  const seen = yield* Deferred.make<void>()
  let open = 4
  yield* Topic.publishAll(Payments, [
    { id: "p1", account: "ada", cents: 500 },
    { id: "p2", account: "ada", cents: 0 },
    { id: "p3", account: "ada", cents: 5000 },
    { id: "p4", account: "ada", cents: 20 }
  ])
  yield* Worker.stream(ledger, { stopWhen: Deferred.await(seen) }).pipe(
    Stream.tap((outcome) => Console.log(shown(outcome))),
    Stream.tap(() => --open === 0 ? Deferred.succeed(seen, undefined) : Effect.void),
    Stream.runDrain
  )
  yield* Console.log("the worker has stopped")
})

NodeRuntime.runMain(program.pipe(
  Effect.provide(Memory.layer),
  Effect.provideService(References.MinimumLogLevel, "Error") // a dead letter is a warning, too
))

// Output:
// p1: 500 cents
// p2: Filtered
// p3: a dead letter, rejected
// p4: 20 cents
// the worker has stopped
