/**
 * Statements that steer a transaction or change a session are recognised by their words. The server itself is the
 * model.
 */
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Redacted, Schema } from "effect"
import * as Arbitrary from "effect/Arbitrary"
import { inject } from "vitest"
import * as TransactionControl from "../../src/postgres/session/TransactionControl.ts"

const classOf = (sql: string) => {
  const { command, kind } = TransactionControl.classify(sql)
  return kind === "plain" ? "plain" : `${kind}: ${command}`
}

const table: ReadonlyArray<readonly [sql: string, expected: string]> = [
  ["begin", "begin: BEGIN"],
  ["start transaction isolation level serializable", "begin: START TRANSACTION"],
  ["commit", "control: COMMIT"],
  ["commit and chain", "control: COMMIT"],
  ["end", "control: END"],
  ["rollback", "control: ROLLBACK"],
  ["rollback to savepoint a", "control: ROLLBACK"],
  ["abort", "control: ABORT"],
  ["savepoint a", "control: SAVEPOINT"],
  ["release a", "control: RELEASE"],
  ["prepare transaction 'a'", "control: PREPARE TRANSACTION"],
  ["prepare/* */transaction 'a'", "control: PREPARE TRANSACTION"],
  ["commit prepared 'a'", "plain"],
  ["rollback prepared 'a'", "plain"],
  ["set search_path = a", "session: SET"],
  ["set session role a", "session: SET"],
  ["set local search_path = a", "plain"],
  ["set transaction isolation level repeatable read", "plain"],
  ["set constraints all deferred", "plain"],
  ["select set_config('a.b', $1, true)", "plain"],
  ["select set_config('a.b', $1, false)", "session: set_config"],
  ["select pg_advisory_lock(1)", "session: pg_advisory_lock"],
  ["select pg_try_advisory_lock_shared(1), set_config('a.b', 'c', true)", "session: pg_advisory_lock"],
  ["select pg_advisory_xact_lock(1)", "plain"],
  ["listen a", "session: LISTEN"],
  ["load 'a'", "session: LOAD"],
  ["prepare a as select 1", "session: PREPARE"],
  ["declare a cursor with hold for select 1", "session: DECLARE WITH HOLD"],
  ["declare a cursor for select 1", "plain"],
  ["create temp table a (b int)", "session: CREATE TEMPORARY"],
  ["create or replace temporary view a as select 1", "session: CREATE TEMPORARY"],
  ["create temp table a (b int) on commit drop", "plain"],
  ["create table temp (b int)", "plain"],
  ["deallocate all", "names: DEALLOCATE"],
  ["discard all", "names: DISCARD"],
  ["select 1", "plain"],
  ["insert into a values ('begin')", "plain"],
  ["begin_work", "plain"],
  ["commit2", "plain"],
  ["", "plain"]
]

const before = Arbitrary.array(
  Arbitrary.schema(
    Schema.Literals([" ", "\n", "\t\f\r", ";", "-- commit\n", "/* rollback */", "/* a /* nested */ b */", ""])
  ),
  { maxLength: 5 }
)
const cases = Arbitrary.array(Arbitrary.schema(Schema.Boolean), { minLength: 60, maxLength: 60 })
const rows = Arbitrary.schema(Schema.Literals(table.map((_, i) => i)))

const spelled = (sql: string, upper: ReadonlyArray<boolean>) =>
  [...sql].map((deadLetter, i) => upper[i % upper.length] === true ? deadLetter.toUpperCase() : deadLetter).join("")

describe("a statement", () => {
  it("is recognised by its first words", () => {
    for (const [sql, expected] of table) assert.strictEqual(classOf(sql), expected, sql)
    assert.strictEqual(classOf("\ufeffrollback"), "control: ROLLBACK")
    assert.strictEqual(classOf("/* rollback"), "plain")
    assert.strictEqual(classOf("-- rollback"), "plain")
  })

  it.prop(
    "is recognised behind any comments, in upper and lower case",
    [before, rows, cases],
    ([space, row, upper]) => {
      const [sql, expected] = table[row]!
      assert.strictEqual(classOf(space.join("") + spelled(sql, upper)), expected)
    }
  )

  it("costs little: a text of 1 MB is looked at once", () => {
    const long = `select '${"x".repeat(1_000_000)}'`
    const comment = `${"/*".repeat(250_000)}${"*/".repeat(250_000)} rollback`
    assert.strictEqual(classOf(long), "plain")
    assert.strictEqual(classOf(comment), "control: ROLLBACK")
  })
})

layer(PgClient.layer({ url: Redacted.make(inject("databaseUrl")), maxConnections: 1 }), { excludeTestServices: true })(
  "the server",
  (it) => {
    let endings = 0
    const parts = Schema.Literals([
      ..." \n;",
      "--",
      "/*",
      "*/",
      "rollback",
      "COMMIT",
      "end",
      "abort",
      "begin",
      "and chain",
      "work",
      "select 1",
      "'",
      "to"
    ])
    it.effect.prop(
      "never ends a transaction by a statement that is classified as plain",
      [Arbitrary.array(Arbitrary.schema(parts), { minLength: 1, maxLength: 6 })],
      ([words]) =>
        Effect.scoped(Effect.gen(function*() {
          const sql = words.join("")
          const session = yield* (yield* PgClient.PgClient).reserve
          const run = (text: string) => session.executeUnprepared(text, [], undefined)
          yield* run("begin")
          const [own] = yield* run("select pg_current_xact_id()::text as id")
          const failed = (yield* Effect.exit(run(sql)))._tag === "Failure"
          // A failed statement has aborted the transaction, unless it is over.
          const after = yield* Effect.exit(run("select pg_current_xact_id()::text as id"))
          const ended = failed
            ? after._tag === "Success"
            : after._tag === "Failure" || (after.value[0] as { id: string }).id !== (own as { id: string }).id
          yield* run("rollback")
          if (!ended) return
          endings++
          assert.notStrictEqual(classOf(sql), "plain", JSON.stringify(sql))
        })),
      { arbitrary: { runs: 300 } }
    )

    it.effect("has ended some of them", () => Effect.sync(() => assert.isAbove(endings, 5)))
  }
)
