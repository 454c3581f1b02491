/**
 * Reads the facts about failures, and the outcome of redrives.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Reason } from "../../DeadLetter.ts"
import * as Page from "../../internal/Page.ts"
import * as FactsSql from "../../postgres/sql/facts.ts"
import * as HistorySql from "../../postgres/sql/failureHistory.ts"
import type { Names } from "../../postgres/sql/names.ts"
import * as Narrowing from "../../postgres/sql/narrowing.ts"
import * as SearchedSql from "../../postgres/sql/searchedFailures.ts"
import type { Store } from "../../Store.ts"
import { upTo } from "../Fact.ts"
import type { FailureFacts, FailureHistory, FailureQuery, RedriveFacts } from "../FailureFacts.ts"
import type { Operations } from "../Operations.ts"
import { type FactQuery, number, type Row, text, texts, time } from "./FactQuery.ts"
import * as SearchReader from "./SearchReader.ts"

/** The 5 minutes of the last 3 hours. */
const parts = 36

const recentOf = (row: Row): ReadonlyArray<number> => {
  const byAge = JSON.parse(text(row, "recent")) as Readonly<Record<string, number>>
  return Array.from({ length: parts }, (_, i) => byAge[parts - 1 - i] ?? 0)
}

/** The dead letters that a history reads. */
const mostRead = 10_000

const historyOf = (rows: ReadonlyArray<Row>, seconds: number): FailureHistory => {
  const about = (name: string) => rows.filter((row) => text(row, "about") === name)
  const points = about("dead").map((row) => ({ at: time(row, "at") ?? 0, dead: number(row, "n") }))
  const read = points.reduce((sum, { dead }) => sum + dead, 0)
  return {
    seconds,
    points,
    more: read >= mostRead,
    versions: about("version").map((row) => ({ at: time(row, "at") ?? 0, version: text(row, "version") })),
    redrives: about("redrive").map((row) => ({
      at: time(row, "at") ?? 0,
      by: text(row, "done_by"),
      note: text(row, "note"),
      redriveRunId: text(row, "run"),
      deadLetters: number(row, "n")
    }))
  }
}

/** Returns the number at which the count of a group ends. A search counts all that it has found. */
const mostOf = (row: Row): number => row["more"] === undefined ? 1_000 : Number.POSITIVE_INFINITY

const failureOf = (row: Row): FailureFacts => ({
  consumer: text(row, "consumer"),
  fingerprint: text(row, "fingerprint"),
  tag: text(row, "tag"),
  reason: text(row, "reason") as Reason,
  deadLetters: row["more"] === true
    ? { value: number(row, "dead_letters"), kind: "atLeast" }
    : upTo(number(row, "dead_letters"), mostOf(row)),
  firstAt: time(row, "first") ?? 0,
  lastAt: time(row, "last") ?? 0,
  recent: recentOf(row),
  sampleId: text(row, "sample"),
  diedOn: texts(row, "died_on"),
  runningNow: texts(row, "running_now"),
  note: text(row, "note") === ""
    ? undefined
    : { by: text(row, "noted_by"), at: time(row, "noted") ?? 0, text: text(row, "note") }
})

const redriveOf = (row: Row): RedriveFacts => ({
  consumer: text(row, "consumer"),
  by: text(row, "done_by"),
  note: text(row, "note"),
  firstAt: time(row, "first") ?? 0,
  lastAt: time(row, "last") ?? 0,
  deadLetters: { value: number(row, "dead_letters"), kind: row["more"] === true ? "atLeast" : "exact" },
  committed: number(row, "committed"),
  waiting: number(row, "waiting"),
  failedAgain: number(row, "failed_again"),
  discarded: number(row, "discarded"),
  gone: number(row, "gone")
})

/** The fields of a search. With any of them, a group has only the dead letters that match. */
const searched = ["topic", "key", "id", "tag", "reason", "until", "version", "text", "payload"] as const

const isSearch = (query: FailureQuery): boolean => searched.some((name) => query[name] !== undefined)

export const make = (
  { exists, read }: FactQuery,
  names: Names,
  { maxTransactions }: Store["Service"]
): Pick<Operations["Service"], "failures" | "failureHistory" | "redrives"> => {
  const sql = FactsSql.make(names)
  const { history } = HistorySql.make(names)
  return {
    failures: (query = {}) => {
      const { consumer, fingerprint, limit } = query
      const rows = isSearch(query)
        ? Effect.mapError(
          read(
            "group dead letters",
            SearchedSql.groups(names, Narrowing.wayOf({ ...query, state: "open" }), SearchReader.soughtOf(query)),
            SearchReader.paramsOf(
              { ...query, state: "open" },
              SearchReader.mostLooked(maxTransactions),
              Page.rows(limit)
            )
          ),
          SearchReader.sayVersion
        )
        : read("group dead letters", sql.failures, [consumer ?? null, fingerprint ?? null, Page.rows(limit)])
      return Effect.andThen(exists(consumer), Effect.map(rows, (all) => all.map(failureOf)))
    },
    failureHistory: (consumer, fingerprint, { seconds = 60, since } = {}) =>
      Effect.gen(function*() {
        yield* exists(consumer)
        const from = since ?? (yield* Clock.currentTimeMillis) - 3 * 3_600_000
        const params = [consumer, fingerprint, from, seconds, mostRead]
        return historyOf(yield* read("read the history of a failure", history, params), seconds)
      }),
    redrives: ({ by, consumer, since } = {}) =>
      Effect.andThen(
        exists(consumer),
        Effect.map(
          read("look at redrives", sql.redrives, [consumer ?? null, by ?? null, since ?? null]),
          (rows) => rows.map(redriveOf)
        )
      )
  }
}
