/**
 * Inbox and outbox: which ids a consumer has committed, and what goes out in the same transaction.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Delay from "../Delay.ts"
import { StoreFailure } from "../Errors.ts"
import { type Message, problem } from "../Message.ts"
import type { Claim, Claimed, Inbox, Outbox } from "../Store.ts"
import { keyHash } from "./KeyHash.ts"
import type { PgDatabase } from "./PgClient.ts"
import type { Queues } from "./PgConsumers.ts"
import type { PgDelayed } from "./PgDelayed.ts"
import * as PgFailure from "./PgFailure.ts"
import type { Rows } from "./PgSession.ts"
import * as DelayedSql from "./sql/delayed.ts"
import * as InboxSql from "./sql/inbox.ts"
import type { Names } from "./sql/names.ts"
import * as OutboxSql from "./sql/publishing.ts"
import type { Wake } from "./Wake.ts"

export const makeInbox = (db: PgDatabase, names: Names, queues: Queues): Pick<Inbox, "claim"> => {
  const text = InboxSql.make(names)
  const failed = PgFailure.storeFailure("claim message ids in the inbox")

  const revive = (queue: number, claims: ReadonlyArray<Claim>, fresh: Set<unknown>) => {
    const redriven = claims.filter((claim) => claim.letter !== undefined && !fresh.has(claim.id))
    if (redriven.length === 0) return Effect.void
    return Effect.map(
      db.within(text.revive, [queue, redriven.map((c) => c.id), redriven.map((c) => BigInt(c.letter!))]),
      (rows) => rows.forEach((row) => fresh.add(row["id"]))
    )
  }

  /** The others: the same message again, or another one under its id. */
  const tellApart = (queue: number, claims: ReadonlyArray<Claim>, fresh: ReadonlySet<unknown>) =>
    Effect.map(
      db.within(text.known, [queue, claims.filter((c) => !fresh.has(c.id)).map((c) => c.id)]),
      (rows) => {
        const known = new Map(rows.map((row) => [row["id"], row["fingerprint"]]))
        return claims.map((claim): Claimed => {
          if (fresh.has(claim.id)) return "fresh"
          const fingerprint = known.get(claim.id)
          return fingerprint === claim.fingerprint || fingerprint === "" ? "duplicate" : "conflict"
        })
      }
    )

  /** A redriven message that turns out to be a duplicate was committed by another way: its letter is over, too. */
  const resolved = (claims: ReadonlyArray<Claim>, answers: ReadonlyArray<Claimed>) => {
    const letters = claims.flatMap(({ letter }, i) =>
      letter === undefined || answers[i] !== "duplicate" ? [] : [BigInt(letter)]
    )
    return letters.length === 0 ? Effect.succeed(answers) : Effect.as(db.within(text.resolve, [letters]), answers)
  }

  return {
    claim: (consumer, claims) =>
      Effect.flatMap(queues.byName(consumer), (queue) => {
        if (claims.length === 0) return Effect.succeed([])
        const ids = claims.map((claim) => claim.id)
        return db.within(text.claim, [queue, ids, claims.map((claim) => claim.fingerprint)]).pipe(
          Effect.flatMap((rows) => {
            if (rows.length === claims.length) return Effect.succeed(claims.map((): Claimed => "fresh"))
            const fresh = new Set<unknown>(rows.map((row) => row["id"]))
            return Effect.flatMap(revive(queue, claims, fresh), () =>
              fresh.size === claims.length
                ? Effect.succeed(claims.map((): Claimed => "fresh"))
                : Effect.flatMap(tellApart(queue, claims, fresh), (answers) => resolved(claims, answers)))
          }),
          Effect.mapError(failed)
        )
      })
  }
}

/** Rows and bytes of one insert; more go in several, in one transaction. */
const chunkRows = 1_000
const chunkBytes = 4 * 1_048_576

/** The messages in inserts of a bounded size, in order. */
const chunks = (messages: ReadonlyArray<Message>): ReadonlyArray<ReadonlyArray<Message>> => {
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
  out.push(chunk)
  return out
}

/** The first message that cannot be stored; hand-made ones have not been through `Message.make`. */
const refusal = (messages: ReadonlyArray<Message>, later: Delay.Later | undefined): StoreFailure | undefined => {
  const bad = messages.map(problem).find((found) => found !== undefined)
    ?? (later === undefined ? undefined : Delay.problem(messages, later))
  if (bad === undefined) return undefined
  const { mend, message: detail } = bad
  return new StoreFailure({ operation: "publish", kind: "refused", code: "", detail, mend })
}

const headersOf = (message: Message): string => {
  for (const _ in message.headers) return JSON.stringify(message.headers)
  return "{}"
}

const columnsOf = (messages: ReadonlyArray<Message>): ReadonlyArray<unknown> => [
  messages.map((m) => m.id),
  messages.map((m) => m.topic),
  messages.map((m) => m.key),
  messages.map((m) => m.keyed),
  messages.map((m) => keyHash(m.key)),
  messages.map((m) => m.payload),
  messages.map(headersOf),
  messages.map((m) => m.version)
]

export const makeOutbox = (db: PgDatabase, names: Names, wake: Wake, delayed: PgDelayed): Outbox => {
  const text = OutboxSql.make(names)
  const laterText = DelayedSql.make(names)
  const wakeAfterCommit = (rows: Rows, also: () => void) =>
    rows.length === 0 ? Effect.void : db.sql.afterCommit(Effect.sync(() => {
      also()
      for (const row of rows) wake.published(Number(row["queue_id"]))
    }))
  const insert = (messages: ReadonlyArray<Message>) =>
    Effect.flatMap(db.query(text.write, columnsOf(messages)), (rows) => wakeAfterCommit(rows, () => {}))
  const insertLater = ({ at, delay, name }: Delay.Later) => (messages: ReadonlyArray<Message>) =>
    Effect.flatMap(
      db.query(laterText.write, [
        ...columnsOf(messages),
        at === undefined ? null : Math.max(0, at),
        Math.max(0, delay),
        name ?? null
      ]),
      (rows) => wakeAfterCommit(rows, () => delayed.soon())
    )
  return {
    write: (messages, later): Effect.Effect<void, StoreFailure> => {
      if (messages.length === 0) return Effect.void
      const bad = refusal(messages, later)
      if (bad !== undefined) return Effect.fail(bad)
      const one = later === undefined ? insert : insertLater(later)
      const parts = chunks(messages)
      return Effect.mapError(
        parts.length === 1
          ? one(messages)
          : db.sql.withTransaction(Effect.forEach(parts, one, { discard: true })),
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
