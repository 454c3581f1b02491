/** Processes with a named lease that die or freeze: real processes, real Postgres. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { inject } from "vitest"
import { limit } from "../harness/patience.ts"
import type { LeaderSetup } from "./leader.ts"
import * as Workers from "./workers.ts"

const url = inject("databaseUrl")

const terms = Effect.fnUntraced(function*(schema: string) {
  const sql = yield* SqlClient.SqlClient
  return yield* sql<{ readonly token: bigint; readonly name: string }>`select token, name from ${
    sql(schema)
  }.terms order by n`
})

const withLeaders = <A, E, R>(
  test: (schema: string, start: (name: string) => ReturnType<typeof Workers.start>) => Effect.Effect<A, E, R>
) => {
  const schema = Workers.fresh("leaders")
  return Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    yield* sql`create table ${sql(schema)}.terms (n bigserial primary key, token bigint not null, name text not null)`
    const setup = (name: string): LeaderSetup => ({ url, schema, name })
    return yield* test(schema, (name) => Workers.start(setup(name), "leader.ts"))
  }).pipe(Effect.scoped, Effect.provide(Workers.layer(url, schema)))
}

/** Each owner's writes are behind those of all owners before. */
const ascending = (rows: ReadonlyArray<{ readonly token: bigint }>) =>
  rows.every((row, i) => i === 0 || row.token >= rows[i - 1]!.token)

describe("processes with a named lease", { timeout: limit(120_000), concurrent: true }, () => {
  it.live("SIGSTOP for longer than the lease, then SIGCONT: the stale owner's writes are refused, and it learns of its loss", () =>
    withLeaders((schema, start) =>
      Effect.gen(function*() {
        const stale = yield* start("stale")
        yield* stale.said("leads")
        yield* Workers.until("it wrote", Effect.map(terms(schema), (rows) => rows.length > 3))
        yield* stale.signal("SIGSTOP")
        const successor = yield* start("successor")
        yield* successor.said("leads")
        yield* Workers.until(
          "the successor wrote",
          Effect.map(terms(schema), (rows) => rows.filter(({ name }) => name === "successor").length > 20)
        )
        yield* stale.signal("SIGCONT")
        yield* stale.said("lost")
        const rows = yield* terms(schema)
        assert.isTrue(ascending(rows))
        const theirs = rows.find(({ name }) => name === "stale")!.token
        assert.isTrue(rows.every(({ name, token }) => (token === theirs) === (name === "stale")))
      })
    ))

  it.live("the next one leads within one lease after SIGKILL, and at once after SIGTERM", () =>
    withLeaders((schema, start) =>
      Effect.gen(function*() {
        const first = yield* start("first")
        yield* first.said("leads")
        const second = yield* start("second")
        yield* first.signal("SIGKILL")
        yield* second.said("leads")
        const third = yield* start("third")
        yield* second.signal("SIGTERM")
        yield* second.ended
        yield* third.said("leads")
        assert.isTrue(ascending(yield* terms(schema)))
      })
    ))
})
