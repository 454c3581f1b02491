/**
 * Reads the facts about failures, and the outcome of redrives.
 */
import * as Effect from "effect/Effect"
import type { Reason } from "../../DeadLetter.ts"
import * as Page from "../../internal/Page.ts"
import * as FactsSql from "../../postgres/sql/facts.ts"
import type { Names } from "../../postgres/sql/names.ts"
import { upTo } from "../Fact.ts"
import type { FailureFacts, RedriveFacts } from "../FailureFacts.ts"
import type { Operations } from "../Operations.ts"
import { type FactQuery, number, type Row, text, texts, time } from "./FactQuery.ts"

const failureOf = (row: Row): FailureFacts => ({
  consumer: text(row, "consumer"),
  fingerprint: text(row, "fingerprint"),
  tag: text(row, "tag"),
  reason: text(row, "reason") as Reason,
  deadLetters: upTo(number(row, "dead_letters"), 1_000),
  firstAt: time(row, "first") ?? 0,
  lastAt: time(row, "last") ?? 0,
  sampleId: text(row, "sample"),
  diedOn: texts(row, "died_on"),
  runningNow: texts(row, "running_now"),
  note: text(row, "note") === ""
    ? undefined
    : { by: text(row, "noted_by"), at: time(row, "noted") ?? 0, text: text(row, "note") }
})

const redriveOf = (row: Row): RedriveFacts => ({
  consumer: text(row, "consumer"),
  by: text(row, "who"),
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

export const make = (
  { exists, read }: FactQuery,
  names: Names
): Pick<Operations["Service"], "failures" | "redrives"> => {
  const sql = FactsSql.make(names)
  return {
    failures: ({ consumer, fingerprint, limit } = {}) =>
      Effect.andThen(
        exists(consumer),
        Effect.map(
          read("group dead letters", sql.failures, [consumer ?? null, fingerprint ?? null, Page.rows(limit)]),
          (rows) => rows.map(failureOf)
        )
      ),
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
