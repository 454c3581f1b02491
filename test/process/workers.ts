/** Shared by the tests of real worker processes: a queue with a ledger, and a program that fills the ledger. */
import { Effect, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { Pipeline, Topic, Worker } from "millrace"
import { Postgres } from "millrace/postgres"
import { fileURLToPath } from "node:url"
import type { LedgerRow } from "../checker/ledgerHistory.ts"
import * as Child from "../harness/child.ts"
import { type Setup, topicOf, type Work } from "./worker-program.ts"

export { violations } from "../checker/ledgerHistory.ts"
export { until } from "../harness/child.ts"

let numbers = 0

/** A name that no other test uses. */
export const fresh = (name: string) => `${name}_${process.pid}_${numbers++}`

/** Starts a worker process, or another program of this folder; it is killed when the scope closes, if it still runs. */
export const start = (setup: Pick<Setup, "name"> & object, program = "worker-program.ts") =>
  Child.start({ name: setup.name, program: fileURLToPath(new URL(program, import.meta.url)), setup })

/** The services of a process that only publishes and reads. */
export const layer = (url: string, schema: string) => Postgres.layer({ url: Redacted.make(url), schema })

/** Registers the consumer, with an empty ledger. */
export const prepare = Effect.fnUntraced(function*(schema: string, consumer: string, options: Worker.WorkerOptions) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`create table if not exists ${sql(schema)}.test_ledger (
    n bigserial primary key, id text not null, key text not null, position int not null, worker text not null, attempt int not null)`
  yield* Worker.drain(Pipeline.from(topicOf(consumer), { consumer }), options)
})

export type Piece = typeof Work.Type

export const piece = (key: string, position: number, more?: Partial<Piece>): Piece => ({
  id: `${key}:${position}`,
  key,
  position,
  action: "none",
  millis: 0,
  ...more
})

export const publish = (consumer: string, pieces: ReadonlyArray<Piece>) => Topic.publishAll(topicOf(consumer), pieces)

/** The ledger in commit order of a key: `n` is drawn inside of the commit, and a key's commits exclude one another. */
export const ledger = Effect.fnUntraced(function*(schema: string) {
  const sql = yield* SqlClient.SqlClient
  return yield* sql<LedgerRow>`select id, key, position, worker, attempt from ${sql(schema)}.test_ledger order by n`
})

/** Waits until the ledger has so many rows. */
export const ledgerHas = (schema: string, count: number) =>
  Child.until(`${count} rows in the ledger`, Effect.map(ledger(schema), (rows) => rows.length >= count))
