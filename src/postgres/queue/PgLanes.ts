/**
 * The lanes that a worker owns. A worker claims free lanes up to its share, leaves lanes above its share, and loses
 * lanes that another worker claims.
 *
 * Each live worker keeps a row in `workers`; a worker's share is ceil(lanes / live workers). A worker stops reading
 * lanes above its share, and gives each of them back when none of its messages is in flight. Below its share it
 * claims free lanes, those with messages first.
 *
 * Lanes do not know the reader: they report each `LaneChange`, and are asked to `balance` with the lanes that are in
 * flight.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import type { HeldLease } from "../../Delivery.ts"
import { ConsumerRemoved, LeaseLost, SubscriptionLost } from "../../Errors.ts"
import * as Telemetry from "../../Telemetry.ts"
import type { SubscriptionSpec } from "../../Transport.ts"
import type { PgDatabase } from "../session/PgClient.ts"
import * as PgFailure from "../session/PgFailure.ts"
import type { Rows } from "../session/PgSession.ts"
import * as ConsumersSql from "../sql/consumers.ts"
import * as Sql from "../sql/lanes.ts"
import * as MessagesSql from "../sql/messages.ts"
import type { Names } from "../sql/names.ts"
import { LaneIsolation } from "./LaneIsolation.ts"
import type { OwnedLane, Receipt } from "./Row.ts"

/** The most lanes that one transaction claims. */
const lanesAtOnce = 8

/** A change of a worker's lanes. Reported synchronously, when it happens. */
export type LaneChange =
  /** The lane is to be read from its beginning: it was claimed, or the worker keeps a lane that it was leaving. */
  | { readonly _tag: "Opened"; readonly owned: OwnedLane }
  /** The lane is not to be read any more. Its messages in flight may still commit. */
  | { readonly _tag: "Leaving"; readonly owned: OwnedLane }
  /** The lane was given back: its messages, in flight or not, are the next owner's. */
  | { readonly _tag: "Released"; readonly owned: OwnedLane }
  /** All lanes are lost for good. The next `balance` fails and says why. */
  | { readonly _tag: "Ended" }

export class PgLanes {
  readonly queue: number
  readonly isolation: LaneIsolation
  /** The server's life: a message that was handed out under it commits only under it. */
  readonly life: string
  /** Set once nothing more can be read or committed here. */
  #ended: SubscriptionLost | undefined
  readonly #db: PgDatabase
  readonly #spec: SubscriptionSpec
  readonly #lease: number
  readonly #text: ReturnType<typeof Sql.make>
  readonly #consumers: ReturnType<typeof ConsumersSql.make>
  readonly #countCrashes: string
  readonly #report: (change: LaneChange) => void
  readonly #owned = new Map<number, OwnedLane>()
  readonly #byLease = new Map<HeldLease, OwnedLane>()
  #share: number
  /** The highest limit per key so far: a dead owner may have had as many messages of a key in flight. */
  #mostPerKey = 1
  #nextBeat = 0n
  #nextClaim = 0n
  #removed = false
  #abandoned = false
  /** Whether an operator has paused the consumer, according to the last heartbeat or poll. */
  paused = false

  constructor(
    db: PgDatabase,
    names: Names,
    { life, queue }: { readonly queue: number; readonly life: string },
    spec: SubscriptionSpec,
    report: (change: LaneChange) => void
  ) {
    this.#db = db
    this.#report = report
    this.queue = queue
    this.life = life
    this.#spec = spec
    this.#lease = Duration.toMillis(spec.lease)
    this.#text = Sql.make(names)
    this.#consumers = ConsumersSql.make(names)
    this.#countCrashes = MessagesSql.make(names).countCrashes
    this.#share = spec.lanes
    this.isolation = new LaneIsolation(
      () => [...this.#owned.values()].filter((owned) => !this.#isLost(owned)),
      (lanes, seqs) => db.machinery(this.#text.isolate, [...this.#tokens(lanes), seqs])
    )
  }

  /** Fails, and ends the subscription, if the server is in another life than at the opening. */
  sameLife(found: unknown): Effect.Effect<void, SubscriptionLost> {
    return Effect.suspend(() => {
      if (found !== this.life) this.end("its server has lost its recent memory, after a crash or a failover")
      return this.#open
    })
  }

  /** Loses all lanes for good. A worker that waits for messages is woken, and fails. */
  end(reason: string): void {
    if (this.#ended !== undefined) return
    this.#ended = new SubscriptionLost({ consumer: this.#spec.consumer, reason })
    for (const owned of this.#owned.values()) this.lost(owned, reason)
    this.#report({ _tag: "Ended" })
  }

  readonly #open: Effect.Effect<void, SubscriptionLost> = Effect.suspend(() =>
    this.#ended === undefined ? Effect.void : Effect.fail(this.#ended)
  )

  /**
   * Finds out, in the ambient transaction, why a commit removed fewer messages than were handed out. If the lanes
   * belong to another worker, or the server is in another life, the messages that wait behind them must not start.
   */
  checkOwnership(receipts: ReadonlyArray<Receipt>): Effect.Effect<void, SqlError> {
    const asked = [...new Set(receipts.map(({ owned }) => owned))].filter((owned) => !owned.lost)
    if (asked.length === 0) return Effect.void
    return Effect.flatMap(this.#db.within(this.#text.stillOwned, this.#tokens(asked)), ([row]) => {
      const ours = new Set(row?.["lanes"] as ReadonlyArray<number>)
      const checked = Effect.map(this.sameLife(row?.["life"]), () => {
        for (const owned of asked) {
          if (!ours.has(owned.lane) && !owned.lost) this.lost(owned, "another worker took it over")
        }
      })
      // If the server is in another life, `sameLife` has ended the subscription. The next `take` reports that failure.
      return Effect.ignore(checked)
    })
  }

  held(): ReadonlyArray<HeldLease> {
    const leases: Array<HeldLease> = []
    for (const owned of this.#owned.values()) if (!this.#isLost(owned)) leases.push(owned.lease)
    return leases
  }

  /** Gives up a lane that belongs, or may belong, to another worker: its deliveries are interrupted. */
  lost(owned: OwnedLane, reason: string): void {
    owned.lost = true
    const { lease } = owned
    Deferred.doneUnsafe(
      lease.lost,
      Effect.succeed(
        new LeaseLost({ lease: `${lease.name} of "${this.#spec.consumer}"`, token: String(lease.token), reason })
      )
    )
    this.#drop(owned)
  }

  /** The worker itself gives a lease up at its deadline. */
  #isLost(owned: OwnedLane): boolean {
    if (!owned.lost && Deferred.isDoneUnsafe(owned.lease.lost)) {
      owned.lost = true
      this.#drop(owned)
    }
    return owned.lost
  }

  #drop(owned: OwnedLane): void {
    this.#byLease.delete(owned.lease)
    if (this.#owned.get(owned.lane) === owned) this.#owned.delete(owned.lane)
  }

  /**
   * Sends a heartbeat, gives back lanes above the share, and claims free ones: each at most once in its interval.
   *
   * `perKey` is the limit of messages of one key in flight; `inFlight` returns the lanes that have messages in flight.
   */
  balance(
    perKey: number,
    inFlight: () => ReadonlySet<OwnedLane>
  ): Effect.Effect<void, SqlError | ConsumerRemoved | SubscriptionLost> {
    return Effect.suspend(() => {
      // The permit waits until the lanes are given back: the worker ends with this failure.
      if (this.#abandoned) return this.isolation.whileUnchanged(Effect.fail(PgFailure.layerClosed()))
      this.#mostPerKey = Math.max(this.#mostPerKey, perKey)
      for (const owned of this.#owned.values()) this.#isLost(owned)
      const share = Effect.andThen(this.#fitShare(inFlight), this.#claim)
      return Effect.andThen(this.#open, this.#heartbeat).pipe(
        Effect.andThen(
          Effect.suspend((): Effect.Effect<void, SqlError | ConsumerRemoved> =>
            this.#removed ? Effect.fail(new ConsumerRemoved({ consumer: this.#spec.consumer })) : share
          )
        ),
        // A claim under another life finds nothing.
        Effect.andThen(this.#open)
      )
    })
  }

  readonly #heartbeat: Effect.Effect<void, SqlError | SubscriptionLost> = Effect.flatMap(
    Clock.monotonicTimeNanos,
    (now) => {
      if (now < this.#nextBeat) return Effect.void
      this.#nextBeat = now + this.#interval(this.#lease / 3)
      return Effect.flatMap(
        this.#db.machinery(this.#consumers.heartbeat, [this.queue, this.#spec.worker, this.#lease, this.life]),
        ([row]) =>
          Effect.map(this.sameLife(row?.["life"]), () => {
            this.#removed = row?.["known"] !== true
            this.paused = row?.["paused"] === true
            this.#share = Math.ceil(this.#spec.lanes / (Number(row?.["others"] ?? 0) + 1))
          })
      )
    }
  )

  #interval(millis: number): bigint {
    return BigInt(Math.round(Math.min(millis, Duration.toMillis(this.#spec.idlePoll)) * 1e6))
  }

  /**
   * Leaves lanes above the share, those without messages in flight first, and gives back the left lanes that have
   * none.
   */
  #fitShare(inFlight: () => ReadonlySet<OwnedLane>): Effect.Effect<void, SqlError> {
    return Effect.suspend(() => {
      const owned = [...this.#owned.values()]
      const staying = owned.filter((each) => !each.leaving)
      const surplus = staying.length - this.#share
      if (surplus <= 0 && staying.length === owned.length) return Effect.void
      const busy = inFlight()
      staying.sort((a, b) => Number(busy.has(a)) - Number(busy.has(b)))
      for (const each of staying.slice(0, Math.max(0, surplus))) {
        each.leaving = true
        this.#report({ _tag: "Leaving", owned: each })
      }
      for (const each of owned.filter(({ leaving }) => leaving).slice(0, Math.max(0, -surplus))) {
        each.leaving = false
        this.#report({ _tag: "Opened", owned: each })
      }
      const leaving = owned.filter((each) => each.leaving)
      return this.#release(leaving.filter((owned) => !busy.has(owned)))
    })
  }

  #release(owned: ReadonlyArray<OwnedLane>): Effect.Effect<void, SqlError> {
    if (owned.length === 0) return Effect.void
    for (const each of owned) {
      // The token stays valid in the database until the next claim, so nothing more may commit under it here.
      each.lost = true
      this.#drop(each)
      this.#report({ _tag: "Released", owned: each })
    }
    return Effect.asVoid(this.#db.machinery(this.#text.release, this.#tokens(owned)))
  }

  #tokens(owned: ReadonlyArray<OwnedLane>): [number, ReadonlyArray<number>, ReadonlyArray<bigint>, string] {
    return [this.queue, owned.map((each) => each.lane), owned.map((each) => each.lease.token), this.life]
  }

  readonly #claim: Effect.Effect<void, SqlError> = Effect.flatMap(Clock.monotonicTimeNanos, (now) => {
    const wanted = this.#share - this.#owned.size
    if (wanted <= 0 || now < this.#nextClaim) return Effect.void
    this.#nextClaim = now + this.#interval(Infinity)
    // A failed claim must not stop the worker from reading the lanes that it owns already.
    return Effect.catch(
      this.#claimUpTo(wanted),
      (error) =>
        this.#owned.size === 0 ? Effect.fail(error) : Effect.annotateLogs(
          Effect.logWarning(PgFailure.transportError("claim lanes")(error).message),
          { consumer: this.#spec.consumer }
        )
    )
  })

  /** Claims a few lanes at a time, so that the transaction stays short: it also counts the crash of a dead owner. */
  #claimUpTo(wanted: number): Effect.Effect<void, SqlError> {
    const most = Math.min(wanted, lanesAtOnce)
    return Effect.flatMap(Clock.monotonicTimeNanos, (now) => {
      // An interrupted transaction may have committed its claim: the leases of those lanes expire by themselves.
      const claimed = Effect.map(this.#db.onMachinery(this.#db.transaction(this.#claimLanes(most))), (rows) => {
        for (const row of rows) this.#add(row, now)
        return rows
      })
      return Effect.flatMap(this.isolation.whileUnchanged(claimed), (rows) => {
        const expired = rows.filter((row) => row["died"] === true).length
        const count = Telemetry.claimed(this.#spec.consumer, expired, rows.length - expired)
        return rows.length < most || wanted === most ? count : Effect.andThen(count, this.#claimUpTo(wanted - most))
      })
    })
  }

  /**
   * Locks free lanes, then raises their tokens. Counts a crash for the messages that a dead owner may have had in
   * flight.
   */
  readonly #claimLanes = Effect.fnUntraced({ self: this }, function*(wanted: number): Effect.fn.Return<Rows, SqlError> {
    const rows = yield* this.#db.within(this.#text.lockFree, [this.queue, wanted, this.#spec.worker, this.life])
    if (rows.length === 0) return rows
    const lanes = rows.map((row) => row["lane"])
    const ours = [this.queue, lanes, this.#spec.worker, this.#lease, this.isolation.ofClaimed, this.life]
    const tokens = new Map((yield* this.#db.within(this.#text.claim, ours)).map((row) => [row["lane"], row["token"]]))
    for (const row of rows) {
      if (row["died"] !== true || row["fetched_to"] === 0n || row["alone"] === 0n) continue
      const { alone, fetched_to, lane } = row
      yield* this.#db.within(this.#countCrashes, [this.queue, lane, fetched_to, alone, this.#mostPerKey])
    }
    return rows.map((row) => ({ ...row, token: tokens.get(row["lane"]) }))
  })

  #add(row: Rows[number], claimedAt: bigint): void {
    const lane = Number(row["lane"])
    const before = this.#owned.get(lane)
    if (before !== undefined) this.lost(before, "its time was over, and it was claimed again")
    const lease: HeldLease = {
      name: `lane-${lane}`,
      token: row["token"] as bigint,
      claimedAt,
      lost: Deferred.makeUnsafe()
    }
    const owned: OwnedLane = { lane, lease, lost: false, leaving: false }
    this.#owned.set(lane, owned)
    this.#byLease.set(lease, owned)
    this.#report({ _tag: "Opened", owned })
  }

  /** Renews all leases by one statement. A lane that it does not return has another token. */
  renew(leases: ReadonlyArray<HeldLease>): Effect.Effect<ReadonlySet<HeldLease>, SqlError> {
    const owned = this.#ofLeases(leases)
    const none: ReadonlySet<HeldLease> = new Set()
    const renewed: Effect.Effect<ReadonlySet<HeldLease>, SqlError | SubscriptionLost> = owned.length === 0
      ? Effect.succeed(none)
      : Effect.flatMap(
        this.#db.machinery(this.#text.renew, [...this.#tokens(owned), this.#lease]),
        ([row]) =>
          Effect.map(this.sameLife(row?.["life"]), () => {
            const confirmed = new Set(row?.["lanes"] as ReadonlyArray<number>)
            const leases = new Set<HeldLease>()
            for (const each of owned) {
              if (confirmed.has(each.lane)) leases.add(each.lease)
              else if (!each.lost) this.lost(each, "another worker took it over")
            }
            return leases
          })
      )
    // In another life no lease is confirmed, and the next `take` fails.
    return Effect.catch(
      Effect.andThen(this.#heartbeat, renewed),
      (error) => error._tag === "SubscriptionLost" ? Effect.succeed(none) : Effect.fail(error)
    )
  }

  #ofLeases(leases: ReadonlyArray<HeldLease>): Array<OwnedLane> {
    const owned: Array<OwnedLane> = []
    for (const lease of leases) {
      const each = this.#byLease.get(lease)
      if (each !== undefined && !this.#isLost(each)) owned.push(each)
    }
    return owned
  }

  /** Gives leases back at once. Call it only while no poll is under way. */
  release(leases: ReadonlyArray<HeldLease>): Effect.Effect<void, SqlError> {
    return Effect.suspend(() => this.#release(this.#ofLeases(leases)))
  }

  /** Gives back lanes of an earlier subscription of this worker, which was closed and could not give them back then. */
  readonly releaseEarlier: Effect.Effect<void, SqlError> = Effect.suspend(() =>
    Effect.asVoid(this.#db.machinery(this.#text.releaseAll, [this.queue, this.#spec.worker]))
  )

  /** Gives back all lanes, including those whose lease has expired here, and removes this worker from the sharing. */
  readonly leave: Effect.Effect<void, SqlError> = Effect.suspend(() => {
    for (const owned of this.#owned.values()) {
      owned.lost = true
      this.#drop(owned)
    }
    const mine = [this.queue, this.#spec.worker]
    return Effect.andThen(
      this.#db.machinery(this.#text.releaseAll, mine),
      this.#db.machinery(this.#consumers.leave, mine)
    )
  })

  /**
   * Ends all deliveries when the layer closes before its worker. Then gives back all lanes, so that other workers can
   * claim them at once.
   */
  readonly abandon: Effect.Effect<void, SqlError> = Effect.suspend(() => {
    this.#abandoned = true
    const end = Effect.sync(() => {
      for (const owned of this.#owned.values()) this.lost(owned, "the Postgres layer was closed under its worker")
    })
    return this.isolation.whileUnchanged(Effect.andThen(end, Effect.andThen(Effect.yieldNow, this.leave)))
  })
}
