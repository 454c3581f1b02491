/**
 * A queue's statistics are always wrong, often taken while it was empty. The hot statements keep their plans with
 * missing, stale and fresh ones: no sequential scan of messages, inbox, holds or delayed. Each is explained under the
 * settings of the connection that it runs on.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Result } from "effect"
import { SqlClient } from "effect/sql"
import { Store } from "millrace"
import { inject } from "vitest"
import { committerParameters } from "../../src/postgres/session/Pools.ts"
import * as ConsumerOperationsSql from "../../src/postgres/sql/consumerOperations.ts"
import * as DelayedSql from "../../src/postgres/sql/delayed.ts"
import * as HoldsSql from "../../src/postgres/sql/holds.ts"
import * as InboxSql from "../../src/postgres/sql/inbox.ts"
import * as LanesSql from "../../src/postgres/sql/lanes.ts"
import * as MessagesSql from "../../src/postgres/sql/messages.ts"
import * as Names from "../../src/postgres/sql/names.ts"
import * as RestoredSql from "../../src/postgres/sql/restored.ts"
import * as StatusSql from "../../src/postgres/sql/status.ts"
import { freshDatabase } from "../setup/database.ts"
import { freshSchema, message, postgres, register } from "./kit.ts"
import { mostLookedAt, type PlanPart } from "./planRows.ts"

const schema = freshSchema()
const names = Result.getOrThrow(Names.make(schema))
const lanes = Array.from({ length: 16 }, (_, i) => i)
const many = (n: number) => Array.from({ length: n }, (_, i) => BigInt(i * 37))

const redriven = (queue: number, life: string) =>
  [queue, lanes, lanes.map(() => 0n), life, many(250), many(250).map((seq) => `m${seq}`)] as const

const statements = (
  queue: number,
  life: string
): Readonly<Record<string, readonly [text: string, params: ReadonlyArray<unknown>]>> => ({
  poll: [MessagesSql.make(names).poll, [
    queue,
    lanes,
    lanes.map(() => 5_000n),
    lanes.map(() => 30),
    ["3", "4"],
    "18446744073709551615",
    ["k1"],
    [0],
    [1n],
    ["k2"],
    500,
    1_000_000n
  ]],
  settle: [MessagesSql.make(names).settle, [queue, lanes, lanes.map(() => 0n), life, many(250)]],
  settleRedriven: [MessagesSql.make(names).settleRedriven, [...redriven(queue, life), many(250).map(() => 1)]],
  settleLarge: [MessagesSql.make(names).settleLarge, [...redriven(queue, life), many(250).map(() => 0)]],
  countCrashes: [MessagesSql.make(names).countCrashes, [queue, 3, 900n, null, 16]],
  lockFree: [LanesSql.make(names).lockFree, [queue, 16, "w", life]],
  endDue: [HoldsSql.make(names).endDue, [queue, lanes, lanes.map(() => 0n), ["k1", "k2"], life]],
  next: [HoldsSql.make(names).next, [queue, lanes]],
  move: [DelayedSql.make(names).move, [names.channel, 500]],
  publishLater: [DelayedSql.make(names).write, [
    ["a"],
    ["t"],
    ["k1"],
    [true],
    [1],
    ["{}"],
    ["{}"],
    [1],
    null,
    1000,
    "n"
  ]],
  cancel: [DelayedSql.make(names).cancel, ["t", "k1", "n"]],
  claim: [InboxSql.make(names).claim, [queue, ["a", "b"], ["f", "f"]]],
  known: [InboxSql.make(names).known, [queue, ["a", "b"]]],
  enter: [InboxSql.make(names).claimOnce, [queue, "a", "f", "c", "c"]],
  stored: [InboxSql.make(names).stored, [queue, "a"]],
  remember: [InboxSql.make(names).remember, [queue, "a", "1"]],
  settled: [InboxSql.make(names).settled, ["c", "a"]],
  status: [StatusSql.make(names), [queue]],
  restored: [RestoredSql.make(names).look, []],
  heldKeys: [ConsumerOperationsSql.make(names).heldKeys, [queue, "k1", 100]]
})

/** These run on the machinery's connections, and these on a committer's. */
const machinery = ["poll", "countCrashes", "lockFree", "endDue", "next", "move", "status"]
const committers = ["settle", "settleRedriven", "settleLarge", "claim", "known"]
const { random_page_cost } = committerParameters(180000)
const setUp = Effect.fnUntraced(function*(name: string) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`set local plan_cache_mode = force_generic_plan`
  yield* sql`set local enable_seqscan = ${sql.literal(machinery.includes(name) ? "off" : "on")}`
  if (!committers.includes(name)) return
  yield* sql`set local random_page_cost = ${sql.literal(random_page_cost!)}`
  // As if its indexes had twice as many pages. An open transaction has that effect: it keeps rows from being
  // vacuumed.
  yield* sql`set local seq_page_cost = 0.5`
})

const lifeOf = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) => Effect.map(sql<{ readonly id: string }>`select id from ${sql(`${schema}.server_life`)}`, ([row]) => row!.id)
)

/** Tables that a plan scans from end to end. */
const scans = (node: Record<string, unknown>): ReadonlyArray<string> => [
  ...node["Node Type"] === "Seq Scan" ? [String(node["Relation Name"])] : [],
  ...((node["Plans"] ?? []) as ReadonlyArray<Record<string, unknown>>).flatMap(scans)
]

const check = (queue: number, state: string) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    for (const [name, [text, params]] of Object.entries(statements(queue, yield* lifeOf))) {
      const [row] = yield* sql.withTransaction(Effect.andThen(
        setUp(name),
        sql.unsafe<{ "QUERY PLAN": ReadonlyArray<{ Plan: Record<string, unknown> }> }>(
          `explain (format json) ${text}`,
          params
        )
      ))
      const scanned = scans(row!["QUERY PLAN"][0]!.Plan).filter((table) =>
        ["messages", "inbox", "holds", "delayed"].includes(table)
      )
      assert.deepStrictEqual(scanned, [], `${name} with ${state} statistics`)
    }
  })

const most = mostLookedAt((table) => ["messages", "inbox", "holds", "delayed"].includes(table))

/** Runs each, undone, and asserts that none looks at a whole table: 20,000 rows. */
const run = (queue: number) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    for (const [name, [text, params]] of Object.entries(statements(queue, yield* lifeOf))) {
      const looked = yield* Effect.flip(sql.withTransaction(Effect.gen(function*() {
        yield* setUp(name)
        const [row] = yield* sql.unsafe<{ "QUERY PLAN": ReadonlyArray<{ Plan: PlanPart }> }>(
          `explain (analyze, format json) ${text}`,
          params
        )
        return yield* Effect.fail({ rows: most(row!["QUERY PLAN"][0]!.Plan) })
      })))
      assert("rows" in looked, name)
      // Counts for operators and metrics end at 10,000.
      assert.isAtMost(looked.rows, name === "status" ? 10_001 : 4_000, name)
    }
  })

// A database of its own: an open transaction of any other test would keep rows from being vacuumed.
const engine = Layer.unwrap(Effect.map(freshDatabase(inject("databaseUrl")), (url) => postgres(url, {}, schema)))

layer(engine, { excludeTestServices: true })("plans", (it) => {
  it.effect("use their indexes with missing, stale and fresh statistics", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const store = yield* Store.Store
      yield* register({ lanes: 16 })
      const [row] = yield* sql<{ id: number }>`select id from ${sql(`${schema}.consumers`)}`
      const queue = row!.id
      const fill = Effect.gen(function*() {
        const messages = yield* Effect.forEach(Array.from({ length: 20_000 }, (_, i) => i), (i) =>
          message(`m${i}`, `k${i % 500}`))
        yield* store.outbox.write(messages)
        yield* sql`insert into ${sql(`${schema}.inbox`)} (queue_id, id, outcome, fingerprint)
          select ${queue}::int, 'i' || n, 'done', 'f' from generate_series(1, 20000) n`
        yield* sql`insert into ${sql(`${schema}.holds`)} (queue_id, key, lane, until, from_seq)
          select ${queue}::int, 'h' || n, n % 16, 'infinity', 0 from generate_series(1, 2000) n`
        yield* sql`insert into ${
          sql(`${schema}.delayed`)
        } (due_at, name, id, topic, key, keyed, hash, payload, headers, version)
          select now() + (n - 5000) * interval '1 s', nullif('n' || n % 3, 'n0'), 'd' || n, 't', 'k' || n, true, n, '{}', '{}', 1
          from generate_series(1, 20000) n`
      })
      const analyze = Effect.forEach(["messages", "inbox", "holds", "lanes", "delayed"], (table) =>
        sql`analyze ${sql(`${schema}.${table}`)}`)
      for (const table of ["messages", "inbox", "holds", "delayed"]) {
        yield* sql`alter table ${sql(`${schema}.${table}`)} set (autovacuum_enabled = false)`
      }
      yield* fill
      yield* check(queue, "missing")
      yield* sql`truncate ${sql(`${schema}.messages`)}, ${sql(`${schema}.inbox`)}, ${sql(`${schema}.holds`)},
        ${sql(`${schema}.delayed`)}`
      yield* analyze
      yield* fill
      yield* check(queue, "stale")
      yield* analyze
      yield* check(queue, "fresh")
      yield* run(queue)
      // Taken between two waves, in a table of many pages: a whole queue looks cheaper than a probe a row.
      yield* sql`delete from ${sql(`${schema}.messages`)} where seq < (select max(seq) from ${
        sql(`${schema}.messages`)
      })`
      yield* sql`delete from ${sql(`${schema}.inbox`)} where id <> 'i20000'`
      yield* sql`delete from ${sql(`${schema}.holds`)} where key <> 'h2000'`
      yield* sql`delete from ${sql(`${schema}.delayed`)} where id <> 'd20000'`
      for (const table of ["messages", "inbox", "holds", "delayed"]) {
        yield* sql`vacuum analyze ${sql(`${schema}.${table}`)}`
      }
      yield* sql`delete from ${sql(`${schema}.inbox`)}`
      yield* sql`delete from ${sql(`${schema}.holds`)}`
      yield* sql`delete from ${sql(`${schema}.delayed`)}`
      yield* fill
      yield* run(queue)
    }))
})
