/**
 * Reads all lanes of one worker, in order per key. A lane has exactly one reader: its owner's.
 *
 * Promise: when a row B is handed out, every row A of the same key whose publish had committed before B's publish began was
 * handed out before it; and every committed row is handed out once per claim.
 *
 * Rows are read upwards by seq, past a mark a lane. A seq is drawn before its transaction commits, so a row may turn up below
 * the mark. Which ones? A row that the last snapshot did not show belongs to a transaction that snapshot listed as running, or
 * to one at or above its xmax. So each poll asks for just those: rows at or below the mark whose xid was running then and is
 * not now, or is >= that xmax. Such a row was never seen before, and after this poll the same holds for this poll's snapshot.
 *
 * A key whose rows the mark has passed is *behind*: too many of it in memory, a late row, a hold that ended. Its rows are read
 * from its first unread seq up to the mark, by the same statement and so in the same snapshot, before its newer ones.
 *
 * A mark says of a row that is at or below it and was seen: handed out, hidden by a hold, or its key is behind from there or
 * earlier. Of a row above it, nothing. So a mark may be *put back* at any time, and a key that is behind from above it is
 * forgotten: what is unread is read upwards again, what is in hand is known. That keeps memory bounded: a publish that takes
 * longer than a poll is late in most of its rows, and they are as many as it likes. When a poll finds more late keys than one
 * poll reads, or too many keys are behind of which nothing is in hand, their lanes are put back below the first of them.
 *
 * Polls (with the handing over of what they read) and holds exclude one another: no hold is written while a poll that cannot see
 * it is under way. On any failure or interruption the state is dropped and reading begins at mark 0; what was handed out is
 * remembered and passed over.
 *
 * A hold that somebody else has locked is not waited for, as all other keys would wait with it: one that is due is tried again by
 * the next poll; a row below one that could not be lowered is remembered, until it is or the hold ends.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Semaphore from "effect/Semaphore"
import type { Delivery } from "../../Delivery.ts"
import type { Demand } from "../../Transport.ts"
import type { Rows } from "../session/PgSession.ts"
import { lowest, max, type Meta, min, type Place, type Poll, type Reading, Round, type Row, shares } from "./Round.ts"
import { deliveryOf, type Owned, type Receipt, receiptOf } from "./Row.ts"

/** The reader's statements. */
export interface ReaderPort<E> {
  readonly poll: (poll: Poll) => Effect.Effect<{ readonly rows: Rows; readonly meta: Meta }, E>
  /** Answers the lanes that are still ours. */
  readonly record: (top: ReadonlyMap<Owned, bigint>) => Effect.Effect<ReadonlySet<unknown>, E>
  /** Answers those that it could end. */
  readonly takeDue: (owned: ReadonlyArray<Owned>, keys: ReadonlyArray<string>) => Effect.Effect<Rows, E>
  /** Answers those that it could lower. */
  readonly lower: (from: ReadonlyMap<string, bigint>) => Effect.Effect<Rows, E>
  readonly lost: (owned: Owned) => void
}

/** Nothing was read yet, so nothing can be late: no transaction has this id. */
const noXid = "18446744073709551615"
const none: ReadonlySet<string> = new Set()
/** Rows of one poll, and keys that are behind in it. */
const mostRows = 500
const mostBehind = 100
/** Keys that are behind though nothing of them is in hand. The others are no more than what is in hand. */
const mostIdle = 500

export class QueueReader<E> {
  readonly stats = { polls: 0, rows: 0, late: 0, behind: 0, caughtUp: 0, held: 0, lowered: 0, putBack: 0, resets: 0 }
  /** The last round ended at a limit: there may be more at once. */
  more = false
  /** Opened when a key that is behind has room again: whoever waits for something new should read on. */
  readonly roomAgain = Latch.makeUnsafe(false)

  readonly #port: ReaderPort<E>
  readonly #alone = Semaphore.makeUnsafe(1)
  readonly #lanes = new Map<number, Reading>()
  /** key -> seq -> receipt: handed out and not settled. A redriven message may stand where it stood before. */
  readonly #waiting = new Map<string, Map<bigint, Receipt>>()
  /** key -> first unread, at or below the mark. */
  readonly #behind = new Map<string, Place>()
  /** Of the last room: how much of one key may be in hand. */
  #perKey = 1
  /** key -> oldest row below its hold, which is to be lowered. */
  readonly #below = new Map<string, Place>()
  #running: ReadonlyArray<string> = []
  #xmax = noXid
  #top = 0n
  #due: ReadonlyArray<string> = []
  /** seq -> redrives, since the poll under way began: it may still see them. */
  readonly #settledMeanwhile = new Map<bigint, number>()
  #round: Round | undefined

  constructor(port: ReaderPort<E>) {
    this.#port = port
  }

  /** Reads the lane from its beginning. What an earlier claim of it had handed out is handed out again, under the new lease. */
  add(owned: Owned): void {
    this.#forget((of) => of.lane === owned.lane && of !== owned)
    this.#forgetBehind(owned.lane)
    this.#lanes.set(owned.lane, { owned, mark: 0n, hot: false })
  }

  /** Reads the lane no more; what of it was handed out stays known. */
  leave(owned: Owned): void {
    if (this.#lanes.get(owned.lane)?.owned !== owned) return
    this.#lanes.delete(owned.lane)
    this.#forgetBehind(owned.lane)
  }

  #forgetBehind(lane: number): void {
    for (const keys of [this.#behind, this.#below]) for (const [key, of] of keys) if (of.lane === lane) keys.delete(key)
  }

  /** Forgets the lane and all that was handed out of it. */
  forget(owned: Owned): void {
    this.leave(owned)
    this.#forget((of) => of === owned)
  }

  #forget(which: (owned: Owned) => boolean): void {
    for (const [key, seqs] of this.#waiting) {
      for (const [seq, { owned }] of seqs) if (which(owned)) seqs.delete(seq)
      if (seqs.size === 0) this.#waiting.delete(key)
    }
  }

  /** Lanes of which something is handed out and not settled. */
  inHand(): ReadonlySet<Owned> {
    const lanes = new Set<Owned>()
    for (const seqs of this.#waiting.values()) for (const { owned } of seqs.values()) lanes.add(owned)
    return lanes
  }

  /** The message's removal is committed, or it is not ours any more. */
  settled(delivery: Delivery): void {
    const [receipt, { key }] = [delivery.receipt as Receipt, delivery.message]
    // Under a lease that is lost nothing was settled, and a newer claim's poll must hand the row out.
    if (!receipt.owned.lost) this.#settledMeanwhile.set(receipt.seq, receipt.redriven)
    const seqs = this.#waiting.get(key)
    if (seqs?.get(receipt.seq) !== receipt) return
    seqs.delete(receipt.seq)
    if (seqs.size === 0) this.#waiting.delete(key)
    if (this.#behind.has(key) && this.#readsOn(key)) this.roomAgain.openUnsafe()
  }

  /** A key that is behind is read on when half of its room is free: not once for each message. */
  #readsOn(key: string): boolean {
    return (this.#waiting.get(key)?.size ?? 0) <= this.#perKey / 2
  }

  /** From where on a hold on this delivery's key must hide it. Only while no poll is under way. */
  heldFrom(delivery: Delivery): bigint {
    const { key } = delivery.message
    let from = min((delivery.receipt as Receipt).seq, this.#behind.get(key)?.seq)
    for (const seq of this.#waiting.get(key)?.keys() ?? []) from = min(from, seq)
    return from
  }

  /**
   * A hold on this delivery's key is committed: what is in memory of the key is forgotten, and read again when it ends.
   * Called by the commit itself, so that an interruption right after it changes nothing.
   */
  held(delivery: Delivery): void {
    const { owned } = delivery.receipt as Receipt
    const { key } = delivery.message
    if (owned.lost) return
    this.#behind.delete(key)
    this.#waiting.delete(key)
  }

  /** While no poll is under way. */
  exclusively<A, E2, R>(effect: Effect.Effect<A, E2, R>): Effect.Effect<A, E2, R> {
    return this.#alone.withPermit(effect)
  }

  /** Runs what may put a hold on this delivery's key while no poll is under way. Afterwards nothing of the key is in hand. */
  whileNotReading<A, E2, R>(delivery: Delivery, effect: Effect.Effect<A, E2, R>): Effect.Effect<A, E2, R> {
    return this.exclusively(Effect.tap(effect, () => Effect.sync(() => this.#readAgain(delivery))))
  }

  /** No hold came about: what was handed out of the key is read again, since the worker has forgotten it. */
  #readAgain(delivery: Delivery): void {
    const { lane, owned } = delivery.receipt as Receipt
    const { key } = delivery.message
    if (owned.lost || !this.#waiting.has(key)) return
    this.#readFrom(key, { lane, seq: this.heldFrom(delivery) })
    this.#waiting.delete(key)
    this.roomAgain.openUnsafe()
  }

  /** Reads once, and hands over what there is room for; answers how many. */
  round(room: Demand, accept: (deliveries: ReadonlyArray<Delivery>) => void): Effect.Effect<number, E> {
    return this.#alone.withPermit(Effect.onExitPrimitive(
      Effect.suspend(() => {
        this.more = false
        this.#round = undefined
        for (const { owned } of this.#lanes.values()) if (owned.lost) this.forget(owned)
        if (this.#lanes.size === 0 || room.messages <= 0) return Effect.succeed(0)
        const due = this.#due.length > 0 ? this.#takeDue() : Effect.succeed(none)
        const read = Effect.flatMap(due, (locked) => this.#poll(room, locked))
        return Effect.flatMap(read, (round) => this.#handOver(round, accept))
      }),
      (exit) => {
        if (exit._tag === "Failure") this.#reset()
        return undefined
      }
    ))
  }

  #reset(): void {
    this.stats.resets++
    for (const reading of this.#lanes.values()) reading.mark = 0n
    this.#behind.clear()
    this.#below.clear()
    this.#running = []
    this.#xmax = noXid
    this.#top = 0n
    this.#due = []
    // Entered as handed out, but they never were.
    for (const { receipt, row } of this.#round?.out ?? []) this.#takeBack(receipt, row)
    this.#round = undefined
  }

  #takeBack(receipt: Receipt, row: Row): void {
    const key = row["key"] as string
    const seqs = this.#waiting.get(key)
    if (seqs?.get(receipt.seq) !== receipt) return
    seqs.delete(receipt.seq)
    if (seqs.size === 0) this.#waiting.delete(key)
  }

  #ask(room: Demand, readings: ReadonlyArray<Reading>, ready: Map<string, Place>): Poll {
    const rows = Math.min(room.messages, mostRows)
    this.#perKey = room.perKey
    this.roomAgain.closeUnsafe()
    const over: Array<string> = []
    for (const [key, behind] of this.#behind) {
      const readsOn = this.#readsOn(key)
      if (readsOn && ready.size < mostBehind) {
        ready.set(key, behind)
        continue
      }
      over.push(key)
      if (readsOn) this.more = true
    }
    const first = lowest(ready.values())
    return {
      lanes: readings.map((reading) => reading.owned.lane),
      marks: readings.map((reading) => reading.mark),
      most: shares(readings, rows),
      running: this.#running,
      xmax: this.#xmax,
      over,
      behindLanes: [...first.keys()],
      behindFrom: [...first.values()],
      behindKeys: [...ready.keys()],
      rows,
      bytes: room.bytes
    }
  }

  #poll(room: Demand, locked: ReadonlySet<string>): Effect.Effect<Round, E> {
    const ready = new Map<string, Place>()
    const readings = [...this.#lanes.values()]
    const poll = this.#ask(room, readings, ready)
    this.#settledMeanwhile.clear()
    this.stats.polls++
    return Effect.flatMap(this.#port.poll(poll), ({ meta, rows }) => {
      const round = this.#round = new Round(room, poll, readings)
      // Nothing was read, so nothing moves: the next poll asks for the same.
      if (meta.paused) return Effect.succeed(round)
      this.#due = meta.due ?? []
      this.#running = meta.running ?? []
      this.#xmax = meta.xmax
      let i = 0
      for (; i < rows.length && rows[i]!["part"] === 1; i++) this.#late(rows[i]!, round, ready)
      const late = i
      for (; i < rows.length && rows[i]!["part"] === 2; i++);
      this.#catchUp(rows.slice(late, i), round, ready)
      const fresh = rows.slice(i)
      this.#readOn(fresh, round)
      if (round.advance(fresh, this.#top)) this.more = true
      this.#putIdleBack()
      this.#top = BigInt(meta.top)
      if (this.#due.some((key) => !locked.has(key)) || (this.#behind.size > 0 && late > 0)) this.more = true
      return this.#below.size === 0 ? Effect.succeed(round) : Effect.as(this.#lower(), round)
    })
  }

  /** Holds that somebody has locked are lowered after one of the next polls. */
  #lower(): Effect.Effect<void, E> {
    const from = new Map([...this.#below].map(([key, { seq }]) => [key, seq]))
    return Effect.map(this.#port.lower(from), (rows) => {
      this.stats.lowered += rows.length
      for (const row of rows) this.#below.delete(row["key"] as string)
    })
  }

  /** Late rows make their key fall behind; a row without a key stands for more of them than a poll reads. */
  #late(row: Row, round: Round, ready: Map<string, Place>): void {
    this.stats.late++
    if (this.#covered(row, round)) return
    if (row["key"] === null) return this.#leaveOut(row, round, ready)
    this.#fallBehind(row)
    // It may lie below what this poll has read of the key.
    ready.delete(row["key"] as string)
  }

  /** Any key of the lane may have a late row below what this poll has read of it: the next one reads all of them. */
  #leaveOut(row: Row, round: Round, ready: Map<string, Place>): void {
    const lane = row["lane"] as number
    round.leaveOut(lane)
    for (const [key, of] of ready) if (of.lane === lane) ready.delete(key)
    this.#putBack(lane, row["seq"] as bigint)
  }

  /** Everything of the lane from this seq on is read again. */
  #putBack(lane: number, from: bigint): void {
    this.stats.putBack++
    const reading = this.#lanes.get(lane)!
    reading.mark = min(from - 1n, reading.mark)
    reading.hot = true
    this.more = true
    for (const [key, of] of this.#behind) if (of.lane === lane && of.seq > reading.mark) this.#behind.delete(key)
  }

  /** Each time costs what is in hand, read once more; and more than these keys have to fall behind in between. */
  #putIdleBack(): void {
    if (this.#behind.size <= mostIdle) return
    const idle = new Map([...this.#behind].filter(([key]) => !this.#waiting.has(key)))
    if (idle.size <= mostIdle) return
    for (const [lane, seq] of lowest(idle.values())) this.#putBack(lane, seq)
  }

  /** Rows of keys that are behind, up to the mark. */
  #catchUp(rows: Rows, round: Round, ready: Map<string, Place>): void {
    const rest = new Map<string, bigint>()
    for (const row of rows) {
      round.counted(row)
      const key = row["key"] as string
      const seq = row["seq"] as bigint
      const from = ready.get(key)
      if (this.#covered(row, round) || from === undefined || seq < from.seq) continue
      if (rest.has(key)) continue
      const took = this.#take(row, round)
      if (took === "no room" || took === "full") rest.set(key, seq)
      else this.stats.caughtUp++
    }
    for (const [key, behind] of ready) {
      if (this.#behind.get(key) !== behind) continue
      const limited = round.count.get(behind.lane) === round.poll.rows
      const next = rest.get(key) ?? (limited ? round.last.get(behind.lane)! + 1n : undefined)
      if (next === undefined) {
        this.#behind.delete(key)
      } else {
        this.#behind.set(key, { lane: behind.lane, seq: max(behind.seq, next) })
        this.more = true
      }
    }
    round.count.clear()
    round.last.clear()
  }

  /** Rows above the marks. */
  #readOn(rows: Rows, round: Round): void {
    for (const row of rows) {
      if (!this.#covered(row, round) && !this.#behind.has(row["key"] as string)) {
        const took = this.#take(row, round)
        if (took === "no room") {
          round.cut = row["seq"] as bigint
          return
        }
        if (took === "full") this.#fallBehind(row)
      }
      round.counted(row)
    }
  }

  /** Whether a hold hides the row. One that begins above it must be lowered: the key's older row is hidden too. */
  #covered(row: Row, round: Round): boolean {
    const lane = row["lane"] as number
    const reading = this.#lanes.get(lane)
    if (reading === undefined || reading.owned.lost || round.asked(lane) !== reading) return true
    const held = row["held"] as bigint | null
    if (held === null) return false
    const key = row["key"] as string
    const seq = row["seq"] as bigint
    if (held > seq) this.#below.set(key, { lane, seq: min(seq, this.#below.get(key)?.seq) })
    return true
  }

  #fallBehind(row: Row): void {
    this.stats.behind++
    const key = row["key"] as string
    this.#behind.set(key, { lane: row["lane"] as number, seq: min(row["seq"] as bigint, this.#behind.get(key)?.seq) })
  }

  /** The key is hidden no more. From above the mark it is not behind: it would pass over what is unread in between. */
  #readFrom(key: string, place: Place): void {
    const mark = this.#lanes.get(place.lane)?.mark
    if (mark !== undefined && place.seq <= mark) this.#fallBehind({ key, ...place })
  }

  #take(row: Row, round: Round): "taken" | "known" | "full" | "no room" {
    const key = row["key"] as string
    const seq = row["seq"] as bigint
    const seqs = this.#waiting.get(key)
    const redriven = row["redriven"] as number
    if (seqs?.get(seq)?.redriven === redriven || this.#settledMeanwhile.get(seq) === redriven) return "known"
    if (seqs !== undefined && seqs.size >= round.room.perKey) return "full"
    if (round.out.length >= round.room.messages || row["id"] === null) return "no room"
    const receipt = receiptOf(row, this.#lanes.get(row["lane"] as number)!.owned)
    if (seqs === undefined) this.#waiting.set(key, new Map([[seq, receipt]]))
    else seqs.set(seq, receipt)
    this.stats.rows++
    round.out.push({ row, receipt })
    return "taken"
  }

  /** A hold whose time has come ends here and nowhere else: its key is behind from then on. Answers those that somebody has locked. */
  #takeDue(): Effect.Effect<ReadonlySet<string>, E> {
    const due = this.#due
    this.#due = []
    return Effect.map(this.#port.takeDue([...this.#lanes.values()].map((reading) => reading.owned), due), (rows) => {
      this.stats.held += rows.length
      const locked = new Set(due)
      for (const row of rows) {
        const key = row["key"] as string
        locked.delete(key)
        const lane = row["lane"] as number
        this.#readFrom(key, { lane, seq: min(row["from_seq"] as bigint, this.#below.get(key)?.seq) })
        this.#below.delete(key)
      }
      return locked
    })
  }

  /** Records how far this owner has read, before anything is handed out; lost lanes show on the way. */
  #handOver(round: Round, accept: (deliveries: ReadonlyArray<Delivery>) => void): Effect.Effect<number, E> {
    if (round.out.length === 0) return Effect.succeed(0)
    const top = new Map<Owned, bigint>()
    for (const { receipt: { owned, seq } } of round.out) top.set(owned, max(top.get(owned) ?? 0n, seq))
    return Effect.map(this.#port.record(top), (mine) => {
      for (const owned of top.keys()) {
        if (mine.has(owned.lane)) continue
        this.#port.lost(owned)
        this.forget(owned)
      }
      const deliveries: Array<Delivery> = []
      for (const { receipt, row } of round.out) if (!receipt.owned.lost) deliveries.push(deliveryOf(row, receipt))
      if (deliveries.length > 0) accept(deliveries)
      this.#round = undefined
      return deliveries.length
    })
  }
}
