// A user's tests with node:test, complete: `node --test` runs this file as it is.
import { Context, Effect, Layer, Schema, TxRef } from "effect"
import { Memory, Pipeline, Retry, Topic } from "millrace"
import { TestPipeline } from "millrace/testing"
import assert from "node:assert/strict"
import test from "node:test"

const Payments = Topic.make("payments", {
  schema: Schema.Struct({ id: Schema.String, account: Schema.String, cents: Schema.Int }),
  key: (payment) => payment.account,
  id: (payment) => payment.id
})
class Declined extends Schema.TaggedError<Declined>()("Declined", {}) {}
class Balance extends Context.Service<Balance, TxRef.TxRef<number>>()("Balance") {}

const ledger = Pipeline.from(Payments, { consumer: "ledger" }).pipe(
  Pipeline.mapEffect((p) => p.cents < 0 ? Effect.fail(new Declined()) : Effect.succeed(p)),
  Pipeline.commit((p) => Balance.use((balance) => TxRef.update(balance, (sum) => sum + p.cents))),
  Pipeline.retry(Retry.exponential("100 millis", { attempts: 3, jitter: false }))
)
const services = Layer.mergeAll(Memory.layer, Layer.effect(Balance, TxRef.make(0)))

void test("a declined payment is tried three times and becomes a dead letter", () =>
  Effect.runPromise(
    TestPipeline.run(ledger, (test) =>
      Effect.gen(function*() {
        yield* test.publish(Payments, { id: "p1", account: "a", cents: -1 })
        yield* test.drain()
        assert.equal(
          test.life("p1"),
          "published at 0 ms, attempt 1 failed Declined at 0 ms, retry at 100 ms, "
            + "attempt 2 failed Declined at 100 ms, retry at 300 ms, "
            + "attempt 3 failed Declined at 300 ms, dead (exhausted, Declined) at 300 ms"
        )
      })).pipe(Effect.provide(services))
  ))

void test("the balance is the same, wherever the process dies", () =>
  Effect.runPromise(Effect.gen(function*() {
    const { state } = yield* TestPipeline.crashEverywhere(ledger, {
      scenario: (test) => test.publish(Payments, { id: "p1", account: "a", cents: 5 }),
      state: Balance.use(TxRef.get),
      layer: services
    })
    assert.equal(state, 5)
  })))
