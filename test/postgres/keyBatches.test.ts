/**
 * The waiting messages of a key share a transaction, and keep their order even if one of them fails: on real
 * Postgres.
 */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { DeadLetters, Pipeline, Retry, Topic, Worker } from "millrace"
import { inject } from "vitest"
import { Permitted } from "../../src/worker/attempt/TurnBatch.ts"
import { eventually, freshSchema, postgres } from "./kit.ts"

const url = inject("databaseUrl")

const Orders = Topic.make("orders", {
  schema: Schema.Struct({ id: Schema.String, customer: Schema.String }),
  key: (order) => order.customer,
  id: (order) => order.id
})
const ordersOf = (customer: string, n: number) =>
  Array.from({ length: n }, (_, i) => ({ id: `${customer}${i}`, customer }))

/** Each committed row says in which transaction, and as the how many-th, it was written. */
interface BatchLine {
  readonly n: number
  readonly id: string
  readonly xid: string
}

/** A ledger in a schema of its own, and workers whose turns may run in batches. */
const ledgerWith = (batches: boolean) =>
<A, E, R>(
  test: (ledger: {
    readonly table: string
    readonly lines: Effect.Effect<ReadonlyArray<BatchLine>, never, SqlClient.SqlClient>
  }) => Effect.Effect<A, E, R>
) => {
  const within = freshSchema()
  const table = `${within}.ledger`
  const lines = Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => Effect.orDie(sql<BatchLine>`select n::int as n, id, xid::text as xid from ${sql(table)} order by n`)
  )
  return Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    yield* sql`create table ${
      sql(table)
    } (n bigint generated always as identity, id text, customer text, xid xid8 default pg_current_xact_id())`
    return yield* test({ table, lines })
  }).pipe(Effect.provideService(Permitted, batches), Effect.provide(postgres(url, {}, within)))
}

const insert = (sql: SqlClient.SqlClient, table: string, id: string) =>
  sql`insert into ${sql(table)} (id) values (${id})`

const ids = (lines: ReadonlyArray<BatchLine>) => lines.map(({ id }) => id)
const transactions = (lines: ReadonlyArray<BatchLine>) => new Set(lines.map(({ xid }) => xid)).size

class Unlucky extends Schema.TaggedError<Unlucky>()("Unlucky", { id: Schema.String }) {}

/** Committed by effects. One of them fails as often as the test says. */
const byEffects = (table: string, failing: (id: string, attempt: number) => boolean) =>
  Pipeline.from(Orders, { consumer: "ledger" }).pipe(
    Pipeline.commit(({ id }, { attempt }) =>
      Effect.gen(function*() {
        yield* insert(yield* SqlClient.SqlClient, table, id)
        if (failing(id, attempt)) return yield* new Unlucky({ id })
      })
    )
  )

/** A pipeline without steps that wait runs its turns in batches. Its promises hold as well if each turn has a fiber. */
const forms = [["in batches", true], ["in fibers", false]] as const

describe.concurrent.each(forms)("the waiting messages of a key share a transaction, with turns %s", (_, batches) => {
  const inLedger = ledgerWith(batches)

  it.live("in its order, where nothing but pure operators stands before the commit", () =>
    inLedger(({ lines, table }) =>
      Effect.gen(function*() {
        const pipeline = byEffects(table, () => false)
        yield* Worker.drain(pipeline)
        yield* Topic.publishAll(Orders, ordersOf("a", 40))
        yield* Worker.drain(pipeline)
        const found = yield* lines
        assert.deepStrictEqual(ids(found), ordersOf("a", 40).map(({ id }) => id))
        assert.isAtMost(transactions(found), 20, "at least two share a transaction")
      })
    ))

  it.live("one a transaction where a step before it has an effect, which must see what came before committed", () =>
    inLedger(({ lines, table }) =>
      Effect.gen(function*() {
        const seen: Array<number> = []
        const pipeline = Pipeline.from(Orders, { consumer: "ledger" }).pipe(
          Pipeline.tap(() => Effect.flatMap(lines, (found) => Effect.sync(() => seen.push(found.length)))),
          Pipeline.commitSql(({ id }, sql) => insert(sql, table, id))
        )
        yield* Worker.drain(pipeline)
        yield* Topic.publishAll(Orders, ordersOf("a", 12))
        yield* Worker.drain(pipeline)
        assert.deepStrictEqual(seen, Array.from({ length: 12 }, (_, i) => i))
        assert.strictEqual(transactions(yield* lines), 12)
      })
    ))

  it.live("statements as data: all of one message before all of the next", () =>
    inLedger(({ lines, table }) =>
      Effect.gen(function*() {
        const pipeline = Pipeline.from(Orders, { consumer: "ledger" }).pipe(
          Pipeline.commitSql(({ id }, sql) => insert(sql, table, `${id} first`)),
          Pipeline.commitSql(({ id }, sql) => insert(sql, table, `${id} second`))
        )
        yield* Worker.drain(pipeline)
        yield* Topic.publishAll(Orders, ordersOf("a", 1))
        yield* Worker.drain(pipeline)
        // The first of them is a duplicate, so the group is composed and not sent as data.
        yield* Topic.publishAll(Orders, ordersOf("a", 20))
        yield* Worker.drain(pipeline)
        const found = yield* lines
        assert.deepStrictEqual(
          ids(found),
          ordersOf("a", 20).flatMap(({ id }) => [`${id} first`, `${id} second`])
        )
        assert.isAtMost(transactions(found), 10)
      })
    ))

  it.live("a batch gets whole runs, each key in order", () =>
    inLedger(({ lines, table }) =>
      Effect.gen(function*() {
        const runs: Array<ReadonlyArray<string>> = []
        const pipeline = Pipeline.from(Orders, { consumer: "ledger" }).pipe(
          Pipeline.commitBatch((batch) =>
            Effect.gen(function*() {
              const sql = yield* SqlClient.SqlClient
              runs.push(batch.map(({ id }) => id))
              yield* sql`insert into ${sql(table)} ${sql.insert(batch)}`
            })
          )
        )
        yield* Worker.drain(pipeline)
        yield* Topic.publishAll(Orders, [...ordersOf("a", 30), ...ordersOf("b", 30)])
        yield* Worker.drain(pipeline)
        for (const key of ["a", "b"]) {
          const own = ids(yield* lines).filter((id) => id.startsWith(key))
          assert.deepStrictEqual(own, ordersOf(key, 30).map(({ id }) => id))
          assert.isTrue(runs.some((run) => run.filter((id) => id.startsWith(key)).length > 1), `a run of ${key}`)
        }
      })
    ))
})

describe.concurrent.each(forms)("one of them fails, with turns %s", (_, batches) => {
  const inLedger = ledgerWith(batches)

  it.live("those before it commit, those after it wait for it, and its attempts are its own", () =>
    inLedger(({ lines, table }) =>
      Effect.gen(function*() {
        const attempts: Array<string> = []
        const pipeline = byEffects(table, (id, attempt) => {
          if (id === "a7") attempts.push(`${id} ${attempt}`)
          return id === "a7" && attempt < 3
        }).pipe(Pipeline.retry(Retry.exponential("10 millis", { attempts: 5 })))
        yield* Worker.drain(pipeline)
        yield* Topic.publishAll(Orders, ordersOf("a", 16))
        yield* Worker.drain(pipeline)
        assert.deepStrictEqual(ids(yield* lines), ordersOf("a", 16).map(({ id }) => id))
        assert.strictEqual(attempts.at(-1), "a7 3", "two attempts failed, in any group")
      })
    ))

  it.live("those after it stay behind its hold", () =>
    inLedger(({ lines, table }) =>
      Effect.gen(function*() {
        let unlucky = true
        const pipeline = byEffects(table, (id) => id === "a3" && unlucky).pipe(
          Pipeline.retry(Retry.exponential("1 second", { attempts: 5 }))
        )
        yield* Worker.drain(pipeline, { holdAfter: "1 milli" })
        yield* Topic.publishAll(Orders, ordersOf("a", 16))
        yield* Worker.drain(pipeline, { holdAfter: "1 milli" })
        assert.deepStrictEqual(ids(yield* lines), ["a0", "a1", "a2"])
        unlucky = false
        yield* eventually(Effect.andThen(
          Worker.drain(pipeline, { holdAfter: "1 milli" }),
          Effect.map(lines, (found) => found.length === 16)
        ))
        assert.deepStrictEqual(ids(yield* lines), ordersOf("a", 16).map(({ id }) => id))
      })
    ))

  it.live("those after it stay behind its dead letter, and follow its redrive", () =>
    inLedger(({ lines, table }) =>
      Effect.gen(function*() {
        let unlucky = true
        const pipeline = byEffects(table, (id) => id === "a3" && unlucky).pipe(
          Pipeline.retry(Retry.never),
          Pipeline.deadLetter({ order: "park" })
        )
        yield* Worker.drain(pipeline)
        yield* Topic.publishAll(Orders, ordersOf("a", 16))
        yield* Worker.drain(pipeline)
        assert.deepStrictEqual(ids(yield* lines), ["a0", "a1", "a2"])
        unlucky = false
        const [deadLetter] = yield* DeadLetters.list({ consumer: "ledger" })
        assert.strictEqual(deadLetter!.attempts.length, 1)
        yield* DeadLetters.redrive(deadLetter!.id, { by: "test" })
        yield* Worker.drain(pipeline)
        assert.deepStrictEqual(ids(yield* lines), ordersOf("a", 16).map(({ id }) => id))
      })
    ))

  it.live("those after it stay behind it, also where another key's failure sent the group into savepoints first", () =>
    inLedger(({ lines, table }) =>
      Effect.gen(function*() {
        const begun = yield* Deferred.make<void>()
        const formed = yield* Deferred.make<void>()
        const pipeline = Pipeline.from(Orders, { consumer: "ledger" }).pipe(
          Pipeline.map((order) => {
            if (order.id === "a7") Deferred.doneUnsafe(formed, Effect.void)
            return order
          }),
          Pipeline.commit(({ id }, { attempt }) =>
            Effect.gen(function*() {
              // It keeps the only committer until the others wait for the next group.
              if (id === "first") yield* Effect.andThen(Deferred.succeed(begun, undefined), Deferred.await(formed))
              yield* insert(yield* SqlClient.SqlClient, table, id)
              if ((id === "b0" || id === "a3") && attempt === 1) return yield* new Unlucky({ id })
            })
          ),
          Pipeline.retry({ attempts: 3, base: "10 millis" })
        )
        const running = yield* Effect.forkChild(Worker.run(pipeline, { lanes: 1, committers: 1 }))
        yield* Topic.publish(Orders, { id: "first", customer: "first" })
        yield* Deferred.await(begun)
        yield* Topic.publishAll(Orders, [...ordersOf("b", 1), ...ordersOf("a", 8)])
        yield* eventually(Effect.map(lines, (found) => found.length === 10))
        yield* Fiber.interrupt(running)
        const found = ids(yield* lines).filter((id) => id.startsWith("a"))
        assert.deepStrictEqual(found, ordersOf("a", 8).map(({ id }) => id))
      })
    ))

  it.live("a COMMIT that is refused, and one that meets conflicts when it is tried alone, keep the order", () =>
    inLedger(({ lines, table }) =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        const together = `(select count(*) from ${table} where xid = pg_current_xact_id()) > 1`
        // COMMIT refuses a group with this message, and the committer continues one by one.
        yield* sql`create function ${sql(`${table}_alone`)}() returns trigger language plpgsql as ${
          sql.literal(`$$ begin
            if ${together} then raise exception 'not together' using errcode = '23514'; end if;
            return null;
          end $$`)
        }`
        yield* sql`create constraint trigger alone after insert on ${sql(table)} deferrable initially deferred
          for each row execute function ${sql(`${table}_alone`)}()`
        let conflicts = 3
        const pipeline = Pipeline.from(Orders, { consumer: "ledger" }).pipe(
          Pipeline.commit(({ id }) =>
            Effect.gen(function*() {
              yield* insert(sql, table, id)
              const [row] = yield* sql<{ readonly together: boolean }>`select ${sql.literal(together)} as together`
              if (id === "a5" && !row!.together && conflicts-- > 0) {
                yield* sql`do $$ begin raise exception 'again' using errcode = '40001'; end $$`
              }
            })
          ),
          Pipeline.retry(Retry.never)
        )
        yield* Worker.drain(pipeline)
        // An id that is published again in the middle: a duplicate, wherever it stands.
        const orders = ordersOf("a", 12)
        yield* Topic.publishAll(Orders, [...orders.slice(0, 4), orders[2]!, ...orders.slice(4)])
        yield* Worker.drain(pipeline)
        const found = yield* lines
        assert.deepStrictEqual(ids(found), orders.map(({ id }) => id))
        assert.strictEqual(transactions(found), 12)
      })
    ))
})

it.live("a worker that is stopped in the middle of a run leaves all of it or nothing, and nothing is lost", () =>
  ledgerWith(false)(({ lines, table }) =>
    Effect.gen(function*() {
      const inside = Deferred.makeUnsafe<void>()
      let stuck = true
      const pipeline = Pipeline.from(Orders, { consumer: "ledger" }).pipe(
        Pipeline.commit(({ id }) =>
          Effect.gen(function*() {
            yield* insert(yield* SqlClient.SqlClient, table, id)
            if (id !== "a9" || !stuck) return
            yield* Deferred.succeed(inside, undefined)
            yield* Effect.sleep("300 millis")
          })
        )
      )
      yield* Worker.drain(pipeline)
      yield* Topic.publishAll(Orders, ordersOf("a", 14))
      const worker = yield* Effect.forkChild(Worker.run(pipeline, { grace: "1 milli" }))
      yield* Deferred.await(inside)
      yield* Fiber.interrupt(worker)
      stuck = false
      yield* Worker.drain(pipeline)
      assert.deepStrictEqual(ids(yield* lines), ordersOf("a", 14).map(({ id }) => id))
    })
  ))

it.live("a key that has more than fits is read on as soon as there is room, not after the idle poll", () =>
  ledgerWith(true)(({ lines, table }) =>
    Effect.gen(function*() {
      const pipeline = byEffects(table, () => false)
      yield* Worker.drain(pipeline)
      yield* Topic.publishAll(Orders, ordersOf("a", 120))
      const worker = yield* Effect.forkChild(Worker.run(pipeline, { idlePoll: "10 minutes" }))
      yield* eventually(Effect.map(lines, (found) => found.length === 120))
      yield* Fiber.interrupt(worker)
    })
  ))
