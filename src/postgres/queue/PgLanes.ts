/**
 * The lanes that a worker owns. A worker claims free lanes up to its share, leaves lanes above its share, and loses
 * lanes that another worker claims.
 *
 * Each live worker keeps a row in `workers`; a worker's share is ceil(lanes / live workers). A worker above its share
 * stops reading the surplus lanes, and gives each of them back when the lane has no message in flight. A worker below
 * its share claims free lanes, those with messages first.
 *
 * This class does not know the reader. It reports each `LaneChange` to a function, and `balance` gets the lanes that
 * have messages in flight as an argument.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type { SqlError } from "effect/sql/SqlError"
import type { HeldLease } from "../../Delivery.ts"
import { ConsumerRemoved, LeaseLost, SubscriptionLost } from "../../Errors.ts"
import type { SubscriptionSpec } from "../../Transport.ts"
import type { PgDatabase } from "../session/PgClient.ts"
import * as PgFailure from "../session/PgFailure.ts"
import type { Rows } from "../session/PgSession.ts"
import * as ConsumersSql from "../sql/consumers.ts"
import * as Sql from "../sql/lanes.ts"
import type { Names } from "../sql/names.ts"
import { intervalOf, LaneClaims } from "./LaneClaims.ts"
import { LaneIsolation } from "./LaneIsolation.ts"
import type { OwnedLane } from "./Row.ts"

/** A change of a worker's lanes. It is reported synchronously, at the moment of the change. */
export type LaneChange =
  /** The reader must read the lane from its beginning. The lane was claimed, or the worker now keeps it after all. */
  | { readonly _tag: "Opened"; readonly owned: OwnedLane }
  /** The reader must stop reading the lane. The lane's messages in flight may still commit. */
  | { readonly _tag: "Leaving"; readonly owned: OwnedLane }
  /** The lane was given back. All its messages, also those in flight, now belong to the next owner. */
  | { readonly _tag: "Released"; readonly owned: OwnedLane }
  /** All lanes are lost permanently. The next `balance` fails and says why. */
  | { readonly _tag: "Ended" }

export class PgLanes {
  readonly queue: number
  readonly isolation: LaneIsolation
  /** The server life at the opening. A message that was handed out in one server life can commit only in that life. */
  readonly life: string
  /** The failure that ended this subscription, or undefined. After it, no message is read or committed here. */
  #ended: SubscriptionLost | undefined
  readonly #db: PgDatabase
  readonly #spec: SubscriptionSpec
  readonly #lease: number
  readonly #text: ReturnType<typeof Sql.make>
  readonly #consumers: ReturnType<typeof ConsumersSql.make>
  readonly #claims: LaneClaims
  readonly #report: (change: LaneChange) => void
  readonly #owned = new Map<number, OwnedLane>()
  readonly #byLease = new Map<HeldLease, OwnedLane>()
  #share: number
  #nextBeat = 0n
  #removed = false
  #abandoned = false
  /** Whether an operator has paused the consumer, according to the last heartbeat or poll. */
  paused = false
  /** Opened by a heartbeat that has seen a running redrive run of the consumer. */
  readonly redrives = Latch.makeUnsafe(false)

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
    this.#share = spec.lanes
    this.isolation = new LaneIsolation(
      () => [...this.#owned.values()].filter((owned) => !this.#isLost(owned)),
      (lanes, seqs) => db.machinery(this.#text.isolate, [...this.#tokens(lanes), seqs])
    )
    this.#claims = new LaneClaims(
      db,
      names,
      { life, queue, spec, isolation: this.isolation },
      (row, at) => this.#add(row, at)
    )
  }

  /** Ends the subscription and fails, if the server is in another server life than at the opening. */
  sameLife(found: unknown): Effect.Effect<void, SubscriptionLost> {
    return Effect.suspend(() => {
      if (found !== this.life) this.end("its server has lost its recent memory, after a crash or a failover")
      return this.#open
    })
  }

  /** Ends the subscription: all lanes are lost permanently. A worker that waits for messages is woken, and fails. */
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
   * Checks, in the ambient transaction, whether this worker still owns the lanes of deliveries that a commit did not
   * find. If another worker owns a lane, or the server is in another server life, the lane is given up here. So no
   * further message of the lane starts.
   */
  checkOwnership(lanes: ReadonlyArray<OwnedLane>): Effect.Effect<void, SqlError> {
    const asked = [...new Set(lanes)].filter((owned) => !owned.lost)
    if (asked.length === 0) return Effect.void
    return Effect.flatMap(this.#db.within(this.#text.stillOwned, this.#tokens(asked)), ([row]) => {
      const ours = new Set(row?.["lanes"] as ReadonlyArray<number>)
      const checked = Effect.map(this.sameLife(row?.["life"]), () => {
        for (const owned of asked) {
          if (!ours.has(owned.lane) && !owned.lost) this.lost(owned, "another worker took it over")
        }
      })
      // In another server life, `sameLife` has ended the subscription, and the next `take` reports that failure. So the
      // failure is ignored here.
      return Effect.ignore(checked)
    })
  }

  held(): ReadonlyArray<HeldLease> {
    const leases: Array<HeldLease> = []
    for (const owned of this.#owned.values()) if (!this.#isLost(owned)) leases.push(owned.lease)
    return leases
  }

  /** Gives up a lane that belongs, or may belong, to another worker. The lane's deliveries are interrupted. */
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

  /**
   * Returns whether the lane is lost. The worker may have ended the lease without a call of this class, since it could
   * not renew the lease in time. Then the lane is dropped here.
   */
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
   * Sends a heartbeat, gives back lanes above the share, and claims free lanes. Heartbeats and claims have an interval,
   * and each happens at most once in its interval.
   *
   * `perKey` is the limit of messages of one key in flight; `inFlight` returns the lanes that have messages in flight.
   */
  balance(
    perKey: number,
    inFlight: () => ReadonlySet<OwnedLane>
  ): Effect.Effect<void, SqlError | ConsumerRemoved | SubscriptionLost> {
    return Effect.suspend(() => {
      // `abandon` holds the permit of `whileUnchanged` until it has given the lanes back. So the worker fails only
      // after that.
      if (this.#abandoned) return this.isolation.whileUnchanged(Effect.fail(PgFailure.layerClosed()))
      this.#claims.mostPerKey = Math.max(this.#claims.mostPerKey, perKey)
      for (const owned of this.#owned.values()) this.#isLost(owned)
      const share = Effect.andThen(this.#fitShare(inFlight), this.#claim)
      return Effect.andThen(this.#open, this.#heartbeat).pipe(
        Effect.andThen(
          Effect.suspend((): Effect.Effect<void, SqlError | ConsumerRemoved> =>
            this.#removed ? Effect.fail(new ConsumerRemoved({ consumer: this.#spec.consumer })) : share
          )
        ),
        // In another server life a claim finds no lane, so the subscription's end is checked again after the claim.
        Effect.andThen(this.#open)
      )
    })
  }

  readonly #heartbeat: Effect.Effect<void, SqlError | SubscriptionLost> = Effect.flatMap(
    Clock.monotonicTimeNanos,
    (now) => {
      if (now < this.#nextBeat) return Effect.void
      this.#nextBeat = now + intervalOf(this.#spec, this.#lease / 3)
      return Effect.flatMap(
        this.#db.machinery(this.#consumers.heartbeat, [
          this.queue,
          this.#spec.worker,
          this.#lease,
          this.life,
          this.#spec.codeVersion ?? ""
        ]),
        ([row]) =>
          Effect.flatMap(this.sameLife(row?.["life"]), () => {
            this.#removed = row?.["known"] !== true
            this.paused = row?.["paused"] === true
            if (row?.["redrives"] === true) this.redrives.openUnsafe()
            this.#share = Math.ceil(this.#spec.lanes / (Number(row?.["others"] ?? 0) + 1))
            return row?.["pause_over"] === true ? this.#resumeDue : Effect.void
          })
      )
    }
  )

  readonly #resumeDue: Effect.Effect<void, SqlError> = Effect.suspend(() =>
    Effect.map(this.#db.machinery(this.#consumers.resumeDue, [this.queue]), () => {
      this.paused = false
    })
  )

  /**
   * Marks surplus lanes as leaving, first those without messages in flight. Then gives back the leaving lanes that have
   * no message in flight. If the share has grown, the worker keeps leaving lanes instead.
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
      // The lane's token stays valid in the database until the next claim. So the lane is marked as lost, and no commit
      // of this process uses that token.
      each.lost = true
      this.#drop(each)
      this.#report({ _tag: "Released", owned: each })
    }
    return Effect.asVoid(this.#db.machinery(this.#text.release, this.#tokens(owned)))
  }

  #tokens(owned: ReadonlyArray<OwnedLane>): [number, ReadonlyArray<number>, ReadonlyArray<bigint>, string] {
    return [this.queue, owned.map((each) => each.lane), owned.map((each) => each.lease.token), this.life]
  }

  readonly #claim: Effect.Effect<void, SqlError> = Effect.suspend(() => {
    const wanted = this.#share - this.#owned.size
    if (wanted <= 0) return Effect.void
    // A failed claim must not stop the worker from reading the lanes that it owns already.
    return Effect.catch(
      this.#claims.claim(wanted),
      (error) =>
        this.#owned.size === 0 ? Effect.fail(error) : Effect.annotateLogs(
          Effect.logWarning(PgFailure.transportError("claim lanes")(error).message),
          { consumer: this.#spec.consumer }
        )
    )
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
    const crashed = row["died"] === true && row["alone"] === null
    const owned: OwnedLane = { lane, lease, crashed, lost: false, leaving: false }
    this.#owned.set(lane, owned)
    this.#byLease.set(lease, owned)
    this.#report({ _tag: "Opened", owned })
  }

  /**
   * Renews the leases by one statement, and returns those that are renewed. If the statement does not return a lane,
   * the lane has another token, so another worker has claimed it and it is lost.
   */
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
    // In another server life no lease is renewed, and no error is returned here. The next `take` fails with it.
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

  /** Gives the lanes of these leases back. Call it only while no poll is under way. */
  release(leases: ReadonlyArray<HeldLease>): Effect.Effect<void, SqlError> {
    return Effect.suspend(() => this.#release(this.#ofLeases(leases)))
  }

  /**
   * Gives back the lanes of an earlier subscription of this worker. That subscription may have closed while the
   * database did not respond, and then it could not give them back.
   */
  readonly releaseEarlier: Effect.Effect<void, SqlError> = Effect.suspend(() =>
    Effect.asVoid(this.#db.machinery(this.#text.releaseAll, [this.queue, this.#spec.worker]))
  )

  /**
   * Gives back all lanes of this worker, also those whose lease has expired. Removes the worker from `workers`, so that
   * it counts for no share any more.
   */
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
   * Runs when the layer closes before the worker that uses it. It interrupts all deliveries, and then gives back all
   * lanes, so that other workers can claim them at once.
   */
  readonly abandon: Effect.Effect<void, SqlError> = Effect.suspend(() => {
    this.#abandoned = true
    const end = Effect.sync(() => {
      for (const owned of this.#owned.values()) this.lost(owned, "the Postgres layer was closed under its worker")
    })
    return this.isolation.whileUnchanged(Effect.andThen(end, Effect.andThen(Effect.yieldNow, this.leave)))
  })
}
