/**
 * The reconciliation of the main job can fail.
 *
 * A small run is reconciled. Then its database is falsified in every way that a line of the table promises to detect.
 * That line must turn red.
 */
import { layer } from "@effect/vitest"
import { Effect, Layer, References } from "effect"
import { SqlClient } from "effect/sql"
import { DeadLetters } from "millrace"
import { assert } from "vitest"
import * as Downstream from "../../examples/main-job/downstream.ts"
import * as Fault from "../../examples/main-job/faultPlan.ts"
import * as Plan from "../../examples/main-job/plan.ts"
import * as Reconcile from "../../examples/main-job/reconcile.ts"
import * as Sender from "../../examples/main-job/sender.ts"
import * as Tables from "../../examples/main-job/tables.ts"
import * as Workers from "../../examples/main-job/workers.ts"
import { pglite } from "../setup/pglite.ts"

const seed = 7
const deliveries = Plan.deliveries(seed, 1_000)
const steps = Plan.steps(seed, deliveries, 2)
const planned = { deliveries: 1_000, redeliveries: steps.flat().flatMap((step) => step.sendings).length - 1_000 }
const tables = Tables.of("reconciliation")

/** Sends and drains until the last hold is over. */
const run = Effect.gen(function*() {
  yield* Tables.create(tables)
  yield* Sender.run({ tables, steps, rate: undefined })
  const doomed = deliveries.filter(({ fault }) => Fault.outcome(fault) !== "applied").length
  const sql = yield* SqlClient.SqlClient
  for (let round = 0; round < 20; round++) {
    yield* Workers.drained(tables, { _tag: "Postgres" }, Workers.alone)
    const [row] = yield* sql<{ readonly n: number }>`select count(*)::int as n from ${sql(tables.notified)}`
    if (row!.n === 1_000 - doomed) break
    // Some messages are held by the database's own clock, which no test can move.
    yield* Effect.sleep("300 millis")
  }
})

const differing = Effect.map(
  Reconcile.reconcile(tables, planned),
  (lines) => lines.filter((line) => !Reconcile.agrees(line)).map(({ name }) => name)
)

/** One falsification, and the lines that must detect it. Other lines may detect it, too. */
interface Falsification {
  readonly what: string
  readonly sql: (sql: SqlClient.SqlClient) => Effect.Effect<unknown, unknown>
  readonly red: ReadonlyArray<string>
}

const falsifications: ReadonlyArray<Falsification> = [
  {
    what: "a row of the log is missing",
    sql: (sql) => sql`delete from ${sql(tables.activity)} where id = (select max(id) / 2 from ${sql(tables.activity)})`,
    red: ["applied", "lost", "out of order", "broken links of the hash chains", "notifications, others"]
  },
  {
    what: "the last row of a source is missing, which no later row shows",
    sql: (sql) => sql`delete from ${sql(tables.activity)} where id = (select max(id) from ${sql(tables.activity)})`,
    red: ["applied", "lost", "broken links of the hash chains"]
  },
  {
    what: "a webhook is applied twice",
    sql: (sql) =>
      sql`
      insert into ${sql(tables.activity)} (source, sequence, hash, delivery, position, kind, action)
      select source, sequence, hash, delivery, position, kind, action from ${sql(tables.activity)} limit 1`,
    red: ["applied", "applied twice", "out of order", "broken links of the hash chains"]
  },
  {
    what: "two webhooks of a source are swapped",
    sql: (sql) =>
      sql`
      with pair as (
        select a.id as a, b.id as b, a.position as pa, b.position as pb, a.delivery as da, b.delivery as db
        from ${sql(tables.activity)} a join ${
        sql(tables.activity)
      } b on a.source = b.source and b.sequence = a.sequence + 1
        limit 1
      )
      update ${sql(tables.activity)} as log set
        position = case when log.id = pair.a then pair.pb else pair.pa end,
        delivery = case when log.id = pair.a then pair.db else pair.da end
      from pair where log.id in (pair.a, pair.b)`,
    red: ["out of order", "broken links of the hash chains"]
  },
  {
    what: "a webhook is applied that was never sent",
    sql: (sql) => sql`update ${sql(tables.activity)} set delivery = 'unsent' where id = 1`,
    red: ["never sent", "lost", "broken links of the hash chains"]
  },
  {
    what: "a source's head is not where its log ends",
    sql: (sql) =>
      sql`
      update ${sql(tables.sources)} set head = 'x' where source = (select min(source) from ${sql(tables.sources)})`,
    red: ["broken links of the hash chains"]
  },
  {
    what: "an issue is open that should be closed",
    sql: (sql) =>
      sql`update ${sql(tables.subjects)} set state = 'ajar' where ctid = (select min(ctid) from ${
        sql(tables.subjects)
      })`,
    red: ["wrong states of issues and pull requests"]
  },
  {
    what: "an issue is missing",
    sql: (sql) => sql`delete from ${sql(tables.subjects)} where ctid = (select min(ctid) from ${sql(tables.subjects)})`,
    red: ["wrong states of issues and pull requests"]
  },
  {
    what: "the sender's record lacks a delivery",
    sql: (sql) =>
      sql`
      delete from ${sql(tables.sent)} where copy = 1 and delivery = (select min(delivery) from ${
        sql(tables.activity)
      })`,
    red: ["sent", "applied"]
  },
  {
    what: "the sender's record lacks a redelivery",
    sql: (sql) =>
      sql`delete from ${sql(tables.sent)} where ctid = (select min(ctid) from ${sql(tables.sent)} where copy = 2)`,
    red: ["sent", "redelivered"]
  },
  {
    what: "a delivery becomes a dead letter of another reason than planted",
    sql: (sql) =>
      sql`
      update ${sql(tables.sent)} set outcome = 'exhausted'
      where delivery = (select min(delivery) from ${sql(tables.sent)} where outcome = 'rejected')`,
    red: ["dead letters, exhausted", "dead letters, not planted"]
  },
  {
    what: "a notification is missing",
    sql: (sql) => sql`delete from ${sql(tables.notified)} where id = (select min(id) from ${sql(tables.notified)})`,
    red: ["notifications, one per applied"]
  },
  {
    what: "a notification is written twice",
    sql: (sql) =>
      sql`
      insert into ${sql(tables.notified)} (source, sequence, delivery, followers, text)
      select source, sequence, delivery, followers, text from ${sql(tables.notified)} limit 1`,
    red: ["notifications, others"]
  },
  {
    what: "two notifications of a source are swapped",
    sql: (sql) =>
      sql`
      with pair as (
        select a.id as a, b.id as b
        from ${sql(tables.notified)} a join ${
        sql(tables.notified)
      } b on a.source = b.source and b.sequence = a.sequence + 1
        limit 1
      ), moved as (
        update ${sql(tables.notified)} as notification set source = 'moved' from pair where notification.id = pair.a
        returning notification.sequence, notification.delivery, notification.followers, notification.text
      )
      insert into ${sql(tables.notified)} (source, sequence, delivery, followers, text)
      select notification.source, moved.sequence, moved.delivery, moved.followers, moved.text
      from moved, pair, ${sql(tables.notified)} as notification where notification.id = pair.b`,
    red: ["notifications, out of order"]
  }
]

const database = Layer.mergeAll(
  pglite({ schema: "reconciliation" }),
  Downstream.layer(seed),
  Layer.succeed(References.MinimumLogLevel, "Error")
)

layer(database, { excludeTestServices: true, timeout: "3 minutes" })("the reconciliation of the main job", (it) => {
  it.effect("agrees in every line after a whole run", () =>
    Effect.gen(function*() {
      yield* run
      assert.deepEqual(yield* differing, [])
    }), 180_000)

  for (const { red, sql: falsify, what } of falsifications) {
    it.effect(`detects that ${what}`, () =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        const seen = yield* Effect.flip(sql.withTransaction(Effect.gen(function*() {
          yield* falsify(sql)
          return yield* Effect.fail(yield* differing) // rolls the falsification back
        })))
        for (const name of red) assert.include(seen as ReadonlyArray<string>, name)
      }))
  }

  it.effect("detects that a dead letter is missing", () =>
    Effect.gen(function*() {
      const deadLetters = yield* DeadLetters.list({ consumer: "activity", state: "open" })
      const one = deadLetters.find(({ reason }) => reason === "rejected")!
      yield* DeadLetters.discard(one.id, { by: "the test" })
      assert.deepEqual(yield* differing, ["lost", "dead letters, rejected"])
    }))

  it.effect("agrees in every other line after all that", () =>
    Effect.map(differing, (names) => assert.deepEqual(names, ["lost", "dead letters, rejected"])))
})
