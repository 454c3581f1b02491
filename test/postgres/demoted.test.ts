/**
 * A failover that breaks no connection. The sessions that were open stay with a server that is read-only now, and new
 * ones reach the new primary. Here the database's default decides which sessions are which.
 */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Redacted, Schema, Stream } from "effect"
import { SqlClient } from "effect/sql"
import { Health, Pipeline, Store, Topic, Worker } from "millrace"
import { Postgres } from "millrace/postgres"
import { inspect } from "node:util"
import { inject } from "vitest"
import { freshDatabase } from "../setup/database.ts"
import { eventually, freshSchema } from "./kit.ts"

const Notes = Topic.make("notes", { schema: Schema.Struct({ id: Schema.String }), id: (note) => note.id })

/** A database of its own, its schema ready, and what makes sessions read-only that are opened from then on. */
const database = Effect.gen(function*() {
  const url = yield* freshDatabase(inject("databaseUrl"))
  const schema = freshSchema()
  const there = Postgres.layer({ url: Redacted.make(url), schema })
  const name = new URL(url).pathname.slice(1)
  const first = yield* Layer.build(there)
  const sql = Context.get(first, SqlClient.SqlClient)
  yield* sql`create table ledger (id text)`
  const newSessions = (readOnly: boolean) =>
    Effect.asVoid(sql`alter database ${sql(name)} set default_transaction_read_only = ${sql.literal(String(readOnly))}`)
  return {
    schema,
    newSessions,
    sql,
    first,
    layer: Postgres.layer({ url: Redacted.make(url), schema, migrate: "check" })
  }
})

const write = Effect.flatMap(SqlClient.SqlClient, (sql) => sql`insert into ledger (id) values ('x')`)
const inWorker = (how: "pipelined" | "sequential" | "separate") =>
  Effect.flatMap(
    Store.Store,
    (store) => Effect.provideService(store.transact(write), Store.WorkerTransaction, how)
  )

/** A use of a session of each kind. */
const uses: Record<string, Effect.Effect<unknown, unknown, Store.Store | SqlClient.SqlClient>> = {
  "a user's statement": write,
  "a user's transaction": Effect.flatMap(SqlClient.SqlClient, (sql) => sql.withTransaction(write)),
  "a user's stream": Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => Stream.runDrain(sql`insert into ledger (id) values ('x') returning id`.stream)
  ),
  "a publisher": Topic.publish(Notes, { id: "p" }),
  "the machinery's statement": Effect.flatMap(Store.Store, (store) => store.leases.claim("l", "o", 1000)),
  "the machinery's transaction": Effect.flatMap(
    Store.Store,
    (store) => store.transact(store.inbox.claimOnce("api", { id: "i", fingerprint: "f" }, false))
  ),
  "a group's transaction": inWorker("pipelined"),
  "a group's transaction, in turn": inWorker("sequential"),
  "a worker's other transaction": inWorker("separate")
}

describe("a session that says it is read-only", () => {
  it.live.each(Object.keys(uses))("is given to no other caller: %s", (kind) =>
    Effect.gen(function*() {
      const { layer, newSessions } = yield* database
      yield* newSessions(true)
      const built = yield* Layer.build(layer)
      const use = Effect.provide(uses[kind]!, built)
      const error = yield* Effect.flip(use)
      assert.match(inspect(error, { depth: 10 }), /in a read-only transaction/)
      yield* newSessions(false)
      // A use meets each session once that was opened before; a few of them are open by then.
      yield* Effect.retry(use, { times: 4 })
    }).pipe(Effect.scoped))
})

it.live(
  "a worker whose sessions are all read-only continues with new ones, and nothing is lost or counted",
  () =>
    Effect.gen(function*() {
      const { first, layer, newSessions, sql } = yield* database
      const attempts = new Set<number>()
      const booked = Pipeline.from(Notes, { consumer: "booked" }).pipe(
        Pipeline.commitSql((note, sql, { attempt }) => {
          attempts.add(attempt)
          return sql`insert into ledger (id) values (${note.id})`
        })
      )
      yield* Effect.provide(Worker.drain(booked), first)
      const notes = Array.from({ length: 50 }, (_, n) => ({ id: `n${n}` }))
      yield* Effect.provide(Topic.publishAll(Notes, notes), first)
      yield* newSessions(true)
      const built = yield* Layer.build(layer)
      yield* Effect.forkScoped(Effect.provide(Worker.run(booked, { idlePoll: "100 millis" }), built))
      const workers = yield* Health.Workers
      yield* eventually(Effect.sync(() =>
        [...workers].some((state) =>
          state.consumer === "booked" && JSON.stringify(state.failing()).includes("read-only transaction")
        )
      ))
      yield* newSessions(false)
      yield* eventually(Effect.map(sql`select distinct id from ledger`, (rows) =>
        rows.length === notes.length))
      assert.lengthOf(yield* sql`select id from ledger`, notes.length)
      assert.deepStrictEqual([...attempts], [1])
    }).pipe(Effect.scoped)
)
