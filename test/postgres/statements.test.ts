/**
 * Each statement, under another life of the server, does nothing with what a worker remembers. The statements whose
 * commits are not flushed are on a short list, each with its reason in `src/postgres/README.md`.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Result } from "effect"
import { SqlClient } from "effect/sql"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { inject } from "vitest"
import * as AuditSql from "../../src/postgres/sql/audit.ts"
import * as ConsumerOperationsSql from "../../src/postgres/sql/consumerOperations.ts"
import * as ConsumersSql from "../../src/postgres/sql/consumers.ts"
import * as DeadLettersSql from "../../src/postgres/sql/deadLetters.ts"
import * as DecisionsSql from "../../src/postgres/sql/decisions.ts"
import * as DelayedSql from "../../src/postgres/sql/delayed.ts"
import * as HoldsSql from "../../src/postgres/sql/holds.ts"
import * as InboxSql from "../../src/postgres/sql/inbox.ts"
import * as KeyAdvancesSql from "../../src/postgres/sql/keyAdvances.ts"
import * as LanesSql from "../../src/postgres/sql/lanes.ts"
import * as LeasesSql from "../../src/postgres/sql/leases.ts"
import * as MessagesSql from "../../src/postgres/sql/messages.ts"
import * as Names from "../../src/postgres/sql/names.ts"
import * as PublishingSql from "../../src/postgres/sql/publishing.ts"
import * as RedriveActionsSql from "../../src/postgres/sql/redriveActions.ts"
import * as RedriveRunsSql from "../../src/postgres/sql/redriveRuns.ts"
import * as RemovalSql from "../../src/postgres/sql/removal.ts"
import * as RestoredSql from "../../src/postgres/sql/restored.ts"
import * as RetentionSql from "../../src/postgres/sql/retention.ts"
import * as ServerLifeSql from "../../src/postgres/sql/serverLife.ts"
import * as UnsettledSql from "../../src/postgres/sql/unsettled.ts"
import { freshSchema, postgres } from "./kit.ts"

const schema = freshSchema()
const names = Result.getOrThrow(Names.make(schema))
const of = {
  audit: AuditSql.make(names),
  consumers: ConsumersSql.make(names),
  decisions: DecisionsSql.make(names),
  delayed: DelayedSql.make(names),
  holds: HoldsSql.make(names),
  inbox: { ...InboxSql.make(names), claimAll: InboxSql.claimAll(names) },
  keyAdvances: KeyAdvancesSql.make(names),
  lanes: LanesSql.make(names),
  leases: LeasesSql.make(names),
  deadLetters: DeadLettersSql.make(names),
  messages: MessagesSql.make(names),
  consumerOperations: ConsumerOperationsSql.make(names),
  publishing: PublishingSql.make(names),
  redriveActions: RedriveActionsSql.make(names),
  redriveRuns: RedriveRunsSql.make(names),
  removal: RemovalSql.make(names),
  restored: RestoredSql.make(names),
  retention: RetentionSql.make(names),
  serverLife: ServerLifeSql.make(names),
  unsettled: UnsettledSql.make(names)
}

type Params = (life: string) => ReadonlyArray<unknown>
const lane = [1, [0], [7n]] as const

/** The statements that ask for the server's life, with what they need to find their rows. */
const living: Readonly<Record<string, readonly [text: string, params: Params]>> = {
  lockFree: [of.lanes.lockFree, (life) => [1, 8, "other", life]],
  "lanes.fence": [of.lanes.fence, (life) => [...lane, life]],
  stillOwned: [of.lanes.stillOwned, (life) => [...lane, life]],
  renew: [of.lanes.renew, (life) => [...lane, life, 60_000]],
  record: [of.lanes.record, (life) => [...lane, life, [9n]]],
  "lanes.release": [of.lanes.release, (life) => [...lane, life]],
  isolate: [of.lanes.isolate, (life) => [...lane, life, [5n]]],
  settle: [of.messages.settle, (life) => [...lane, life, [5n]]],
  settleRedriven: [of.messages.settleRedriven, (life) => [...lane, life, [6n], ["redriven"], [1]]],
  settleLarge: [of.messages.settleLarge, (life) => [...lane, life, [5n], ["m"], [0]]],
  put: [of.holds.put, (life) => [1, 0, 7n, "k", 1000, 5n, 5n, "[1]", life, "m", 0]],
  endDue: [of.holds.endDue, (life) => [...lane, ["due"], life]],
  lower: [of.holds.lower, (life) => [1, ["due"], [1n], life]],
  heartbeat: [of.consumers.heartbeat, (life) => [1, "w", 60_000, life, "1.0"]]
}

/** The statements without a flushed commit. */
const unflushed: Readonly<Record<string, readonly [text: string, params: Params]>> = {
  record: living["record"]!,
  "lanes.release": living["lanes.release"]!,
  releaseAll: [of.lanes.releaseAll, () => [1, "owner"]],
  endDue: living["endDue"]!,
  lower: living["lower"]!,
  heartbeat: living["heartbeat"]!,
  leave: [of.consumers.leave, () => [1, "w"]],
  wait: [of.consumers.wait, () => [1, 1000]],
  wake: [of.consumers.wake, () => [[1], names.channel]]
}

const tables = ["lanes", "messages", "holds", "workers", "consumers"]

/**
 * Runs it alone in a transaction, and undoes it: what it left in the tables, and whether its commit would have been
 * flushed.
 */
const ran = (text: string, params: ReadonlyArray<unknown>) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const seen = Effect.map(
      Effect.forEach(tables, (table) => sql.unsafe(`select t::text as row from "${schema}"."${table}" t order by 1`)),
      (all) => JSON.stringify(all)
    )
    const before = yield* seen
    const end = yield* Effect.flip(sql.withTransaction(Effect.gen(function*() {
      yield* sql.unsafe("set local synchronous_commit = on")
      const rows = yield* sql.unsafe<Record<string, unknown>>(text, params)
      const [setting] = yield* sql<{ readonly on: string }>`select current_setting('synchronous_commit') as on`
      return yield* Effect.fail({ rows, changed: (yield* seen) !== before, flushed: setting!.on === "on" })
    })))
    assert("rows" in end, `the transaction was not undone as it should be: ${text}`)
    return end
  })

layer(postgres(inject("databaseUrl"), {}, schema), { excludeTestServices: true })("a statement", (it) => {
  it.effect("that takes a place, a token or a number does nothing under another life of the server", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const [row] = yield* sql.unsafe<{ readonly life: string }>(of.serverLife.read)
      const at = (name: string) => sql(`${schema}.${name}`)
      yield* sql`insert into ${at("consumers")} (name, lanes, dead_letter_order) values ('c', 1, 'park')`
      yield* sql`insert into ${at("lanes")} (queue_id, lane, owner, token, lease_until, life)
        values (1, 0, 'owner', 7, clock_timestamp() - interval '1 s', ${row!.life})`
      yield* sql`insert into ${at("messages")} (queue_id, lane, seq, id, topic, key, keyed, payload, redriven)
        values (1, 0, 5, 'm', 't', 'k', true, '{}', 0), (1, 0, 6, 'redriven', 't', 'k', true, '{}', 1)`
      yield* sql`insert into ${at("holds")} (queue_id, key, lane, until, from_seq)
        values (1, 'due', 0, clock_timestamp() - interval '1 s', 5)`
      yield* sql`update ${at("consumers")} set waiting_until = 'infinity'`
      for (const [name, [text, params]] of Object.entries(living)) {
        const now = yield* ran(text, params(row!.life))
        assert.isTrue(
          now.changed || now.rows.length > 0,
          `${name} finds nothing in its own life, so that this test would show nothing`
        )
        const other = yield* ran(text, params("another life"))
        assert.isFalse(other.changed, `${name} has changed something`)
        const found = other.rows.flatMap((row) => Object.entries(row)).filter(([column]) => column !== "life")
        const none = found.every(([, value]) =>
          value === false || (Array.isArray(value) && value.length === 0) || value === 0
        )
        assert.isTrue(none, `${name} has found ${JSON.stringify(Object.fromEntries(found))}`)
      }
    }))

  it.effect("has its commit flushed, but for those on the list", () =>
    Effect.gen(function*() {
      const [row] = yield* Effect.flatMap(SqlClient.SqlClient, (sql) =>
        sql.unsafe<{ readonly life: string }>(of.serverLife.read))
      for (const [name, [text, params]] of Object.entries({ ...living, ...unflushed })) {
        assert.strictEqual((yield* ran(text, params(row!.life))).flushed, !(name in unflushed), name)
      }
    }))

  it.effect("stands in the table of what it may believe, and so does no other", () =>
    Effect.sync(() => {
      const page = readFileSync(fileURLToPath(new URL("../../src/postgres/README.md", import.meta.url)), "utf8")
      const listed = new Set([...page.matchAll(/`([a-zA-Z]+[.][a-zA-Z]+)`/g)].map(([, name]) => name!))
      const all = Object.entries(of).flatMap(([file, statements]) =>
        Object.keys(statements).map((statement) => `${file}.${statement}`)
      )
      assert.deepStrictEqual(all.filter((name) => !listed.has(name)), [])
      const ours = [...listed].filter((name) => name.split(".")[0]! in of && !name.endsWith(".test"))
      assert.deepStrictEqual(ours.filter((name) => !all.includes(name)), [])
    }))
})
