/**
 * Adds, lists, groups and freezes dead letters. Before a message becomes a dead letter, the inbox marks its id as dead,
 * as a commit marks the id as done. So one id is either committed or dead. Operator actions are in `PgDecisions.ts`.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import type { FailureGroup, Filter } from "../../DeadLetter.ts"
import { DeadLetterNotFound } from "../../Errors.ts"
import { keyHash } from "../../internal/KeyHash.ts"
import * as Page from "../../internal/Page.ts"
import * as MessageId from "../../MessageId.ts"
import type { DeadLetterStore, NewDeadLetter } from "../../Store.ts"
import { isLogReceipt } from "../queue/LogLane.ts"
import { isReceipt, type Receipt } from "../queue/Row.ts"
import * as ServerLife from "../queue/ServerLife.ts"
import type { Wake } from "../queue/Wake.ts"
import type { PgDatabase } from "../session/PgClient.ts"
import * as PgFailure from "../session/PgFailure.ts"
import type { Rows } from "../session/PgSession.ts"
import * as Sql from "../sql/deadLetters.ts"
import * as InboxSql from "../sql/inbox.ts"
import type { Names } from "../sql/names.ts"
import * as Narrowing from "../sql/narrowing.ts"
import { deadLetterOf, formatDeadLetterId, numberOf } from "./DeadLetterRow.ts"
import type { Queues } from "./PgConsumers.ts"
import { makeDecisions } from "./PgDecisions.ts"

const groupOf = (row: Rows[number]): FailureGroup => ({
  consumer: String(row["consumer"]),
  fingerprint: String(row["fingerprint"]),
  deadLetters: { count: Number(row["n"]), more: row["more"] === true },
  firstAt: Math.floor(Number(row["first_at"])),
  lastAt: Math.floor(Number(row["last_at"])),
  sample: deadLetterOf(row)
})

/** Returns the filter of a frozen set, whose dead letters are open. */
const open = (filter: Filter) => ({ ...filter, state: "open" as const })

/** The place of a dead letter's message in the queue, and whether its row is too large to be read. */
type Place = Pick<Receipt, "lane" | "seq" | "large">

export const make = (db: PgDatabase, names: Names, queues: Queues, wake: Wake): DeadLetterStore => {
  const text = Sql.make(names)
  return {
    add: makeAdd(db, names, queues),
    list: (query) =>
      Effect.mapBoth(
        db.unprepared(text.list(Narrowing.wayOf(query)), [
          ...Narrowing.params(query, query.before === undefined ? null : numberOf(query.before) ?? 0n),
          Page.rows(query.limit)
        ]),
        { onFailure: PgFailure.storeFailure("list dead letters"), onSuccess: (rows) => rows.map(deadLetterOf) }
      ),
    groups: (filter) => {
      const few = filter.key !== undefined || filter.id !== undefined
      return Effect.mapBoth(
        db.unprepared(few ? text.groupsOfFew(Narrowing.wayOf(filter)) : text.groups, [
          ...Narrowing.params({ ...filter, state: filter.state ?? "open" }),
          Page.countTo,
          Page.rows(filter.limit)
        ]),
        { onFailure: PgFailure.storeFailure("group dead letters"), onSuccess: (rows) => rows.map(groupOf) }
      )
    },
    freeze: (filter) =>
      Effect.mapBoth(
        Effect.andThen(
          ServerLife.current(db.query, names),
          db.unprepared(text.freeze(Narrowing.wayOf(open(filter))), [...Narrowing.params(open(filter)), Page.countTo])
        ),
        {
          onFailure: PgFailure.storeFailure("freeze a set of dead letters"),
          onSuccess: ([row]) => ({
            filter: open(filter),
            cutoff: String(row?.["cutoff"]),
            deadLetters: Page.countOf(Number(row?.["n"]))
          })
        }
      ),
    get: (deadLetterId) => {
      const n = numberOf(deadLetterId)
      if (n === undefined) return Effect.fail(new DeadLetterNotFound({ deadLetterId }))
      return Effect.flatMap(
        Effect.mapError(db.query(text.get, [n]), PgFailure.storeFailure("get a dead letter")),
        ([row]) =>
          row === undefined ? Effect.fail(new DeadLetterNotFound({ deadLetterId })) : Effect.succeed(deadLetterOf(row))
      )
    },
    ...makeDecisions(db, names, wake)
  }
}

/** Returns the last attempt's error tag, and the version of the code that made the attempt. */
const lastOf = ({ attempts }: NewDeadLetter): readonly [tag: string, codeVersion: string] => {
  const last = attempts.at(-1)
  return [last?.tag ?? "", last?.codeVersion ?? ""]
}

const makeAdd = (db: PgDatabase, names: Names, queues: Queues): DeadLetterStore["add"] => {
  const text = Sql.make(names)
  const inbox = InboxSql.make(names)

  /**
   * Returns the place of a message. A message of a broker has no place in the queue, so it gets the place that a
   * redrive needs. The entry of a log gets it in the lane of its shard.
   */
  const placeOf = (queue: number, { delivery: { message, receipt } }: NewDeadLetter): Effect.Effect<Place, SqlError> =>
    isReceipt(receipt)
      ? Effect.succeed(receipt)
      : Effect.map(
        db.within(text.place, [queue, isLogReceipt(receipt) ? receipt.lane : keyHash(message.key)]),
        ([row]) => ({ lane: Number(row!["lane"]), seq: row!["seq"] as bigint, large: false })
      )

  const insert = (
    queue: number,
    deadLetterId: unknown,
    entry: NewDeadLetter,
    { lane, large, seq }: Place
  ): Effect.Effect<unknown, SqlError> => {
    const { message } = entry.delivery
    const end = [entry.reason, entry.parked, JSON.stringify(entry.attempts), entry.fingerprint, ...lastOf(entry)]
    return large
      ? db.within(text.insertLarge, [deadLetterId, queue, lane, seq, ...end])
      : db.within(text.insert, [
        deadLetterId,
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

  const addUnderNewId = Effect.fnUntraced(function*(queue: number, entry: NewDeadLetter, place: Place) {
    const [row] = yield* db.within(text.number, [])
    yield* insert(queue, row!["dead_letter_id"], entry, place)
    return formatDeadLetterId(row!["dead_letter_id"])
  })

  /** Reopens the dead letter from which the message was redriven, and returns its id. */
  const reopen = (queue: number, own: bigint, entry: NewDeadLetter, { lane, large, seq }: Place) => {
    const { attempts, fingerprint, parked, reason } = entry
    const to = [own, reason, parked, JSON.stringify(attempts), fingerprint, lane, seq, ...lastOf(entry)]
    return Effect.as(
      large ? db.within(text.reopenLarge, [...to, queue]) : db.within(text.reopen, to),
      formatDeadLetterId(own)
    )
  }

  /** Dead-letters a message. Returns the id of its dead letter, or undefined if the message is a duplicate. */
  const add = Effect.fnUntraced(
    function*(queue: number, entry: NewDeadLetter): Effect.fn.Return<string | undefined, SqlError> {
      const { message, redrive } = entry.delivery
      const place = yield* placeOf(queue, entry)
      const { large } = place
      const own = redrive === undefined ? undefined : BigInt(redrive.deadLetterId)
      const put = () => own === undefined ? addUnderNewId(queue, entry, place) : reopen(queue, own, entry, place)
      if (entry.conflict === true) return yield* put()
      const print = large ? "" : MessageId.ofMessage(message)
      const [known] = yield* db.within(inbox.markDead, [queue, message.id, print, own ?? null])
      const deadLetterId = known!["dead_letter_id"]
      if (known!["fresh"] === true && own === undefined) {
        yield* insert(queue, deadLetterId, entry, place)
        return formatDeadLetterId(deadLetterId)
      }
      if (own !== undefined && deadLetterId === own) return yield* reopen(queue, own, entry, place)
      // The inbox knows the id for other content, or the content cannot be compared. Such a message is never dropped.
      if (large || known!["fingerprint"] !== print) return yield* put()
      // The id was committed by another delivery while the message was redriven, so its dead letter is resolved.
      if (own !== undefined) yield* db.within(inbox.resolve, [[own], ["duplicate"]])
      return undefined
    }
  )

  return (consumer, entries) =>
    Effect.flatMap(queues.byName(consumer), (queue) =>
      Effect.mapError(
        Effect.forEach(entries, (entry) => add(queue, entry)),
        PgFailure.storeFailure("dead-letter a message")
      ))
}
