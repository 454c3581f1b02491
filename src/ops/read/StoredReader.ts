/**
 * Reads a message with its payload where it is stored.
 */
import * as Effect from "effect/Effect"
import type { Message } from "../../Message.ts"
import type { Names } from "../../postgres/sql/names.ts"
import * as StoredSql from "../../postgres/sql/storedMessages.ts"
import { failuresOf, headersOf } from "../../postgres/store/DeadLetterRow.ts"
import type { FoundAt, StoredMessage } from "../MessageFacts.ts"
import type { Operations } from "../Operations.ts"
import { type FactQuery, number, type Row, text, time } from "./FactQuery.ts"

const messageOf = (row: Row): Message => ({
  id: text(row, "id"),
  topic: text(row, "topic"),
  key: text(row, "key"),
  keyed: row["keyed"] === true,
  payload: text(row, "payload"),
  headers: headersOf(row["headers"]),
  version: number(row, "version"),
  publishedAt: time(row, "published_at") ?? 0
})

/** Returns the facts of a message that is in no queue. */
const elsewhere = (row: Row, state: "delayed" | "unrouted"): StoredMessage => ({
  state,
  consumer: undefined,
  message: messageOf(row),
  dueAt: time(row, "due"),
  name: text(row, "name") === "" ? undefined : text(row, "name"),
  lane: undefined,
  ahead: undefined,
  attempts: [],
  crashCount: 0,
  redriven: 0,
  worker: undefined,
  hold: undefined
})

const queued = (row: Row, { consumer, hold, queue }: FoundAt): StoredMessage => ({
  state: text(row, "state") as StoredMessage["state"],
  consumer,
  message: messageOf(row),
  dueAt: hold?.parked === false ? hold.retryAt : undefined,
  name: undefined,
  lane: queue?.lane,
  ahead: { value: number(row, "ahead"), kind: row["more"] === true ? "atLeast" : "exact" },
  attempts: failuresOf(row["attempts"]),
  crashCount: number(row, "crash_count"),
  redriven: number(row, "redriven"),
  worker: queue?.worker,
  hold
})

export const make = (
  { read }: FactQuery,
  names: Names,
  find: Operations["Service"]["find"]
): Pick<Operations["Service"], "storedMessages"> => {
  const sql = StoredSql.make(names)
  return {
    storedMessages: Effect.fnUntraced(function*(id, query = {}) {
      const { consumers, delayed, searchedAll, sentences, unrouted } = yield* find(id, query)
      const messages: Array<StoredMessage> = []
      for (const at of consumers) {
        if (at.queue === undefined) continue
        const [row] = yield* read("read a message", sql.inQueue, [at.consumer, at.queue.lane, at.queue.place])
        // A worker may have settled the message since it was found.
        if (row !== undefined) messages.push(queued(row, at))
      }
      if (delayed.length > 0) {
        const rows = yield* read("read a delayed message", sql.delayed, [id])
        messages.push(...rows.map((row) => elsewhere(row, "delayed")))
      }
      if (unrouted.length > 0) {
        const rows = yield* read("read an unrouted message", sql.unrouted, [id])
        messages.push(...rows.map((row) => elsewhere(row, "unrouted")))
      }
      return { id, messages, sentences, searchedAll }
    })
  }
}
