// A pipeline of payments that the tests of the kit try their hands on, and its services as fakes.
import { Context, Effect, Layer, Schema, TxRef } from "effect"
import { Memory, Pipeline, Retry, Topic } from "millrace"

export const Payments = Topic.make("payments", {
  schema: Schema.Struct({ id: Schema.String, account: Schema.String, cents: Schema.Int }),
  key: (payment) => payment.account,
  id: (payment) => payment.id
})
export const Receipts = Topic.make("receipts", { schema: Schema.Struct({ id: Schema.String, cents: Schema.Int }) })
export const payment = (id: string, cents = 1) => ({ id, account: id.slice(0, 1), cents })

export class Declined extends Schema.TaggedError<Declined>()("Declined", {}) {}
export class Rates extends Context.Service<Rates, {
  readonly convert: (cents: number) => Effect.Effect<number, Declined>
}>()("Rates") {}
export class Balance extends Context.Service<Balance, TxRef.TxRef<number>>()("Balance") {}

export const ledger = Pipeline.from(Payments, { consumer: "ledger" }).pipe(
  Pipeline.mapEffect((p) => Effect.map(Rates.use((rates) => rates.convert(p.cents)), (cents) => ({ id: p.id, cents }))),
  Pipeline.commit((p) => Effect.as(Balance.use((balance) => TxRef.update(balance, (sum) => sum + p.cents)), p)),
  Pipeline.emit(Receipts, (p) => p),
  Pipeline.timeout("5 seconds"),
  Pipeline.retry(Retry.exponential("100 millis", { cap: "1 hour", factor: 20, attempts: 4, jitter: false }))
)
export const TestRates = Layer.succeed(Rates, { convert: (cents) => Effect.succeed(cents * 2) })
export const TestBalance = Layer.effect(Balance, TxRef.make(0))
export const services = Layer.mergeAll(TestRates, TestBalance, Memory.layer)
export const balance = Balance.use(TxRef.get)
