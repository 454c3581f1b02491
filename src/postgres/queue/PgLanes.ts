/**
 * Which lanes a worker owns: its share of them, claimed when they are free, left when it has too many, lost when another one
 * took them.
 *
 * A worker that lives keeps a row in `workers`; the share is ceil(lanes / live workers). Above it, lanes are read no more and
 * given back when nothing of them is in hand; below it, free lanes are claimed, those with work first.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import type { SqlError } from "effect/sql/SqlError"
import type { Delivery, HeldLease } from "../../Delivery.ts"
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
import type { QueueReader } from "./QueueReader.ts"
import type { Owned, Receipt } from "./Row.ts"

/** Lanes that one transaction claims. */
const lanesAtOnce = 8

export type Reader = QueueReader<SqlError | SubscriptionLost>

export class PgLanes {
  readonly queue: number
  /** Of the server: what is handed out here commits only under this one. */
  readonly life: string
  /** Why nothing more can be read or committed here. */
  #ended: SubscriptionLost | undefined
  readonly #db: PgDatabase
  readonly #spec: SubscriptionSpec
  readonly #lease: number
  readonly #text: ReturnType<typeof Sql.make>
  readonly #consumers: ReturnType<typeof ConsumersSql.make>
  readonly #received: string
  readonly #owned = new Map<number, Owned>()
  readonly #byLease = new Map<HeldLease, Owned>()
  #reader!: Reader
  #share: number
  /** The only message that can kill the process, or none. */
  #isolated: Receipt | "none" | undefined
  /** Lanes whose record may name it. A lane that was given up since is among them: its token stays ours until it is claimed. */
  readonly #isolatedLanes = new Set<Owned>()
  /** Lanes are claimed under what is isolated now: that must not change under a claim. */
  readonly #claiming = Semaphore.makeUnsafe(1)
  /** The most of one key that was ever asked for: as much of it a dead owner may have had in hand. */
  #mostPerKey = 1
  #nextBeat = 0n
  #nextClaim = 0n
  #removed = false
  #abandoned = false
  /** A person has paused the consumer, as far as we have heard: by a heartbeat, or by a poll. */
  paused = false

  constructor(
    db: PgDatabase,
    names: Names,
    { life, queue }: { readonly queue: number; readonly life: string },
    spec: SubscriptionSpec
  ) {
    this.#db = db
    this.queue = queue
    this.life = life
    this.#spec = spec
    this.#lease = Duration.toMillis(spec.lease)
    this.#text = Sql.make(names)
    this.#consumers = ConsumersSql.make(names)
    this.#received = MessagesSql.make(names).received
    this.#share = spec.lanes
  }

  /** Reader and lanes know each other; the reader is made second. */
  readBy(reader: Reader): void {
    this.#reader = reader
  }

  /** Whether the server still is in the life in which this was opened. */
  sameLife(found: unknown): Effect.Effect<void, SubscriptionLost> {
    return Effect.suspend(() => {
      if (found !== this.life) this.end("its server has lost its recent memory, after a crash or a failover")
      return this.#open
    })
  }

  /** Gives everything up: no lease is ours any more, and who waits for messages hears it. */
  end(reason: string): void {
    if (this.#ended !== undefined) return
    this.#ended = new SubscriptionLost({ consumer: this.#spec.consumer, reason })
    for (const owned of this.#owned.values()) this.lost(owned, reason)
    this.#reader.roomAgain.openUnsafe()
  }

  readonly #open: Effect.Effect<void, SubscriptionLost> = Effect.suspend(() =>
    this.#ended === undefined ? Effect.void : Effect.fail(this.#ended)
  )

  /**
   * A commit found less than was handed out. What waits behind it in these lanes must not start if they are another's, or the server is in
   * another life. In the ambient transaction.
   */
  notice(receipts: ReadonlyArray<Receipt>): Effect.Effect<void, SqlError> {
    const asked = [...new Set(receipts.map(({ owned }) => owned))].filter((owned) => !owned.lost)
    if (asked.length === 0) return Effect.void
    return Effect.flatMap(this.#db.within(this.#text.stand, this.#tokens(asked)), ([row]) => {
      const ours = new Set(row?.["lanes"] as ReadonlyArray<number>)
      const noticed = Effect.map(this.sameLife(row?.["life"]), () => {
        for (const owned of asked) {
          if (!ours.has(owned.lane) && !owned.lost) this.lost(owned, "another worker took it over")
        }
      })
      // The next look says it.
      return Effect.ignore(noticed)
    })
  }

  held(): ReadonlyArray<HeldLease> {
    const leases: Array<HeldLease> = []
    for (const owned of this.#owned.values()) if (!this.#gone(owned)) leases.push(owned.lease)
    return leases
  }

  /** Another worker has it, or may: its work is interrupted, and nothing of it is handed out any more. */
  lost(owned: Owned, reason: string): void {
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

  /** The worker, too, may have given a lease up: at its deadline. */
  #gone(owned: Owned): boolean {
    if (!owned.lost && Deferred.isDoneUnsafe(owned.lease.lost)) {
      owned.lost = true
      this.#drop(owned)
    }
    return owned.lost
  }

  #drop(owned: Owned): void {
    this.#byLease.delete(owned.lease)
    if (this.#owned.get(owned.lane) === owned) this.#owned.delete(owned.lane)
  }

  /**
   * Says that we live, gives back what is too much, claims what is free: each at most once in its interval. `perKey` is how much of one key
   * may be in hand.
   */
  balance(perKey: number): Effect.Effect<void, SqlError | ConsumerRemoved | SubscriptionLost> {
    return Effect.suspend(() => {
      // The worker ends when its lanes are given back.
      if (this.#abandoned) return this.#claiming.withPermit(Effect.fail(PgFailure.layerClosed()))
      this.#mostPerKey = Math.max(this.#mostPerKey, perKey)
      for (const owned of this.#owned.values()) this.#gone(owned)
      const share = Effect.andThen(this.#giveBack, this.#claim)
      return Effect.andThen(this.#open, this.#beat).pipe(
        Effect.andThen(
          Effect.suspend((): Effect.Effect<void, SqlError | ConsumerRemoved> =>
            this.#removed ? Effect.fail(new ConsumerRemoved({ consumer: this.#spec.consumer })) : share
          )
        ),
        // A claim sees another life by finding nothing.
        Effect.andThen(this.#open)
      )
    })
  }

  readonly #beat: Effect.Effect<void, SqlError | SubscriptionLost> = Effect.flatMap(Clock.monotonicTimeNanos, (now) => {
    if (now < this.#nextBeat) return Effect.void
    this.#nextBeat = now + this.#interval(this.#lease / 3)
    return Effect.flatMap(
      this.#db.machinery(this.#consumers.heartbeat, [this.queue, this.#spec.worker, this.#lease, this.life]),
      ([row]) =>
        Effect.map(this.sameLife(row?.["life"]), () => {
          this.#removed = row?.["known"] !== true
          this.paused = row?.["paused"] === true
          this.#shareWith(Number(row?.["others"] ?? 0))
        })
    )
  })

  #interval(millis: number): bigint {
    return BigInt(Math.round(Math.min(millis, Duration.toMillis(this.#spec.idlePoll)) * 1e6))
  }

  /** Decides which lanes to leave, those first of which nothing is in hand; or to stay with some that were to be left. */
  #shareWith(others: number): void {
    this.#share = Math.ceil(this.#spec.lanes / (others + 1))
    const staying = [...this.#owned.values()].filter((owned) => !owned.leaving)
    let surplus = staying.length - this.#share
    if (surplus > 0) {
      const busy = this.#reader.inHand()
      staying.sort((a, b) => Number(busy.has(a)) - Number(busy.has(b)))
      for (const owned of staying.slice(0, surplus)) {
        owned.leaving = true
        this.#reader.leave(owned)
      }
    }
    for (const owned of this.#owned.values()) {
      if (surplus >= 0) return
      if (!owned.leaving || owned.lost) continue
      owned.leaving = false
      this.#reader.add(owned)
      surplus++
    }
  }

  readonly #giveBack: Effect.Effect<void, SqlError> = Effect.suspend(() => {
    const leaving = [...this.#owned.values()].filter((owned) => owned.leaving)
    if (leaving.length === 0) return Effect.void
    const busy = this.#reader.inHand()
    return this.#release(leaving.filter((owned) => !busy.has(owned)))
  })

  #release(owned: ReadonlyArray<Owned>): Effect.Effect<void, SqlError> {
    if (owned.length === 0) return Effect.void
    for (const each of owned) {
      // Its token stays valid in the database until somebody claims the lane: nothing more may commit under it.
      each.lost = true
      this.#drop(each)
    }
    return Effect.asVoid(this.#db.machinery(this.#text.release, this.#tokens(owned)))
  }

  #tokens(owned: ReadonlyArray<Owned>): [number, ReadonlyArray<number>, ReadonlyArray<bigint>, string] {
    return [this.queue, owned.map((each) => each.lane), owned.map((each) => each.lease.token), this.life]
  }

  readonly #claim: Effect.Effect<void, SqlError> = Effect.flatMap(Clock.monotonicTimeNanos, (now) => {
    const wanted = this.#share - this.#owned.size
    if (wanted <= 0 || now < this.#nextClaim) return Effect.void
    this.#nextClaim = now + this.#interval(Infinity)
    // What can be read already is read, whatever is the matter with the lanes of others.
    return Effect.catch(
      this.#claimUpTo(wanted),
      (error) =>
        this.#owned.size === 0 ? Effect.fail(error) : Effect.annotateLogs(
          Effect.logWarning(PgFailure.transportError("claim lanes")(error).message),
          { consumer: this.#spec.consumer }
        )
    )
  })

  /** A few at a time: what a dead owner had in hand is counted with the claim, and a transaction is bounded. */
  #claimUpTo(wanted: number): Effect.Effect<void, SqlError> {
    const most = Math.min(wanted, lanesAtOnce)
    return Effect.flatMap(Clock.monotonicTimeNanos, (now) => {
      // A transaction that was interrupted, or whose answer was lost, may have claimed: those lanes run out by themselves.
      const took = Effect.map(this.#db.onMachinery(this.#db.transaction(this.#take(most))), (rows) => {
        for (const row of rows) this.#got(row, now)
        return rows
      })
      return Effect.flatMap(this.#claiming.withPermit(took), (rows) => {
        const expired = rows.filter((row) => row["died"] === true).length
        const told = Telemetry.claimed(this.#spec.consumer, expired, rows.length - expired)
        return rows.length < most || wanted === most ? told : Effect.andThen(told, this.#claimUpTo(wanted - most))
      })
    })
  }

  /** Locks, then raises the token; who takes a lane of a dead owner counts what that one may have had in memory. */
  readonly #take = Effect.fnUntraced({ self: this }, function*(wanted: number): Effect.fn.Return<Rows, SqlError> {
    const rows = yield* this.#db.within(this.#text.free, [this.queue, wanted, this.#spec.worker, this.life])
    if (rows.length === 0) return rows
    const isolated = this.#isolated === undefined ? null : 0n
    const lanes = rows.map((row) => row["lane"])
    const ours = [this.queue, lanes, this.#spec.worker, this.#lease, isolated, this.life]
    const taken = new Map((yield* this.#db.within(this.#text.take, ours)).map((row) => [row["lane"], row["token"]]))
    for (const row of rows) {
      if (row["died"] !== true || row["fetched_to"] === 0n || row["alone"] === 0n) continue
      const { alone, fetched_to, lane } = row
      yield* this.#db.within(this.#received, [this.queue, lane, fetched_to, alone, this.#mostPerKey])
    }
    return rows.map((row) => ({ ...row, token: taken.get(row["lane"]) }))
  })

  #got(row: Rows[number], claimedAt: bigint): void {
    const lane = Number(row["lane"])
    const before = this.#owned.get(lane)
    if (before !== undefined) this.lost(before, "its time was over, and it was claimed again")
    const lease: HeldLease = {
      name: `lane-${lane}`,
      token: row["token"] as bigint,
      claimedAt,
      lost: Deferred.makeUnsafe()
    }
    const owned: Owned = { lane, lease, lost: false, leaving: false }
    this.#owned.set(lane, owned)
    this.#byLease.set(lease, owned)
    this.#reader.add(owned)
  }

  /** One statement for all; what it does not answer has another token. */
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
    // In another life nothing is confirmed; the next look says why.
    return Effect.catch(
      Effect.andThen(this.#beat, renewed),
      (error) => error._tag === "SubscriptionLost" ? Effect.succeed(none) : Effect.fail(error)
    )
  }

  #ofLeases(leases: ReadonlyArray<HeldLease>): Array<Owned> {
    const owned: Array<Owned> = []
    for (const lease of leases) {
      const each = this.#byLease.get(lease)
      if (each !== undefined && !this.#gone(each)) owned.push(each)
    }
    return owned
  }

  /** Given back at once, after the poll that is under way. */
  release(leases: ReadonlyArray<HeldLease>): Effect.Effect<void, SqlError> {
    return this.#reader.exclusively(Effect.suspend(() => {
      const owned = this.#ofLeases(leases)
      for (const each of owned) this.#reader.forget(each)
      return this.#release(owned)
    }))
  }

  /** What stands under this run's name is from an earlier subscription of it, which is closed: it could not be given back then. */
  readonly begin: Effect.Effect<void, SqlError> = Effect.suspend(() =>
    Effect.asVoid(this.#db.machinery(this.#text.releaseAll, [this.queue, this.#spec.worker]))
  )

  /** Everything is given back, what had expired unnoticed included, and others need not share with us any more. */
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

  /** The layer is closed under us: nothing more can be committed. The work ends here first, and others may have it at once. */
  readonly abandon: Effect.Effect<void, SqlError> = Effect.suspend(() => {
    this.#abandoned = true
    const end = Effect.sync(() => {
      for (const owned of this.#owned.values()) this.lost(owned, "the Postgres layer was closed under its worker")
    })
    return this.#claiming.withPermit(Effect.andThen(end, Effect.andThen(Effect.yieldNow, this.leave)))
  })

  /** Of all that is in our hands, only this (or nothing) can kill the process. Lanes claimed meanwhile count nothing. */
  isolate(delivery: Delivery | undefined): Effect.Effect<void, SqlError> {
    return this.#claiming.withPermit(Effect.suspend(() => {
      this.#isolated = (delivery?.receipt as Receipt | undefined) ?? "none"
      // The worker starts nothing after this failure, and may not try again: lanes that it claims later count as usual.
      return Effect.tapError(this.#writeIsolated, () =>
        Effect.sync(() => {
          this.#isolated = undefined
        }))
    }))
  }

  /** The message may have company again. Its lanes keep no record of it: with one it would be convicted for what others do. */
  readonly reunite: Effect.Effect<void, SqlError> = Effect.suspend(() =>
    this.#claiming.withPermit(Effect.suspend(() => {
      this.#isolated = undefined
      return Effect.andThen(this.#writeIsolated, Effect.sync(() => this.#isolatedLanes.clear()))
    }))
  )

  readonly #writeIsolated: Effect.Effect<void, SqlError> = Effect.suspend(() => {
    for (const each of this.#owned.values()) if (!this.#gone(each)) this.#isolatedLanes.add(each)
    const lanes = [...this.#isolatedLanes]
    if (lanes.length === 0) return Effect.void
    const isolated = this.#isolated
    // A null array cannot be typed by the driver: -1 stands for it.
    const alone = lanes.map((each) =>
      isolated === undefined ? -1n : isolated !== "none" && isolated.owned === each ? isolated.seq : 0n
    )
    return Effect.asVoid(this.#db.machinery(this.#text.isolate, [...this.#tokens(lanes), alone]))
  })
}
