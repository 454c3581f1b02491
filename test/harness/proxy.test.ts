/** The proxy between a store and Postgres: what it leaves alone, and what becomes of a COMMIT that it strikes. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { Store } from "millrace"
import { Postgres } from "millrace/postgres"
import { inject } from "vitest"
import { type CommitFault, type Proxy, proxy } from "./proxy.ts"

const url = inject("databaseUrl")
const schema = `proxy_${process.pid}`

const insert = (n: number) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const store = yield* Store.Store
    return yield* store.transact(sql`insert into ${sql(schema)}.marked values (${n})`)
  })

const rows = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  return (yield* sql<{ readonly n: number }>`select n from ${sql(schema)}.marked order by n`).map(({ n }) => n)
})

/** A store behind the proxy, with a table that the proxy listens for. */
const behind = <A, E>(test: (between: Proxy) => Effect.Effect<A, E, SqlClient.SqlClient | Store.Store>) =>
  Effect.gen(function*() {
    const between = yield* proxy(url, /insert into \S*marked/)
    const there = Postgres.layer({ url: Redacted.make(between.url), schema, commitTimeout: "300 millis" })
    return yield* Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* sql`drop table if exists ${sql(schema)}.marked`
      yield* sql`create table ${sql(schema)}.marked (n int)`
      yield* insert(1)
      yield* test(between)
      yield* sql`drop schema ${sql(schema)} cascade`
    }).pipe(Effect.provide(there))
  }).pipe(Effect.scoped)

const faults: ReadonlyArray<CommitFault> = [
  { kind: "late reset" },
  { kind: "black hole" },
  { kind: "delay", millis: 1000 }
]

describe("a proxy in front of Postgres", { timeout: 20_000 }, () => {
  for (const fault of faults) {
    it.live(`${fault.kind}: COMMIT is made, its answer does not come, and the store calls its outcome unknown`, () =>
      behind((between) =>
        Effect.gen(function*() {
          const struck: Array<CommitFault> = []
          between.struck = (one) => struck.push(one)
          between.commits.push(fault)
          const error = yield* Effect.flip(insert(2))
          assert.strictEqual(error._tag, "UnknownOutcome")
          assert.deepStrictEqual(struck, [fault])
          yield* insert(3)
          assert.deepStrictEqual(yield* rows, [1, 2, 3])
        })
      ))
  }

  it.live("a late answer that comes in time is an answer", () =>
    behind((between) =>
      Effect.gen(function*() {
        between.commits.push({ kind: "delay", millis: 50 })
        yield* insert(2)
        assert.deepStrictEqual(yield* rows, [1, 2])
      })
    ))

  it.live("a way takes its time in both directions, and keeps the order of bytes", () =>
    behind((between) =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        between.wayMillis = 20
        const began = performance.now()
        const long = "x".repeat(2_000_000)
        const [row] = yield* sql<{ readonly long: string }>`
          select ${long}::text || '!' as long`
        assert.isAtLeast(performance.now() - began, 40)
        assert.strictEqual(row?.long, `${long}!`)
        between.wayMillis = 0
      })
    ))

  it.live("strikes no transaction without a marked statement", () =>
    behind((between) =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        between.commits.push({ kind: "black hole" })
        yield* sql.withTransaction(sql`select 1`)
        assert.strictEqual(between.commits.length, 1)
        between.commits.length = 0
      })
    ))

  it.live("cuts every connection at once, and lets new ones pass", () =>
    behind((between) =>
      Effect.gen(function*() {
        assert.isAbove(between.cut(), 0)
        yield* Effect.retry(rows, { times: 20 })
        assert.deepStrictEqual(yield* rows, [1])
      })
    ))
})
