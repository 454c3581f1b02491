/**
 * One lane of a memory queue: its messages by key, its holds, and its lease.
 *
 * Every method is synchronous, so every transition is atomic. Invariants:
 *
 * - A key is in `ready` exactly if it has an unread row, no hold and no pause.
 * - A row is in `inFlight` exactly if it was handed over and neither removed nor given back.
 * - A row is in `unacknowledged` from its removal until its owner acknowledges it, because an `atMostOnce` step may
 *   still run.
 * - Rows of a key are linked in the order of their publishes, and `unread` is the first one that is not in flight.
 *
 * @since 0.1.0
 */
import type * as Deferred from "effect/Deferred"
import type { Delivery, Failure, HeldLease } from "../Delivery.ts"
import type { Message } from "../Message.ts"

/** A message that waits in a lane. */
export interface Row {
  /** The row's place in the order of publishing. A redriven parked message gets its old place back. */
  readonly seq: number
  readonly message: Message
  readonly bytes: number
  readonly key: KeyRows
  readonly redrive: Delivery["redrive"]
  attempts: ReadonlyArray<Failure>
  crashCount: number
  crashedAlone: boolean
  inFlight: boolean
  previous: Row | undefined
  next: Row | undefined
}

/** The rows of one key, oldest first, and its hold. */
export interface KeyRows {
  readonly key: string
  first: Row | undefined
  last: Row | undefined
  unread: Row | undefined
  inFlight: number
  /**
   * When the hold ends, in milliseconds since the epoch. `Infinity` while the key is parked, undefined without a hold.
   */
  heldUntil: number | undefined
  /** An operator's pause, independent of any hold. */
  paused: { readonly by: string; readonly at: number } | undefined
}

/** The data of a new row. */
export interface NewRow {
  readonly seq: number
  readonly message: Message
  readonly redrive?: Delivery["redrive"]
}

/** The queue's record of one open subscription, and so of one worker. */
export interface WorkerClaim {
  readonly worker: string
  readonly leaseMillis: number
  readonly held: Map<HeldLease, Lane>
  /** Until when the worker counts as alive. Every read and every renewal extends this time. */
  aliveUntil: number
  /** Whether the consumer was paused at the worker's last read or renewal. */
  paused: boolean
  /** The queue completes this Deferred when there may be messages for the waiting worker. */
  waiting: Deferred.Deferred<void> | undefined
  /** The rows that a takeover counts as crashed: all rows in flight, or one row at most. */
  counted: "all" | { readonly seq: number | undefined }
  turn: number
  /**
   * The numbers of lanes that the worker has claimed since the last count: free ones, and those of an expired owner.
   */
  claims: { expired: number; free: number }
}

/**
 * Returns a fencing token that is higher than the last one. As on Postgres, it is at least the milliseconds since the
 * epoch.
 */
export const nextToken = (last: bigint, now: number): bigint => {
  const at = BigInt(Math.trunc(now))
  return last < at ? at : last + 1n
}

/** A lane, which is the unit of a lease. */
export class Lane {
  readonly index: number
  /** The fencing token. Every claim raises it. */
  token = 0n
  /** The lease that was issued last, while it is neither released nor taken over. */
  lease: HeldLease | undefined
  owner: WorkerClaim | undefined
  leaseUntil = 0
  /**
   * Whether the owner has more lanes than its share. The lane is then not read, and is released when no row of it is in
   * flight.
   */
  leaving = false

  readonly rows = new Map<number, Row>()
  readonly keys = new Map<string, KeyRows>()
  readonly ready = new Set<KeyRows>()
  readonly held = new Set<KeyRows>()
  readonly paused = new Set<KeyRows>()
  readonly inFlight = new Set<Row>()
  /** The keys of removed rows that are not acknowledged, by the row's `seq`. */
  private readonly unacknowledged = new Map<number, string>()

  constructor(index: number) {
    this.index = index
  }

  /**
   * Adds a row to its key, in the order of `seq`. A new row goes to the end, and a redriven parked one to its old
   * place.
   */
  insert(from: NewRow): void {
    const key = this.keyOf(from.message.key)
    const row: Row = {
      seq: from.seq,
      message: from.message,
      bytes: Buffer.byteLength(from.message.payload),
      key,
      redrive: from.redrive,
      attempts: [],
      crashCount: 0,
      crashedAlone: false,
      inFlight: false,
      previous: undefined,
      next: undefined
    }
    let before = key.last
    while (before !== undefined && before.seq > row.seq) before = before.previous
    row.previous = before
    row.next = before === undefined ? key.first : before.next
    if (row.previous === undefined) key.first = row
    else row.previous.next = row
    if (row.next === undefined) key.last = row
    else row.next.previous = row
    if (key.unread === undefined || key.unread.seq > row.seq) key.unread = row
    this.rows.set(row.seq, row)
    this.updateReady(key)
  }

  /** Removes a row permanently. */
  remove(row: Row): void {
    const key = row.key
    if (key.unread === row) key.unread = this.unreadAfter(row)
    if (row.previous === undefined) key.first = row.next
    else row.previous.next = row.next
    if (row.next === undefined) key.last = row.previous
    else row.next.previous = row.previous
    this.rows.delete(row.seq)
    if (this.inFlight.delete(row)) {
      key.inFlight--
      this.unacknowledged.set(row.seq, key.key)
    }
    this.updateReady(key)
  }

  /** Ends the owner's work on a removed row. */
  acknowledge(seq: number): void {
    this.unacknowledged.delete(seq)
  }

  /** Whether the owner still processes a row of this lane. */
  get busy(): boolean {
    return this.inFlight.size + this.unacknowledged.size > 0
  }

  /** Marks the key's first unread row as handed over. */
  hand(row: Row): void {
    row.inFlight = true
    row.key.inFlight++
    row.key.unread = this.unreadAfter(row)
    this.inFlight.add(row)
    this.updateReady(row.key)
  }

  /** Makes rows that were handed over readable again, in order. */
  takeBack(rows: Iterable<Row>): void {
    for (const row of rows) {
      if (!this.inFlight.delete(row)) continue
      row.inFlight = false
      row.key.inFlight--
      if (row.key.unread === undefined || row.key.unread.seq > row.seq) row.key.unread = row
      this.updateReady(row.key)
    }
  }

  /** Makes the key's rows in flight readable again. */
  forget(key: string): void {
    for (const [seq, of] of this.unacknowledged) if (of === key) this.unacknowledged.delete(seq)
    const rows = this.keys.get(key)
    if (rows === undefined || rows.inFlight === 0) return
    const handed: Array<Row> = []
    for (let row = rows.first; row !== undefined; row = row.next) if (row.inFlight) handed.push(row)
    this.takeBack(handed)
  }

  /**
   * Holds a key, its rows in flight included. An existing hold (of a restored dead letter) is extended and never
   * shortened.
   */
  hold(key: string, until: number): void {
    const rows = this.keyOf(key)
    rows.heldUntil = Math.max(rows.heldUntil ?? 0, until)
    this.held.add(rows)
    this.forget(key)
    this.updateReady(rows)
  }

  /** Ends a key's hold, so that its rows are read again. */
  unhold(key: KeyRows): void {
    key.heldUntil = undefined
    this.held.delete(key)
    this.updateReady(key)
  }

  /** Pauses a key for an operator. Its rows in flight finish, and no more are read. */
  pause(key: string, by: string, at: number): void {
    const rows = this.keyOf(key)
    rows.paused = { by, at }
    this.paused.add(rows)
    this.updateReady(rows)
  }

  unpause(key: KeyRows): void {
    key.paused = undefined
    this.paused.delete(key)
    this.updateReady(key)
  }

  /** Parks a key again. Its rows in flight finish. */
  park(key: string): void {
    const rows = this.keyOf(key)
    rows.heldUntil = Infinity
    this.held.add(rows)
    this.updateReady(rows)
  }

  /** Number of keys that are held or paused. */
  get heldKeys(): number {
    let both = 0
    for (const key of this.paused) if (this.held.has(key)) both++
    return this.held.size + this.paused.size - both
  }

  /** Ends the holds that are due. Only the lane's owner calls it. */
  endHolds(now: number): void {
    for (const key of this.held) if (key.heldUntil !== undefined && key.heldUntil <= now) this.unhold(key)
  }

  /** Returns whether a claim would find work: an unread row, a hold that is due, or rows in flight of a dead owner. */
  hasWork(now: number): boolean {
    return this.ready.size > 0 || this.inFlight.size > 0 || this.nextDue(0) <= now
  }

  /** Returns when the next hold ends, of those that end after the given time. */
  nextDue(after: number): number {
    let due = Infinity
    for (const key of this.held) if (key.heldUntil! > after && key.heldUntil! < due) due = key.heldUntil!
    return due
  }

  /** Returns whether the lane has an owner whose lease has not ended. */
  owned(now: number): boolean {
    return this.owner !== undefined && this.leaseUntil > now
  }

  /** Frees the lane and makes its rows in flight readable again, in order. No crash is counted. */
  free(): void {
    this.owner = undefined
    this.lease = undefined
    this.leaving = false
    this.unacknowledged.clear()
    this.takeBack([...this.inFlight])
  }

  private unreadAfter(row: Row): Row | undefined {
    let next = row.next
    while (next !== undefined && next.inFlight) next = next.next
    return next
  }

  private keyOf(key: string): KeyRows {
    let rows = this.keys.get(key)
    if (rows === undefined) {
      rows = {
        key,
        first: undefined,
        last: undefined,
        unread: undefined,
        inFlight: 0,
        heldUntil: undefined,
        paused: undefined
      }
      this.keys.set(key, rows)
    }
    return rows
  }

  private updateReady(key: KeyRows): void {
    const free = key.heldUntil === undefined && key.paused === undefined
    if (free && key.unread !== undefined) this.ready.add(key)
    else this.ready.delete(key)
    if (free && key.first === undefined) this.keys.delete(key.key)
  }
}
