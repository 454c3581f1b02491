// The types of the test kit, checked by tsc and never run.
import { Context, Effect, Schema } from "effect"
import type { SqlClient } from "effect/sql"
import type { Store, Transport } from "millrace"
import { Memory, Pipeline, Topic } from "millrace"
import { TestPipeline } from "millrace/testing"
import { expectTypeOf } from "vitest"

const Payments = Topic.make("payments", { schema: Schema.Struct({ id: Schema.String }), id: (p) => p.id })
class Declined extends Schema.TaggedError<Declined>()("Declined", { code: Schema.Int }) {}
class Other extends Schema.TaggedError<Other>()("Other", {}) {}
class Bank extends Context.Service<Bank, { readonly pay: Effect.Effect<number, Declined> }>()("Bank") {}

const pays = Pipeline.from(Payments, { consumer: "pays" }).pipe(Pipeline.mapEffect(() => Bank.use((bank) => bank.pay)))

// The result is the scenario's; what is required is what pipeline, scenario and kit require.
const number = TestPipeline.run(pays, (test) => Effect.as(test.runReady, 1))
expectTypeOf<Effect.Success<typeof number>>().toEqualTypeOf<number>()
expectTypeOf<Effect.Services<typeof number>>().toEqualTypeOf<Bank | Store.Store | Transport.Transport>()

// A step can be made to fail with an error that it has, and with no other one.
type InjectedHere = Parameters<TestPipeline.Test<Declined>["inject"]>[1]
const declined = TestPipeline.fail(new Declined({ code: 1 }))
const other = TestPipeline.fail(new Other())
expectTypeOf<typeof declined>().toExtend<InjectedHere>()
expectTypeOf<typeof other>().not.toExtend<InjectedHere>()
expectTypeOf<typeof TestPipeline.stall>().toExtend<InjectedHere>()

// A value of another type is not published.
export const another = TestPipeline.run(
  pays,
  // @ts-expect-error: Type 'number' is not assignable to type 'string'
  (test) => test.publish(Payments, { id: 1 })
)

// Memory has no SQL: what is missing stands in the type.
const sql = Pipeline.from(Payments, { consumer: "sql" }).pipe(Pipeline.commitSql((p, sql) => sql`${p.id}`))
const onMemory = Effect.provide(TestPipeline.run(sql, (test) => test.runReady), Memory.layer)
expectTypeOf<Effect.Services<typeof onMemory>>().toEqualTypeOf<SqlClient.SqlClient>()

// The errors of crashEverywhere name the finding.
const everywhere = TestPipeline.crashEverywhere(pays, {
  scenario: (test) => Effect.orDie(test.publish(Payments, { id: "p1" })),
  state: Effect.succeed([1]),
  layer: Memory.layer
})
expectTypeOf<Effect.Services<typeof everywhere>>().toEqualTypeOf<Bank>()
expectTypeOf<Effect.Success<typeof everywhere>>().toEqualTypeOf<TestPipeline.Survived<Array<number>>>()
expectTypeOf<TestPipeline.CrashDiverged>().toExtend<Effect.Error<typeof everywhere>>()
