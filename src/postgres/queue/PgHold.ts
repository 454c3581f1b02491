/**
 * Holds a delivery's key, in the transaction that settles or retries the delivery.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Delivery } from "../../Delivery.ts"
import { LeaseLost } from "../../Errors.ts"
import type { Subscription, SubscriptionSpec } from "../../Transport.ts"
import * as PgFailure from "../session/PgFailure.ts"
import * as HoldsSql from "../sql/holds.ts"
import type { SettlementParts } from "./PgSettlement.ts"
import type { QueueReader } from "./QueueReader.ts"
import type { Receipt } from "./Row.ts"

export interface HoldParts extends SettlementParts {
  readonly reader: Pick<QueueReader<unknown>, "heldFrom" | "held">
  readonly spec: SubscriptionSpec
}

export const stale = ({ consumer }: SubscriptionSpec, { lease }: Delivery): Effect.Effect<never, LeaseLost> =>
  Effect.fail(
    new LeaseLost({
      lease: `${lease.name} of "${consumer}"`,
      token: String(lease.token),
      reason: "another worker took it over"
    })
  )

export const hold = (parts: HoldParts): Subscription["hold"] => {
  const { db, lanes, reader, spec } = parts
  const text = HoldsSql.make(parts.names)
  // The effect of a hold may be built early and run more than once. So `heldFrom` is called when the effect runs,
  // because no poll is under way then.
  return (delivery, attempts, hold) =>
    Effect.suspend(() => {
      const { lane, owned, redriven, seq } = delivery.receipt as Receipt
      if (owned.lost) return stale(spec, delivery)
      const parked = hold._tag === "Parked"
      const put = db.within(text.put, [
        lanes.queue,
        lane,
        delivery.lease.token,
        delivery.message.key,
        parked ? null : Duration.toMillis(hold.delay),
        reader.heldFrom(delivery),
        seq,
        parked ? null : JSON.stringify(attempts),
        lanes.life,
        delivery.message.id,
        redriven
      ])
      const held = Effect.flatMap(put, (rows) =>
        rows.length > 0
          ? Effect.as(
            db.sql.afterCommit(Effect.sync(() => owned.lost ? undefined : reader.held(delivery.message))),
            "held" as const
          )
          : Effect.andThen(lanes.checkOwnership([owned]), stale(spec, delivery)))
      return Effect.mapError(
        held,
        (error) => error._tag === "SqlError" ? PgFailure.transportError("hold a key")(error) : error
      )
    })
}
