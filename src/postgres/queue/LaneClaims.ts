/**
 * Claims free lanes for a worker, a few in each transaction, and counts crashes for the messages of dead owners.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import * as Telemetry from "../../Telemetry.ts"
import type { SubscriptionSpec } from "../../Transport.ts"
import type { PgDatabase } from "../session/PgClient.ts"
import type { Rows } from "../session/PgSession.ts"
import * as Sql from "../sql/lanes.ts"
import * as MessagesSql from "../sql/messages.ts"
import type { Names } from "../sql/names.ts"
import type { LaneIsolation } from "./LaneIsolation.ts"

/** The most lanes that one transaction claims. */
const lanesAtOnce = 8

/** Returns the nanoseconds of an interval between statements of a worker. It is not longer than the idle poll. */
export const intervalOf = ({ idlePoll }: SubscriptionSpec, millis: number): bigint =>
  BigInt(Math.round(Math.min(millis, Duration.toMillis(idlePoll)) * 1e6))

/** The worker for which lanes are claimed. */
export interface Claimant {
  readonly queue: number
  readonly life: string
  readonly spec: SubscriptionSpec
  readonly isolation: LaneIsolation
}

export class LaneClaims {
  /**
   * The highest limit so far of messages of one key in flight. A dead owner may have had as many in flight, so a
   * takeover counts a crash for that many messages of each key.
   */
  mostPerKey = 1
  readonly #db: PgDatabase
  readonly #worker: Claimant
  readonly #text: ReturnType<typeof Sql.make>
  readonly #countCrashes: string
  readonly #add: (row: Rows[number], claimedAt: bigint) => void
  #next = 0n
  /** Lanes of dead owners that were claimed since the last line about them. */
  #takenOver = 0

  /** Calls `add` with each lane right after the commit of its claim. */
  constructor(db: PgDatabase, names: Names, worker: Claimant, add: (row: Rows[number], claimedAt: bigint) => void) {
    this.#db = db
    this.#worker = worker
    this.#text = Sql.make(names)
    this.#countCrashes = MessagesSql.make(names).countCrashes
    this.#add = add
  }

  /** Claims up to `wanted` lanes, at most once in an idle poll. */
  claim(wanted: number): Effect.Effect<void, SqlError> {
    return Effect.flatMap(Clock.monotonicTimeNanos, (now) => {
      if (now < this.#next) return Effect.void
      this.#next = now + intervalOf(this.#worker.spec, Infinity)
      return Effect.ensuring(this.#upTo(wanted), this.#logTakeover)
    })
  }

  /** Logs one line about all lanes of dead owners that this claim took over. */
  readonly #logTakeover: Effect.Effect<void> = Effect.suspend(() => {
    const lanes = this.#takenOver
    this.#takenOver = 0
    const text =
      `Worker ${this.#worker.spec.worker} took over ${lanes} of ${this.#worker.spec.lanes} lanes. Their leases had expired, since their `
      + "last owner died or was stopped for too long. No message is lost."
    return lanes === 0
      ? Effect.void
      : Effect.annotateLogs(Effect.logInfo(text), { consumer: this.#worker.spec.consumer })
  })

  /**
   * Claims up to `wanted` lanes, a few in each transaction. The transaction also counts crashes for the messages of
   * dead owners, so many lanes at once would make it long.
   */
  #upTo(wanted: number): Effect.Effect<void, SqlError> {
    const most = Math.min(wanted, lanesAtOnce)
    return Effect.flatMap(Clock.monotonicTimeNanos, (now) => {
      // An interrupted transaction may have committed its claim. The leases of those lanes then expire by themselves.
      const claimed = Effect.map(this.#db.onMachinery(this.#db.transaction(this.#claimLanes(most))), (rows) => {
        for (const row of rows) this.#add(row, now)
        return rows
      })
      return Effect.flatMap(this.#worker.isolation.whileUnchanged(claimed), (rows) => {
        const expired = rows.filter((row) => row["died"] === true).length
        this.#takenOver += expired
        const count = Telemetry.claimed(this.#worker.spec.consumer, expired, rows.length - expired)
        return rows.length < most || wanted === most ? count : Effect.andThen(count, this.#upTo(wanted - most))
      })
    })
  }

  /**
   * Locks free lanes, and raises their tokens. For each lane of a dead owner, it counts a crash for the messages that
   * this owner may have had in flight. Returns the claimed lanes with their new tokens.
   */
  readonly #claimLanes = Effect.fnUntraced({ self: this }, function*(wanted: number): Effect.fn.Return<Rows, SqlError> {
    const { isolation, life, queue, spec: { lease, worker } } = this.#worker
    const rows = yield* this.#db.within(this.#text.lockFree, [queue, wanted, worker, life])
    if (rows.length === 0) return rows
    const lanes = rows.map((row) => row["lane"])
    const ours = [queue, lanes, worker, Duration.toMillis(lease), isolation.ofClaimed, life]
    const tokens = new Map((yield* this.#db.within(this.#text.claim, ours)).map((row) => [row["lane"], row["token"]]))
    for (const row of rows) {
      if (row["died"] !== true || row["fetched_to"] === 0n || row["alone"] === 0n) continue
      const { alone, fetched_to, lane } = row
      yield* this.#db.within(this.#countCrashes, [queue, lane, fetched_to, alone, this.mostPerKey])
    }
    return rows.map((row) => ({ ...row, token: tokens.get(row["lane"]) }))
  })
}
