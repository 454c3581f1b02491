/**
 * Reads the facts about held keys.
 */
import * as Effect from "effect/Effect"
import * as FactsSql from "../../postgres/sql/facts.ts"
import type { Names } from "../../postgres/sql/names.ts"
import type { StuckKey } from "../KeyFacts.ts"
import type { Operations } from "../Operations.ts"
import { type FactQuery, failureOf, number, type Row, text, time } from "./FactQuery.ts"

/** The most keys of a page. For each key, messages of its lane are read. */
const mostKeys = 100

const pausedOf = (row: Row): StuckKey["paused"] => {
  const at = time(row, "paused_at")
  return at === undefined ? undefined : { by: text(row, "paused_by"), at }
}

const deadLetterOf = (row: Row): StuckKey["deadLetter"] => {
  const id = text(row, "dead_letter_id")
  return id === "" ? undefined : {
    id,
    fingerprint: text(row, "fingerprint"),
    tag: text(row, "tag"),
    diedAt: time(row, "died_at") ?? 0
  }
}

const stuckKeyOf = (row: Row): StuckKey => ({
  consumer: text(row, "consumer"),
  key: text(row, "key"),
  lane: number(row, "lane"),
  parked: row["parked"] === true,
  retryAt: time(row, "retry_at"),
  paused: pausedOf(row),
  behind: { value: number(row, "behind"), kind: row["more"] === true ? "atLeast" : "exact" },
  oldestAt: time(row, "oldest"),
  deadLetter: deadLetterOf(row),
  lastFailure: failureOf(row, "last_failure")
})

export const make = ({ exists, read }: FactQuery, names: Names): Pick<Operations["Service"], "stuckKeys"> => {
  const sql = FactsSql.make(names)
  return {
    stuckKeys: ({ after, consumer, hold, key, limit = 25 } = {}) =>
      Effect.andThen(
        exists(consumer),
        Effect.map(
          read("look at held keys", sql.stuckKeys, [
            consumer ?? null,
            hold ?? null,
            after?.consumer ?? null,
            after?.key ?? null,
            Math.min(mostKeys, Math.max(1, limit)),
            key ?? null
          ]),
          (rows) => rows.map(stuckKeyOf)
        )
      )
  }
}
