// The type of a pipeline, checked by tsc and never run.
import { Context, Effect, Schedule, Schema } from "effect"
import * as SqlClient from "effect/sql/SqlClient"
import * as SqlError from "effect/sql/SqlError"
import { expectTypeOf } from "vitest"
import * as Pipeline from "../../src/Pipeline.ts"
import * as Retry from "../../src/Retry.ts"
import * as Topic from "../../src/Topic.ts"

class Payment
  extends Schema.Class<Payment>("Payment")({ id: Schema.String, account: Schema.String, cents: Schema.Int })
{}
const Payments = Topic.make("payments", { schema: Payment, key: (p) => p.account, id: (p) => p.id })
const Refunds = Topic.make("refunds", { schema: Schema.Struct({ refund: Schema.Date }), id: "random" })
const Receipts = Topic.make("receipts", { schema: Schema.Struct({ total: Schema.Int }), id: "content" })

class Declined extends Schema.TaggedError<Declined>()("Declined", { code: Schema.Int }) {}
class Ledger
  extends Context.Service<Ledger, { readonly post: (p: Payment) => Effect.Effect<number, Declined> }>()("Ledger")
{}

const base = Pipeline.from(Payments, { consumer: "ledger" })

// Errors, requirements and value are inferred.
const full = base.pipe(
  Pipeline.filter((p) => p.cents !== 0),
  Pipeline.mapEffect((p, d) => Effect.succeed({ p, attempt: d.attempt })),
  Pipeline.commit(({ p }) => Ledger.use((l) => l.post(p))),
  Pipeline.emit(Receipts, (total) => ({ total })),
  Pipeline.retry(Retry.exponential("100 millis", { cap: "1 minute", attempts: 30 })),
  Pipeline.deadLetter({ order: "park" })
)
expectTypeOf(full).toEqualTypeOf<Pipeline.Pipeline<number, Declined, Ledger, "commit", "effectivelyOnce", "key">>()

// Several topics make a union that narrows by topic.
const both = Pipeline.fromAll([Payments, Refunds], { consumer: "both" }).pipe(
  Pipeline.map((m) => m.topic === "payments" ? m.value.cents : m.value.refund.getTime())
)
expectTypeOf(both).toEqualTypeOf<Pipeline.Pipeline<number, never, never, "steps", "effectivelyOnce", "key">>()

// A pipeline that needs no order says so in its type, and keeps its retries.
const unordered = Pipeline.from(Payments, { consumer: "views", order: "none" }).pipe(
  Pipeline.commit((p) => Ledger.use((l) => l.post(p))),
  Pipeline.retry({ attempts: 3 }, { while: (error) => error._tag !== "Declined" }),
  Pipeline.deadLetter({ order: "continue", errors: Declined })
)
expectTypeOf(unordered).toEqualTypeOf<
  Pipeline.Pipeline<number, Declined, Ledger, "commit", "effectivelyOnce", "none">
>()

// Statements as data require the client, and keep the value.
const sql = base.pipe(Pipeline.commitSql((p, sql) => sql`insert into t values (${p.id})`))
expectTypeOf(sql).toEqualTypeOf<
  Pipeline.Pipeline<Payment, never, SqlClient.SqlClient, "commit", "effectivelyOnce", "key">
>()

// A step that may wait does not compile after commit; map does.
base.pipe(
  Pipeline.commit((p) => Effect.succeed(p.cents)),
  Pipeline.map((n) => n + 1),
  // @ts-expect-error  "commit" is not assignable to "steps"
  Pipeline.mapEffect((n) => Effect.succeed(n))
)

// An emit of another topic's type does not compile.
base.pipe(
  // @ts-expect-error  total is missing
  Pipeline.emit(Receipts, (p) => ({ sum: p.cents }))
)

// Rows of a select are a value like any other: an emit can read them.
base.pipe(
  Pipeline.commit(() => Effect.flatMap(SqlClient.SqlClient, (sql) => sql`select 1 as one`)),
  Pipeline.emit(Receipts, (rows) => ({ total: rows.length }))
)

// An object of settings is a policy that reads every error.
expectTypeOf(full.pipe(Pipeline.retry({ attempts: 3, base: "1 second" }, { while: (e) => e._tag !== "Declined" })))
  .toEqualTypeOf<Pipeline.Pipeline<number, Declined, Ledger, "commit", "effectivelyOnce", "key">>()

// A policy that reads another error than the pipeline has does not compile; one that reads all of it does.
const declining = base.pipe(Pipeline.commit((p) => Ledger.use((l) => l.post(p))))
const narrow = Schedule.recurs(3).pipe(Schedule.setInputType<{ readonly _tag: "Other"; readonly why: string }>())
// @ts-expect-error  Declined is not Other
declining.pipe(Pipeline.retry(narrow))
const wide = Schedule.recurs(3).pipe(Schedule.setInputType<Declined | Retry.RuntimeFailure>())
expectTypeOf(declining.pipe(Pipeline.retry(wide, { while: (e) => e._tag !== "Declined" || e.code < 500 })))
  .toEqualTypeOf<Pipeline.Pipeline<number, Declined, Ledger, "commit", "effectivelyOnce", "key">>()

// `while` gets the errors of the pipeline, even if the schedule reads others.
expectTypeOf(
  declining.pipe(
    Pipeline.retry(Retry.exponential("1 second"), {
      while: (error) => {
        expectTypeOf(error).toEqualTypeOf<Declined | Retry.RuntimeFailure>()
        return error._tag !== "Declined" || error.code < 500
      }
    })
  )
).toEqualTypeOf<Pipeline.Pipeline<number, Declined, Ledger, "commit", "effectivelyOnce", "key">>()

// Made apart from a pipeline it fits all of them, and keeps their errors.
const patient = Pipeline.retry(Retry.standard, { while: (error: unknown) => error !== "enough" })
expectTypeOf(declining.pipe(patient))
  .toEqualTypeOf<Pipeline.Pipeline<number, Declined, Ledger, "commit", "effectivelyOnce", "key">>()
expectTypeOf(patient(base)).toEqualTypeOf<Pipeline.Pipeline<Payment, never, never, "steps", "effectivelyOnce", "key">>()
// A `while` that reads another error does not compile.
// @ts-expect-error  Declined is not Other
declining.pipe(Pipeline.retry(Retry.standard, { while: (error: { readonly why: string }) => error.why !== "" }))

// The errors and requirements of a pipeline can be named, as those of an effect.
expectTypeOf<Pipeline.Error<typeof declining>>().toEqualTypeOf<Declined>()
expectTypeOf<Pipeline.Services<typeof full>>().toEqualTypeOf<Ledger>()
expectTypeOf<Pipeline.Error<typeof base>>().toEqualTypeOf<never>()
expectTypeOf<Pipeline.Error<string>>().toEqualTypeOf<never>()

// With statements in commit the errors hold the database's, and the Schema of the dead letters has to cover it.
const withStatements = declining.pipe(
  Pipeline.commit((n) => Effect.flatMap(SqlClient.SqlClient, (sql) => sql`insert into t values (${n})`))
)
expectTypeOf<Pipeline.Error<typeof withStatements>>().toEqualTypeOf<Declined | SqlError.SqlError>()
withStatements.pipe(Pipeline.deadLetter({ order: "park", errors: Schema.Union([Declined, SqlError.SqlError]) }))
// @ts-expect-error  SqlError is not covered
withStatements.pipe(Pipeline.deadLetter({ order: "park", errors: Declined }))

// A row has the columns that were declared, with values of their types.
const payments = Pipeline.from(
  Topic.make("rows", { schema: Schema.Struct({ id: Schema.String, cents: Schema.Int, at: Schema.Date }) }),
  { consumer: "rows" }
)
const written = payments.pipe(
  Pipeline.commitRows("t", { id: "text", cents: "int", at: "timestamptz" }, (payment) => payment),
  Pipeline.commitRows(
    (rows, sql) => sql`insert into t select id from ${rows}`,
    { id: "my_enum" },
    ({ id }, { attempt }) => attempt > 1 ? { id: null } : { id }
  )
)
expectTypeOf<Pipeline.Services<typeof written>>().toEqualTypeOf<SqlClient.SqlClient>()
expectTypeOf<Pipeline.Error<typeof written>>().toEqualTypeOf<never>()
// @ts-expect-error  a column of type int takes a number
payments.pipe(Pipeline.commitRows("t", { cents: "int" }, (payment) => ({ cents: payment.id })))
// @ts-expect-error  a column is missing
payments.pipe(Pipeline.commitRows("t", { id: "text", cents: "int" }, ({ id }) => ({ id })))
// @ts-expect-error  null stands for NULL, and undefined for a mistake
payments.pipe(Pipeline.commitRows("t", { id: "text" }, () => ({ id: undefined })))
// @ts-expect-error  no step that may wait stands behind it
written.pipe(Pipeline.tap(() => Effect.void))
