/**
 * Dead letters: buried, listed, grouped, frozen. Death goes through the inbox, as a commit does, so that the two exclude each other.
 * What people decide is in `PgDecisions.ts`.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import { type DeadLetter, type Group, type Reason, type State, triedMillis } from "../DeadLetter.ts"
import type { Failure } from "../Delivery.ts"
import { DeadLetterNotFound } from "../Errors.ts"
import * as MessageId from "../MessageId.ts"
import * as Page from "../Page.ts"
import type { Burial, DeadLetterStore } from "../Store.ts"
import { filterOf, letterId, numberOf, textOf } from "./LetterRow.ts"
import type { PgDatabase } from "./PgClient.ts"
import type { Queues } from "./PgConsumers.ts"
import { makeDecisions } from "./PgDecisions.ts"
import * as PgFailure from "./PgFailure.ts"
import type { Rows } from "./PgSession.ts"
import { failuresOf, headersOf, type Receipt } from "./Row.ts"
import * as ServerLife from "./ServerLife.ts"
import * as InboxSql from "./sql/inbox.ts"
import * as Sql from "./sql/letters.ts"
import type { Names } from "./sql/names.ts"
import type { Wake } from "./Wake.ts"

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
  original: textOf(row["original"]),
  reason: row["reason"] as Reason,
  state: row["state"] as State,
  parked: row["parked"] === true,
  ...triedOf(failuresOf(row["attempts"])),
  tag: String(row["tag"]),
  fingerprint: String(row["fingerprint"]),
  redriven: Number(row["redriven"]),
  diedAt: Math.floor(Number(row["died_at"])),
  changedBy: String(row["changed_by"]),
  changedAt: Math.floor(Number(row["changed_at"]))
})

const triedOf = (attempts: ReadonlyArray<Failure>) => ({ attempts, triedMillis: triedMillis(attempts) })

const groupOf = (row: Rows[number]): Group => ({
  consumer: String(row["consumer"]),
  fingerprint: String(row["fingerprint"]),
  letters: Page.countOf(Number(row["n"])),
  firstAt: Math.floor(Number(row["first_at"])),
  lastAt: Math.floor(Number(row["last_at"])),
  sample: letterOf(row)
})

const receiptOf = (burial: Burial): Receipt => burial.delivery.receipt as Receipt

export const make = (db: PgDatabase, names: Names, queues: Queues, wake: Wake): DeadLetterStore => {
  const text = Sql.make(names)
  return {
    bury: makeBury(db, names, queues),
    list: (query) =>
      Effect.mapBoth(
        db.query(text.list, [
          ...filterOf(query),
          query.state ?? null,
          query.before === undefined ? null : numberOf(query.before) ?? 0n,
          Page.rows(query.limit)
        ]),
        { onFailure: PgFailure.storeFailure("list dead letters"), onSuccess: (rows) => rows.map(letterOf) }
      ),
    groups: (filter) =>
      Effect.mapBoth(
        db.query(text.groups, [...filterOf(filter), filter.state ?? "open", Page.countTo, Page.rows(filter.limit)]),
        { onFailure: PgFailure.storeFailure("group dead letters"), onSuccess: (rows) => rows.map(groupOf) }
      ),
    freeze: (filter) =>
      Effect.mapBoth(
        Effect.andThen(ServerLife.current(db.query, names), db.query(text.freeze, [...filterOf(filter), Page.countTo])),
        {
          onFailure: PgFailure.storeFailure("freeze a set of dead letters"),
          onSuccess: ([row]) => ({
            filter: { ...filter, state: "open" },
            cutoff: String(row?.["cutoff"]),
            letters: Page.countOf(Number(row?.["n"]))
          })
        }
      ),
    get: (letter) => {
      const n = numberOf(letter)
      if (n === undefined) return Effect.fail(new DeadLetterNotFound({ letter }))
      return Effect.flatMap(
        Effect.mapError(db.query(text.get, [n]), PgFailure.storeFailure("get a dead letter")),
        ([row]) => row === undefined ? Effect.fail(new DeadLetterNotFound({ letter })) : Effect.succeed(letterOf(row))
      )
    },
    ...makeDecisions(db, names, wake)
  }
}

const tagOf = (burial: Burial): string => burial.attempts.at(-1)?.tag ?? ""

const makeBury = (db: PgDatabase, names: Names, queues: Queues): DeadLetterStore["bury"] => {
  const text = Sql.make(names)
  const inbox = InboxSql.make(names)

  const fresh = (queue: number, letter: unknown, burial: Burial): Effect.Effect<unknown, SqlError> => {
    const { message } = burial.delivery
    const { lane, large, seq } = receiptOf(burial)
    const end = [burial.reason, burial.parked, JSON.stringify(burial.attempts), burial.fingerprint, tagOf(burial)]
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
  const reopen = (queue: number, own: bigint, burial: Burial) => {
    const { lane, large, seq } = receiptOf(burial)
    const { attempts, fingerprint, parked, reason } = burial
    const to = [own, reason, parked, JSON.stringify(attempts), fingerprint, lane, seq, tagOf(burial)]
    return Effect.as(
      large ? db.within(text.reopenLarge, [...to, queue]) : db.within(text.reopen, to),
      letterId(own)
    )
  }

  const one = Effect.fnUntraced(
    function*(queue: number, burial: Burial): Effect.fn.Return<string | undefined, SqlError> {
      const { message, redrive } = burial.delivery
      const { large } = receiptOf(burial)
      const own = redrive === undefined ? undefined : BigInt(redrive.letter)
      const put = () => own === undefined ? beside(queue, burial) : reopen(queue, own, burial)
      if (burial.conflict === true) return yield* put()
      const print = large ? "" : MessageId.ofMessage(message)
      const [known] = yield* db.within(inbox.die, [queue, message.id, print, own ?? null])
      const letter = known!["letter"]
      if (known!["fresh"] === true && own === undefined) {
        yield* fresh(queue, letter, burial)
        return letterId(letter)
      }
      if (own !== undefined && letter === own) return yield* reopen(queue, own, burial)
      // Other content under a known id is never dropped, whether or not a claim has found that out.
      if (large || known!["fingerprint"] !== print) return yield* put()
      // A redriven message that was committed by another way: its letter is over, too.
      if (own !== undefined) yield* db.within(inbox.resolve, [[own]])
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
