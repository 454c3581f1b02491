/**
 * Tests a pipeline unchanged, with another bank and another clock.
 *
 * In vitest these are the bodies of two `it.effect`. Here they print their results.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Console, Context, Effect, Layer, References, Schema, TxRef } from "effect"
import { Memory, Pipeline, Retry, Topic } from "millrace"
import { TestPipeline } from "millrace/testing"

const Payments = Topic.make("payments", {
  schema: Schema.Struct({ id: Schema.String, account: Schema.String, cents: Schema.Int }),
  key: (payment) => payment.account,
  id: (payment) => payment.id
})

class BankClosed extends Schema.TaggedError<BankClosed>()("BankClosed", {}) {}
class Bank extends Context.Service<Bank, {
  readonly charge: (cents: number) => Effect.Effect<void, BankClosed>
}>()("Bank") {}
class Balances extends Context.Service<Balances, TxRef.TxRef<number>>()("Balances") {}

const billing = Pipeline.from(Payments, { consumer: "billing" }).pipe(
  Pipeline.tap(({ cents }) => Bank.use((bank) => bank.charge(cents))),
  Pipeline.commit(({ cents }) => Balances.use((total) => TxRef.update(total, (sum) => sum + cents))),
  Pipeline.retry(Retry.exponential("1 minute", { attempts: 3, jitter: false }))
)

const services = Layer.mergeAll(
  Layer.succeed(Bank, { charge: () => Effect.void }),
  Layer.effect(Balances, TxRef.make(0)),
  Memory.layer
)

const retried = TestPipeline.run(billing, (test) =>
  Effect.gen(function*() {
    yield* test.inject({ id: "p1", attempt: 1 }, TestPipeline.fail(new BankClosed()))
    yield* test.publishAll(Payments, [{ id: "p1", account: "ada", cents: 500 }, { id: "p2", account: "ada", cents: 1 }])
    yield* test.advance("2 minutes")
    yield* Console.log(test.life("p1").split(", ").map((line) => `- ${line}`).join("\n"))
    yield* Console.log(`committed ${test.committed.join(" and ")}`)
  })).pipe(Effect.provide(services))

/** The process dies at each point once. After the redelivery the state must be as in a run without a crash. */
const crashed = TestPipeline.crashEverywhere(billing, {
  scenario: (test) => test.publish(Payments, { id: "p1", account: "ada", cents: 500 }),
  state: Balances.use(TxRef.get),
  layer: services
})

const program = Effect.gen(function*() {
  yield* retried
  const survived = yield* crashed
  yield* Console.log(`died at ${survived.points.length} points, the balance was ${survived.state} each time`)
})

NodeRuntime.runMain(Effect.provideService(program, References.MinimumLogLevel, "Error")) // each crash logs a warning

// Output:
// - published at 0 ms
// - attempt 1 failed BankClosed at 0 ms
// - retry at 60000 ms
// - key ada held until 60000 ms
// - committed at 60000 ms
// committed p1 and p2
// died at 9 points, the balance was 500 each time
