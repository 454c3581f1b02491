/** A group that is committed as data: all of it in one write, or none of it. Then the composed transaction decides. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Exit, Layer, Schema, type Scope } from "effect"
import { SqlClient } from "effect/sql"
import { DeadLetters, Pipeline, Store, Topic, type Transport, Worker } from "millrace"
import { inject } from "vitest"
import { proxy } from "../harness/proxy.ts"
import { withSchema } from "../setup/schemas.ts"
import { dataCommits } from "./dataKit.ts"
import { eventually, freshSchema, open, postgres, publish, receive, register } from "./kit.ts"

const url = inject("databaseUrl")

const Entries = Topic.make("entries", {
  schema: Schema.Struct({ id: Schema.String, amount: Schema.Int }),
  key: (entry) => entry.id,
  id: (entry) => entry.id
})
const Receipts = Topic.make("receipts", { schema: Schema.Struct({ of: Schema.String }), id: (receipt) => receipt.of })
const entries = (count: number) => Array.from({ length: count }, (_, i) => ({ id: `e${i}`, amount: i }))

const createLedger = (within: string, check = "amount <> 7") =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    sql.unsafe(
      `create table ${within}.ledger (seq bigint generated always as identity, id text, amount int, check (${check}))`
    ))

const ledger = (within: string) =>
  Pipeline.from(Entries, { consumer: "ledger" }).pipe(
    Pipeline.commitSql((entry, sql) =>
      sql`insert into ${sql(`${within}.ledger`)} (id, amount) values (${entry.id}, ${entry.amount})`
    ),
    Pipeline.retry({ attempts: 1 })
  )

const idsIn = (within: string) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    Effect.map(
      sql<{ id: string }>`select id from ${sql(`${within}.ledger`)} order by amount`,
      (rows) => rows.map(({ id }) => id)
    ))

const commitData = dataCommits("c")

const waiting = (within: string) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    Effect.map(
      sql<{ id: string }>`select id from ${sql(`${within}.messages`)} order by seq`,
      (rows) => rows.map(({ id }) => id)
    ))

/** A subscription that has three messages. */
const three = Effect.fnUntraced(function*() {
  yield* register()
  const subscription = yield* open("w")
  yield* publish(["m1", "a"], ["m2", "b"], ["m3", "c"])
  return { subscription, got: yield* receive(subscription, 3) }
})

type Services = SqlClient.SqlClient | Store.Store | Transport.Transport | Scope.Scope

const on = (
  name: string,
  body: (within: string) => Effect.Effect<unknown, unknown, Services>,
  options = {}
) => {
  it.live(name, () => withSchema(url, body, options))
}

describe("a group as data", () => {
  on("is removed and claimed, and its statements commit", (within) =>
    Effect.gen(function*() {
      const { got, subscription } = yield* three()
      yield* createLedger(within)
      const insert = { sql: `insert into ${within}.ledger (id, amount) values ($1, $2)`, params: ["m1", 1] }
      assert.isTrue(yield* commitData(subscription, got.toReversed(), [insert]))
      assert.deepStrictEqual([yield* waiting(within), yield* idsIn(within)], [[], ["m1"]])
      const store = yield* Store.Store
      assert.deepStrictEqual(yield* store.inbox.lookup("c", "m3"), { _tag: "Committed" })
    }))

  on("does nothing if a statement fails", (within) =>
    Effect.gen(function*() {
      const { got, subscription } = yield* three()
      yield* createLedger(within)
      const insert = (amount: number) => ({
        sql: `insert into ${within}.ledger (id, amount) values ($1, $2)`,
        params: ["m1", amount]
      })
      assert.isFalse(yield* commitData(subscription, got, [insert(1), insert(7), insert(2)]))
      assert.deepStrictEqual([yield* waiting(within), yield* idsIn(within)], [["m1", "m2", "m3"], []])
      // The connection serves the next group.
      assert.isTrue(yield* commitData(subscription, got, [insert(1)]))
    }))

  on("does nothing if COMMIT is refused", (within) =>
    Effect.gen(function*() {
      const { got, subscription } = yield* three()
      const sql = yield* SqlClient.SqlClient
      yield* sql.unsafe(`create table ${within}.once (id int unique deferrable initially deferred)`)
      const insert = { sql: `insert into ${within}.once values (1)`, params: [] }
      assert.isFalse(yield* commitData(subscription, got, [insert, insert]))
      assert.lengthOf(yield* waiting(within), 3)
    }))

  on("does nothing if an id is known", (within) =>
    Effect.gen(function*() {
      const { got, subscription } = yield* three()
      const store = yield* Store.Store
      yield* store.transact(store.inbox.claim("c", [{ id: "m2", fingerprint: "print of m2" }]))
      assert.isFalse(yield* commitData(subscription, got))
      assert.lengthOf(yield* waiting(within), 3)
      assert.isUndefined(yield* store.inbox.lookup("c", "m1"))
    }))

  on("does nothing if an operator has removed a message", (within) =>
    Effect.gen(function*() {
      const { got, subscription } = yield* three()
      const sql = yield* SqlClient.SqlClient
      yield* sql`delete from ${sql(`${within}.messages`)} where id = 'm2'`
      assert.isFalse(yield* commitData(subscription, got))
      assert.deepStrictEqual(yield* waiting(within), ["m1", "m3"])
    }))

  on("does nothing if another message is at a place", (within) =>
    Effect.gen(function*() {
      const { got, subscription } = yield* three()
      const sql = yield* SqlClient.SqlClient
      yield* sql`update ${sql(`${within}.messages`)} set id = 'other' where id = 'm2'`
      assert.isFalse(yield* commitData(subscription, got))
      assert.deepStrictEqual(yield* waiting(within), ["m1", "other", "m3"])
    }))

  on("does nothing under a token that another worker has passed", (within) =>
    Effect.gen(function*() {
      const { got, subscription } = yield* three()
      const sql = yield* SqlClient.SqlClient
      yield* sql`update ${sql(`${within}.lanes`)} set token = token + 1 where lane = ${
        Number(got[0]!.lease.name.slice(5))
      }`
      assert.isFalse(yield* commitData(subscription, got))
      assert.lengthOf(yield* waiting(within), 3)
    }))

  on("does nothing under another life of the server", (within) =>
    Effect.gen(function*() {
      const { got, subscription } = yield* three()
      const sql = yield* SqlClient.SqlClient
      yield* sql`update ${sql(`${within}.server_life`)} set id = 'another life'`
      assert.isFalse(yield* commitData(subscription, got))
      assert.lengthOf(yield* waiting(within), 3)
    }))

  on(
    "is described only if each message is held, was never redriven and is not too large",
    () =>
      Effect.gen(function*() {
        const { got: [first, second, third], subscription } = yield* three()
        const changed = (change: object) => ({ ...second!, receipt: { ...second!.receipt as object, ...change } })
        assert.isDefined(subscription.removal!([first!, second!]))
        assert.isUndefined(subscription.removal!([first!, changed({ redriven: 1 })]))
        assert.isUndefined(subscription.removal!([first!, changed({ large: true })]))
        Deferred.doneUnsafe(third!.lease.lost, Exit.succeed({} as never))
        assert.isUndefined(subscription.removal!([third!]))
      })
  )

  on("is composed if a statement would end the transaction, and does nothing", (within) =>
    Effect.gen(function*() {
      const { got, subscription } = yield* three()
      assert.isFalse(yield* commitData(subscription, got, [{ sql: "/* now */ commit", params: [] }]))
      assert.lengthOf(yield* waiting(within), 3)
    }))
})

describe("a worker's group", () => {
  it.live("goes over the wire in one write, from BEGIN to COMMIT", () =>
    Effect.gen(function*() {
      const between = yield* proxy(url)
      const within = freshSchema()
      const program = Effect.gen(function*() {
        yield* createLedger(within)
        yield* Worker.drain(ledger(within))
        yield* Topic.publishAll(Entries, entries(3))
        const writes: Array<string> = []
        // The texts of BEGIN and COMMIT are on the wire, since this connection has not prepared them before.
        between.dropResponses = (chunk) => {
          const found = chunk.toString("latin1").match(/BEGIN|values \(|COMMIT/g)
          if (found !== null && found.includes("BEGIN")) writes.push(found.join())
          return false
        }
        yield* Worker.drain(ledger(within), { committers: 1 })
        // A busy machine forms more than one group.
        assert.isNotEmpty(writes)
        for (const write of writes) assert.match(write, /^BEGIN(,values \()+,COMMIT$/)
      })
      yield* Effect.provide(program, postgres(between.url, {}, within))
    }))

  on("has one effect for each id, although one id of it is known", (within) =>
    Effect.gen(function*() {
      yield* createLedger(within)
      yield* Worker.drain(ledger(within))
      yield* Topic.publish(Entries, { id: "e3", amount: 3 })
      yield* Worker.drain(ledger(within))
      yield* Topic.publishAll(Entries, entries(6))
      yield* Worker.drain(ledger(within))
      assert.deepStrictEqual(yield* idsIn(within), ["e0", "e1", "e2", "e3", "e4", "e5"])
    }))

  on("publishes what its messages emit, once and in order", (within) =>
    Effect.gen(function*() {
      yield* createLedger(within)
      const emitting = ledger(within).pipe(Pipeline.emit(Receipts, (entry) => ({ of: entry.id })))
      const seen: Array<string> = []
      const auditor = Pipeline.from(Receipts, { consumer: "auditor" }).pipe(
        Pipeline.map((receipt) => void seen.push(receipt.of))
      )
      yield* Worker.drain(auditor)
      yield* Worker.drain(emitting)
      yield* Topic.publishAll(Entries, entries(5))
      yield* Worker.drain(emitting)
      yield* Worker.drain(auditor)
      assert.deepStrictEqual(seen.toSorted(), ["e0", "e1", "e2", "e3", "e4"])
    }))

  on("runs a pure step behind a statement only when the statement has succeeded", (within) =>
    Effect.gen(function*() {
      yield* createLedger(within)
      const after: Array<string> = []
      const pipeline = ledger(within).pipe(Pipeline.map((entry) => void after.push(entry.id)))
      yield* Worker.drain(pipeline)
      yield* Topic.publish(Entries, { id: "e7", amount: 7 })
      yield* Worker.drain(pipeline)
      assert.deepStrictEqual(after, [])
      yield* Topic.publish(Entries, { id: "e1", amount: 1 })
      yield* Worker.drain(pipeline)
      assert.deepStrictEqual(after, ["e1"])
    }))

  on("fails only the message whose pure step throws", (within) =>
    Effect.gen(function*() {
      yield* createLedger(within)
      const pipeline = ledger(within).pipe(Pipeline.map((entry) => {
        if (entry.amount === 2) throw new Error("two")
        return entry
      }))
      yield* Worker.drain(pipeline)
      yield* Topic.publishAll(Entries, entries(4))
      yield* Worker.drain(pipeline)
      assert.deepStrictEqual(yield* idsIn(within), ["e0", "e1", "e3"])
      const dead = yield* DeadLetters.list({ consumer: "ledger" })
      assert.deepStrictEqual(dead.map(({ message }) => message.id), ["e2"])
    }))

  on("runs a statement of another client on that client", (within) =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* sql.unsafe(`create table ${within}.seen (xid text)`)
      const other = yield* Effect.map(
        Layer.build(postgres(url)),
        (context) => Context.get(context, SqlClient.SqlClient)
      )
      const pipeline = Pipeline.from(Entries, { consumer: "ledger" }).pipe(
        Pipeline.commitSql(() => other`insert into ${other(`${within}.seen`)} values (pg_current_xact_id()::text)`)
      )
      yield* Worker.drain(pipeline)
      yield* Topic.publish(Entries, { id: "e1", amount: 1 })
      yield* Worker.drain(pipeline)
      const rows = yield* sql<{ xid: string; of: string }>`
        select s.xid, i.xmin::text as of from ${sql(`${within}.seen`)} s, ${sql(`${within}.inbox`)} i`
      assert.lengthOf(rows, 1)
      assert.notStrictEqual(rows[0]!.xid, rows[0]!.of)
    }))

  on("fails only the message whose statement takes too long, and ends its session", (within) =>
    Effect.gen(function*() {
      yield* createLedger(within)
      const sql = yield* SqlClient.SqlClient
      const pipeline = Pipeline.from(Entries, { consumer: "ledger" }).pipe(
        Pipeline.commitSql((entry, sql) => [
          sql`insert into ${sql(`${within}.ledger`)} (id, amount) values (${entry.id}, ${entry.amount})`,
          sql`select pg_sleep(${entry.amount === 2 ? 20 : 0})`
        ]),
        Pipeline.commitTimeout("500 millis"),
        Pipeline.retry({ attempts: 1 })
      )
      yield* Worker.drain(pipeline)
      yield* Topic.publishAll(Entries, entries(4))
      yield* Worker.drain(pipeline)
      assert.deepStrictEqual(yield* idsIn(within), ["e0", "e1", "e3"])
      yield* eventually(Effect.map(
        sql`select from pg_stat_activity where query like ${`%pg_sleep%`} and state = 'active' and pid <> pg_backend_pid()
          and query like ${`%${within}%`}`,
        (rows) => rows.length === 0
      ))
    }), { commitTimeout: "2 seconds" })
})
