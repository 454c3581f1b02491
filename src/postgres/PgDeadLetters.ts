/**
 * Dead letters. Death goes through the inbox, as a commit does, so that the two exclude each other; what a person decides is
 * audited in the same transaction.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import type { DeadLetter, Reason, State } from "../DeadLetter.ts"
import { DeadLetterConflict, DeadLetterNotFound, type StoreFailure } from "../Errors.ts"
import * as MessageId from "../MessageId.ts"
import type { Burial, DeadLetterStore } from "../Store.ts"
import type { PgDatabase } from "./PgClient.ts"
import type { Queues } from "./PgConsumers.ts"
import * as PgFailure from "./PgFailure.ts"
import type { Rows } from "./PgSession.ts"
import { failuresOf, headersOf, type Receipt } from "./Row.ts"
import * as InboxSql from "./sql/inbox.ts"
import * as Sql from "./sql/letters.ts"
import type { Names } from "./sql/names.ts"
import type { Wake } from "./Wake.ts"

/** As people see the number: it sorts as text. */
const letterId = (n: unknown): string => String(n).padStart(16, "0")

const numberOf = (letter: string): bigint | undefined => /^\d{16}$/.test(letter) ? BigInt(letter) : undefined

const letterOf = (row: Rows[number]): DeadLetter => ({
  id: String(row["letter"]),
  consumer: String(row["consumer"]),
  message: {
    id: String(row["id"]),
    topic: String(row["topic"]),
    key: String(row["key"]),
    keyed: row["keyed"] === true,
    payload: String(row["payload"]),
    headers: headersOf(row["headers"]),
    version: Number(row["version"]),
    publishedAt: Math.floor(Number(row["published_at"]))
  },
  reason: row["reason"] as Reason,
  state: row["state"] as State,
  parked: row["parked"] === true,
  attempts: failuresOf(row["attempts"]),
  fingerprint: String(row["fingerprint"]),
  redriven: Number(row["redriven"]),
  diedAt: Math.floor(Number(row["died_at"])),
  changedBy: String(row["changed_by"]),
  changedAt: Math.floor(Number(row["changed_at"]))
})

const receiptOf = (burial: Burial): Receipt => burial.delivery.receipt as Receipt

export const make = (db: PgDatabase, names: Names, queues: Queues, wake: Wake): DeadLetterStore => {
  const decisions = makeDecisions(db, names, wake)
  const text = Sql.make(names)
  return {
    bury: makeBury(db, names, queues),
    list: (query) =>
      Effect.mapBoth(
        db.query(text.list, [
          query.consumer ?? null,
          query.state ?? null,
          query.before === undefined ? null : numberOf(query.before) ?? 0n,
          Math.min(1_000, Math.max(1, query.limit ?? 100))
        ]),
        { onFailure: PgFailure.storeFailure("list dead letters"), onSuccess: (rows) => rows.map(letterOf) }
      ),
    get: (letter) => {
      const n = numberOf(letter)
      if (n === undefined) return Effect.fail(new DeadLetterNotFound({ letter }))
      return Effect.flatMap(
        Effect.mapError(db.query(text.get, [n]), PgFailure.storeFailure("get a dead letter")),
        ([row]) => row === undefined ? Effect.fail(new DeadLetterNotFound({ letter })) : Effect.succeed(letterOf(row))
      )
    },
    redrive: decisions.redrive,
    discard: decisions.discard
  }
}

const makeBury = (db: PgDatabase, names: Names, queues: Queues): DeadLetterStore["bury"] => {
  const text = Sql.make(names)
  const inbox = InboxSql.make(names)

  const fresh = (queue: number, letter: unknown, burial: Burial): Effect.Effect<unknown, SqlError> => {
    const { message } = burial.delivery
    const { lane, large, seq } = receiptOf(burial)
    const end = [burial.reason, burial.parked, JSON.stringify(burial.attempts), burial.fingerprint]
    return large
      ? db.within(text.insertLarge, [letter, queue, lane, seq, ...end])
      : db.within(text.insert, [
        letter,
        queue,
        lane,
        seq,
        message.id,
        message.topic,
        message.key,
        message.keyed,
        message.payload,
        JSON.stringify(message.headers),
        message.version,
        message.publishedAt,
        ...end
      ])
  }

  const beside = Effect.fnUntraced(function*(queue: number, burial: Burial) {
    const [row] = yield* db.within(text.number, [])
    yield* fresh(queue, row!["letter"], burial)
    return letterId(row!["letter"])
  })

  /** The letter that a message was redriven from takes it back. */
  const reopen = (own: bigint, burial: Burial) => {
    const { lane, seq } = receiptOf(burial)
    const { attempts, fingerprint, parked, reason } = burial
    return Effect.as(
      db.within(text.reopen, [own, reason, parked, JSON.stringify(attempts), fingerprint, lane, seq]),
      letterId(own)
    )
  }

  const one = Effect.fnUntraced(
    function*(queue: number, burial: Burial): Effect.fn.Return<string | undefined, SqlError> {
      const { message, redrive } = burial.delivery
      const { large } = receiptOf(burial)
      const own = redrive === undefined ? undefined : BigInt(redrive.letter)
      const put = () => own === undefined ? beside(queue, burial) : reopen(own, burial)
      if (burial.conflict === true) return yield* put()
      const print = large ? "" : MessageId.ofPayload(message.payload)
      const [known] = yield* db.within(inbox.die, [queue, message.id, print, own ?? null])
      const letter = known!["letter"]
      if (known!["fresh"] === true && own === undefined) {
        yield* fresh(queue, letter, burial)
        return letterId(letter)
      }
      if (own !== undefined && letter === own) return yield* reopen(own, burial)
      // Other content under a known id is never dropped, whether or not a claim has found that out.
      if (large || known!["fingerprint"] !== print) return yield* put()
      return undefined
    }
  )

  return (consumer, burials) =>
    Effect.flatMap(queues.byName(consumer), (queue) =>
      Effect.mapError(
        Effect.forEach(burials, (burial) => one(queue, burial)),
        PgFailure.storeFailure("bury a message")
      ))
}

const makeDecisions = (db: PgDatabase, names: Names, wake: Wake): Pick<DeadLetterStore, "redrive" | "discard"> => {
  const text = Sql.make(names)

  /** Locks the letter, checks that it is open, does what was decided, and writes who decided it. */
  const decide = Effect.fnUntraced(function*(
    letter: string,
    by: string,
    state: "redriving" | "discarded",
    act: (n: bigint, queue: unknown, parked: boolean, key: unknown) => Effect.Effect<unknown, SqlError>
  ) {
    const asked = state === "redriving" ? "redriven" : "discarded"
    const n = numberOf(letter)
    const [row] = n === undefined ? [] : yield* db.within(text.lock, [n])
    if (n === undefined || row === undefined) return yield* new DeadLetterNotFound({ letter })
    if (row["state"] !== "open") {
      return yield* new DeadLetterConflict({
        letter,
        asked,
        state: String(row["state"]),
        by: String(row["changed_by"]),
        at: Math.floor(Number(row["changed_at"]))
      })
    }
    yield* db.within(text.decide, [n, state, by, state === "redriving" ? 1 : 0])
    yield* db.within(text.audit, [by, asked, n])
    yield* act(n, row["queue_id"], row["parked"] === true, row["key"])
    yield* db.sql.afterCommit(Effect.sync(() => wake.published(Number(row["queue_id"]))))
  })

  const unpark = (queue: unknown, parked: boolean, key: unknown) =>
    parked ? db.within(text.unpark, [queue, key]) : Effect.void

  const run = (operation: string, effect: ReturnType<typeof decide>) =>
    Effect.mapError(
      db.sql.withTransaction(effect),
      (error): StoreFailure | DeadLetterNotFound | DeadLetterConflict =>
        error._tag === "SqlError" ? PgFailure.storeFailure(operation)(error) : error
    )

  return {
    redrive: (letter, by) =>
      run(
        "redrive a dead letter",
        decide(letter, by, "redriving", (n, queue, parked, key) =>
          Effect.andThen(db.within(text.putBack, [n]), unpark(queue, parked, key)))
      ),
    discard: (letter, by) =>
      run(
        "discard a dead letter",
        decide(letter, by, "discarded", (_, queue, parked, key) => unpark(queue, parked, key))
      )
  }
}
