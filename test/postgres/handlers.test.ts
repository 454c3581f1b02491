/** Commit steps that do what they should not, on real Postgres and on a queue where nothing else commits. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { DeadLetters, Pipeline, Retry, Topic, Worker } from "millrace"
import { inject } from "vitest"
import { withSchema } from "../setup/schemas.ts"

const url = inject("databaseUrl")

const Entries = Topic.make("entries", {
  schema: Schema.Struct({ id: Schema.String, account: Schema.String }),
  key: (entry) => entry.account,
  id: (entry) => entry.id
})
const Receipts = Topic.make("receipts", { schema: Schema.Struct({ of: Schema.String }), id: "random" })

type Step = (sql: SqlClient.SqlClient, within: string) => Effect.Effect<unknown, unknown>
const noEffect = (value: unknown) => value as Effect.Effect<unknown>

const steps: ReadonlyArray<
  { readonly what: string; readonly step: Step; readonly tag: string; readonly calls: number }
> = [
  {
    what: "leaves a role that cannot write",
    step: (sql) => sql`set local role pg_read_all_settings`,
    tag: "StoreFailure",
    calls: 3
  },
  {
    what: "ends its own session",
    step: (sql) => Effect.ignore(sql`select pg_terminate_backend(pg_backend_pid())`),
    tag: "TransientFailure",
    calls: 6
  },
  {
    what: "begins a COPY",
    step: (sql, within) => Effect.ignore(sql`copy ${sql(`${within}.ledger`)} from stdin`),
    tag: "TransientFailure",
    calls: 6
  },
  { what: "fails", step: (sql) => sql`select 1 / 0`, tag: "SqlError", calls: 1 },
  {
    what: "catches a failed statement",
    step: (sql) => Effect.ignore(sql`select 1 / 0`),
    tag: "TransactionAborted",
    calls: 1
  },
  { what: "returns a promise", step: () => noEffect(Promise.resolve(1)), tag: "Defect", calls: 1 },
  {
    what: "hides a promise in its effect",
    step: (sql) => Effect.flatMap(sql`select 1`, () => noEffect(Promise.resolve(1))),
    tag: "Defect",
    // Nothing tells whose it was before it is alone.
    calls: 2
  }
]

// A role is that of the whole transaction: a step that sets one needs groups of one.
const cases = steps.flatMap((step) => [1, 250].map((group) => ({ ...step, group })))
  .filter(({ group, what }) => group === 1 || !what.includes("role"))

describe("a commit step on a quiet queue", () => {
  it.live.each(cases)(
    "that $what is its message's failure, and the others go on: group $group",
    ({ calls, group, step, tag }) => {
      let called = 0
      return withSchema(url, (within) =>
        Effect.gen(function*() {
          const sql = yield* SqlClient.SqlClient
          const table = sql(`${within}.ledger`)
          yield* sql`create table ${table} (id text)`
          const ledger = Pipeline.from(Entries, { consumer: "ledger" }).pipe(
            Pipeline.tap(() => Effect.void),
            Pipeline.commit((entry) =>
              Effect.andThen(
                sql`insert into ${table} (id) values (${entry.id})`,
                Effect.suspend(() => entry.id === "a1" ? (called++, step(sql, within)) : Effect.void)
              )
            ),
            Pipeline.emit(Receipts, (_, { message }) => ({ of: message.id })),
            Pipeline.group(group),
            Pipeline.retry(Retry.never)
          )
          yield* Worker.drain(ledger)
          yield* Topic.publishAll(Entries, [
            { id: "a1", account: "a" },
            { id: "a2", account: "a" },
            { id: "b1", account: "b" }
          ])
          const ended = yield* Effect.timeoutOption(Worker.drain(ledger, { committers: 1 }), "20 seconds")
          assert.isTrue(Option.isSome(ended))
          const [deadLetter, ...others] = yield* DeadLetters.list()
          assert.deepStrictEqual([deadLetter?.message.id, others.length], ["a1", 0])
          assert.strictEqual(deadLetter!.attempts[0]!.tag, tag)
          if (group === 1) assert.isAtMost(called, calls)
          const rows = yield* sql<{ readonly id: string }>`select id from ${table} order by id`
          assert.deepStrictEqual(rows.map((row) => row.id), ["a2", "b1"])
        }))
    }
  )
})
