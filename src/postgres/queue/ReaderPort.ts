/**
 * The statements of the queue reader. They run on the connections that workers use.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import type { SubscriptionLost } from "../../Errors.ts"
import type { PgDatabase } from "../session/PgClient.ts"
import type { Rows } from "../session/PgSession.ts"
import * as HoldsSql from "../sql/holds.ts"
import * as LanesSql from "../sql/lanes.ts"
import * as MessagesSql from "../sql/messages.ts"
import type { Names } from "../sql/names.ts"
import type { Meta, PollRequest } from "./Poll.ts"
import type { OwnedLane } from "./Row.ts"

export interface ReaderPort<E> {
  readonly poll: (request: PollRequest) => Effect.Effect<{ readonly rows: Rows; readonly meta: Meta }, E>
  /** Records how far each lane was read. Returns the numbers of the lanes that this worker still owns. */
  readonly record: (top: ReadonlyMap<OwnedLane, bigint>) => Effect.Effect<ReadonlySet<unknown>, E>
  /**
   * Ends those holds of these keys that are due, and returns them. A hold stays if another transaction has locked it,
   * an operator has paused the key, or the lane is lost.
   */
  readonly endDue: (owned: ReadonlyArray<OwnedLane>, keys: ReadonlyArray<string>) => Effect.Effect<Rows, E>
  /** Lowers the hold of each key to this seq, so that it hides that row too. Returns the keys of the lowered holds. */
  readonly lower: (from: ReadonlyMap<string, bigint>) => Effect.Effect<Rows, E>
  readonly lost: (owned: OwnedLane) => void
}

/** Callbacks for what the reader's statements show besides rows: lost lanes, a pause, another server life. */
export interface LaneReports {
  readonly lost: (owned: OwnedLane) => void
  readonly paused: (paused: boolean) => void
  /** Fails if the poll's snapshot is of another server life. */
  readonly sameLife: (life: unknown) => Effect.Effect<void, SubscriptionLost>
}

export const readerPort = (
  db: PgDatabase,
  names: Names,
  queue: number,
  life: string,
  reports: LaneReports
): ReaderPort<SqlError | SubscriptionLost> => {
  const messages = MessagesSql.make(names)
  const lanes = LanesSql.make(names)
  const holds = HoldsSql.make(names)
  return {
    lost: reports.lost,
    poll: (request) =>
      Effect.flatMap(
        db.machinery(messages.poll, [
          queue,
          request.lanes,
          request.marks,
          request.most,
          request.running,
          request.xmax,
          request.passedOver,
          request.laggingLanes,
          request.laggingFrom,
          request.laggingKeys,
          request.rows,
          BigInt(Math.max(0, Math.floor(request.bytes)))
        ]),
        ([first, ...rows]) => {
          const meta = first!["meta"] as Meta
          return Effect.map(reports.sameLife(meta.life), () => {
            reports.paused(meta.paused)
            return { meta, rows }
          })
        }
      ),
    record: (top) => {
      const owned = [...top.keys()]
      return Effect.map(
        db.machinery(lanes.record, [
          queue,
          owned.map((each) => each.lane),
          owned.map((each) => each.lease.token),
          life,
          [...top.values()]
        ]),
        (rows) => new Set(rows.map((row) => row["lane"]))
      )
    },
    endDue: (owned, keys) =>
      db.machinery(holds.endDue, [
        queue,
        owned.map((each) => each.lane),
        owned.map((each) => each.lease.token),
        keys,
        life
      ]),
    lower: (from) => db.machinery(holds.lower, [queue, [...from.keys()], [...from.values()], life])
  }
}
