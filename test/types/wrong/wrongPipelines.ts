// What must not compile, one a line: `messages.test.ts` has the compiler read this file, and compares what it says of each line.
// It is not part of the project: see `exclude` in tsconfig.json.
import { Context, Effect, Schedule, Schema } from "effect"
import { Memory, Pipeline, Retry, Topic, Worker } from "millrace"

const Payments = Topic.make("payments", { schema: Schema.Struct({ id: Schema.String, cents: Schema.Int }) })
const Receipts = Topic.make("receipts", { schema: Schema.Struct({ total: Schema.Int }) })
class Declined extends Schema.TaggedError<Declined>()("Declined", { code: Schema.Int }) {}
class Ledger
  extends Context.Service<Ledger, { readonly post: (n: number) => Effect.Effect<number, Declined> }>()("L")
{}

const base = Pipeline.from(Payments, { consumer: "ledger" })
const atMostOnce = Pipeline.from(Payments, { consumer: "ledger", delivery: "atMostOnce" })
const declining = base.pipe(Pipeline.commit((p) => Ledger.use((l) => l.post(p.cents))))
const other = Schedule.recurs(3).pipe(Schedule.setInputType<{ readonly _tag: "Other" }>())

export const mapEffectAfterCommit = base.pipe(Pipeline.commit(() => Effect.void), Pipeline.mapEffect(() => Effect.void))
export const tapAfterEmit = base.pipe(Pipeline.emitAll(Receipts, () => []), Pipeline.tap(() => Effect.void))
export const deadLetterAtMostOnce = atMostOnce.pipe(Pipeline.deadLetter({ order: "park" }))
export const retryAtMostOnce = atMostOnce.pipe(Pipeline.retry(Retry.never))
export const emitOfAnotherType = base.pipe(Pipeline.emit(Receipts, (p) => ({ sum: p.cents })))
export const retryOfAnotherError = declining.pipe(Pipeline.retry(other))
export const schemaOfAnotherError = declining.pipe(Pipeline.deadLetter({ order: "park", errors: Schema.Int }))
export const requirementNotProvided = Effect.runPromise(Worker.run(declining).pipe(Effect.provide(Memory.layer)))
export const batchThatReturnsOne = base.pipe(Pipeline.commitBatch((batch) => Effect.succeed(batch.length)))
export const unknownMode = Pipeline.from(Payments, { consumer: "ledger", delivery: "exactlyOnce" })
