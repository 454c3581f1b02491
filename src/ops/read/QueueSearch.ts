/**
 * Looks for a message id in a queue, page by page in the order of the primary key. A queue has no index by id, because
 * each publish would pay for it. Between two pages other statements run, which matters on the one session of PGlite.
 */
import * as Effect from "effect/Effect"
import type { StoreFailure } from "../../Errors.ts"
import * as FindingSql from "../../postgres/sql/finding.ts"
import type { Names } from "../../postgres/sql/names.ts"
import type { FoundAt } from "../MessageFacts.ts"
import { number, type Read, type Row, text, time } from "./FactQuery.ts"

/** The messages of one page. */
const page = 50_000

/** A message in a queue: its place, and the hold of its key. */
export type Place = Required<Pick<FoundAt, "queue" | "hold">>

export interface Searched {
  readonly place: Place | undefined
  /** Whether the queue, or the lane of the key, was read to its end or to the message. */
  readonly all: boolean
}

const placeOf = (row: Row): Place => ({
  queue: {
    topic: text(row, "topic"),
    key: text(row, "key"),
    lane: number(row, "lane"),
    publishedAt: time(row, "published") ?? 0,
    attempts: number(row, "attempts"),
    crashCount: number(row, "crash_count"),
    worker: text(row, "worker") === "" ? undefined : text(row, "worker")
  },
  hold: row["held"] !== true ? undefined : {
    parked: row["parked"] === true,
    retryAt: time(row, "retry_at"),
    pausedBy: text(row, "paused_by") === "" ? undefined : text(row, "paused_by")
  }
})

/** Returns a search through at most `most` messages of a queue, or of one of its lanes. */
export const make = (read: Read, names: Names) => {
  const sql = FindingSql.make(names)
  return Effect.fnUntraced(function*(
    id: string,
    queue: number,
    lane: number | undefined,
    most: number
  ): Effect.fn.Return<Searched, StoreFailure> {
    let after = { lane: lane ?? -1, seq: "-1" }
    for (let left = most; left > 0;) {
      const asked = Math.min(page, left)
      const rows = yield* read("look through a queue", sql.page, [
        queue,
        after.lane,
        after.seq,
        lane ?? 2 ** 31 - 1,
        id,
        asked
      ])
      const found = rows.find((row) => row["found"] === true)
      if (found !== undefined) {
        const [row] = yield* read("look at a message", sql.place, [queue, found["lane"], found["seq"]])
        // A worker may have settled the message since the page was read.
        return { place: row === undefined ? undefined : placeOf(row), all: true }
      }
      const last = rows.at(-1)
      const looked = last === undefined ? 0 : number(last, "looked")
      if (last === undefined || looked < asked) return { place: undefined, all: true }
      after = { lane: number(last, "lane"), seq: text(last, "seq") }
      left -= looked
    }
    return { place: undefined, all: false }
  })
}
