/**
 * Commit steps that steer their transaction by hand, leave a session changed, or lose its prepared statements. Only
 * the message that did it fails, and its group is committed as a whole. No other caller gets a changed session.
 */
import { assert, describe, it } from "@effect/vitest"
import { Data, Duration, Effect, Schema, Stream } from "effect"
import { SqlClient, SqlError } from "effect/sql"
import { DeadLetters, Pipeline, Retry, Store, Topic, Worker } from "millrace"
import { inject } from "vitest"
import { PgSession } from "../../src/postgres/session/PgSession.ts"
import { pglite } from "../setup/pglite.ts"
import { withSchema } from "../setup/schemas.ts"
import { eventually, freshSchema, postgres } from "./kit.ts"

const url = inject("databaseUrl")

const Tasks = Topic.make("tasks", { schema: Schema.Int, key: (n) => `k${n}`, id: (n) => `t${n}` })
const Done = Topic.make("done", { schema: Schema.Int, key: (n) => `k${n}`, id: (n) => `d${n}` })

const culprit = 5
const all = Array.from({ length: 16 }, (_, n) => n)
const others = all.filter((n) => n !== culprit)

/** As code of before wraps what the driver says. */
class Legacy extends Data.TaggedError("Legacy")<{ readonly cause: unknown }> {}

type Step = (sql: SqlClient.SqlClient, n: number) => Effect.Effect<unknown, unknown>

/** A group of sixteen. The commit step of one does something more. Returns the rows that exist afterwards. */
const story = Effect.fnUntraced(
  function*(schema: string, step: Step, of: (n: number) => boolean = (n) => n === culprit) {
    const sql = yield* SqlClient.SqlClient
    const ledger = sql(`${schema}.ledger`)
    yield* sql`create table ${ledger} (n int, attempt int, pid int, path text, role text)`
    const pipeline = Pipeline.from(Tasks, { consumer: "tasks" }).pipe(
      Pipeline.commit((n, { attempt }) =>
        Effect.gen(function*() {
          yield* sql`insert into ${ledger} values (${n}, ${attempt}, pg_backend_pid(), current_setting('search_path'), current_user)`
          if (of(n)) yield* step(sql, n)
          return n
        })
      ),
      Pipeline.emit(Done, (n) => n),
      Pipeline.retry(Retry.exponential("5 millis", { attempts: 3, jitter: false }))
    )
    yield* Worker.drain(pipeline)
    yield* Worker.drain(Pipeline.from(Done, { consumer: "done" }).pipe(Pipeline.map((n) => n)))
    yield* Topic.publishAll(Tasks, all)
    yield* Effect.timeout(Worker.drain(pipeline, { committers: 1 }), "15 seconds")
    const rows = yield* sql<
      { n: number; attempt: number; pid: number; path: string; role: string }
    >`select * from ${ledger} order by n`
    const emitted = yield* sql<{ n: number }>`
    select substr(key, 2)::int as n from ${sql(`${schema}.messages`)} where topic = 'done' order by n`
    const deadLetters = yield* DeadLetters.list({ consumer: "tasks" })
    return {
      rows,
      effects: rows.map((row) => row.n),
      emitted: emitted.map((row) => row.n),
      attempts: [...new Set(rows.map((row) => row.attempt))],
      deadLetters: yield* Effect.forEach(deadLetters, (deadLetter) => DeadLetters.get(deadLetter.id))
    }
  }
)

const within = <A, E, R>(test: (schema: string) => Effect.Effect<A, E, R>) => withSchema(url, test)

const commands = [
  "BEGIN",
  "start transaction",
  "; /* */ Commit",
  "end",
  "ROLLBACK",
  "abort",
  "savepoint a",
  "rollback to effect_sql_1",
  "release effect_sql_1",
  "prepare transaction 'a'"
]
const ways: Readonly<Record<string, (sql: SqlClient.SqlClient, text: string) => Effect.Effect<unknown, unknown>>> = {
  execute: (sql, text) => sql.unsafe(text),
  raw: (sql, text) => sql.unsafe(text).raw,
  values: (sql, text) => sql.unsafe(text).values,
  unprepared: (sql, text) => sql.unsafe(text).unprepared,
  valuesUnprepared: (sql, text) => sql.unsafe(text).valuesUnprepared,
  stream: (sql, text) => Stream.runDrain(sql.unsafe(text).stream)
}

describe("a commit step that steers its transaction", () => {
  for (const [way, send] of Object.entries(ways)) {
    it.live(
      `by ${way}: is refused and not tried again, and the others of its group are committed once`,
      () =>
        within(Effect.fnUntraced(function*(schema) {
          const steers = (n: number) => n < commands.length
          const end = yield* story(schema, (sql, n) => send(sql, commands[n]!), steers)
          const others = all.filter((n) => !steers(n))
          assert.deepStrictEqual([end.effects, end.emitted, end.attempts], [others, others, [1]])
          assert.lengthOf(end.deadLetters, commands.length)
          for (const { attempts, reason, tag } of end.deadLetters) {
            assert.deepStrictEqual([reason, tag, attempts.length], ["rejected", "StatementRefused", 1])
            assert.include(attempts[0]!.message, "sql.withTransaction")
          }
        }))
    )
  }

  it.live("and hides the refusal in an error of its own: is not tried again either", () =>
    within(Effect.fnUntraced(function*(schema) {
      const end = yield* story(
        schema,
        (sql) => Effect.catch(sql.unsafe("rollback"), (cause) => Effect.fail(new Legacy({ cause })))
      )
      assert.deepStrictEqual(end.effects, others)
      assert.lengthOf(end.deadLetters[0]!.attempts, 1)
    })))

  it.live("and swallows the refusal: none of it is committed, as after any SQL error", () =>
    within(Effect.fnUntraced(function*(schema) {
      const end = yield* story(schema, (sql) => Effect.ignore(sql.unsafe("rollback")))
      assert.deepStrictEqual([end.effects, end.emitted], [others, others])
      assert.strictEqual(end.deadLetters[0]!.attempts.at(-1)!.tag, "TransactionAborted")
      assert.include(end.deadLetters[0]!.attempts.at(-1)!.message, "ROLLBACK was refused")
    })))

  it.live("within a savepoint of its own, and continues without it: is committed", () =>
    within(Effect.fnUntraced(function*(schema) {
      const end = yield* story(schema, (sql) => Effect.ignore(sql.withTransaction(sql.unsafe("rollback"))))
      assert.deepStrictEqual([end.effects, end.emitted], [all, all])
    })))

  it.live("by a statement as data, sent together with those of others", () =>
    within(Effect.fnUntraced(function*(schema) {
      const sql = yield* SqlClient.SqlClient
      const ledger = sql(`${schema}.ledger`)
      yield* sql`create table ${ledger} (n int)`
      const pipeline = Pipeline.from(Tasks, { consumer: "tasks" }).pipe(
        Pipeline.commitSql((n, sql) =>
          n === culprit ? sql.unsafe("rollback") : sql`insert into ${ledger} values (${n})`
        )
      )
      yield* Worker.drain(pipeline)
      yield* Topic.publishAll(Tasks, all)
      yield* Effect.timeout(Worker.drain(pipeline, { committers: 1 }), "15 seconds")
      const rows = yield* sql<{ n: number }>`select n from ${ledger} order by n`
      assert.deepStrictEqual(rows.map((row) => row.n), others)
      const deadLetters = yield* DeadLetters.list({ consumer: "tasks" })
      assert.deepStrictEqual(deadLetters.map((deadLetter) => deadLetter.reason), ["rejected"])
    })))
})

describe("a statement outside of a transaction", () => {
  it.live("begins none on a connection that others get, and says what to use", () =>
    within(Effect.fnUntraced(function*(schema) {
      const sql = yield* SqlClient.SqlClient
      const error = yield* Effect.flip(sql.unsafe("begin"))
      assert.deepInclude(error.reason.cause, { _tag: "StatementRefused", command: "BEGIN", inTransaction: false })
      yield* Topic.publish(Tasks, 1)
      const seen = yield* sql`select from ${sql(`${schema}.unrouted`)}`
      assert.lengthOf(seen, 1)
      const open = yield* sql`select from pg_stat_activity where application_name = 'millrace' and state like 'idle in%'
        and query like ${`%${schema}%`}`
      assert.lengthOf(open, 0)
    })))

  it.live("may steer a session that was reserved, which no other caller gets after it", () =>
    within(Effect.fnUntraced(function*(schema) {
      const sql = yield* SqlClient.SqlClient
      const ledger = sql(`${schema}.ledger`)
      yield* sql`create table ${ledger} (n int)`
      const pid = (rows: ReadonlyArray<unknown>) => (rows[0] as { pid: number }).pid
      const own = yield* Effect.scoped(Effect.gen(function*() {
        const session = yield* sql.reserve
        const run = (text: string) => session.executeUnprepared(text, [], undefined)
        yield* run("begin")
        yield* run(`insert into "${schema}".ledger values (1)`)
        yield* run("commit")
        yield* run("begin")
        yield* run(`insert into "${schema}".ledger values (2)`)
        return pid(yield* run("select pg_backend_pid() as pid"))
      }))
      const rows = yield* Effect.forEach(all, () => sql`select pg_backend_pid() as pid`, { concurrency: 10 })
      assert.isFalse(rows.some((row) => pid(row) === own))
      yield* eventually(Effect.map(sql`select from pg_stat_activity where pid = ${own}`, (rows) => rows.length === 0))
      assert.deepStrictEqual(yield* sql`select n from ${ledger}`, [{ n: 1 }])
    })))
})

describe("a session that a commit step has changed", () => {
  const changes = [
    "set search_path = pg_catalog",
    "select set_config('search_path', 'pg_catalog', false)",
    "set role",
    "select pg_advisory_lock(77, 1)",
    "listen handlers_test",
    "create temp table handlers_test (n int)"
  ]
  for (const change of changes) {
    it.live(`is replaced: ${change}`, () =>
      within(Effect.fnUntraced(function*(schema) {
        const sql = yield* SqlClient.SqlClient
        // A superuser, so that it is noticed by nothing but its name.
        yield* Effect.acquireRelease(
          sql`create role ${sql(schema)} superuser`,
          () => Effect.orDie(sql`drop role ${sql(schema)}`)
        )
        let changed: number | undefined
        const end = yield* story(schema, (sql) =>
          Effect.gen(function*() {
            const [row] = yield* sql<{ pid: number }>`select pg_backend_pid() as pid`
            changed = row!.pid
            yield* sql.unsafe(change === "set role" ? `set role "${schema}"` : change)
          }))
        assert.deepStrictEqual([end.effects, end.attempts], [all, [1]])
        const [usual] = yield* sql`select current_setting('search_path') as path, current_user as role`
        yield* Topic.publish(Tasks, 99)
        const again = Pipeline.from(Tasks, { consumer: "tasks" }).pipe(
          Pipeline.commit(() =>
            Effect.map(
              sql<{ pid: number; path: string; role: string }>`
                select pg_backend_pid() as pid, current_setting('search_path') as path, current_user as role`,
              ([row]) => {
                assert.notStrictEqual(row!.pid, changed)
                assert.deepInclude(row, usual!)
              }
            )
          )
        )
        yield* Worker.drain(again)
        assert.lengthOf(yield* DeadLetters.list({ consumer: "tasks" }), 0)
        yield* eventually(
          Effect.map(sql`select from pg_stat_activity where pid = ${changed}`, (rows) => rows.length === 0)
        )
      })))
  }

  it.live("only for its own transaction is kept", () =>
    within(Effect.fnUntraced(function*(schema) {
      const end = yield* story(schema, (sql, n) =>
        sql`set local search_path = pg_catalog`.pipe(
          Effect.andThen(sql`select set_config('search_path', 'public', true), pg_advisory_xact_lock(77, 2)`),
          Effect.andThen(sql`create temp table ${sql(`handlers_test_${n}`)} (n int) on commit drop`)
        ), () => true)
      assert.deepStrictEqual(end.effects, all)
      assert.lengthOf(new Set(end.rows.map((row) => row.pid)), 1)
    })))
})

describe("prepared statements that vanish", () => {
  const forgetting = "do $$ begin execute 'deallocate all'; end $$"
  for (const text of ["deallocate all", forgetting]) {
    it.live(`by ${JSON.stringify(text)}: everything is committed, and no attempt is counted`, () =>
      within(Effect.fnUntraced(function*(schema) {
        let times = 0
        const sql = yield* SqlClient.SqlClient
        const end = yield* story(
          schema,
          (sql) => Effect.suspend((): Effect.Effect<unknown, unknown> => times++ < 3 ? sql.unsafe(text) : Effect.void),
          (n) => n === 3 || n === 11
        )
        assert.deepStrictEqual([end.effects, end.emitted, end.attempts, end.deadLetters], [all, all, [1], []])
        assert.isAtLeast(times, 2)
        const stuck =
          yield* sql`select from pg_stat_activity where state like '%aborted%' and query like ${`%${schema}%`}`
        assert.lengthOf(stuck, 0)
      })))
  }

  it.live("tell the setting for poolers, which drop them too", () =>
    within(Effect.fnUntraced(function*() {
      const sql = yield* SqlClient.SqlClient
      const store = yield* Store.Store
      const one = sql`select 1 as one`
      const error = yield* Effect.flip(
        store.transact(one.pipe(Effect.andThen(sql.unsafe(forgetting)), Effect.andThen(one)))
      )
      assert.include(error, { _tag: "TransientFailure", kind: "unavailable", code: "26000" })
      assert.include((error as Error).message, "pooler: true (MILLRACE_POOLER=true)")
    })))

  it.live("before COMMIT: nothing is committed, it is run again, and no other caller gets the session that is left open", () => {
    const schema = freshSchema()
    return Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const store = yield* Store.Store
      const publish = (n: number) => Effect.asVoid(Topic.publish(Tasks, n))
      yield* store.transact(publish(1))
      const error = yield* Effect.flip(store.transact(Effect.andThen(publish(2), sql.unsafe(forgetting))))
      assert.include(error, { _tag: "TransientFailure", kind: "unavailable", code: "26000" })
      yield* store.transact(publish(3))
      const rows = yield* sql<{ key: string }>`select key from ${sql(`${schema}.unrouted`)} order by seq`
      assert.deepStrictEqual(rows.map((row) => row.key), ["k1", "k3"])
    }).pipe(Effect.provide(postgres(url, { maxConnections: 1 }, schema)))
  })

  it.live("a table that was altered under them is no failure of a message", () =>
    within(Effect.fnUntraced(function*(schema) {
      let altered = false
      const end = yield* story(schema, (sql, n) =>
        Effect.gen(function*() {
          const wide = sql(`${schema}.wide`)
          if (n === 0) yield* sql`create table if not exists ${wide} (a int)`
          yield* sql`select * from ${wide}`
          if (n === 8 && !altered) {
            altered = true
            yield* sql`alter table ${wide} add b int`
          }
        }), () => true)
      assert.isTrue(altered)
      assert.deepStrictEqual([end.effects, end.attempts, end.deadLetters], [all, [1], []])
    })))

  it.live("of a user's own naming are the message's own failure", () =>
    within(Effect.fnUntraced(function*(schema) {
      const end = yield* story(schema, (sql) => sql.unsafe("execute never_prepared"))
      assert.deepStrictEqual(end.effects, others)
      assert.lengthOf(end.deadLetters[0]!.attempts, 3)
    })))
})

it.effect("a session that cannot begin is given to no other caller", () =>
  Effect.gen(function*() {
    let invalidated = 0
    const aborted = Object.assign(new Error("current transaction is aborted"), { code: "25P02" })
    const reason = new SqlError.UnknownError({ cause: aborted, message: "failed", operation: "query" })
    const session = new PgSession({
      connection: { query: () => Effect.fail(new SqlError.SqlError({ reason })) } as never,
      use: "transaction",
      scope: yield* Effect.scope,
      controlTimeout: Duration.seconds(1),
      invalidate: Effect.sync(() => invalidated++)
    })
    yield* Effect.flip(session.execute("BEGIN", [], undefined))
    assert.strictEqual(invalidated, 1)
  }))

describe("on PGlite, whose one session serves all", () => {
  it.live(
    "a step that steers its transaction is refused, and what it has changed in the session is undone",
    () =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        const path = sql<{ path: string }>`select current_setting('search_path') as path`
        const [usual] = yield* path
        const end = yield* story(
          "millrace",
          (sql, n) => sql.unsafe(n === 5 ? "commit" : "set search_path = pg_catalog"),
          (n) => n === 5 || n === 7
        )
        assert.deepStrictEqual([end.effects, end.emitted], [others, others])
        assert.deepStrictEqual(end.deadLetters.map((deadLetter) => deadLetter.tag), ["StatementRefused"])
        assert.deepStrictEqual(yield* path, [usual!])
      }).pipe(Effect.provide(pglite()))
  )
})
