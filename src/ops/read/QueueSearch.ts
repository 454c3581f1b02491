/**
 * Looks for a message id in all queues. A queue has no index by id, because each publish would pay for it. So the table
 * is read once, up to a bound. With the message's key only the lanes of that key are read.
 */
import * as Effect from "effect/Effect"
import type { StoreFailure } from "../../Errors.ts"
import { keyHash } from "../../internal/KeyHash.ts"
import * as FindingSql from "../../postgres/sql/finding.ts"
import type { Names } from "../../postgres/sql/names.ts"
import type { FindQuery, FoundAt } from "../MessageFacts.ts"
import { failureOf, number, type Read, type Row, text, time } from "./FactQuery.ts"

/** The messages of each lane that are looked at if the key is known. */
const mostOfLane = 100_000

/** The size of a block of Postgres, in bytes. */
const block = 8_192

/** A message in a queue: its place, and the hold of its key. */
export type Place = Required<Pick<FoundAt, "queue" | "hold">>

export interface Searched {
  /** The place of the message in each queue that has it, by the number of the queue. */
  readonly places: ReadonlyMap<number, Place>
  /** Whether the search came to the end. */
  readonly all: boolean
}

const placeOf = (row: Row): Place => ({
  queue: {
    topic: text(row, "topic"),
    key: text(row, "key"),
    lane: number(row, "lane"),
    place: text(row, "seq"),
    publishedAt: time(row, "published") ?? 0,
    attempts: number(row, "attempts"),
    crashCount: number(row, "crash_count"),
    worker: text(row, "worker") === "" ? undefined : text(row, "worker")
  },
  hold: row["held"] !== true ? undefined : {
    parked: row["parked"] === true,
    retryAt: time(row, "retry_at"),
    pausedBy: text(row, "paused_by") === "" ? undefined : text(row, "paused_by"),
    deadLetter: text(row, "dead_letter_id") === "" ? undefined : {
      id: text(row, "dead_letter_id"),
      messageId: text(row, "dead_id"),
      tag: text(row, "dead_tag")
    },
    retried: text(row, "retried_id") === ""
      ? undefined
      : { messageId: text(row, "retried_id"), lastFailure: failureOf(row, "last_failure") }
  }
})

/** Returns the search. */
export const make = (read: Read, names: Names) => {
  const sql = FindingSql.make(names)
  const inLanes = (id: string, key: string) =>
    Effect.map(read("look through lanes", sql.inLanes, [id, keyHash(key), mostOfLane]), (rows) => ({
      found: rows.filter((row) => row["seq"] !== null),
      all: rows.every((row) => row["seq"] !== null || row["more"] !== true)
    }))
  const inQueues = Effect.fnUntraced(function*(id: string, mostBytes: number) {
    const [size] = yield* read("look through the queues", sql.size)
    const end = Math.max(1, Math.floor(mostBytes / block))
    const all = number(size ?? {}, "bytes") <= end * block
    const params = all ? [id] : [id, `(${end},0)`]
    return { found: yield* read("look through the queues", sql.inQueues(!all), params), all }
  })
  return Effect.fnUntraced(function*(
    id: string,
    { key, mostBytes = 2 ** 30 }: FindQuery
  ): Effect.fn.Return<Searched, StoreFailure> {
    const { all, found } = yield* key === undefined ? inQueues(id, mostBytes) : inLanes(id, key)
    const places = new Map<number, Place>()
    for (const row of found) {
      const queue = number(row, "queue")
      const [place] = yield* read("look at a message", sql.place, [queue, row["lane"], row["seq"]])
      // A worker may have settled the message since it was found.
      if (place !== undefined) places.set(queue, placeOf(place))
    }
    return { places, all }
  })
}
