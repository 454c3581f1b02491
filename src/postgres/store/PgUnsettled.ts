/**
 * The records of messages that wait at a broker: attempts, due times, and what is known of crashes. Each is one row. A
 * message that is committed at its first delivery has none, so all statements but `settle` are rare.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { DeliveryCount, Unsettled, UnsettledStore } from "../../Store.ts"
import type { PgDatabase } from "../session/PgClient.ts"
import * as PgFailure from "../session/PgFailure.ts"
import type { Rows } from "../session/PgSession.ts"
import type { Names } from "../sql/names.ts"
import * as Sql from "../sql/unsettled.ts"
import { failuresOf } from "./DeadLetterRow.ts"
import type { Queues } from "./PgConsumers.ts"

const unsettledOf = (row: Rows[number]): Unsettled => ({
  id: String(row["id"]),
  attempts: failuresOf(row["attempts"]),
  waitMillis: Number(row["wait"]),
  crashCount: Number(row["crash_count"]),
  explained: Number(row["explained"]),
  alone: row["alone"] === true
})

const columns = (counts: ReadonlyArray<DeliveryCount>) => [
  counts.map(({ id }) => id),
  counts.map(({ crashCount }) => crashCount),
  counts.map(({ explained }) => explained),
  counts.map(({ alone }) => alone)
]

export const make = (db: PgDatabase, names: Names, queues: Queues): UnsettledStore => {
  const text = Sql.make(names)
  return {
    read: (consumer, ids) =>
      Effect.mapBoth(db.machinery(text.read, [consumer, ids]), {
        onFailure: PgFailure.storeFailure("read unsettled messages"),
        onSuccess: (rows) => rows.map(unsettledOf)
      }),
    count: (consumer, counts) =>
      Effect.mapBoth(db.machinery(text.count, [consumer, ...columns(counts)]), {
        onFailure: PgFailure.storeFailure("count the deliveries of unsettled messages"),
        onSuccess: () => undefined
      }),
    endAlone: (consumer, id, delivery) =>
      Effect.mapBoth(db.machinery(text.endAlone, [consumer, id, delivery]), {
        onFailure: PgFailure.storeFailure("end the record of a message that runs alone"),
        onSuccess: () => undefined
      }),
    hold: (consumer, count, attempts, delay) =>
      Effect.mapBoth(
        db.within(text.hold, [consumer, ...columns([count]), JSON.stringify(attempts), Duration.toMillis(delay)]),
        { onFailure: PgFailure.storeFailure("hold a message"), onSuccess: () => undefined }
      ),
    settle: (consumer, ids) =>
      Effect.mapBoth(db.within(text.settle, [consumer, ids]), {
        onFailure: PgFailure.storeFailure("settle messages of a broker"),
        onSuccess: ([row]) => {
          // The claim in the inbox comes next in this transaction, and uses the remembered number.
          queues.check(consumer, row === undefined ? undefined : Number(row["id"]))
          return row !== undefined
        }
      })
  }
}
