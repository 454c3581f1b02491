/**
 * The entries of one shard that its owner has read, in order. All methods are synchronous.
 *
 * An entry is in one of three states:
 *
 * - `waiting`: the worker has not taken it yet.
 * - `out`: the worker has it.
 * - `done`: it was committed, or moved into the lane.
 *
 * All entries up to the *settled* position are done. No entry behind the *handed* position was ever handed out. After a
 * crash the next owner needs only the entries between both, and the inbox knows which of them were committed.
 *
 * @since 0.1.0
 */
import type { Delivery } from "../../Delivery.ts"
import { MessageSizes } from "../../internal/MessageSizes.ts"
import type { Message } from "../../Message.ts"
import type { LogEntry } from "../../Store.ts"
import type { OwnedLane } from "./Row.ts"

/** The most entries between both positions. It bounds what a crash reads again. */
export const window = 10_000

/** The most entries that wait. Above it, the entries of one key hold the others of its shard up. */
const mostWaiting = 1_000

/** An entry of the shard. */
export interface Entry {
  readonly position: string
  readonly key: string
  /** Ascends within the shard while its lane is owned. */
  readonly nth: bigint
  /** Bytes of the payload. */
  readonly bytes: number
  /** Undefined when the entry is done, since thousands of them may wait for an older one. */
  message: Message | undefined
  state: "waiting" | "out" | "done"
}

/** Identifies the entry of a delivery. The worker keeps the receipt without reading it. */
export interface LogReceipt {
  readonly owned: OwnedLane
  readonly lane: number
  readonly of: LogLane
  readonly entry: Entry
}

/** Returns whether a receipt identifies an entry of a log. */
export const isLogReceipt = (receipt: unknown): receipt is LogReceipt =>
  typeof receipt === "object" && receipt !== null && "of" in receipt && receipt.of instanceof LogLane

/** The positions of a lane, as the store has them. */
export interface Positions {
  readonly settled: string
  readonly handed: string
}

export class LogLane {
  readonly owned: OwnedLane
  /** Keys with messages or a hold in the store. Their entries move behind these messages. */
  diverted = new Set<string>()
  /** Whether no more entries are handed out, since the lane is to be given back. */
  leaving = false
  /** The number of entries that wait because their key has as many in flight as it may have. */
  blocked = 0
  #entries: Array<Entry> = []
  /** How many entries of each key are out. */
  readonly #out = new Map<string, number>()
  #waiting = 0
  #waitingBytes = 0
  readonly #sizes = new MessageSizes()
  #read: string
  #stored: Positions
  #next = 0n

  /** `stored` are both positions in the store. They are equal, since the claim has moved what was between them. */
  constructor(owned: OwnedLane, stored: string) {
    this.owned = owned
    this.#read = stored
    this.#stored = { settled: stored, handed: stored }
  }

  /** The position of the last entry that was read. */
  get read(): string {
    return this.#read
  }

  get waiting(): number {
    return this.#waiting
  }

  get inFlight(): boolean {
    return this.#out.size > 0
  }

  /**
   * Returns how many entries to read, so that so many wait which the worker can take. Entries that wait have so many
   * bytes at most, and a read of as large ones more.
   */
  most(share: number, bytes: number): number {
    const left = bytes - this.#waitingBytes
    if (this.leaving || (left <= 0 && this.#waiting > 0)) return 0
    return Math.min(share + this.blocked, mostWaiting) - this.#waiting > 0
      ? Math.min(share, window - this.#entries.length, this.#sizes.fitInto(left))
      : 0
  }

  /** Returns how many entries of the key the worker has. */
  out(key: string): number {
    return this.#out.get(key) ?? 0
  }

  /** Adds entries that were read behind `read`. */
  add(entries: ReadonlyArray<LogEntry>): void {
    let read = 0
    for (const { message, position } of entries) {
      const bytes = Buffer.byteLength(message.payload)
      this.#entries.push({ position, key: message.key, nth: this.#next++, bytes, message, state: "waiting" })
      this.#read = position
      read += bytes
    }
    this.#waiting += entries.length
    this.#waitingBytes += read
    this.#sizes.note(entries.length, read)
  }

  entries(): ReadonlyArray<Entry> {
    return this.#entries
  }

  /** Returns the entries of a key that the worker has, or may get, from this one on. */
  unsettledOf({ key, nth }: Entry): ReadonlyArray<Entry> {
    return this.#entries.filter((one) => one.key === key && one.nth >= nth && one.state !== "done")
  }

  /** Changes the state of an entry. An entry that is done stays done. */
  set(entry: Entry, state: Entry["state"]): void {
    if (entry.state === "done" || entry.state === state) return
    if (entry.state === "waiting") {
      this.#waiting--
      this.#waitingBytes -= entry.bytes
    } else if (this.out(entry.key) > 1) this.#out.set(entry.key, this.out(entry.key) - 1)
    else this.#out.delete(entry.key)
    entry.state = state
    if (state === "waiting") {
      this.#waiting++
      this.#waitingBytes += entry.bytes
    } else if (state === "out") this.#out.set(entry.key, this.out(entry.key) + 1)
    else entry.message = undefined
  }

  /** Makes the entries of a key wait again, since the worker has forgotten them. */
  readAgain(key: string): void {
    for (const entry of this.#entries) if (entry.key === key && entry.state === "out") this.set(entry, "waiting")
  }

  delivery(entry: Entry, message: Message): Delivery {
    const receipt: LogReceipt = { owned: this.owned, lane: this.owned.lane, of: this, entry }
    return {
      message,
      lease: this.owned.lease,
      position: entry.nth,
      crashCount: 0,
      crashedAlone: false,
      attempts: [],
      receipt
    }
  }

  /** Returns the positions as they will be when these entries are taken, and those are moved. */
  positions(taken: ReadonlySet<Entry>, moved: ReadonlySet<Entry>): Positions {
    let { handed, settled } = this.#stored
    let all = true
    for (const entry of this.#entries) {
      const done = entry.state === "done" || moved.has(entry)
      all &&= done
      if (all) settled = entry.position
      if (done || entry.state === "out" || taken.has(entry)) handed = entry.position
    }
    return { settled, handed }
  }

  /** Returns whether the store has these positions already. */
  isStored({ handed, settled }: Positions): boolean {
    return this.#stored.settled === settled && this.#stored.handed === handed
  }

  /** Notes what the store has, and forgets the entries up to the settled position. */
  stored(positions: Positions): void {
    this.#stored = positions
    const last = this.#entries.findIndex(({ position }) => position === positions.settled)
    if (last >= 0) this.#entries = this.#entries.slice(last + 1)
  }
}
