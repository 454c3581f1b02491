/**
 * The facts of long queues and many dead letters look at a bounded number of rows.
 *
 * `FACTS_ROWS=1000000 npx vitest run test/ops/factsAtScale.test.ts` fills in as many waiting messages and dead letters,
 * and prints how long each question takes. Then each must be answered within 200 ms, on a machine that does nothing
 * else.
 */
import { assert, layer } from "@effect/vitest"
import { Clock, Console, Effect, Layer, Result } from "effect"
import { SqlClient } from "effect/sql"
import type { Errors } from "millrace"
import { Operations } from "millrace/ops"
import { inject } from "vitest"
import * as FactsSql from "../../src/postgres/sql/facts.ts"
import * as FindingSql from "../../src/postgres/sql/finding.ts"
import * as Names from "../../src/postgres/sql/names.ts"
import { sessions } from "../../src/postgres/sql/sessions.ts"
import { freshSchema, postgres, register } from "../postgres/kit.ts"

const given = Number(process.env["FACTS_ROWS"] ?? 0)
const rows = given > 0 ? given : 30_000
/** Few groups at the small scale, so that counting in each of them ends. */
const groups = given > 0 ? 40 : 4
const schema = freshSchema()
const names = Result.getOrThrow(Names.make(schema))

const fill = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  const table = (name: string) => sql(`${schema}.${name}`)
  yield* register({ consumer: "c", lanes: 64 })
  yield* register({ consumer: "other", lanes: 64, topics: ["u"] })
  yield* sql`insert into ${table("messages")} (queue_id, lane, id, topic, key, keyed, payload)
    select 1, n % 5000 % 64, 'm' || n, 't', 'k' || n % 5000, true, '{"cents":' || n || '}' from generate_series(1, ${rows}::int) n`
  yield* sql`insert into ${
    table("dead_letters")
  } (queue_id, lane, seq, message_id, topic, key, keyed, payload, headers, version,
      published_at, reason, parked, attempts, tag, fingerprint, code_version, died_at)
    select 1, n % 64, n, 'd' || n, 't', 'x' || n, true, '{}', '{}', 1, now(), 'exhausted', false,
      '[{"attempt":1,"at":1,"tag":"Declined","error":{},"message":"no","stack":"","step":"steps","frame":"","worker":"w","codeVersion":"1"}]',
      'Declined', 'Declined@steps f' || n % ${groups}::int, '1.4.' || n % 2, now() - n * interval '1 ms'
    from generate_series(1, ${rows}::int) n`
  yield* sql`insert into ${table("holds")} (queue_id, key, lane, until, from_seq)
    select 1, 'k' || n, n % 64, 'infinity', 0 from generate_series(0, 49) n`
  yield* sql`insert into ${table("audit")} (who, action, consumer, dead_letter_id)
    select 'anna', case when n % 2 = 0 then 'redriven' else 'discarded' end, 'c', n from generate_series(1, ${rows}::int) n`
  yield* sql`insert into ${table("unrouted")} (topic, id, key, keyed, hash, payload, headers, version)
    select 'topic' || n % 3, 'u' || n, 'k', true, 1, '{}', '{}', 1 from generate_series(1, ${rows}::int) n`
  yield* sql`insert into ${table("delayed")} (due_at, id, topic, key, keyed, hash, payload, headers, version)
    select now() + n * interval '1 s', 'l' || n, 't', 'k', true, 1, '{}', '{}', 1 from generate_series(1, ${rows}::int) n`
  yield* sql`insert into ${table("series")} (queue_id, step, at, unsettled, lag_millis, delayed_keys, parked_keys,
      dead_letters, committed, duplicates, dead, retried)
    select 1, 10, now() - n * interval '10 s', 1, 1, 1, 1, 1, 1, 1, 1, 1 from generate_series(1, 8640) n`
  for (const name of ["messages", "dead_letters", "holds", "audit", "unrouted", "delayed", "series"]) {
    yield* sql`vacuum analyze ${table(name)}`
  }
})

const timed = Effect.fnUntraced(function*<A, E, R>(question: string, ask: Effect.Effect<A, E, R>) {
  yield* ask
  const began = yield* Clock.monotonicTimeNanos
  yield* ask
  const millis = Number((yield* Clock.monotonicTimeNanos) - began) / 1e6
  yield* Console.log(`${question}: ${millis.toFixed(1)} ms`)
  return { question, millis }
})

const questions = Effect.gen(function*() {
  const facts = yield* Operations.Operations
  return {
    consumers: facts.consumers,
    consumer: facts.consumer("c"),
    stuckKeys: facts.stuckKeys(),
    failures: facts.failures(),
    redrives: facts.redrives(),
    lanes: facts.lanes("c"),
    delayed: facts.delayed,
    unrouted: facts.unrouted,
    series: facts.series("c"),
    findDead: facts.find("d77"),
    findWithKey: facts.find("m77", { key: "k77" }),
    storage: facts.storage,
    blockers: facts.blockers
  }
})

/** How many rows of a table a part of a plan has looked at, for the one that looked at most. */
const most = (node: Record<string, any>): number =>
  Math.max(
    typeof node["Relation Name"] === "string"
      ? (node["Actual Rows"] + (node["Rows Removed by Filter"] ?? 0)) * node["Actual Loops"]
      : 0,
    ...((node["Plans"] ?? []) as ReadonlyArray<Record<string, any>>).map(most)
  )

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
  ["inQueues", finding.inQueues, ["nothing", "(100,0)"], 10_000],
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
        yield* fill
        for (const [name, text, params, bound] of bounds) {
          const plan = yield* sql.withTransaction(Effect.andThen(
            sql.unsafe(sessions.bounds, ["60000"]),
            sql.unsafe<{ "QUERY PLAN": ReadonlyArray<{ Plan: Record<string, any> }> }>(
              `explain (analyze, format json) ${text}`,
              params
            )
          ))
          assert.isAtMost(most(plan[0]!["QUERY PLAN"][0]!.Plan), bound, name)
        }
        const times = yield* Effect.forEach(
          Object.entries(yield* questions),
          ([name, ask]) => timed(name, ask as Effect.Effect<unknown, Errors.StoreFailure | Errors.ConsumerNotFound>)
        )
        const searched = yield* timed(
          "find, through the whole queue",
          Effect.flatMap(Operations.Operations, (facts) => facts.find("nowhere"))
        )
        assert.isBelow(searched.millis, 10_000)
        if (given > 0) { for (const { millis, question } of times) assert.isAtMost(millis, 200, question) }
      }), 600_000)
  }
)
