/**
 * A batch is one statement for many messages, in their transaction: on real Postgres, with the failure of one of
 * them.
 */
import { assert, it } from "@effect/vitest"
import { Effect, Option, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { DeadLetter, DeadLetters, Pipeline, Retry, Topic, Worker } from "millrace"
import { inject } from "vitest"
import { freshSchema, postgres } from "./kit.ts"

const url = inject("databaseUrl")

const Entries = Topic.make("entries", {
  schema: Schema.Struct({ id: Schema.String, account: Schema.String, amount: Schema.Int }),
  key: (entry) => entry.account,
  id: (entry) => entry.id
})
const Receipts = Topic.make("receipts", { schema: Schema.Struct({ row: Schema.Int, of: Schema.String }) })
const entries = Array.from({ length: 120 }, (_, i) => ({ id: `e${i}`, account: `a${i % 40}`, amount: i }))

class Refused extends Schema.TaggedError<Refused>()("Refused", { at: Schema.Date }) {}

const ledger = (within: string, sizes: Array<number>) =>
  Pipeline.from(Entries, { consumer: "ledger" }).pipe(
    Pipeline.commitBatch((batch) =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        sizes.push(batch.length)
        const rows = yield* sql<{ readonly n: number; readonly id: string }>`
          insert into ${sql(`${within}.ledger`)} ${sql.insert(batch)} returning n, id`.pipe(
          Effect.mapError(() => new Refused({ at: new Date(0) }))
        )
        return batch.map((entry) => ({ of: entry.id, row: rows.find((row) => row.id === entry.id)!.n }))
      })
    ),
    Pipeline.emit(Receipts, (posted) => posted),
    Pipeline.retry(Retry.never),
    Pipeline.deadLetter({ order: "continue", errors: Refused })
  )

it.live("commits a group by one statement, in each key's order; one bad row fails alone, with its typed error", () => {
  const within = freshSchema()
  return Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    yield* sql`create table ${
      sql(`${within}.ledger`)
    } (n int generated always as identity, id text, account text, amount int check (amount <> 57))`
    const sizes: Array<number> = []
    yield* Worker.drain(ledger(within, sizes))
    yield* Topic.publishAll(Entries, entries)
    yield* Worker.drain(ledger(within, sizes))

    const rows = yield* sql<{ readonly n: number; readonly id: string; readonly account: string }>`
      select n, id, account from ${sql(`${within}.ledger`)} order by n`
    const good = entries.filter((entry) => entry.amount !== 57)
    assert.deepStrictEqual(rows.map((row) => row.id).toSorted(), good.map((entry) => entry.id).toSorted())
    for (const account of new Set(good.map((entry) => entry.account))) {
      assert.deepStrictEqual(
        rows.filter((row) => row.account === account).map((row) => row.id),
        good.filter((entry) => entry.account === account).map((entry) => entry.id)
      )
    }
    assert.isAbove(Math.max(...sizes), 5, "groups of many were one call")

    const found: Array<{ readonly row: number; readonly of: string }> = []
    yield* Worker.drain(
      Pipeline.from(Receipts, { consumer: "auditor" }).pipe(Pipeline.map((receipt) => void found.push(receipt)))
    )
    assert.deepStrictEqual(
      found.map((receipt) => `${receipt.row} ${receipt.of}`).toSorted(),
      rows.map((row) => `${row.n} ${row.id}`).toSorted(),
      "each message has the result that was its own"
    )

    const deadLetters = yield* DeadLetters.list({ consumer: "ledger" })
    assert.deepStrictEqual(deadLetters.map((deadLetter) => deadLetter.message.id), ["e57"])
    const error = yield* DeadLetter.decodeError(deadLetters[0]!.attempts[0]!, Refused)
    assert.isTrue(Option.isSome(error) && error.value instanceof Refused && error.value.at.getTime() === 0)
  }).pipe(Effect.provide(postgres(url, {}, within)))
})
