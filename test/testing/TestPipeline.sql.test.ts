// The kit for users on an engine with SQL: the same words, in real time.
import { assert, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { Pipeline, Retry, Topic } from "millrace"
import { Embedded } from "millrace/embedded"
import { TestPipeline } from "millrace/testing"

const Payments = Topic.make("payments", {
  schema: Schema.Struct({ id: Schema.String, account: Schema.String, cents: Schema.Int }),
  key: (payment) => payment.account,
  id: (payment) => payment.id
})
const payment = (id: string) => ({ id, account: id.slice(0, 1), cents: 5 })

const postings = Layer.effectDiscard(
  SqlClient.SqlClient.use((sql) => sql`create table postings (id text, cents int)`)
)
const layer = postings.pipe(Layer.provideMerge(Embedded.layer()))
const total = SqlClient.SqlClient.use((sql) =>
  Effect.map(
    sql<{ n: number; cents: number }>`select count(*)::int n, coalesce(sum(cents), 0)::int cents from postings`,
    ([row]) => row
  )
)

const ledger = Pipeline.from(Payments, { consumer: "ledger" }).pipe(
  Pipeline.commitSql((p, sql) => sql`insert into postings values (${p.id}, ${p.cents})`),
  Pipeline.retry(Retry.exponential("20 millis", { attempts: 3 }))
)

it.effect(
  "a pipeline with commitSql is tested as it is, on PGlite",
  () =>
    TestPipeline.run(ledger, (test) =>
      Effect.gen(function*() {
        yield* test.inject({ id: "a1", step: "commit" }, TestPipeline.die("bad luck"))
        yield* test.inject({ id: "b1" }, TestPipeline.lostAnswer)
        yield* test.publishAll(Payments, ["a1", "a2", "b1"].map(payment))
        yield* test.drain()
        assert.deepStrictEqual(test.committed.toSorted(), ["a1", "a2", "b1"])
        assert.match(test.life("a1"), /attempt 1 failed Defect at \d+ ms, retry at \d+ ms, committed at \d+ ms$/)
        assert.match(test.life("b1"), /its transaction met UnknownOutcome/)
        assert.deepStrictEqual(yield* total, { n: 3, cents: 15 })
      })).pipe(Effect.provide(layer)),
  30_000
)

it.effect("and survives a crash at every point", () =>
  Effect.gen(function*() {
    const { points, state } = yield* TestPipeline.crashEverywhere(ledger, {
      scenario: (test) => test.publish(Payments, payment("a1")),
      state: total,
      layer,
      lease: "500 millis",
      idlePoll: "50 millis"
    })
    assert.deepStrictEqual(state, { n: 1, cents: 5 })
    assert.isAbove(points.length, 5)
  }), 60_000)
