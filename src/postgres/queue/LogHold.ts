/**
 * Holds the key of an entry of a log. The entry and those behind it of its key move into the lane, in the transaction
 * that settles or retries the entry.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Subscription } from "../../Transport.ts"
import * as PgFailure from "../session/PgFailure.ts"
import type { LogReceipt } from "./LogLane.ts"
import { columns, type LogReader } from "./LogReader.ts"
import { type HoldParts, stale } from "./PgHold.ts"

export const holdEntry = ({ db, lanes, spec }: HoldParts, { text }: LogReader): Subscription["hold"] =>
(
  delivery,
  attempts,
  hold
) =>
  Effect.suspend(() => {
    const { entry, lane, of, owned } = delivery.receipt as LogReceipt
    if (owned.lost) return stale(spec, delivery)
    const parked = hold._tag === "Parked"
    const all = of.unsettledOf(entry)
    // The dead letter of a parked message keeps its place, so only the entries behind it move.
    const moved = all.flatMap((one) => one.message === undefined || (parked && one === entry) ? [] : [one.message])
    const put = db.within(text.hold, [
      lanes.queue,
      lane,
      delivery.lease.token,
      lanes.life,
      delivery.message.key,
      parked ? null : Duration.toMillis(hold.delay),
      ...columns(moved),
      moved.map((message) => message === entry.message ? JSON.stringify(attempts) : "")
    ])
    return Effect.mapError(
      Effect.flatMap(put, (rows) =>
        rows.length > 0
          ? Effect.as(
            db.sql.afterCommit(Effect.sync(() => {
              for (const one of all) of.set(one, "done")
            })),
            "held" as const
          )
          : Effect.andThen(lanes.checkOwnership([owned]), stale(spec, delivery))),
      (error) => error._tag === "SqlError" ? PgFailure.transportError("hold a key")(error) : error
    )
  })
