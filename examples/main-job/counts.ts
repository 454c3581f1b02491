/**
 * Counts the progress of a run.
 *
 * SQL counts the rows of the database, and the program waits for these numbers.
 * The library's metrics count retries, holds and duplicates, which are only shown.
 */
import { Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { Telemetry } from "millrace"
import type { Tables } from "./tables.ts"

/** Numbers of rows in the database. */
export interface Counts {
  readonly sent: number
  readonly applied: number
  readonly notified: number
}

export const read = Effect.fnUntraced(function*(tables: Tables) {
  const sql = yield* SqlClient.SqlClient
  const [counts] = yield* sql<Counts>`
    select (select count(*)::int from ${sql(tables.sent)} where copy = 1) as sent,
      (select count(*)::int from ${sql(tables.activity)}) as applied,
      (select count(*)::int from ${sql(tables.notified)}) as notified`
  return counts!
})

/** The outcomes that the workers of one process counted since they started. */
export const Tally = Schema.Struct({
  retries: Schema.Int,
  holds: Schema.Int,
  duplicates: Schema.Int,
  dead: Schema.Int
})
export type Tally = typeof Tally.Type

/** A tally as a worker process writes it: one line of JSON. */
export const TallyLine = Schema.fromJsonString(Tally)

export const zero: Tally = { retries: 0, holds: 0, duplicates: 0, dead: 0 }

export const add = (a: Tally, b: Tally): Tally => ({
  retries: a.retries + b.retries,
  holds: a.holds + b.holds,
  duplicates: a.duplicates + b.duplicates,
  dead: a.dead + b.dead
})

const of = (outcome: Telemetry.DeliveryOutcome) => Telemetry.counted("activity", outcome)

/** The tally of this process. */
export const tally: Effect.Effect<Tally> = Effect.all({
  retries: of("retried"),
  holds: of("held"),
  duplicates: of("duplicate"),
  dead: of("dead")
})
