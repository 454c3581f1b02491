/** Statements as data go over the wire together; what the driver then leaves to us holds all the same. */
import { assert, it } from "@effect/vitest"
import { Effect, Schedule, Schema } from "effect"
import { SqlClient, Statement } from "effect/sql"
import { DeadLetters, Pipeline, Store, Topic, Worker } from "millrace"
import { inject } from "vitest"
import { proxy } from "../harness/proxy.ts"
import { eventually, freshSchema, postgres, publish } from "./kit.ts"

const url = inject("databaseUrl")

const Entries = Topic.make("entries", {
  schema: Schema.Struct({ id: Schema.String, amount: Schema.Int }),
  key: (entry) => entry.id,
  id: (entry) => entry.id
})
const entries = (count: number) => Array.from({ length: count }, (_, i) => ({ id: `e${i}`, amount: i }))

const together = <A, E, R>(body: Effect.Effect<A, E, R>) =>
  Effect.provideService(
    Effect.flatMap(Store.Store, (store) => store.transact(body)),
    Store.WorkerTransaction,
    "pipelined"
  )

const ledger = (within: string) =>
  Pipeline.from(Entries, { consumer: "ledger" }).pipe(
    Pipeline.commitSql((entry, sql) => [
      sql`insert into ${
        sql(`${within}.ledger`)
      } (part, id, amount) values (${`first:${entry.id}`}, ${entry.id}, ${entry.amount})`,
      sql`insert into ${
        sql(`${within}.ledger`)
      } (part, id, amount) values (${`second:${entry.id}`}, ${entry.id}, ${entry.amount})`
    ]),
    Pipeline.retry(Schedule.recurs(0))
  )

const tableIn = (within: string) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) =>
      sql`create table ${
        sql(`${within}.ledger`)
      } (seq bigint generated always as identity, part text, id text, amount int check (amount <> 7))`
  )

/** Keeps groups from being committed as data, so that they are composed statement by statement. */
const composed = Effect.provideService(Statement.CurrentTransformer, (statement) => Effect.succeed(statement))

it.live("sends the statements of a composed group together, each member's in order", () =>
  Effect.gen(function*() {
    const between = yield* proxy(url)
    const within = freshSchema()
    const most = { together: 0 }
    const program = Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* tableIn(within)
      yield* Worker.drain(ledger(within))
      yield* Topic.publishAll(Entries, entries(200).filter((entry) => entry.amount !== 7))
      between.dropResponses = (chunk) => {
        most.together = Math.max(most.together, chunk.toString("latin1").match(/(?:first|second):e\d+/g)?.length ?? 0)
        return false
      }
      yield* composed(Worker.drain(ledger(within)))
      assert.isAbove(most.together, 20)
      const rows = yield* sql<{ parts: ReadonlyArray<string> }>`
        select array_agg(split_part(part, ':', 1) order by seq) as parts from ${sql(`${within}.ledger`)} group by id`
      assert.lengthOf(rows, 199)
      for (const { parts } of rows) assert.deepStrictEqual(parts, ["first", "second"])
    })
    yield* Effect.provide(program, postgres(between.url, {}, within))
  }))

it.live("undoes and dead-letters the one whose statement fails, and commits the others of its group", () => {
  const within = freshSchema()
  return Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    yield* tableIn(within)
    yield* Worker.drain(ledger(within))
    yield* Topic.publishAll(Entries, entries(50))
    yield* Worker.drain(ledger(within))
    const rows = yield* sql<{ id: string }>`select id from ${sql(`${within}.ledger`)} order by amount, seq`
    assert.deepStrictEqual(
      rows.map((row) => row.id),
      entries(50).filter((entry) => entry.amount !== 7).flatMap((entry) => [entry.id, entry.id])
    )
    const deadLetters = yield* DeadLetters.list({ consumer: "ledger" })
    assert.deepStrictEqual(deadLetters.map((deadLetter) => deadLetter.message.id), ["e7"])
    // Its own failure, not that of a statement behind it in the aborted transaction.
    assert.strictEqual(deadLetters[0]?.attempts[0]?.tag, "SqlError")
  }).pipe(Effect.provide(postgres(url, {}, within)))
})

it.live("ends the session of a statement that was interrupted, so that no lock stays", () => {
  const within = freshSchema()
  return Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const table = sql(`${within}.locked`)
    yield* sql`create table ${table} (a int)`
    const slow = together(Effect.andThen(sql`lock table ${table}`, sql`select pg_sleep(600)`))
    yield* Effect.ignore(Effect.timeout(slow, "200 millis"))
    yield* eventually(Effect.as(Effect.timeout(sql`insert into ${table} values (1)`, "2 seconds"), true))
    assert.lengthOf(yield* together(sql`select 1`), 1)
  }).pipe(Effect.provide(postgres(url, {}, within)))
})

it.live("ends a session whose interrupted statement the transaction survived, after its COMMIT", () => {
  const within = freshSchema()
  return Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const pid = Effect.map(sql<{ pid: number }>`select pg_backend_pid() as pid`, ([row]) => row!.pid)
    const interrupted = Effect.ignore(Effect.timeout(sql`select pg_sleep(0.5)`, "50 millis"))
    const used = yield* together(Effect.tap(pid, () => interrupted))
    yield* eventually(
      Effect.map(sql`select 1 from pg_stat_activity where pid = ${used}`, (found) => found.length === 0)
    )
  }).pipe(Effect.provide(postgres(url, {}, within)))
})

it.live("gives no other caller a connection without a response to COMMIT", () =>
  Effect.gen(function*() {
    const between = yield* proxy(url)
    const within = freshSchema()
    const program = Effect.gen(function*() {
      // The first COMMIT of a connection goes over the wire with its text.
      between.dropResponses = (chunk) => chunk.includes("COMMIT")
      const error = yield* Effect.flip(together(publish(["cm-1"])))
      between.dropResponses = undefined
      assert.strictEqual(error._tag, "UnknownOutcome")
      yield* Effect.timeout(together(publish(["cm-2"])), "3 seconds")
    })
    yield* Effect.provide(program, postgres(between.url, { commitTimeout: "500 millis" }, within))
  }))
