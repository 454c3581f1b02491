/**
 * Reads all lanes of one worker, in order per key. A lane has exactly one reader: its owner's.
 *
 * The reader promises: suppose rows A and B have the same key, and A's publish had committed before B's publish began.
 * Then A is handed out before B. Every committed row is handed out once per claim.
 *
 * The reader reads rows upwards by seq, from a *mark* (a read position) of each lane. A seq is drawn before its
 * transaction commits, so a row may appear below the mark: a *late* row. Suppose that the last snapshot did not show a
 * row. Then the row's transaction was in that snapshot's list of running transactions, or is at or above the snapshot's
 * xmax. So each poll also asks for the rows of exactly those transactions, at or below the mark. No poll has seen such
 * a row before. The next poll does the same with this poll's snapshot.
 *
 * A key *lags* when the mark has passed rows of it that were not handed out. This happens when too many of its rows are
 * in flight, when a late row appears, or when a hold ends. A poll reads a lagging key's rows from its first unread
 * seq up to the mark. In the same snapshot it reads the key's newer rows after them.
 *
 * Suppose a poll has seen a row at or below the mark. Then the row was handed out, or a hold hides it, or its key lags
 * from that row or from an earlier one. A mark says nothing about rows above it. So the reader may *put a mark back* at
 * any time, and forget the keys that lag from above the mark. It then reads the unread rows upwards again, and passes
 * over rows in flight. So the number of lagging keys in memory stays bounded.
 *
 * If a publish takes longer than a poll, most of its rows are late, and the number of late rows has no limit. When a
 * poll finds more late keys than one poll reads, the marks of their lanes are put back below the first late row. The
 * same happens when too many keys lag without a message in flight.
 *
 * A poll, with the handing over of its rows, and the writing of a hold exclude each other. So no poll misses a hold
 * that is written beside it. On any failure or interruption the reader drops its state and begins at mark 0. It still
 * remembers the rows in flight, and passes over them.
 * `ReaderHolds.ts` ends due holds, and lowers holds to late rows.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Semaphore from "effect/Semaphore"
import type { Delivery } from "../../Delivery.ts"
import type { Message } from "../../Message.ts"
import type { Demand } from "../../Transport.ts"
import type { Rows } from "../session/PgSession.ts"
import { InFlightRows } from "./InFlightRows.ts"
import { lowest, max, min, type Place, Poll, type PollRequest, type Reading, type Row, shares } from "./Poll.ts"
import { ReaderHolds } from "./ReaderHolds.ts"
import type { ReaderPort } from "./ReaderPort.ts"
import { deliveryOf, type OwnedLane, type Receipt, receiptOf } from "./Row.ts"

/** The xmax before the first poll. No transaction has so high an id, so no row is late for that poll. */
const noXid = "18446744073709551615"
/** The message of a source has no seq of its own, and moves behind all rows of its key. */
const behindAll = 2n ** 63n - 1n
/** The most rows that one poll reads, and the most lagging keys that one poll asks for. */
const mostRows = 500
const mostLagging = 100
/** The most lagging keys without a message in flight. The others are bounded by the number of messages in flight. */
const mostIdle = 500

export class QueueReader<E> {
  readonly stats = { polls: 0, rows: 0, late: 0, lagging: 0, caughtUp: 0, held: 0, lowered: 0, putBack: 0, resets: 0 }
  /** Whether the last poll ended at a limit. The next poll may then find more rows at once. */
  more = false
  /** A latch that opens when a lagging key has room again. A worker that waits for a publish then reads the key. */
  readonly roomAgain = Latch.makeUnsafe(false)

  readonly #port: ReaderPort<E>
  readonly #holds: ReaderHolds<E>
  readonly #exclusive = Semaphore.makeUnsafe(1)
  readonly #lanes = new Map<number, Reading>()
  readonly #inFlight = new InFlightRows()
  /** Lagging key -> its first unread row, which is at or below the mark. */
  readonly #lagging = new Map<string, Place>()
  /** The most messages of one key in flight, according to the last demand. */
  #perKey = 1
  #running: ReadonlyArray<string> = []
  #xmax = noXid
  #top = 0n
  #current: Poll | undefined

  constructor(port: ReaderPort<E>) {
    this.#port = port
    this.#holds = new ReaderHolds(port, this.stats)
  }

  /**
   * Begins to read a lane from its beginning. Rows that this worker has in flight under an earlier claim of the lane
   * are handed out again, under the new lease.
   */
  add(owned: OwnedLane): void {
    this.#inFlight.forgetLanes((of) => of.lane === owned.lane && of !== owned)
    this.#forgetLagging(owned.lane)
    this.#lanes.set(owned.lane, { owned, mark: 0n, hot: false })
  }

  /** Stops reading the lane. The reader still knows which of the lane's rows are in flight. */
  leave(owned: OwnedLane): void {
    if (this.#lanes.get(owned.lane)?.owned !== owned) return
    this.#lanes.delete(owned.lane)
    this.#forgetLagging(owned.lane)
  }

  #forgetLagging(lane: number): void {
    for (const [key, of] of this.#lagging) if (of.lane === lane) this.#lagging.delete(key)
    this.#holds.forgetLane(lane)
  }

  /** Stops reading the lane, and forgets its rows in flight. */
  forget(owned: OwnedLane): void {
    this.leave(owned)
    this.#inFlight.forgetLanes((of) => of === owned)
  }

  /** Returns the lanes that have rows in flight. */
  lanesInFlight(): ReadonlySet<OwnedLane> {
    return this.#inFlight.lanes()
  }

  /** Removes a delivery from the rows in flight: a commit removed its row, or its lane was lost. */
  settled(delivery: Delivery): void {
    const { key } = delivery.message
    if (!this.#inFlight.settled(key, delivery.receipt as Receipt)) return
    if (this.#lagging.has(key) && this.#hasRoom(key)) this.roomAgain.openUnsafe()
  }

  /** Returns whether to read a lagging key now: half of its room is free. So not each settled message costs a poll. */
  #hasRoom(key: string): boolean {
    return this.#inFlight.count(key) <= this.#perKey / 2
  }

  /**
   * Returns the seq from which a hold on this delivery's key must hide rows. Call it only while no poll is under way.
   */
  heldFrom(delivery: Delivery): bigint {
    const { message: { key }, receipt } = delivery
    return this.#inFlight.lowest(key, min((receipt as Partial<Receipt>).seq ?? behindAll, this.#lagging.get(key)?.seq))
  }

  /**
   * Forgets the key's rows in flight after a hold on the key has committed. The reader reads these rows again when the
   * hold ends. The commit itself calls this function, so an interruption right after the commit cannot prevent the
   * call.
   */
  held({ key }: Pick<Message, "key">): void {
    this.#lagging.delete(key)
    this.#inFlight.forgetKey(key)
  }

  /** Runs the effect while no poll is under way. */
  exclusively<A, E2, R>(effect: Effect.Effect<A, E2, R>): Effect.Effect<A, E2, R> {
    return this.#exclusive.withPermit(effect)
  }

  /**
   * Runs an effect that may hold this delivery's key, while no poll is under way. Then the key has no rows in flight.
   */
  whileNotReading<A, E2, R>(delivery: Delivery, effect: Effect.Effect<A, E2, R>): Effect.Effect<A, E2, R> {
    return this.exclusively(Effect.tap(effect, () => Effect.sync(() => this.#readAgain(delivery))))
  }

  /** Reads the key's rows in flight again, unless the key was held meanwhile: the worker has forgotten these rows. */
  #readAgain(delivery: Delivery): void {
    const { key } = delivery.message
    const owned = this.#inFlight.laneOf(key)
    if (owned === undefined || owned.lost) return
    this.#readFrom(key, { lane: owned.lane, seq: this.heldFrom(delivery) })
    this.#inFlight.forgetKey(key)
    this.roomAgain.openUnsafe()
  }

  /** Polls once, and passes to `accept` the deliveries that the demand has room for. Returns their number. */
  poll(demand: Demand, accept: (deliveries: ReadonlyArray<Delivery>) => void): Effect.Effect<number, E> {
    return this.#exclusive.withPermit(Effect.onExitPrimitive(
      Effect.suspend(() => {
        this.more = false
        this.#current = undefined
        for (const { owned } of this.#lanes.values()) if (owned.lost) this.forget(owned)
        if (this.#lanes.size === 0 || demand.messages <= 0) return Effect.succeed(0)
        const owned = [...this.#lanes.values()].map((reading) => reading.owned)
        const due = this.#holds.endDue(owned, (key, place) => this.#readFrom(key, place))
        const read = Effect.flatMap(due, (locked) => this.#read(demand, locked))
        return Effect.flatMap(read, (poll) => this.#handOver(poll, accept))
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
    this.#lagging.clear()
    this.#holds.reset()
    this.#running = []
    this.#xmax = noXid
    this.#top = 0n
    // The rows of the failed poll were entered as in flight, but the worker never got them. So they are removed here.
    for (const { receipt, row } of this.#current?.out ?? []) this.#inFlight.remove(row["key"] as string, receipt)
    this.#current = undefined
  }

  #ask(demand: Demand, readings: ReadonlyArray<Reading>, ready: Map<string, Place>): PollRequest {
    const rows = Math.min(demand.messages, mostRows)
    this.#perKey = demand.perKey
    this.roomAgain.closeUnsafe()
    const passedOver: Array<string> = []
    for (const [key, place] of this.#lagging) {
      const hasRoom = this.#hasRoom(key)
      if (hasRoom && ready.size < mostLagging) {
        ready.set(key, place)
        continue
      }
      passedOver.push(key)
      if (hasRoom) this.more = true
    }
    const first = lowest(ready.values())
    return {
      lanes: readings.map((reading) => reading.owned.lane),
      marks: readings.map((reading) => reading.mark),
      most: shares(readings, rows),
      running: this.#running,
      xmax: this.#xmax,
      passedOver,
      laggingLanes: [...first.keys()],
      laggingFrom: [...first.values()],
      laggingKeys: [...ready.keys()],
      rows,
      bytes: demand.bytes
    }
  }

  #read(demand: Demand, locked: ReadonlySet<string>): Effect.Effect<Poll, E> {
    const ready = new Map<string, Place>()
    const readings = [...this.#lanes.values()]
    const request = this.#ask(demand, readings, ready)
    this.#inFlight.pollBegins()
    this.stats.polls++
    return Effect.flatMap(this.#port.poll(request), ({ meta, rows }) => {
      const poll = this.#current = new Poll(demand, request, readings)
      // A paused consumer's poll reads no rows. So no mark moves, and the next poll asks for the same rows.
      if (meta.paused) return Effect.succeed(poll)
      this.#holds.due = meta.due ?? []
      this.#running = meta.running ?? []
      this.#xmax = meta.xmax
      let i = 0
      for (; i < rows.length && rows[i]!["part"] === 1; i++) this.#addLate(rows[i]!, poll, ready)
      const late = i
      for (; i < rows.length && rows[i]!["part"] === 2; i++);
      this.#catchUp(rows.slice(late, i), poll, ready)
      const fresh = rows.slice(i)
      this.#readFresh(fresh, poll)
      if (poll.advance(fresh, this.#top)) this.more = true
      this.#putIdleBack()
      this.#top = BigInt(meta.top)
      if (this.#holds.isDue(locked) || (this.#lagging.size > 0 && late > 0)) this.more = true
      return Effect.as(this.#holds.lower, poll)
    })
  }

  /** Makes the key of a late row lag. A row without a key means that the lane has more late keys than a poll reads. */
  #addLate(row: Row, poll: Poll, ready: Map<string, Place>): void {
    this.stats.late++
    if (this.#isHidden(row, poll)) return
    if (row["key"] === null) return this.#leaveOut(row, poll, ready)
    this.#addLagging(row)
    // The late row may be below the rows that this poll has read of the key. So the next poll reads the key again.
    ready.delete(row["key"] as string)
  }

  /**
   * Drops the rows that this poll has read of a lane, since any of their keys may have a late row below. Puts the mark
   * back, so that the next polls read all of them.
   */
  #leaveOut(row: Row, poll: Poll, ready: Map<string, Place>): void {
    const lane = row["lane"] as number
    poll.leaveOut(lane)
    for (const [key, of] of ready) if (of.lane === lane) ready.delete(key)
    this.#putBack(lane, row["seq"] as bigint)
  }

  /** Puts the lane's mark back, so that the next polls read all rows from this seq on again. */
  #putBack(lane: number, from: bigint): void {
    this.stats.putBack++
    const reading = this.#lanes.get(lane)!
    reading.mark = min(from - 1n, reading.mark)
    reading.hot = true
    this.more = true
    for (const [key, of] of this.#lagging) if (of.lane === lane && of.seq > reading.mark) this.#lagging.delete(key)
  }

  /**
   * Bounds the lagging keys without a message in flight: above `mostIdle` of them, their lanes' marks are put back.
   * Rows in flight are then read once more. That is rare, since more than `mostIdle` keys must first begin to lag
   * again.
   */
  #putIdleBack(): void {
    if (this.#lagging.size <= mostIdle) return
    const idle = new Map([...this.#lagging].filter(([key]) => !this.#inFlight.has(key)))
    if (idle.size <= mostIdle) return
    for (const [lane, seq] of lowest(idle.values())) this.#putBack(lane, seq)
  }

  /** Hands out rows of lagging keys, and notes for each key whether it still lags, and from where. */
  #catchUp(rows: Rows, poll: Poll, ready: Map<string, Place>): void {
    const rest = new Map<string, bigint>()
    for (const row of rows) {
      poll.counted(row)
      const key = row["key"] as string
      const seq = row["seq"] as bigint
      const from = ready.get(key)
      if (this.#isHidden(row, poll) || from === undefined || seq < from.seq) continue
      if (rest.has(key)) continue
      const outcome = this.#handOut(row, poll)
      if (outcome === "no room" || outcome === "full") rest.set(key, seq)
      else this.stats.caughtUp++
    }
    for (const [key, place] of ready) {
      if (this.#lagging.get(key) !== place) continue
      const limited = poll.count.get(place.lane) === poll.request.rows
      const next = rest.get(key) ?? (limited ? poll.last.get(place.lane)! + 1n : undefined)
      if (next === undefined) {
        this.#lagging.delete(key)
      } else {
        this.#lagging.set(key, { lane: place.lane, seq: max(place.seq, next) })
        this.more = true
      }
    }
    poll.count.clear()
    poll.last.clear()
  }

  /**
   * Hands out rows above the marks, until one has no room. A key with too many rows in flight begins to lag.
   */
  #readFresh(rows: Rows, poll: Poll): void {
    for (const row of rows) {
      if (!this.#isHidden(row, poll) && !this.#lagging.has(row["key"] as string)) {
        const outcome = this.#handOut(row, poll)
        if (outcome === "no room") {
          poll.cut = row["seq"] as bigint
          return
        }
        if (outcome === "full") this.#addLagging(row)
      }
      poll.counted(row)
    }
  }

  /**
   * Returns whether the row must not be handed out: a hold hides it, or its lane is not read any more. If a hold begins
   * above the row, the hold must be lowered, since a held key's older rows must wait too.
   */
  #isHidden(row: Row, poll: Poll): boolean {
    const lane = row["lane"] as number
    const reading = this.#lanes.get(lane)
    if (reading === undefined || reading.owned.lost || poll.asked(lane) !== reading) return true
    const held = row["held"] as bigint | null
    if (held === null) return false
    const key = row["key"] as string
    const seq = row["seq"] as bigint
    if (held > seq) this.#holds.mustLower(key, { lane, seq })
    return true
  }

  #addLagging(row: Row): void {
    this.stats.lagging++
    const key = row["key"] as string
    this.#lagging.set(key, { lane: row["lane"] as number, seq: min(row["seq"] as bigint, this.#lagging.get(key)?.seq) })
  }

  /**
   * Makes the key lag from this place on, if the place is at or below the mark. Above the mark the key must not lag:
   * the poll would pass over its unread rows between the mark and this place.
   */
  #readFrom(key: string, place: Place): void {
    const mark = this.#lanes.get(place.lane)?.mark
    if (mark !== undefined && place.seq <= mark) this.#addLagging({ key, ...place })
  }

  #handOut(row: Row, poll: Poll): "taken" | "known" | "full" | "no room" {
    const key = row["key"] as string
    if (this.#inFlight.isKnown(key, row["seq"] as bigint, row["redriven"] as number)) return "known"
    if (this.#inFlight.count(key) >= poll.demand.perKey) return "full"
    if (poll.out.length >= poll.demand.messages || row["id"] === null) return "no room"
    const receipt = receiptOf(row, this.#lanes.get(row["lane"] as number)!.owned)
    this.#inFlight.add(key, receipt)
    this.stats.rows++
    poll.out.push({ row, receipt })
    return "taken"
  }

  /**
   * Passes the poll's rows to `accept`, and returns their number. Before that, it records in the database how far this
   * owner has read each lane. If the statement does not return a lane, another worker has claimed the lane and it is
   * lost.
   */
  #handOver(poll: Poll, accept: (deliveries: ReadonlyArray<Delivery>) => void): Effect.Effect<number, E> {
    if (poll.out.length === 0) return Effect.succeed(0)
    const top = new Map<OwnedLane, bigint>()
    for (const { receipt: { owned, seq } } of poll.out) top.set(owned, max(top.get(owned) ?? 0n, seq))
    return Effect.map(this.#port.record(top), (ours) => {
      for (const owned of top.keys()) {
        if (ours.has(owned.lane)) continue
        this.#port.lost(owned)
        this.forget(owned)
      }
      const deliveries: Array<Delivery> = []
      for (const { receipt, row } of poll.out) if (!receipt.owned.lost) deliveries.push(deliveryOf(row, receipt))
      if (deliveries.length > 0) accept(deliveries)
      this.#current = undefined
      return deliveries.length
    })
  }
}
