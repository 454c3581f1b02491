/**
 * Publishes messages, now or later, in the publisher's transaction. Workers are woken after that transaction's commit.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Delay from "../../Delay.ts"
import type { StoreFailure } from "../../Errors.ts"
import { keyHash } from "../../internal/KeyHash.ts"
import * as PublishRefusal from "../../internal/PublishRefusal.ts"
import type { UnroutedTopics } from "../../internal/UnroutedTopics.ts"
import type { Message } from "../../Message.ts"
import type { OutboxStore } from "../../Store.ts"
import type { PgDelayed } from "../queue/PgDelayed.ts"
import type { Wake } from "../queue/Wake.ts"
import type { PgDatabase } from "../session/PgClient.ts"
import * as PgFailure from "../session/PgFailure.ts"
import type { Rows } from "../session/PgSession.ts"
import * as Pools from "../session/Pools.ts"
import * as DelayedSql from "../sql/delayed.ts"
import type { Names } from "../sql/names.ts"
import * as OutboxSql from "../sql/publishing.ts"
import * as PublishGroups from "./PublishGroups.ts"

/**
 * The most rows of one insert, and the size of its payloads above which the next insert begins. A larger publish takes
 * several inserts, in one transaction.
 */
const chunkRows = 1_000
const chunkBytes = 4 * 1_048_576

/** Splits messages into chunks of a bounded size, in order. Each chunk is one insert. */
export const chunks = (messages: ReadonlyArray<Message>): ReadonlyArray<ReadonlyArray<Message>> => {
  const out: Array<Array<Message>> = []
  let chunk: Array<Message> = []
  let bytes = 0
  for (const message of messages) {
    if (chunk.length === chunkRows || bytes > chunkBytes) {
      out.push(chunk)
      chunk = []
      bytes = 0
    }
    chunk.push(message)
    bytes += message.payload.length
  }
  if (chunk.length > 0) out.push(chunk)
  return out
}

const headersOf = (message: Message): string => {
  for (const _ in message.headers) return JSON.stringify(message.headers)
  return "{}"
}

export const columnsOf = (messages: ReadonlyArray<Message>): ReadonlyArray<unknown> => [
  messages.map((m) => m.id),
  messages.map((m) => m.topic),
  messages.map((m) => m.key),
  messages.map((m) => m.keyed),
  messages.map((m) => keyHash(m.key)),
  messages.map((m) => m.payload),
  messages.map(headersOf),
  messages.map((m) => m.version)
]

/** Where published messages went: the queues that got some, and the number of unrouted ones by topic. */
export interface Routes {
  readonly queues: ReadonlyArray<number>
  readonly unrouted: ReadonlyArray<readonly [topic: string, messages: number]>
}

/** Wakes the workers of the queues, and warns about topics that no consumer reads. Call it after the commit. */
export const announce = (wake: Wake, topics: UnroutedTopics, { queues, unrouted }: Routes): Effect.Effect<void> => {
  for (const queue of queues) wake.published(queue)
  return unrouted.length === 0 ? Effect.void : topics.note(unrouted)
}

export const make = (
  db: PgDatabase,
  names: Names,
  wake: Wake,
  delayed: PgDelayed,
  unrouted: UnroutedTopics
): OutboxStore => {
  const text = OutboxSql.make(names)
  const laterText = DelayedSql.make(names)
  const announceAfterCommit = (rows: Rows, also: () => void) =>
    rows.length === 0 ? Effect.void : db.sql.afterCommit(Effect.suspend(() => {
      const [queues, lost] = [rows.filter((row) => row["topic"] === null), rows.filter((row) => row["topic"] !== null)]
      if (queues.length > 0) also()
      return announce(wake, unrouted, {
        queues: queues.map((row) => Number(row["queue_id"])),
        unrouted: lost.map((row) => [String(row["topic"]), Number(row["n"])])
      })
    }))
  const insert = (messages: ReadonlyArray<Message>) =>
    Effect.flatMap(db.query(text.write, columnsOf(messages)), (rows) => announceAfterCommit(rows, () => {}))
  const insertLater = ({ at, delay, name }: Delay.ResolvedDelay) => (messages: ReadonlyArray<Message>) =>
    Effect.flatMap(
      db.query(laterText.write, [
        ...columnsOf(messages),
        at === undefined ? null : Math.max(0, at),
        Math.max(0, delay),
        name ?? null
      ]),
      (rows) => announceAfterCommit(rows, () => delayed.soon())
    )
  const { acquireTimeout, commitTimeout, maxConnections, single } = db.settings
  const groups = new PublishGroups.PublishGroups({
    insert,
    chunks,
    mostUnderWay: single ? 1 : Math.min(PublishGroups.mostUnderWay, maxConnections),
    acquireTimeout,
    timedOut: Effect.suspend(() => Effect.fail(Pools.noneFree(acquireTimeout, "a publish", Pools.moreForUsers))),
    commitTimeout
  })
  const insertNow = (messages: ReadonlyArray<Message>) =>
    messages.length > 1
      ? insert(messages)
      : Effect.flatMap(db.inTransaction, (inside) => inside ? insert(messages) : groups.publish(messages[0]!))
  return {
    write: (messages, later): Effect.Effect<void, StoreFailure> => {
      if (messages.length === 0) return Effect.void
      const bad = PublishRefusal.of(messages, later)
      if (bad !== undefined) return Effect.fail(bad)
      const one = later === undefined ? insertNow : insertLater(later)
      const parts = chunks(messages)
      return Effect.mapError(
        parts.length === 1
          ? one(messages)
          : db.transaction(Effect.forEach(parts, one, { discard: true })),
        PgFailure.storeFailure("publish")
      )
    },
    cancel: (topic, key, name) =>
      Effect.mapError(
        Effect.map(db.query(laterText.cancel, [topic, key, name]), (rows) => rows.length > 0),
        PgFailure.storeFailure("cancel a delayed message")
      )
  }
}
