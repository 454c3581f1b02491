/**
 * Reads the series of consumers.
 */
import * as Effect from "effect/Effect"
import * as FactsSql from "../../postgres/sql/facts.ts"
import type { Names } from "../../postgres/sql/names.ts"
import type { Operations } from "../Operations.ts"
import type { SeriesPoint } from "../SeriesFacts.ts"
import { counted, type FactQuery, number, type Row, time } from "./FactQuery.ts"

const pointOf = (row: Row): SeriesPoint => ({
  at: time(row, "begins") ?? 0,
  seconds: number(row, "seconds") === 60 ? 60 : 10,
  waiting: counted(row, "unsettled"),
  lagMillis: number(row, "lag_millis"),
  delayedKeys: number(row, "delayed_keys"),
  parkedKeys: number(row, "parked_keys"),
  deadLetters: counted(row, "dead_letters"),
  committed: number(row, "committed"),
  duplicates: number(row, "duplicates"),
  dead: number(row, "dead"),
  retried: number(row, "retried")
})

export const make = ({ exists, read }: FactQuery, names: Names): Pick<Operations["Service"], "series"> => {
  const sql = FactsSql.make(names)
  return {
    series: (consumer, { from, seconds = 10, until } = {}) =>
      Effect.andThen(
        exists(consumer),
        Effect.map(
          read("read a series", sql.series, [consumer, seconds, from ?? null, until ?? null]),
          (rows) => rows.map(pointOf)
        )
      )
  }
}
