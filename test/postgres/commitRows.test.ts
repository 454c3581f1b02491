/** Rows of a group in one statement: what is written, in which order, and what happens to a row that is refused. */
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { DeadLetters, Pipeline, Store, Topic, type Transport, Worker } from "millrace"
import { inject } from "vitest"
import { Permitted } from "../../src/worker/attempt/TurnBatch.ts"
import { proxy } from "../harness/proxy.ts"
import { pglite } from "../setup/pglite.ts"
import { emptied } from "../setup/schemas.ts"
import { freshSchema, postgres } from "./kit.ts"

const url = inject("databaseUrl")

const Entries = Topic.make("entries", {
  schema: Schema.Struct({ id: Schema.String, key: Schema.String, amount: Schema.Number }),
  key: (entry) => entry.key,
  id: (entry) => entry.id
})
type Entry = typeof Entries.schema.Type
const Receipts = Topic.make("receipts", { schema: Schema.String, id: (receipt) => receipt })
const entries = (count: number, keys = count): ReadonlyArray<Entry> =>
  Array.from({ length: count }, (_, i) => ({ id: `e${i}`, key: `k${i % keys}`, amount: i }))

const from = Pipeline.from(Entries, { consumer: "ledger" }).pipe(Pipeline.retry({ attempts: 1 }))
const columns = { id: "text", key: "text", amount: "int" } as const
const createLedger = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) =>
    sql`create table ledger (seq bigint generated always as identity, id text, key text, amount int check (amount <> 7))`
)
const rowsOf = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) => sql<{ id: string; key: string; amount: number }>`select id, key, amount from ledger order by seq`
)
const ids = Effect.map(rowsOf, (rows) => rows.map(({ id }) => id))
const deadLetters = Effect.map(
  DeadLetters.list({ consumer: "ledger" }),
  (all) => all.map(({ attempts, message }) => [message.id, attempts.at(-1)!.error] as const)
)

type Services = SqlClient.SqlClient | Store.Store | Transport.Transport

/** A database whose tables without a schema are those of the test. */
const server = (within: string) => {
  const address = new URL(url)
  address.searchParams.set("options", `-c search_path=${within}`)
  return postgres(address.href, {}, within)
}

/** One database serves all tests of a form, because it takes a second to make one. */
const empty = (schema: string) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => Effect.andThen(sql`drop table if exists ledger, statements, steps, typed`, emptied(sql, schema))
  )

/** The same store without groups as data. */
const composed = <A, E, R>(body: Effect.Effect<A, E, R>) =>
  Effect.flatMap(Store.Store, (store) => Effect.provideService(body, Store.Store, { ...store, commitData: undefined }))
const same = <A, E, R>(body: Effect.Effect<A, E, R>) => body
const withFibers = <A, E, R>(body: Effect.Effect<A, E, R>) => Effect.provideService(body, Permitted, false)

const forms = [
  { form: "on a server, in one write", schema: freshSchema(), layer: server, as: same },
  { form: "on a server, composed", schema: freshSchema(), layer: server, as: composed },
  { form: "on a server, with a fiber for each turn", schema: freshSchema(), layer: server, as: withFibers },
  { form: "on PGlite", schema: "millrace", layer: () => pglite(), as: same }
]

for (const { as, form, layer: on, schema } of forms) {
  const built = Layer.orDie(on(schema) as Layer.Layer<Services, unknown>)
  layer(built, { excludeTestServices: true })(`rows of a group ${form}`, (it) => {
    promises((name, body) => {
      const prepared = Effect.andThen(empty(schema), Effect.andThen(Worker.drain(from), createLedger))
      it.effect(name, () => as(Effect.andThen(prepared, body)))
    })
  })
}

/** Registers the tests of one form. */
function promises(on: (name: string, body: Effect.Effect<unknown, unknown, Services>) => void) {
  on(
    "are in the order of their keys",
    Effect.gen(function*() {
      const all = entries(300, 10).map((entry) => ({ ...entry, amount: entry.amount + 1000 }))
      yield* Topic.publishAll(Entries, all)
      yield* Worker.drain(from.pipe(Pipeline.commitRows("ledger", columns, (entry) => entry)))
      const rows = yield* rowsOf
      assert.lengthOf(rows, 300)
      for (const key of new Set(all.map((entry) => entry.key))) {
        assert.deepStrictEqual(rows.filter((row) => row.key === key), all.filter((entry) => entry.key === key))
      }
    })
  )

  on(
    "share one statement",
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* sql`create table statements (n int)`
      yield* Topic.publishAll(Entries, entries(6, 1))
      yield* Worker.drain(
        from.pipe(Pipeline.commitRows(
          (rows, sql) => sql`insert into statements select count(*)::int from ${rows}`,
          { id: "text" },
          ({ id }) => ({ id })
        )),
        { committers: 1 }
      )
      assert.deepStrictEqual(yield* sql`select n from statements`, [{ n: 6 }])
    })
  )

  on(
    "wait until each message of the group has its row",
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* sql`create table statements (n int, sum int)`
      yield* Topic.publishAll(Entries, entries(6, 1))
      yield* Worker.drain(
        from.pipe(
          Pipeline.map(({ amount }) => amount),
          // Those without a statement come to the rows before the others, whose next step waits for their statement.
          Pipeline.commitSql((amount, sql) => amount % 2 === 0 ? [] : sql`select 1`),
          Pipeline.map((amount) => amount + 100),
          Pipeline.commitRows(
            (rows, sql) => sql`insert into statements select count(*)::int, sum(amount)::int from ${rows}`,
            { amount: "int" },
            (amount) => ({ amount })
          )
        ),
        { committers: 1 }
      )
      assert.deepStrictEqual(yield* sql`select n, sum from statements`, [{ n: 6, sum: 615 }])
    })
  )

  on(
    "that the database refuses fail only their own message",
    Effect.gen(function*() {
      const behind: Array<string> = []
      yield* Topic.publishAll(Entries, entries(20))
      yield* Worker.drain(from.pipe(
        Pipeline.commitRows("ledger", columns, (entry) => entry),
        Pipeline.map(({ id }) => void behind.push(id))
      ))
      assert.notInclude(behind, "e7")
      assert.sameMembers(yield* ids, entries(20).map(({ id }) => id).filter((id) => id !== "e7"))
      const dead = yield* deadLetters
      assert.deepStrictEqual(dead.map(([id]) => id), ["e7"])
    })
  )

  on(
    "of a function that fails, or returns no row, fail only their own message",
    Effect.gen(function*() {
      yield* Topic.publishAll(Entries, entries(6))
      const row = (entry: Entry) => {
        if (entry.id === "e1") throw new Error("no row today")
        if (entry.id === "e2") return { id: entry.id, key: entry.key } as Entry
        if (entry.id === "e3") return Promise.resolve(entry) as never
        if (entry.id === "e4") return undefined as never
        return entry
      }
      yield* Worker.drain(from.pipe(Pipeline.commitRows("ledger", columns, row)))
      assert.sameMembers(yield* ids, ["e0", "e5"])
      const dead = new Map((yield* deadLetters).map(([id, error]) => [id, String((error as Error).message)]))
      assert.sameMembers([...dead.keys()], ["e1", "e2", "e3", "e4"])
      assert.include(dead.get("e1"), "no row today")
      assert.include(dead.get("e2"), "no value for column \"amount\"")
      assert.include(dead.get("e3"), "a promise, where a row with the columns id,key,amount is expected")
      assert.include(dead.get("e4"), "nothing, where a row")
    })
  )

  on(
    "stand between the statements before and behind them, and pure steps behind them run when they are written",
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* sql`create table steps (seq bigint generated always as identity, what text)`
      yield* Topic.publishAll(Entries, entries(4, 1))
      const seen: Array<string> = []
      const note = (what: string) => (value: { readonly id: string }, sql: SqlClient.SqlClient) =>
        sql`insert into steps (what) values (${`${what} ${value.id}`})`
      yield* Worker.drain(
        from.pipe(
          Pipeline.commitSql(note("before")),
          Pipeline.filter(({ id }) => id !== "e2"),
          Pipeline.commitRows(
            (rows, sql) => sql`insert into steps (what) select 'rows ' || string_agg(id, ' ' order by id) from ${rows}`,
            { id: "text" },
            ({ id }) => ({ id })
          ),
          Pipeline.commitSql(note("behind")),
          Pipeline.map((entry) => {
            seen.push(entry.id)
            return entry
          }),
          Pipeline.emit(Receipts, ({ id }) => `receipt ${id}`)
        ),
        { committers: 1 }
      )
      const what = (yield* sql<{ what: string }>`select what from steps order by seq`).map((row) => row.what)
      assert.sameMembers(what.slice(0, 4), ["before e0", "before e1", "before e2", "before e3"])
      assert.strictEqual(what[4], "rows e0 e1 e3")
      assert.sameMembers(what.slice(5), ["behind e0", "behind e1", "behind e3"])
      assert.sameMembers(seen, ["e0", "e1", "e3"])
      const receipts: Array<string> = []
      yield* Worker.drain(
        Pipeline.from(Receipts, { consumer: "reader" }).pipe(
          Pipeline.tap((receipt) => Effect.sync(() => receipts.push(receipt)))
        )
      )
      assert.sameMembers(receipts, ["receipt e0", "receipt e1", "receipt e3"])
    })
  )

  on(
    "may have NULL in a column of every row",
    Effect.gen(function*() {
      yield* Topic.publishAll(Entries, entries(3))
      yield* Worker.drain(
        from.pipe(Pipeline.commitRows("ledger", columns, ({ id, key }) => ({ id, key, amount: null }))),
        { committers: 1 }
      )
      assert.deepStrictEqual((yield* rowsOf).map(({ amount }) => amount), [null, null, null] as never)
    })
  )

  on(
    "have the values of their columns",
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* sql`create table typed (id text, u uuid, n numeric, b bigint, f float8, ok boolean, at timestamptz, d date,
        bytes bytea, j jsonb, tags text[])`
      const typed = {
        id: "text",
        u: "uuid",
        n: "numeric",
        b: "bigint",
        f: "float8",
        ok: "boolean",
        at: "timestamptz",
        d: "date",
        bytes: "bytea",
        j: "jsonb",
        tags: "text[]"
      } as const
      const nasty = "NULL \"quotes\" \\ {a,b} 'x'\n🚀"
      yield* Topic.publishAll(Entries, entries(2))
      yield* Worker.drain(from.pipe(Pipeline.commitRows("typed", typed, ({ id }) =>
        id === "e0"
          ? {
            id: nasty,
            u: "00000000-0000-0000-0000-000000000001",
            n: "1.10",
            b: 9007199254740993n,
            f: 0.5,
            ok: true,
            at: new Date(1000),
            d: "2026-02-28",
            bytes: new Uint8Array([0, 255]),
            j: [nasty, null],
            tags: "{a,b}"
          }
          : {
            id,
            u: null,
            n: null,
            b: null,
            f: null,
            ok: false,
            at: null,
            d: null,
            bytes: null,
            j: "text",
            tags: null
          })))
      const rows = yield* sql`select id, u::text as u, n::text as n, b::text as b, f::text as f, ok, 
        extract(epoch from at)::int as at, d::text as d, encode(bytes, 'hex') as bytes, j, tags::text as tags from typed order by id desc`
      const nothing = { u: null, n: null, b: null, f: null, at: null, d: null, bytes: null, tags: null }
      assert.deepStrictEqual(rows.toSorted((a, b) => String(a["id"]).localeCompare(String(b["id"]))), [
        { id: "e1", ...nothing, ok: false, j: "text" },
        {
          id: nasty,
          u: "00000000-0000-0000-0000-000000000001",
          n: "1.10",
          b: "9007199254740993",
          f: "0.5",
          ok: true,
          at: 1,
          d: "2026-02-28",
          bytes: "00ff",
          j: [nasty, null],
          tags: "{a,b}"
        }
      ])
    })
  )
}

describe("rows of a group", () => {
  it.live("go over the wire in one write, from BEGIN to COMMIT", () =>
    Effect.gen(function*() {
      const between = yield* proxy(url)
      const within = freshSchema()
      const program = Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        yield* sql`create table ${sql(`${within}.ledger`)} (id text, key text, amount int)`
        const ledger = from.pipe(Pipeline.commitRows(`${within}.ledger`, columns, (entry) => entry))
        yield* Worker.drain(ledger)
        yield* Topic.publishAll(Entries, entries(5))
        const writes: Array<string> = []
        // The texts of the statements are on the wire, since this connection has not prepared them before.
        between.dropResponses = (chunk) => {
          const found = chunk.toString("latin1").match(/BEGIN|"ledger"|COMMIT/g)
          if (found !== null && found.includes("\"ledger\"")) writes.push(found.join())
          return false
        }
        yield* Worker.drain(ledger, { committers: 1 })
        assert.deepStrictEqual(writes, ["BEGIN,\"ledger\",COMMIT"])
      })
      yield* Effect.provide(program, postgres(between.url, {}, within))
    }))
})
