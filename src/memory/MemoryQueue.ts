/**
 * The queue of one consumer in memory: lanes shared fairly among its open subscriptions, read in order per key.
 *
 * It behaves as the lanes of Postgres do. A claim raises the fencing token. An expired lease can be taken over, which
 * counts the rows in flight of the dead owner. A released lane is given back in order and uncounted. A worker that
 * lost a lane notices this at its next request, as a remote process would.
 *
 * @since 0.1.0
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type { DeadLetterOrder } from "../DeadLetter.ts"
import type { Delivery, HeldLease } from "../Delivery.ts"
import { LeaseLost } from "../Errors.ts"
import type { Consumer, HeldKey, Registration } from "../Store.ts"
import type { Demand } from "../Transport.ts"
import { type KeyRows, Lane, type NewRow, nextToken, type Row, type WorkerClaim } from "./MemoryLane.ts"

export class MemoryQueue {
  readonly consumer: string
  readonly order: DeadLetterOrder
  readonly lanes: ReadonlyArray<Lane>
  readonly registeredAt: number
  /** The description of the pipeline of the last registration. */
  pipeline = ""
  /** The operator's pause. While it lasts, no row is read. */
  paused: Consumer["paused"]
  /** Whether the consumer was removed. If so, its workers stop at their next poll. */
  removed = false
  private readonly claims = new Set<WorkerClaim>()
  /**
   * Runs a function after the transition. A completed Deferred runs its fibers at once, so it must not complete within
   * a transition.
   */
  private readonly after: (complete: () => void) => void

  constructor(registration: Registration, registeredAt: number, after: (complete: () => void) => void) {
    this.consumer = registration.consumer
    this.order = registration.order
    this.registeredAt = registeredAt
    this.lanes = Array.from({ length: registration.lanes }, (_, index) => new Lane(index))
    this.after = after
  }

  laneOf(key: string): Lane {
    let hash = 0x811c9dc5
    for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
    return this.lanes[(hash >>> 0) % this.lanes.length]!
  }

  insert(row: NewRow): void {
    this.laneOf(row.message.key).insert(row)
    this.wake()
  }

  /** Removes a row permanently. */
  remove(lane: Lane, row: Row): void {
    lane.remove(row)
    // A key at its limit has capacity again, so waiting workers poll.
    if (row.key.unread !== undefined) this.wake()
  }

  /** Ends the owner's work on these rows, and frees a lane that its owner must give up. */
  acknowledge(deliveries: ReadonlyArray<Delivery>): void {
    for (const { lease, message, position } of deliveries) {
      const lane = this.fenced(lease, message.key)
      if (lane === undefined) continue
      lane.acknowledge(Number(position))
      if (lane.leaving && !lane.busy) this.giveUp(lane)
    }
  }

  hold(key: string, until: number): void {
    this.laneOf(key).hold(key, until)
    this.wake()
  }

  /** Ends a parked key's hold. */
  unpark(key: string): void {
    const lane = this.laneOf(key)
    const rows = lane.keys.get(key)
    if (rows?.heldUntil === Infinity) lane.unhold(rows)
    this.wake()
  }

  /** Parks a key again, because an operator restored the dead letter that had parked it. */
  park(key: string): void {
    this.laneOf(key).park(key)
  }

  parkedKey(key: string): boolean {
    return this.laneOf(key).keys.get(key)?.heldUntil === Infinity
  }

  pausedKey(key: string): { readonly by: string; readonly at: number } | undefined {
    return this.laneOf(key).keys.get(key)?.paused
  }

  pauseKey(key: string, by: string, now: number): void {
    this.laneOf(key).pause(key, by, now)
  }

  resumeKey(key: string): void {
    const lane = this.laneOf(key)
    const rows = lane.keys.get(key)
    if (rows !== undefined) lane.unpause(rows)
    this.wake()
  }

  /** Returns the keys on hold with the reasons. For a paused key, a retry time that has passed is left out. */
  heldKeys(now: number): Array<HeldKey> {
    const held = this.lanes.flatMap((lane) => [...new Set([...lane.held, ...lane.paused])])
    return held.map(({ heldUntil, key, paused }) => {
      const waits = heldUntil !== undefined && heldUntil < Infinity && (paused === undefined || heldUntil > now)
      return { key, retryAt: waits ? heldUntil : undefined, parked: heldUntil === Infinity, paused }
    })
  }

  /** All rows of the queue. A settled message has no row. */
  get rows(): ReadonlyArray<{ readonly lane: Lane; readonly row: Row }> {
    return this.lanes.flatMap((lane) => [...lane.rows.values()].map((row) => ({ lane, row })))
  }

  /** Removes all rows, so that no delivery can be committed, and wakes the workers, which then stop. */
  end(): void {
    this.removed = true
    for (const lane of this.lanes) lane.free()
    for (const { lane, row } of this.rows) lane.remove(row)
    this.wake()
  }

  forget(lane: Lane, key: string): void {
    lane.forget(key)
    this.wake()
  }

  join(worker: string, leaseMillis: number, now: number): WorkerClaim {
    const aliveUntil = now + leaseMillis
    const claim: WorkerClaim = {
      worker,
      leaseMillis,
      held: new Map(),
      aliveUntil,
      waiting: undefined,
      paused: this.paused !== undefined,
      counted: "all",
      turn: 0,
      claims: { expired: 0, free: 0 }
    }
    this.claims.add(claim)
    this.wake()
    return claim
  }

  leave(claim: WorkerClaim): void {
    this.claims.delete(claim)
    claim.held.clear()
    // Expired lanes that were not taken over are given back, too. Their owner is alive, so no crash is counted.
    for (const lane of this.lanes) if (lane.owner === claim) lane.free()
    this.wake()
  }

  /**
   * Returns rows up to the demand, in order per key, and marks them as in flight. Before that it claims free lanes, and
   * gives lanes above the worker's share back.
   */
  read(claim: WorkerClaim, demand: Demand, now: number, monotonic: bigint): Array<Row> {
    claim.aliveUntil = now + claim.leaseMillis
    claim.paused = this.paused !== undefined
    this.notice(claim, now)
    if (this.removed) return []
    const share = Math.ceil(this.lanes.length / this.alive(claim, now))
    this.shed(claim, share)
    this.claim(claim, share, now, monotonic)
    return claim.paused ? [] : this.collect(claim, demand, now)
  }

  /** Makes rows readable again that were read and not accepted. */
  takeBack(rows: ReadonlyArray<Row>): void {
    for (const row of rows) this.laneOf(row.message.key).takeBack([row])
  }

  /** Returns whether the time of the operator's pause is over. */
  pauseIsOver(now: number): boolean {
    return this.paused?.until !== undefined && this.paused.until <= now
  }

  /**
   * Returns the milliseconds until the pause of the consumer ends. Also sees holds of lanes that this worker owns or
   * could claim, and returns the time until the first of all these ends.
   */
  untilDue(claim: WorkerClaim, now: number): number {
    let due = this.paused?.until ?? Infinity
    for (const lane of this.lanes) {
      if (lane.owner === undefined || lane.owner === claim) due = Math.min(due, lane.nextDue(now))
    }
    return due - now
  }

  /** Renews the leases and returns the renewed ones. A lost lease stays lost. */
  renew(claim: WorkerClaim, leases: ReadonlyArray<HeldLease>, now: number): ReadonlySet<HeldLease> {
    claim.aliveUntil = now + claim.leaseMillis
    claim.paused = this.paused !== undefined
    this.notice(claim, now)
    const confirmed = new Set<HeldLease>()
    for (const lease of leases) {
      const lane = claim.held.get(lease)
      if (lane === undefined) continue
      lane.leaseUntil = now + claim.leaseMillis
      confirmed.add(lease)
    }
    return confirmed
  }

  /** Ends the life and the leases of the live workers with this name. Returns how many lanes they had. */
  evict(worker: string, now: number): number {
    let lanes = 0
    for (const claim of this.claims) {
      if (claim.worker !== worker) continue
      claim.aliveUntil = now
      for (const lane of claim.held.values()) {
        lane.leaseUntil = now
        // No lease is valid now, so nothing is committed under it. The owner stays, and a takeover counts a crash.
        lane.lease = undefined
        lanes++
      }
      this.notice(claim, now)
    }
    this.wake()
    return lanes
  }

  /** Returns whether a live worker has this name. */
  lives(worker: string, now: number): boolean {
    return [...this.claims].some((claim) => claim.worker === worker && claim.aliveUntil > now)
  }

  release(claim: WorkerClaim, leases: ReadonlyArray<HeldLease>): void {
    for (const lease of leases) {
      const lane = claim.held.get(lease)
      claim.held.delete(lease)
      if (lane?.lease === lease) lane.free()
    }
    this.wake()
  }

  /** Returns the key's lane if this lease is still the current lease of the lane, else undefined. */
  fenced(lease: HeldLease, key: string): Lane | undefined {
    const lane = this.laneOf(key)
    return lane.lease === lease ? lane : undefined
  }

  /** Marks the leases of the worker as lost that another worker has taken over, or that have expired. */
  notice(claim: WorkerClaim, now: number): void {
    for (const [lease, lane] of claim.held) {
      const reason = lane.lease !== lease
        ? "another worker took it over"
        : lane.leaseUntil <= now
        ? "it was not renewed in time"
        : undefined
      if (reason === undefined) continue
      claim.held.delete(lease)
      const lost = new LeaseLost({
        lease: `${lease.name} of "${this.consumer}"`,
        token: String(lease.token),
        reason
      })
      this.after(() => Deferred.doneUnsafe(lease.lost, Effect.succeed(lost)))
    }
  }

  /**
   * Counts the messages of keys that are not held, their oldest publish, the oldest publish of all, and the held
   * keys.
   */
  counts(): { waiting: number; oldest: number; eldest: number; delayed: number; parked: number } {
    const counts = { waiting: 0, oldest: Infinity, eldest: Infinity, delayed: 0, parked: 0 }
    for (const lane of this.lanes) {
      for (const row of lane.rows.values()) {
        counts.eldest = Math.min(counts.eldest, row.message.publishedAt)
        if (row.key.heldUntil !== undefined) continue
        counts.waiting++
        counts.oldest = Math.min(counts.oldest, row.message.publishedAt)
      }
      for (const { heldUntil } of lane.held) counts[heldUntil === Infinity ? "parked" : "delayed"]++
    }
    return counts
  }

  /** Wakes the waiting workers, which then poll. */
  wake(): void {
    for (const claim of this.claims) {
      const waiting = claim.waiting
      if (waiting === undefined) continue
      claim.waiting = undefined
      this.after(() => Deferred.doneUnsafe(waiting, Effect.void))
    }
  }

  /** Returns the number of live workers. `self`, if given, counts in any case. */
  alive(self: WorkerClaim | undefined, now: number): number {
    let alive = 0
    for (const claim of this.claims) if (claim === self || claim.aliveUntil > now) alive++
    return alive
  }

  /** Gives up lanes above the share: idle ones at once, others when their last row is acknowledged. */
  private shed(claim: WorkerClaim, share: number): void {
    let excess = claim.held.size - share
    for (const lane of claim.held.values()) lane.leaving = false
    if (excess <= 0) return
    for (const lane of claim.held.values()) {
      if (excess > 0 && !lane.busy) {
        this.giveUp(lane)
        excess--
      }
    }
    for (const lane of claim.held.values()) if (excess-- > 0) lane.leaving = true
  }

  private giveUp(lane: Lane): void {
    if (lane.lease !== undefined) lane.owner?.held.delete(lane.lease)
    lane.free()
    this.wake()
  }

  private claim(claim: WorkerClaim, share: number, now: number, monotonic: bigint): void {
    for (let i = 0; i < this.lanes.length && claim.held.size < share; i++) {
      const lane = this.lanes[(i + claim.turn) % this.lanes.length]!
      const expired = lane.owner !== undefined && lane.leaseUntil <= now
      if ((lane.owner !== undefined && !expired) || !lane.hasWork(now)) continue
      // A worker gets its own lane back uncounted, because it was only stopped for a while.
      const died = expired && lane.owner !== claim
      if (died) this.count(lane)
      claim.claims[died ? "expired" : "free"]++
      lane.free()
      const lease: HeldLease = {
        name: `lane-${lane.index}`,
        token: lane.token = nextToken(lane.token, now),
        claimedAt: monotonic,
        lost: Deferred.makeUnsafe()
      }
      lane.owner = claim
      lane.lease = lease
      lane.leaseUntil = now + claim.leaseMillis
      claim.held.set(lease, lane)
    }
  }

  /**
   * Counts a crash for the rows in flight of a dead owner. If the owner had isolated one row, the crash is counted only
   * for this row. The row is then marked as crashed alone, if it had a crash before. A row without one is a redriven
   * message that has taken the place of the isolated one meanwhile.
   */
  private count(lane: Lane): void {
    const counted = lane.owner?.counted ?? "all"
    for (const row of lane.inFlight) {
      const held = row.key.heldUntil !== undefined || row.key.paused !== undefined
      const alone = counted !== "all" && counted.seq === row.seq
      if (held || (counted !== "all" && !alone)) continue
      if (alone && row.crashCount > 0) row.crashedAlone = true
      row.crashCount++
    }
  }

  /** Reads lanes and keys in turns, so that none of them takes the whole demand. */
  private collect(claim: WorkerClaim, demand: Demand, now: number): Array<Row> {
    const lanes = [...claim.held.values()].filter((lane) => !lane.leaving)
    const first = claim.turn++ % Math.max(1, lanes.length)
    const turns = [...lanes.slice(first), ...lanes.slice(0, first)]
    for (const lane of turns) lane.endHolds(now)
    const rows: Array<Row> = []
    let bytes = demand.bytes
    for (let before = -1; before < rows.length;) {
      before = rows.length
      for (const lane of turns) {
        for (const key of lane.ready) {
          if (rows.length >= demand.messages) return rows.sort(bySeq)
          if (key.inFlight >= demand.perKey) continue
          const row = nextOf(key)
          if (rows.length > 0 && row.bytes > bytes) return rows.sort(bySeq)
          bytes -= row.bytes
          lane.hand(row)
          rows.push(row)
        }
      }
    }
    return rows.sort(bySeq)
  }
}

/** Returns the first unread row of a ready key, which always has one. */
const nextOf = (key: KeyRows): Row => key.unread!

const bySeq = (a: Row, b: Row): number => a.seq - b.seq
