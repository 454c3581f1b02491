/** Several statements in one write: what a batch returns, and what it leaves on its connection. */
import * as PgConnection from "@effect/sql-pg/PgConnection"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Stream } from "effect"
import { inject } from "vitest"
import { UnroutedTopics } from "../../src/internal/UnroutedTopics.ts"
import type { Wake } from "../../src/postgres/queue/Wake.ts"
import * as Batch from "../../src/postgres/session/Batch.ts"
import type { PgDatabase } from "../../src/postgres/session/PgClient.ts"
import * as PgFailure from "../../src/postgres/session/PgFailure.ts"
import type { PgSession } from "../../src/postgres/session/PgSession.ts"
import type { Names } from "../../src/postgres/sql/names.ts"
import * as PgDataCommit from "../../src/postgres/store/PgDataCommit.ts"
import type { PgWatchers } from "../../src/postgres/store/PgWatchers.ts"

const url = inject("databaseUrl")

const connect = (options: Partial<PgConnection.Config> = {}) =>
  PgConnection.make({ url: Redacted.make(url), ...options })

const sent = (sql: string, ...params: ReadonlyArray<unknown>): Batch.Sent => ({ sql, params })
const begin = sent("BEGIN")
const commit = sent("COMMIT")

/** The code of a batch that fails. */
const codeOf = (batch: ReturnType<typeof Batch.run>) => Effect.map(Effect.flip(batch), PgFailure.codeOf)

/** The same connection without the driver's objects, so that its statements travel as queries of their own. */
const asQueries = (connection: PgConnection.PgConnection): PgConnection.PgConnection => ({
  ...connection,
  query: connection.query,
  stream: () => Stream.empty
})

describe.each(["in one write", "as queries"])("a batch %s", (form) => {
  const connected = (options: Partial<PgConnection.Config> = {}) =>
    Effect.map(connect(options), (connection) => form === "as queries" ? asQueries(connection) : connection)

  it.live("returns the tag of each statement, and the text of its first row", () =>
    Effect.scoped(Effect.gen(function*() {
      const connection = yield* connected()
      const answers = yield* Batch.run(connection, [
        begin,
        sent("create temporary table t (a int, b text) on commit drop"),
        sent("insert into t select a, 'x' || a from generate_series(1, 3) a"),
        sent("select b from t order by a"),
        sent("select null::text where $1::int > 1", 1),
        sent("delete from t where a > $1::int", 1),
        commit
      ], true)
      const expected = ["BEGIN", "CREATE", "INSERT", "SELECT", "SELECT", "DELETE", "COMMIT"]
      assert.deepStrictEqual(answers.map(({ tag }) => tag.split(" ")[0]), expected)
      assert.deepStrictEqual(
        answers.map(({ text }) => text),
        [undefined, undefined, undefined, "x1", undefined, undefined, undefined]
      )
    })))

  it.live("fails with the first failure, and commits nothing", () =>
    Effect.scoped(Effect.gen(function*() {
      const connection = yield* connected()
      yield* Batch.run(connection, [sent("create temporary table kept (a int)")], true)
      const failing = [
        begin,
        sent("insert into kept values (1)"),
        sent("select 1 / 0"),
        sent("select * from nowhere"),
        commit
      ]
      assert.strictEqual(yield* codeOf(Batch.run(connection, failing, true)), "22012")
      yield* Effect.ignore(Batch.run(connection, [sent("ROLLBACK")], true))
      const [count] = yield* Batch.run(connection, [sent("select count(*)::text from kept")], true)
      assert.strictEqual(count!.text, "0")
    })))

  it.live("may use a statement many times, after a failure too", () =>
    Effect.scoped(Effect.gen(function*() {
      const connection = yield* connected()
      const half = sent("select (1 / $1::int)::text", 1)
      const none = sent("select (1 / $1::int)::text", 0)
      for (let i = 0; i < 3; i++) {
        assert.strictEqual(yield* codeOf(Batch.run(connection, [half, none, half], true)), "22012")
        const answers = yield* Batch.run(connection, [half, half, half], true)
        assert.deepStrictEqual(answers.map(({ text }) => text), ["1", "1", "1"])
      }
    })))

  it.live("takes a pooled connection that prepares nothing", () =>
    Effect.scoped(Effect.gen(function*() {
      const connection = yield* connected({ prepare: false })
      const answers = yield* Batch.run(connection, [sent("select 'a'::text"), sent("select 'b'::text")], true)
      assert.deepStrictEqual(answers.map(({ text }) => text), ["a", "b"])
      const [left] = yield* Batch.run(connection, [sent("select count(*)::text from pg_prepared_statements")], true)
      assert.strictEqual(left!.text, "0")
    })))
})

describe("the names of a batch's statements", () => {
  it.live("are bounded on the server", () =>
    Effect.scoped(Effect.gen(function*() {
      const connection = yield* connect()
      for (let round = 0; round < 3; round++) {
        const many = Array.from({ length: 90 }, (_, i) => sent(`select '${round} ${i}'::text`))
        const answers = yield* Batch.run(connection, many, true)
        assert.deepStrictEqual(answers.map(({ text }) => text), many.map((_, i) => `${round} ${i}`))
      }
      const [left] = yield* Batch.run(connection, [sent("select count(*)::text from pg_prepared_statements")], true)
      assert.isAtMost(Number(left!.text), 101)
    })))

  it.live("are given again after the server has lost them", () =>
    Effect.scoped(Effect.gen(function*() {
      const connection = yield* connect()
      const one = [sent("select 'one'::text"), sent("select 'two'::text")]
      yield* Batch.run(connection, one, true)
      yield* connection.query("deallocate all", [], false)
      assert.strictEqual(yield* codeOf(Batch.run(connection, one, true)), "26000")
      for (let i = 0; i < 2; i++) {
        // Each statement is named again when its turn comes.
        yield* Effect.ignore(Batch.run(connection, one, true))
      }
      assert.deepStrictEqual((yield* Batch.run(connection, one, true)).map(({ text }) => text), ["one", "two"])
    })))

  it.live("do not disturb the driver's own queries", () =>
    Effect.scoped(Effect.gen(function*() {
      const connection = yield* connect({ multiplex: true })
      for (let i = 0; i < 3; i++) {
        yield* Batch.run(connection, [sent("select $1::int4 + 1", i)], true)
        const { rows } = yield* connection.query("select $1::int4 + 1 as n", [i])
        assert.deepStrictEqual(rows, [{ n: i + 1 }])
      }
    })))

  it.live("need a connection that is open", () =>
    Effect.scoped(Effect.gen(function*() {
      const connection = yield* connect()
      const ended = Batch.run(connection, [sent("select pg_terminate_backend(pg_backend_pid())")], true)
      assert.include(["57P01", ""], yield* codeOf(ended))
      yield* Effect.flip(Batch.run(connection, [sent("select 1")], true))
    })))
})

describe("a group as data on a connection whose COMMIT rolls back", () => {
  it.effect("is not committed", () =>
    Effect.gen(function*() {
      const committed = (last: string) => {
        const session = {
          batch: (statements: ReadonlyArray<Batch.Sent>) =>
            Effect.succeed(
              statements.map((_, i) => ({ tag: i === statements.length - 1 ? last : "", text: undefined }))
            ),
          rollback: Effect.void
        }
        const commitData = PgDataCommit.make(
          { committerSession: Effect.succeed(session as unknown as PgSession) } as unknown as PgDatabase,
          {} as Names,
          {} as Wake,
          { settled: () => undefined } as unknown as PgWatchers,
          new UnroutedTopics()
        )
        const removal = { queue: 1, statements: [sent("delete")] }
        return commitData(
          { consumer: "c", removal, claims: undefined },
          () => Effect.succeed({ statements: [], emits: [] })
        )
      }
      assert.deepStrictEqual([yield* committed("COMMIT"), yield* committed("ROLLBACK")], [true, false])
    }))
})
