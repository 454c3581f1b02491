/**
 * Settles deliveries within a commit: removes their rows under the fencing tokens of their lanes.
 *
 * If a commit finds fewer rows than were handed out, it checks who owns the lanes. It gives up the lanes that belong to
 * another worker.
 *
 * @since 0.1.0
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import type { Delivery } from "../../Delivery.ts"
import { TransportError } from "../../Errors.ts"
import type { Subscription } from "../../Transport.ts"
import type { Sent } from "../session/Batch.ts"
import type { PgDatabase } from "../session/PgClient.ts"
import * as PgFailure from "../session/PgFailure.ts"
import type { Rows } from "../session/PgSession.ts"
import * as LanesSql from "../sql/lanes.ts"
import * as MessagesSql from "../sql/messages.ts"
import type { Names } from "../sql/names.ts"
import { isLogReceipt } from "./LogLane.ts"
import type { PgLanes } from "./PgLanes.ts"
import type { Receipt } from "./Row.ts"

export interface SettlementParts {
  readonly db: PgDatabase
  readonly names: Names
  readonly lanes: PgLanes
}

/**
 * Returns whether this process still holds the lease of a delivery. A lease that was given up here may still be valid
 * in the database, but the delivery was interrupted. So its row must stay for the next owner.
 */
const isCurrent = (delivery: Delivery): boolean =>
  !(delivery.receipt as Receipt).owned.lost && !Deferred.isDoneUnsafe(delivery.lease.lost)

/**
 * Names the statement that settles a delivery. `settle` is the fast one. `settleRedriven` also compares the message id
 * and the number of redrives, since a redrive puts a message back to its old seq. `settleLarge` does not remove the
 * row, because dead-lettering moves it.
 */
type Kind = "settle" | "settleRedriven" | "settleLarge"

const kindOf = ({ large, redriven }: Receipt): Kind =>
  large ? "settleLarge" : redriven === 0 ? "settle" : "settleRedriven"

/** Returns queue, lanes, tokens and server life of deliveries: the parameters of a fence. */
const lanesOf = (
  { lanes: { life, queue } }: SettlementParts,
  deliveries: ReadonlyArray<Delivery>
): ReadonlyArray<unknown> => {
  const tokens = new Map<number, bigint>()
  for (const { lease, receipt } of deliveries) tokens.set((receipt as Receipt).lane, lease.token)
  return [queue, [...tokens.keys()], [...tokens.values()], life]
}

/** Returns the parameters of a fence, and the seqs of the deliveries. */
const placesOf = (parts: SettlementParts, deliveries: ReadonlyArray<Delivery>): ReadonlyArray<unknown> => [
  ...lanesOf(parts, deliveries),
  deliveries.map(seqOf)
]

export const removeInTransaction = (parts: SettlementParts): Subscription["removeInTransaction"] => {
  const text = MessagesSql.make(parts.names)
  const settle = (kind: Kind, deliveries: ReadonlyArray<Delivery>) => {
    const places = placesOf(parts, deliveries)
    const named = () => [
      deliveries.map((delivery) => delivery.message.id),
      deliveries.map((delivery) => (delivery.receipt as Receipt).redriven)
    ]
    return parts.db.within(text[kind], kind === "settle" ? places : [...places, ...named()])
  }
  const byKind = (deliveries: ReadonlyArray<Delivery>) => {
    const kinds = Map.groupBy(deliveries, (delivery) => kindOf(delivery.receipt as Receipt))
    return Effect.map(Effect.forEach(kinds, ([kind, some]) => settle(kind, some)), (rows) => rows.flat())
  }
  const fenced = fence(parts)
  const removed = (deliveries: ReadonlyArray<Delivery>) => {
    const ordinary = deliveries.every((delivery) => kindOf(delivery.receipt as Receipt) === "settle")
    return Effect.mapError(
      Effect.flatMap(
        ordinary ? settle("settle", deliveries) : byKind(deliveries),
        (rows) => settledOf(parts, deliveries, rows)
      ),
      (error) => error._tag === "SqlError" ? PgFailure.transportError("settle messages")(error) : error
    )
  }
  return (all) => {
    const deliveries = all.every(isCurrent) ? all : all.filter(isCurrent)
    if (deliveries.length === 0) return Effect.succeed([])
    if (!deliveries.some(isEntry)) return removed(deliveries)
    // The entry of a log has no row. The inbox knows its id after the commit, and the position follows. All lanes are
    // locked by one statement, in lane order.
    const rows = deliveries.filter((one) => !isEntry(one))
    return Effect.zipWith(
      fenced(deliveries),
      rows.length === 0 ? Effect.succeed([]) : removed(rows),
      (ours, rows) => [...ours.filter(isEntry), ...rows]
    )
  }
}

const isEntry = ({ receipt }: Delivery): boolean => isLogReceipt(receipt)

/** The removal of a whole group, for `PgDataCommit.ts`: statements that fail if the group cannot commit as a whole. */
export interface PgRemoval {
  readonly queue: number
  readonly statements: ReadonlyArray<Sent>
}

/**
 * Returns the statements that check the tokens of these deliveries and remove their rows. They fail if one token is not
 * valid or one row is missing. Returns undefined if a delivery is lost, redriven or too large, since
 * `removeInTransaction` settles it in another way.
 */
export const removal = (parts: SettlementParts): NonNullable<Subscription["removal"]> => {
  const { settleAll } = MessagesSql.make(parts.names)
  const { fenceAll } = LanesSql.make(parts.names)
  const { queue } = parts.lanes
  const isOrdinary = (delivery: Delivery) =>
    isCurrent(delivery) && (isEntry(delivery) || kindOf(delivery.receipt as Receipt) === "settle")
  const settling = (rows: ReadonlyArray<Delivery>): ReadonlyArray<Sent> => {
    if (rows.length === 0) return []
    const ascending = [...rows].sort((a, b) => seqOf(a) < seqOf(b) ? -1 : 1)
    return [{ sql: settleAll, params: [...placesOf(parts, ascending), ascending.map(({ message }) => message.id)] }]
  }
  return (deliveries) => {
    if (!deliveries.every(isOrdinary)) return undefined
    const rows = deliveries.filter((one) => !isEntry(one))
    const fencing = rows.length === deliveries.length ? [] : [{ sql: fenceAll, params: lanesOf(parts, deliveries) }]
    return { queue, statements: [...fencing, ...settling(rows)] } satisfies PgRemoval
  }
}

const seqOf = ({ receipt }: Delivery): bigint => (receipt as Receipt).seq

/** Returns the deliveries in `found`. Gives up the lanes of the missing deliveries that belong to another worker. */
const checkMissing = (
  lanes: PgLanes,
  asked: ReadonlyArray<Delivery>,
  found: ReadonlyArray<Delivery>
): Effect.Effect<ReadonlyArray<Delivery>, SqlError> => {
  if (found.length === asked.length) return Effect.succeed(found)
  const there = new Set(found)
  const missing = asked.filter((delivery) => !there.has(delivery))
  return Effect.as(lanes.checkOwnership(missing.map(({ receipt }) => (receipt as Receipt).owned)), found)
}

/**
 * Returns the deliveries that were settled. Within one server life, a lane and seq always name the message that was
 * handed out, unless an operator has set a sequence back. If they name another message, the commit is refused, and the
 * worker opens a new subscription.
 */
const settledOf = (
  { lanes }: SettlementParts,
  deliveries: ReadonlyArray<Delivery>,
  rows: Rows
): Effect.Effect<ReadonlyArray<Delivery>, TransportError | SqlError> => {
  const removed = new Map(rows.map((row) => [row["seq"], row]))
  let isOther = false
  const settled = deliveries.filter((delivery) => {
    const { lane, redriven, seq } = delivery.receipt as Receipt
    const row = removed.get(seq)
    if (row === undefined || row["lane"] !== lane || (row["redriven"] ?? 0) !== redriven) return false
    removed.delete(seq)
    isOther ||= row["id"] !== delivery.message.id
    return true
  })
  if (!isOther) return checkMissing(lanes, deliveries, settled)
  const detail = "a place in the queue has another message than the one that was handed out"
  return Effect.andThen(
    Effect.logError(`Commit refused: ${detail}. Nothing was lost. Look for a sequence that was set back by hand.`),
    Effect.suspend(() => {
      lanes.end(detail)
      return Effect.fail(
        new TransportError({ engine: "postgres", operation: "settle messages", kind: "temporary", detail })
      )
    })
  )
}

export const fence = (parts: SettlementParts): Subscription["fence"] => {
  const text = LanesSql.make(parts.names).fence
  return (all) => {
    const deliveries = all.filter(isCurrent)
    const looked = parts.db.within(text, lanesOf(parts, deliveries))
    return Effect.mapError(
      Effect.flatMap(looked, (rows) => {
        const ours = new Set(rows.map((row) => row["lane"]))
        const found = deliveries.filter(({ receipt }) => ours.has((receipt as Receipt).lane))
        return checkMissing(parts.lanes, deliveries, found)
      }),
      PgFailure.transportError("look at fencing tokens")
    )
  }
}
