/**
 * Reads the messages that wait in a queue, or those of one key.
 */
import * as Effect from "effect/Effect"
import { keyHash } from "../../internal/KeyHash.ts"
import * as FindingSql from "../../postgres/sql/finding.ts"
import type { Names } from "../../postgres/sql/names.ts"
import type { WaitingMessage } from "../MessageFacts.ts"
import type { Operations } from "../Operations.ts"
import { type FactQuery, number, type Row, text, time } from "./FactQuery.ts"

const mostMessages = 200

const waitingOf = (row: Row): WaitingMessage => ({
  id: text(row, "id"),
  topic: text(row, "topic"),
  key: text(row, "key"),
  lane: number(row, "lane"),
  place: text(row, "seq"),
  publishedAt: time(row, "published") ?? 0,
  attempts: number(row, "attempts"),
  crashCount: number(row, "crash_count"),
  redriven: number(row, "redriven"),
  held: row["held"] === true,
  state: text(row, "state") as WaitingMessage["state"],
  worker: text(row, "worker") === "" ? undefined : text(row, "worker")
})

export const make = ({ exists, read }: FactQuery, names: Names): Pick<Operations["Service"], "waiting"> => {
  const sql = FindingSql.make(names)
  return {
    waiting: (consumer, { after, key, limit = 50 } = {}) => {
      const most = Math.min(mostMessages, Math.max(1, limit))
      const rows = key === undefined
        ? read("look at waiting messages", sql.waiting, [consumer, after?.lane ?? -1, after?.place ?? "0", most])
        : read("look at waiting messages", sql.waitingOfKey, [consumer, keyHash(key), after?.place ?? "0", most, key])
      return Effect.andThen(exists(consumer), Effect.map(rows, (found) => found.map(waitingOf)))
    }
  }
}
