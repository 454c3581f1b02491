import { Effect, type Layer, Redacted, Schema } from "effect"
import { Memory, Pipeline, Topic, Worker } from "millrace"

const Payments = Topic.make("payments", {
  schema: Schema.Struct({ id: Schema.String, account: Schema.String, cents: Schema.Int }),
  key: (payment) => payment.account,
  id: (payment) => payment.id
})

const balances: Record<string, number> = {}
const ledger = Pipeline.from(Payments, { consumer: "ledger" }).pipe(
  Pipeline.commit(({ account, cents }) =>
    Effect.sync(() => {
      balances[account] = (balances[account] ?? 0) + cents
    })
  )
)

const program = Effect.gen(function*() {
  yield* Topic.publish(Payments, { id: "p1", account: "ada", cents: 500 })
  yield* Topic.publish(Payments, { id: "p2", account: "ada", cents: -120 })
  yield* Topic.publish(Payments, { id: "p1", account: "ada", cents: 500 })
  yield* Worker.drain(ledger)
  console.log(balances)
})

// Optional peers are imported where they are used: the first form runs without them.
const layers = {
  memory: async () => Memory.layer,
  embedded: async () => (await import("millrace/embedded")).Embedded.layer({}),
  postgres: async () =>
    (await import("millrace/postgres")).Postgres.layer({
      url: Redacted.make(process.env["DATABASE_URL"] ?? ""),
      schema: "stranger"
    })
}
const layer = await layers[process.argv[2] as keyof typeof layers]()
await Effect.runPromise(program.pipe(Effect.provide(layer as Layer.Layer<Layer.Success<typeof Memory.layer>, unknown>)))
