/**
 * One lane of a memory queue: its messages by key, its holds, and who holds its lease.
 *
 * Every method is synchronous, so every transition is atomic. Invariants: a key is in `ready` exactly if it has an unread
 * row, no hold and no pause; a row is in `inHand` exactly if it was handed over and neither removed nor given back; it is in
 * `unacknowledged` from its removal until its owner says so, as work on it may go on (`atMostOnce`); rows of a key are linked in
 * order of publishing, and `unread` is the first of them that is not in hand.
 *
 * @since 0.1.0
 */
import type * as Deferred from "effect/Deferred"
import type { Delivery, Failure, HeldLease } from "../Delivery.ts"
import type { Message } from "../Message.ts"

/** A message that waits in a lane. */
export interface Row {
  /** Its place in the order of publishing; a redriven parked message gets its old one back. */
  readonly seq: number
  readonly message: Message
  readonly bytes: number
  readonly key: KeyRows
  readonly redrive: Delivery["redrive"]
  attempts: ReadonlyArray<Failure>
  received: number
  crashedAlone: boolean
  inHand: boolean
  previous: Row | undefined
  next: Row | undefined
}

/** The rows of one key, oldest first, and its hold. */
export interface KeyRows {
  readonly key: string
  first: Row | undefined
  last: Row | undefined
  unread: Row | undefined
  inHand: number
  /** Milliseconds at which the key goes on; `Infinity` while it is parked. */
  heldUntil: number | undefined
  /** A person's pause, beside any other. */
  paused: { readonly by: string; readonly at: number } | undefined
}

/** What a row is made of. */
export interface NewRow {
  readonly seq: number
  readonly message: Message
  readonly redrive?: Delivery["redrive"]
}

/** One open subscription: a worker, as the queue sees it. */
export interface WorkerClaim {
  readonly worker: string
  readonly leaseMillis: number
  readonly held: Map<HeldLease, Lane>
  /** Until when it counts as alive; every read and every renewal moves it. */
  aliveUntil: number
  /** Whether the consumer was paused when it last talked to the queue. */
  paused: boolean
  /** Somebody waits for work here. */
  waiting: Deferred.Deferred<void> | undefined
  /** What a takeover counts: everything in hand, or one row at most. */
  counted: "all" | { readonly seq: number | undefined }
  turn: number
  /** Lanes it has claimed, and how many of them from an owner whose time was over: until somebody has counted them. */
  claims: { expired: number; free: number }
}

/** Above the last one, and no less than the milliseconds since the epoch, as on every engine. */
export const nextToken = (last: bigint, now: number): bigint => {
  const at = BigInt(Math.trunc(now))
  return last < at ? at : last + 1n
}

/** A lane: the unit that is leased. */
export class Lane {
  readonly index: number
  /** Raised by every claim. */
  token = 0n
  /** The lease that was given out last, while it is neither released nor taken over. */
  lease: HeldLease | undefined
  owner: WorkerClaim | undefined
  leaseUntil = 0
  /** Its owner has more than its share: nothing is read, and it is released when nothing of it is worked with any more. */
  leaving = false

  readonly rows = new Map<number, Row>()
  readonly keys = new Map<string, KeyRows>()
  readonly ready = new Set<KeyRows>()
  readonly held = new Set<KeyRows>()
  readonly paused = new Set<KeyRows>()
  readonly inHand = new Set<Row>()
  /** Rows that are gone, by their seq: the key of each. */
  private readonly unacknowledged = new Map<number, string>()

  constructor(index: number) {
    this.index = index
  }

  /** Puts a row into its key, in order of its seq: at the end, or where a redriven one was. */
  insert(from: NewRow): void {
    const key = this.keyOf(from.message.key)
    const row: Row = {
      seq: from.seq,
      message: from.message,
      bytes: Buffer.byteLength(from.message.payload),
      key,
      redrive: from.redrive,
      attempts: [],
      received: 0,
      crashedAlone: false,
      inHand: false,
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
    this.settleReady(key)
  }

  /** Takes a row out for good. */
  remove(row: Row): void {
    const key = row.key
    if (key.unread === row) key.unread = this.unreadAfter(row)
    if (row.previous === undefined) key.first = row.next
    else row.previous.next = row.next
    if (row.next === undefined) key.last = row.previous
    else row.next.previous = row.previous
    this.rows.delete(row.seq)
    if (this.inHand.delete(row)) {
      key.inHand--
      this.unacknowledged.set(row.seq, key.key)
    }
    this.settleReady(key)
  }

  /** The owner works with it no more. */
  acknowledge(seq: number): void {
    this.unacknowledged.delete(seq)
  }

  /** Whether its owner works with anything of it. */
  get busy(): boolean {
    return this.inHand.size + this.unacknowledged.size > 0
  }

  /** Marks the key's first unread row as handed over. */
  hand(row: Row): void {
    row.inHand = true
    row.key.inHand++
    row.key.unread = this.unreadAfter(row)
    this.inHand.add(row)
    this.settleReady(row.key)
  }

  /** Makes rows that were handed over readable again, in order. */
  takeBack(rows: Iterable<Row>): void {
    for (const row of rows) {
      if (!this.inHand.delete(row)) continue
      row.inHand = false
      row.key.inHand--
      if (row.key.unread === undefined || row.key.unread.seq > row.seq) row.key.unread = row
      this.settleReady(row.key)
    }
  }

  /** What was handed over of a key is forgotten: it is read again. */
  forget(key: string): void {
    for (const [seq, of] of this.unacknowledged) if (of === key) this.unacknowledged.delete(seq)
    const rows = this.keys.get(key)
    if (rows === undefined || rows.inHand === 0) return
    const handed: Array<Row> = []
    for (let row = rows.first; row !== undefined; row = row.next) if (row.inHand) handed.push(row)
    this.takeBack(handed)
  }

  /** Hides a key, those of its rows that were handed over included. A hold that is there (a restored dead letter's) is only made longer. */
  hold(key: string, until: number): void {
    const rows = this.keyOf(key)
    rows.heldUntil = Math.max(rows.heldUntil ?? 0, until)
    this.held.add(rows)
    this.forget(key)
    this.settleReady(rows)
  }

  /** Ends a key's hold; its rows are read from the first one on. */
  unhold(key: KeyRows): void {
    key.heldUntil = undefined
    this.held.delete(key)
    this.settleReady(key)
  }

  /** A person's hold: what is in hand of the key is finished, nothing more of it is read. */
  pause(key: string, by: string, at: number): void {
    const rows = this.keyOf(key)
    rows.paused = { by, at }
    this.paused.add(rows)
    this.settleReady(rows)
  }

  unpause(key: KeyRows): void {
    key.paused = undefined
    this.paused.delete(key)
    this.settleReady(key)
  }

  /** A key that was parked before is parked again: what is in hand of it is finished. */
  park(key: string): void {
    const rows = this.keyOf(key)
    rows.heldUntil = Infinity
    this.held.add(rows)
    this.settleReady(rows)
  }

  /** Keys that pause, whatever the reason. */
  get heldKeys(): number {
    let both = 0
    for (const key of this.paused) if (this.held.has(key)) both++
    return this.held.size + this.paused.size - both
  }

  /** Ends the holds whose time has come. Only the lane's owner calls it. */
  endHolds(now: number): void {
    for (const key of this.held) if (key.heldUntil !== undefined && key.heldUntil <= now) this.unhold(key)
  }

  /** Whether a claim would find something: an unread row, a hold that is due, or what a dead owner had in hand. */
  hasWork(now: number): boolean {
    return this.ready.size > 0 || this.inHand.size > 0 || this.nextDue(0) <= now
  }

  /** When the next hold ends, of those that end after the given time. */
  nextDue(after: number): number {
    let due = Infinity
    for (const key of this.held) if (key.heldUntil! > after && key.heldUntil! < due) due = key.heldUntil!
    return due
  }

  /** Nobody holds it any more, and what was handed over is read again, in order. Counts nothing. */
  /** Whether it has an owner whose lease has not ended. */
  owned(now: number): boolean {
    return this.owner !== undefined && this.leaseUntil > now
  }

  free(): void {
    this.owner = undefined
    this.lease = undefined
    this.leaving = false
    this.unacknowledged.clear()
    this.takeBack([...this.inHand])
  }

  private unreadAfter(row: Row): Row | undefined {
    let next = row.next
    while (next !== undefined && next.inHand) next = next.next
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
        inHand: 0,
        heldUntil: undefined,
        paused: undefined
      }
      this.keys.set(key, rows)
    }
    return rows
  }

  private settleReady(key: KeyRows): void {
    const free = key.heldUntil === undefined && key.paused === undefined
    if (free && key.unread !== undefined) this.ready.add(key)
    else this.ready.delete(key)
    if (free && key.first === undefined) this.keys.delete(key.key)
  }
}
