/**
 * A list of dead letters or audit entries looks at few rows, even if its filter fits few of them or none. So it does
 * with missing, stale and fresh statistics. `npm run load:operators` measures the times.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Result } from "effect"
import { SqlClient } from "effect/sql"
import { Audit, DeadLetters } from "millrace"
import { inject } from "vitest"
import * as AuditSql from "../../src/postgres/sql/audit.ts"
import * as ConsumerOperationsSql from "../../src/postgres/sql/consumerOperations.ts"
import * as CountingSql from "../../src/postgres/sql/counting.ts"
import * as DeadLettersSql from "../../src/postgres/sql/deadLetters.ts"
import * as Names from "../../src/postgres/sql/names.ts"
import * as Narrowing from "../../src/postgres/sql/narrowing.ts"
import * as RedriveActionsSql from "../../src/postgres/sql/redriveActions.ts"
import * as SearchedFailuresSql from "../../src/postgres/sql/searchedFailures.ts"
import * as SearchingSql from "../../src/postgres/sql/searching.ts"
import { freshDatabase } from "../setup/database.ts"
import { freshSchema, postgres, register } from "./kit.ts"
import { mostLookedAt, type PlanPart } from "./planRows.ts"

const schema = freshSchema()
const names = Result.getOrThrow(Names.make(schema))
const of = {
  audit: AuditSql.make(names),
  consumers: ConsumerOperationsSql.make(names),
  counting: CountingSql.make(names),
  deadLetters: DeadLettersSql.make(names),
  redrives: RedriveActionsSql.make(names),
  searching: SearchingSql.make(names)
}

type Statement = readonly [text: string, params: ReadonlyArray<unknown>]

/** Filters that fit nothing, or only the oldest ones. */
const filters: Readonly<Record<string, Narrowing.Asked>> = {
  "no such topic": { topic: "none" },
  "no such tag": { tag: "none", state: "open" },
  "no such reason": { reason: "crashed" },
  "no such version": { version: "9.9" },
  "a topic and a tag that never come together": { topic: "t0", tag: "Old" },
  "an old tag": { tag: "Old" },
  "an old tag of one consumer": { tag: "Old", consumer: "c", state: "open" },
  "an old failure group": { fingerprint: ["Old@steps", "none"] },
  "a state that none has": { state: "discarded" },
  "a consumer that has none": { consumer: "other", state: "open" },
  "one key": { key: "x77" },
  "one message": { id: "d77" },
  "a time before all": { until: 1 },
  "a time after all": { since: 4e12, consumer: "c" }
}

const snapshot = "1000000000:1000000000:"

const statements: Readonly<Record<string, Statement>> = {
  ...Object.fromEntries(
    Object.entries(filters).flatMap(([name, asked]) => {
      const way = Narrowing.wayOf(asked)
      const params = Narrowing.params(asked)
      const after = Narrowing.params(asked, 0)
      return [
        [`list, ${name}`, [of.deadLetters.list(way), [...params, 100]]],
        [`freeze, ${name}`, [of.deadLetters.freeze(way), [...params, 10_000]]],
        [`count, ${name}`, [of.counting.deadLetters(way, false), [...params, 10_001]]],
        [`preview, ${name}`, [of.redrives.preview(way), [...params, 100_001, snapshot, 10_000]]],
        [`untouched, ${name}`, [of.redrives.untouched(way), [...after, 100_001, snapshot]]],
        [`search, ${name}`, [of.searching.search(way, "ascii"), [...params, 300, 50, "not there", null]]],
        [`groups of a search, ${name}`, [
          SearchedFailuresSql.groups(names, way, "ascii"),
          [...params, 300, 50, "not there", null]
        ]]
      ]
    })
  ),
  "groups, no such topic": [of.deadLetters.groups, [
    ...Narrowing.params({ topic: "none", state: "open" }),
    10_000,
    100
  ]],
  "groups, an old tag": [of.deadLetters.groups, [...Narrowing.params({ tag: "Old", state: "open" }), 10_000, 100]],
  "search for a text that none has": [of.searching.search("all", "ascii"), [
    ...Narrowing.params({}),
    300,
    50,
    "not there",
    null
  ]],
  "a page in the middle of one consumer": [of.deadLetters.list("queues"), [
    ...Narrowing.params({ consumer: "c", state: "open" }, 10_000),
    100
  ]],
  "audit, no such operator": [of.audit.list(true), [null, null, null, "ben", null, null, 100, null]],
  "audit, no such action": [of.audit.list(true), [null, "c", null, null, "paused", null, 100, null]],
  "audit, about consumers": [of.audit.list(true), ["consumers", null, null, null, null, null, 100, null]],
  "count of audit entries": [of.counting.audit(true), [null, "none", null, null, null, null, 10_001, null]],
  "consumers, one without a message": [of.consumers.list, ["other", 100]]
}

const most = mostLookedAt((table) => ["dead_letters", "audit", "messages"].includes(table))

const check = (statistics: string) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    for (const [name, [text, params]] of Object.entries(statements)) {
      const [row] = yield* sql.unsafe<{ "QUERY PLAN": ReadonlyArray<{ Plan: PlanPart }> }>(
        `explain (analyze, format json) ${text}`,
        params
      )
      assert.isAtMost(most(row!["QUERY PLAN"][0]!.Plan), 1_000, `${name} with ${statistics} statistics`)
    }
  })

const fill = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  yield* sql`insert into ${
    sql(`${schema}.dead_letters`)
  } (queue_id, lane, seq, message_id, topic, key, keyed, payload, headers,
      version, published_at, reason, parked, attempts, tag, fingerprint, code_version)
    select c.id, n % 4, n, 'd' || n, 't' || (n > 100)::int, 'x' || n, true, '{}', '{}', 1, now(), 'exhausted', false, '[]',
      case when n > 100 then 'Declined' when n > 50 then 'Late' else 'Old' end,
      case when n > 100 then 'Declined@steps f' || n % 10 when n > 50 then 'Late@steps' else 'Old@steps' end, '1.' || n % 2
    from ${sql(`${schema}.consumers`)} c cross join generate_series(1, 20000) n where c.name = 'c'`
  yield* sql`update ${sql(`${schema}.dead_letters`)} set topic = 't1' where tag = 'Old'`
  yield* sql`insert into ${sql(`${schema}.audit`)} (done_by, action, consumer, dead_letter_id)
    select 'anna', 'redriven', 'c', n from generate_series(1, 20000) n`
  yield* sql`insert into ${sql(`${schema}.messages`)} (queue_id, lane, id, topic, key, keyed, payload)
    select c.id, n % 4, 'm' || n, 't', 'k' || n, true, '{}'
    from ${sql(`${schema}.consumers`)} c cross join generate_series(1, 20000) n where c.name = 'c'`
})

// A database of its own: an open transaction of any other test would keep rows from being vacuumed.
const engine = Layer.unwrap(Effect.map(freshDatabase(inject("databaseUrl")), (url) => postgres(url, {}, schema)))

layer(engine, { excludeTestServices: true })("lists for operators", (it) => {
  it.effect("prepare no statement, whose one plan for all filters would be slow for most of them", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const prepared = yield* sql.withTransaction(Effect.gen(function*() {
        yield* DeadLetters.list({ tag: "none" })
        yield* DeadLetters.groups({ tag: "none" })
        yield* DeadLetters.freeze({ tag: "none" })
        yield* Audit.list({ by: "ben" })
        return yield* sql`select statement from pg_prepared_statements
          where statement like '%lpad(%' and statement not like '%pg_prepared%'`
      }))
      assert.deepStrictEqual(prepared, [])
    }))

  it.effect(
    "look at few rows for a filter that fits few or none, with missing, stale and fresh statistics",
    () =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        const tables = ["dead_letters", "audit", "messages"]
        yield* register({ consumer: "c", lanes: 4 })
        yield* register({ consumer: "other", lanes: 4, topics: ["u"] })
        for (const table of tables) {
          yield* sql`alter table ${sql(`${schema}.${table}`)} set (autovacuum_enabled = false)`
        }
        yield* fill
        yield* check("missing")
        yield* sql`truncate ${sql(`${schema}.dead_letters`)}, ${sql(`${schema}.audit`)}, ${sql(`${schema}.messages`)}`
        for (const table of tables) yield* sql`vacuum analyze ${sql(`${schema}.${table}`)}`
        yield* fill
        yield* check("stale")
        for (const table of tables) yield* sql`vacuum analyze ${sql(`${schema}.${table}`)}`
        yield* check("fresh")
      }),
    120_000
  )
})
