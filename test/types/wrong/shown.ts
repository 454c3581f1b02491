// The types that an editor shows: `messages.test.ts` has the compiler print the types of these pipelines.
import { Context, Effect, Schema } from "effect"
import { Pipeline, Topic } from "millrace"

class Payment extends Schema.Class<Payment>("Payment")({ id: Schema.String, cents: Schema.Int }) {}
const Payments = Topic.make("payments", { schema: Payment })
class Declined extends Schema.TaggedError<Declined>()("Declined", { code: Schema.Int }) {}
class Ledger
  extends Context.Service<Ledger, { readonly post: (n: number) => Effect.Effect<number, Declined> }>()("L")
{}

export const read = Pipeline.from(Payments, { consumer: "ledger" })
export const counted = Pipeline.from(Payments, { consumer: "counter", delivery: "atMostOnce" })
export const unordered = Pipeline.from(Payments, { consumer: "counter", order: "none" }).pipe(
  Pipeline.retry({ attempts: 3 }),
  Pipeline.deadLetter({ order: "continue" })
)
export const posted = read.pipe(
  Pipeline.commit((p) => Ledger.use((l) => l.post(p.cents))),
  Pipeline.deadLetter({ order: "park", errors: Declined })
)
export const kept = read.pipe(Pipeline.commitBatch(() => Effect.void))
export const summed = read.pipe(Pipeline.commitBatch((batch) => Effect.succeed(batch.map((p) => p.cents))))
