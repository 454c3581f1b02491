/**
 * The checks of `millrace doctor` about the tables: their version, indexes, settings and sequences.
 */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SchemaOutdated, SchemaTooNew } from "../../Errors.ts"
import * as Migrations from "../../postgres/migrations/index.ts"
import * as CheckupSql from "../../postgres/sql/checkup.ts"
import type { Names } from "../../postgres/sql/names.ts"
import { type Check, judge, ok } from "./Checks.ts"

/** The share of a sequence's numbers from which on it is near its end. */
const nearEnd = 0.9

const listed = (names: ReadonlyArray<string>, none: string): string => names.length === 0 ? none : names.join(", ")

/** Returns the check of a schema on which this code cannot run. No other check is possible then. */
export const unusable = (error: SchemaOutdated | SchemaTooNew): Check =>
  judge(
    "schema",
    true,
    "fail",
    error.message,
    "Run millrace migrate, or the version of the code that the schema needs."
  )

/** Checks the tables of the schema. */
export const all = Effect.fnUntraced(function*(sql: SqlClient.SqlClient, names: Names) {
  const text = CheckupSql.make(names)
  const repairs = CheckupSql.repairs(names)
  const found = (yield* sql.unsafe<{ index: string }>(text.indexes, [names.raw])).map(({ index }) => index)
  const invalid = (yield* sql.unsafe<{ index: string }>(text.invalidIndexes, [names.raw])).map(({ index }) => index)
  const missing = CheckupSql.expectedIndexes(Migrations.script(names)).filter(({ index }) => !found.includes(index))
  const unvacuumed = (yield* sql.unsafe<{ table: string }>(text.unvacuumed, [names.raw])).map(({ table }) => table)
  const sequences = yield* sql.unsafe<{ sequence: string; used: number }>(text.sequences, [names.raw])
  const ending = sequences.filter(({ used }) => used > nearEnd).map(({ sequence }) => sequence)
  return [
    ok("schema", `version ${Migrations.current.version}`),
    judge(
      "indexes",
      invalid.length > 0,
      "fail",
      listed(invalid, "all valid"),
      `Rebuild each of them: reindex index concurrently ${names.schema}.<name>`,
      invalid.map(repairs.rebuild)
    ),
    judge(
      "missing indexes",
      missing.length > 0,
      "fail",
      listed(missing.map(({ index }) => index), "none"),
      "Build them again. Without them, commits, polls or looks read whole tables.",
      missing.map(({ statement }) => statement)
    ),
    judge(
      "autovacuum of tables",
      unvacuumed.length > 0,
      "fail",
      unvacuumed.length === 0 ? "on" : `off for ${unvacuumed.join(", ")}`,
      "Turn it on for these tables. Without it, queues become slow.",
      unvacuumed.map(repairs.autovacuum)
    ),
    judge(
      "sequences",
      ending.length > 0,
      "fail",
      ending.length === 0 ? "far from their end" : `near their end: ${ending.join(", ")}`,
      "No message can be published after the last number. Find what sets the sequence, and set it back to its messages."
    )
  ]
})
