/**
 * The facts of long queues and many dead letters look at a bounded number of rows. `npm run load:operators` measures
 * their times.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Result } from "effect"
import { SqlClient } from "effect/sql"
import { Operations } from "millrace/ops"
import { inject } from "vitest"
import * as FactsSql from "../../src/postgres/sql/facts.ts"
import * as FindingSql from "../../src/postgres/sql/finding.ts"
import * as Names from "../../src/postgres/sql/names.ts"
import { sessions } from "../../src/postgres/sql/sessions.ts"
import { freshSchema, postgres, register } from "../postgres/kit.ts"
import { mostLookedAt, type PlanPart } from "../postgres/planRows.ts"
import { fill } from "./scaleKit.ts"

const rows = 30_000
/** Few groups, so that counting in each of them ends. */
const groups = 4
const schema = freshSchema()
const names = Result.getOrThrow(Names.make(schema))

const most = mostLookedAt(() => true)

const facts = FactsSql.make(names)
const finding = FindingSql.make(names)
/** Each statement with the most rows of one table that it may look at. */
const bounds: ReadonlyArray<readonly [name: string, text: string, params: ReadonlyArray<unknown>, rows: number]> = [
  ["consumers", facts.consumers, [null], 12_900],
  ["oneKey", facts.oneKey, ["c"], 30_000],
  ["lanes", facts.lanes, ["c"], 64 * 1_001],
  ["stuckKeys", facts.stuckKeys, [null, null, null, null, 5, null], 5 * rows / 60],
  ["failures", facts.failures, [null, null, 100], groups * 1_001],
  ["redrives", facts.redrives, [null, null, null], 100_000],
  ["delayed", facts.delayed, [10_000], 10_001],
  ["unrouted", facts.unrouted, [], 3 * 10_001],
  ["series", facts.series, ["c", 10, null, null], 400],
  ["inLanes", finding.inLanes, ["nothing", 7, 200], 200],
  ["inQueues", finding.inQueues(true), ["nothing", "(100,0)"], 10_000],
  ["inbox", finding.inbox, ["d77"], 10]
]

const engine = postgres(inject("databaseUrl"), { retention: false }, schema)

layer(Operations.layer({ schema }).pipe(Layer.provideMerge(engine)), { excludeTestServices: true, timeout: 600_000 })(
  `facts about ${rows} messages and dead letters`,
  (it) => {
    it.effect("look at a bounded number of causes and topics, however many there are", () =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        const counts = sql.unsafe<{ n: number }>(
          `select count(*)::int as n from ${names.vFailures} union all select count(*)::int from ${names.vUnrouted}`
        )
        yield* register({ consumer: "c", lanes: 64 })
        const table = (name: string) => sql(`${schema}.${name}`)
        yield* sql`insert into ${
          table("dead_letters")
        } (queue_id, lane, seq, message_id, topic, key, keyed, payload, headers, version,
          published_at, reason, parked, attempts, tag, fingerprint)
        select 1, 0, n, 'd' || n, 't', 'x', true, '{}', '{}', 1, now(), 'exhausted', false, '[]', 'T', 'of message ' || n
        from generate_series(1, 1200) n`
        yield* sql`insert into ${table("unrouted")} (topic, id, key, keyed, hash, payload, headers, version)
          select 'topic ' || n, 'u' || n, 'k', true, 1, '{}', '{}', 1 from generate_series(1, 1200) n`
        assert.deepStrictEqual((yield* counts).map(({ n }) => n), [1_000, 1_000])
        yield* sql`truncate ${table("dead_letters")}, ${table("unrouted")}`
      }))

    it.effect("look at a bounded number of rows", () =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        yield* fill({ schema, rows, groups })
        for (const [name, text, params, bound] of bounds) {
          const plan = yield* sql.withTransaction(Effect.andThen(
            sql.unsafe(sessions.bounds, ["60000"]),
            sql.unsafe<{ "QUERY PLAN": ReadonlyArray<{ Plan: PlanPart }> }>(
              `explain (analyze, format json) ${text}`,
              params
            )
          ))
          assert.isAtMost(most(plan[0]!["QUERY PLAN"][0]!.Plan), bound, name)
        }
      }), 600_000)
  }
)
