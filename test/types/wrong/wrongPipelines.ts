// Mistakes that must not compile, one a line. `messages.test.ts` compares the messages of the compiler.
// The file is not part of the project: see `exclude` in tsconfig.json.
import { Context, Effect, Schedule, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { Memory, Pipeline, Retry, Topic, Worker } from "millrace"

const Payments = Topic.make("payments", { schema: Schema.Struct({ id: Schema.String, cents: Schema.Int }) })
const Receipts = Topic.make("receipts", { schema: Schema.Struct({ total: Schema.Int }) })
class Declined extends Schema.TaggedError<Declined>()("Declined", { code: Schema.Int }) {}
class Ledger
  extends Context.Service<Ledger, { readonly post: (n: number) => Effect.Effect<number, Declined> }>()("L")
{}

const base = Pipeline.from(Payments, { consumer: "ledger" })
const atMostOnce = Pipeline.from(Payments, { consumer: "ledger", delivery: "atMostOnce" })
const unordered = Pipeline.from(Payments, { consumer: "ledger", order: "none" })
const unorderedOfAll = Pipeline.fromAll([Payments, Receipts], { consumer: "ledger", order: "none" })
const declining = base.pipe(Pipeline.commit((p) => Ledger.use((l) => l.post(p.cents))))
const other = Schedule.recurs(3).pipe(Schedule.setInputType<{ readonly _tag: "Other" }>())

export const mapEffectAfterCommit = base.pipe(Pipeline.commit(() => Effect.void), Pipeline.mapEffect(() => Effect.void))
export const tapAfterEmit = base.pipe(Pipeline.emitAll(Receipts, () => []), Pipeline.tap(() => Effect.void))
export const deadLetterAtMostOnce = atMostOnce.pipe(Pipeline.deadLetter({ order: "park" }))
export const parkWithoutOrder = unordered.pipe(Pipeline.deadLetter({ order: "park" }))
export const parkOfAllWithoutOrder = unorderedOfAll.pipe(Pipeline.deadLetter({ order: "park" }))
export const unknownOrder = Pipeline.from(Payments, { consumer: "ledger", order: "keys" })
export const retryAtMostOnce = atMostOnce.pipe(Pipeline.retry(Retry.never))
export const emitOfAnotherType = base.pipe(Pipeline.emit(Receipts, (p) => ({ sum: p.cents })))
export const retryOfAnotherError = declining.pipe(Pipeline.retry(other))
export const schemaOfAnotherError = declining.pipe(Pipeline.deadLetter({ order: "park", errors: Schema.Int }))
export const requirementNotProvided = Effect.runPromise(Worker.run(declining).pipe(Effect.provide(Memory.layer)))
export const batchThatReturnsOne = base.pipe(Pipeline.commitBatch((batch) => Effect.succeed(batch.length)))
export const unknownMode = Pipeline.from(Payments, { consumer: "ledger", delivery: "exactlyOnce" })
export const asyncStep = base.pipe(Pipeline.mapEffect(async (p) => p.cents))
export const asyncTap = base.pipe(Pipeline.tap(async (p) => console.log(p.cents)))
export const asyncCommit = base.pipe(Pipeline.commit((p) => Promise.resolve(p.cents)))
export const asyncWhile = base.pipe(Pipeline.retry({ attempts: 3 }, { while: async () => false }))
export const asyncKey = Topic.make("async", { schema: Schema.String, key: async (text) => text })
export const misspeltRetry = base.pipe(Pipeline.retry({ attemps: 3 }))
const insert = Pipeline.commit((p: { readonly id: string }) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) => sql`insert into ledger (id) values (${p.id})`)
)
export const emitAfterInsert = base.pipe(insert, Pipeline.emit(Receipts, (p) => ({ total: p.cents })))
export const emitAllAfterInsert = base.pipe(insert, Pipeline.emitAll(Receipts, (p) => [{ total: p.cents }]))
const inserting = Worker.run(base.pipe(insert)).pipe(Effect.provide(Memory.layer))
export const sqlOnMemory = Effect.runPromise(inserting)
export const noEffect = base.pipe(Pipeline.mapEffect((p) => p.cents))
