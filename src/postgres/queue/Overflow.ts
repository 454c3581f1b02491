/**
 * A subscription to the lanes and to a source beside them, as one subscription.
 *
 * The source is a broker or a log. Its messages that fail move into the lanes, where they are retried, parked and
 * redriven. So every engine gets what the lanes can do. A delivery is settled where it came from.
 *
 * Taking from both is in `PgSubscription.ts`, since one call waits for both.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { Delivery, HeldLease } from "../../Delivery.ts"
import type { TransportError } from "../../Errors.ts"
import type { Source } from "../../Store.ts"
import type { Subscription } from "../../Transport.ts"

type Leases = NonNullable<Source["leases"]>

/** Runs an effect for the deliveries of each side. The source comes first, since it locks the consumer before lanes. */
const split = <A, E, R>(
  source: Source,
  deliveries: ReadonlyArray<Delivery>,
  ofSource: (some: ReadonlyArray<Delivery>) => Effect.Effect<ReadonlyArray<A>, E, R>,
  ofLanes: (some: ReadonlyArray<Delivery>) => Effect.Effect<ReadonlyArray<A>, E, R>
): Effect.Effect<ReadonlyArray<A>, E, R> => {
  const theirs = deliveries.filter((delivery) => source.has(delivery))
  if (theirs.length === 0) return ofLanes(deliveries)
  if (theirs.length === deliveries.length) return ofSource(theirs)
  const rows = deliveries.filter((delivery) => !source.has(delivery))
  return Effect.zipWith(ofSource(theirs), ofLanes(rows), (some, others) => [...some, ...others])
}

/**
 * Renews the leases of both. If one side fails, the leases of the other one still count. It fails only if no lease is
 * confirmed.
 */
const renew = (lanes: Subscription, leases: Leases): Subscription["renew"] => (held) =>
  Effect.flatMap(
    Effect.all([Effect.result(lanes.renew(held)), Effect.result(leases.renew(held))], { concurrency: 2 }),
    (results): Effect.Effect<ReadonlySet<HeldLease>, TransportError> => {
      const confirmed = new Set(results.flatMap((result) => result._tag === "Success" ? [...result.success] : []))
      const failed = results.find((result) => result._tag === "Failure")
      return confirmed.size === 0 && failed !== undefined ? Effect.fail(failed.failure) : Effect.succeed(confirmed)
    }
  )

const withLeases = (lanes: Subscription, source: Source, leases: Leases): Subscription => ({
  ...lanes,
  held: () => [...lanes.held(), ...leases.held()],
  renew: renew(lanes, leases),
  removeInTransaction: (all) => split(source, all, leases.removeInTransaction, lanes.removeInTransaction),
  // A group with deliveries of both sides is composed.
  removal: (all) =>
    all.every((delivery) => source.has(delivery))
      ? leases.removal?.(all)
      : all.some((delivery) => source.has(delivery))
      ? undefined
      : lanes.removal?.(all),
  fence: (all) => split(source, all, leases.fence, lanes.fence),
  isolate: (delivery) => Effect.andThen(lanes.isolate(delivery), leases.isolate(delivery)),
  release: (held) => Effect.ensuring(lanes.release(held), Effect.ignore(leases.release(held)))
})

/** Returns the subscription to these lanes and to a source beside them. */
export const around = (lanes: Subscription, source: Source): Subscription => {
  const { leases } = source
  const both = leases === undefined ? lanes : withLeases(lanes, source, leases)
  const apart = (
    ofSource: Subscription["acknowledge"],
    ofLanes: Subscription["acknowledge"]
  ): Subscription["acknowledge"] =>
  (deliveries) =>
    Effect.asVoid(
      split(source, deliveries, (some) => Effect.as(ofSource(some), []), (some) => Effect.as(ofLanes(some), []))
    )
  return {
    ...both,
    // The worker forgets the messages of the key on both sides.
    whileNotReading: (delivery, write) =>
      both.whileNotReading(
        delivery,
        Effect.tap(write, () => Effect.sync(() => source.readAgain(delivery.message.key)))
      ),
    acknowledge: apart(source.acknowledge, lanes.acknowledge),
    drop: apart(source.drop, lanes.drop),
    hold: (delivery, ...how) => (source.has(delivery) ? source.hold : lanes.hold)(delivery, ...how)
  }
}
