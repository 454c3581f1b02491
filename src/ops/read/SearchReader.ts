/**
 * Searches dead letters. A search by text or value is bounded by the number of dead letters that it looks at.
 */
import * as Effect from "effect/Effect"
import { StoreFailure } from "../../Errors.ts"
import * as Page from "../../internal/Page.ts"
import type { Names } from "../../postgres/sql/names.ts"
import * as Narrowing from "../../postgres/sql/narrowing.ts"
import * as SearchingSql from "../../postgres/sql/searching.ts"
import { deadLetterOf, numberOf } from "../../postgres/store/DeadLetterRow.ts"
import type { Store } from "../../Store.ts"
import type { DeadLetterSearch } from "../DeadLetterSearch.ts"
import type { Operations } from "../Operations.ts"
import { type FactQuery, number, type Row, text } from "./FactQuery.ts"

/**
 * Returns how many dead letters a search by text or value looks at. PGlite has one session, which a search keeps busy.
 */
export const mostLooked = (maxTransactions: number): number => maxTransactions === 1 ? 2_000 : 20_000

/** Returns a text as it is, and as it stands in JSON if it differs there. */
const textsOf = (text: string | undefined): ReadonlyArray<string | null> => {
  if (text === undefined) return [null, null]
  const inJson = JSON.stringify(text).slice(1, -1)
  return [text, inJson === text ? null : inJson]
}

/** Returns what a search looks for. */
export const soughtOf = ({ payload, text }: DeadLetterSearch): SearchingSql.Sought => {
  if (text === undefined) return payload === undefined ? "nothing" : "value"
  const kind = /^[\x00-\x7f]*$/.test(text) ? "ascii" : "text"
  return payload === undefined ? kind : `${kind} and value`
}

/** Explains a failure on Postgres 15, which does not have the function that checks a payload before its cast. */
export const sayVersion = (failure: StoreFailure): StoreFailure =>
  failure.code === "42883"
    ? new StoreFailure({ ...failure, hint: "A search by a value in the payload needs Postgres 16. Search by text." })
    : failure

export const paramsOf = (search: DeadLetterSearch, looked: number, limit: number): ReadonlyArray<unknown> => [
  ...Narrowing.params(search, search.before === undefined ? null : numberOf(search.before) ?? 0n),
  looked,
  limit,
  ...textsOf(search.text),
  ...search.payload === undefined ? [] : [search.payload.path, search.payload.value]
]

const isHit = (row: Row): boolean => text(row, "dead_letter_id") !== ""

export const make = (
  { exists, read }: FactQuery,
  names: Names,
  { maxTransactions }: Store["Service"]
): Pick<Operations["Service"], "searchDeadLetters"> => {
  const sql = SearchingSql.make(names)
  return {
    searchDeadLetters: (search = {}) => {
      const limit = Page.rows(search.limit)
      const within = search.text !== undefined || search.payload !== undefined
      const params = paramsOf(search, within ? mostLooked(maxTransactions) : limit, limit)
      const rows = read(
        "search dead letters",
        sql.search(Narrowing.wayOf(search), soughtOf(search)),
        params
      )
      return Effect.andThen(
        exists(search.consumer),
        Effect.mapBoth(rows, {
          onFailure: sayVersion,
          onSuccess: (rows) => ({
            deadLetters: rows.filter(isHit).map(deadLetterOf),
            looked: within ? number(rows[0] ?? {}, "looked") : undefined,
            next: rows[0]?.["complete"] === true ? undefined : text(rows[0] ?? {}, "last")
          })
        })
      )
    }
  }
}
